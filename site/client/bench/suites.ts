// What the page can measure, and how. Loaded with the page of the benchmarks, because its list of cases names them.
import type { Device } from 'retinagrad';
import {
  flameChart,
  kernelCases,
  labelParts,
  measureCeiling,
  measureKernel,
  measureParts,
  measureWhole,
  newResult,
  SIZES,
  Workload,
  type BenchResult,
  type Measured,
  type PartsResult,
} from 'retinagrad/bench';
import { openTuned } from './tuning.ts';

/** A result as `retinagrad bench --out` writes it. */
export type Result = BenchResult & { readonly parts: PartsResult[] };

/** One piece of a suite: what it measures, which is added to the result. */
interface Piece {
  readonly name: string;
  readonly run: (device: Device, result: Result) => Promise<void>;
}

/** About how many seconds each kernel is measured. */
const SECONDS = 0.5;

const kernels = (sizes: readonly (keyof typeof SIZES)[], filter: RegExp): Piece[] =>
  kernelCases(sizes.map((size) => SIZES[size]))
    .filter(({ name }) => filter.test(name))
    .map((kernel) => ({
      name: kernel.name,
      run: async (device, result) =>
        void result.cases.push(await measureKernel(device, kernel, result.ceiling, SECONDS)),
    }));

const whole = (depth: 18 | 50, size: number): Piece => ({
  name: `ResNet-${depth} ${size} px, batch 1`,
  run: async (device, result) => void result.cases.push(...(await measureWhole(device, { depth, size, batch: 1 }, 2))),
});

const parts = (depth: 18 | 50, size: number): Piece => ({
  name: `parts of ResNet-${depth} ${size} px, batch 1`,
  async run(device, result) {
    const workload = new Workload(device, { depth, size, batch: 1 });
    try {
      labelParts(device, workload);
      result.parts.push(await measureParts(device, 'training step', () => workload.trainStep()));
      result.parts.push(await measureParts(device, 'inference', () => workload.detect()));
    } finally {
      workload.dispose();
    }
  },
});

/** Suites by their key in the address. */
export const SUITES: Readonly<Record<string, { readonly label: string; readonly pieces: () => Piece[] }>> = {
  short: {
    label: 'A sample of the kernels',
    pieces: () =>
      kernels(['256'], /matmul|3x3 (?:64->64|256->256) @(?:64|32)|1x1 64->256 @64|norm|pool|upsample|add|SGD/),
  },
  kernels: { label: 'Every kernel at 256 pixels', pieces: () => kernels(['256'], /./) },
  'kernels-512': { label: 'Every kernel at 512 pixels', pieces: () => kernels(['512'], /./) },
  whole: { label: 'RetinaNet: training step and inference', pieces: () => [whole(18, 256), whole(50, 256)] },
  parts: { label: 'RetinaNet: where the time goes', pieces: () => [parts(50, 256)] },
};

/** What a run tells while it goes. */
export interface Watch {
  readonly onPiece: (name: string, done: number, total: number) => void;
  readonly onResult: (result: Result) => void;
  readonly isStopped: () => boolean;
}

/** Measures the machine's maximum, then the pieces of a suite until it is stopped. */
export async function runSuite(key: string, { onPiece, onResult, isStopped }: Watch): Promise<void> {
  const pieces = SUITES[key]!.pieces();
  onPiece("the machine's maximum", 0, pieces.length);
  const device = await openTuned();
  try {
    const result: Result = { ...newResult(device, VERSION, await measureCeiling(device, SECONDS)), parts: [] };
    onResult(result);
    for (const [done, { name, run }] of pieces.entries()) {
      if (isStopped()) return;
      onPiece(name, done, pieces.length);
      await run(device, result);
      onResult(result);
    }
  } finally {
    device.destroy();
  }
}

/** A flame chart as an address for an `<img>`. */
export const chartOf = (part: PartsResult): string => `data:image/svg+xml,${encodeURIComponent(flameChart(part))}`;

export type { Measured };
