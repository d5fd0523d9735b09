import { arch, cpus, platform, totalmem } from 'node:os';
import { init, matmul, tensor, tidy, type AdapterDescription, type Device, type Tensor } from '../node.ts';
import { formatBytes } from '../tensor/errors.ts';
import { adapterOption, EXIT, type Call, type Command } from './command.ts';
import { UsageError } from './usage-error.ts';

/** Limits that decide what fits. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** Rows and columns of the matrices of the check: a few hundred milliseconds on a slow software driver. */
const SIZE = 384;
const REPEATS = 5;

/** What `retinagrad info` found out. */
export interface Info {
  readonly retinagrad: string;
  readonly node: string;
  readonly system: {
    readonly platform: string;
    readonly arch: string;
    readonly cores: number;
    readonly memory: number;
  };
  readonly adapter: AdapterDescription;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<(typeof LIMITS)[number], number>>;
  readonly check: {
    readonly name: string;
    /** Whether every element is exactly the processor's. */
    readonly correct: boolean;
    /** Elements that differ. */
    readonly wrong: number;
  };
  /** Milliseconds, but for the last. */
  readonly timings: {
    readonly open: number;
    readonly firstMatmul: number;
    readonly matmul: number;
    readonly readback: number;
    readonly gflops: number;
  };
}

const help = `retinagrad info: opens the GPU, multiplies two matrices on it, compares the product with the processor's and prints
the adapter, its features and limits, and how long each step took. Start here when something does not work.

Usage:
  retinagrad info [--adapter NAME] [--json]

Options:
  --adapter NAME   hardware, lavapipe, swiftshader, or a part of an adapter's name. Default: the environment variable
                   RETINAGRAD_ADAPTER, otherwise the best there is: a GPU, then a software driver of the system, then
                   the SwiftShader that the npm package @sparticuz/chromium carries.
  --json           one JSON object instead of text

Exit status: 0 the product is right, 1 it is wrong or there is no adapter, 2 the command line is wrong.

Examples:
  npx retinagrad info
  npx retinagrad info --adapter lavapipe --json
`;

export const info: Command = {
  help,
  options: { adapter: { type: 'string' } },
  run: runInfo,
};

async function runInfo({ values, positionals, terminal, version }: Call): Promise<number> {
  if (positionals.length > 0) throw new UsageError(`info takes no further arguments, got ${positionals.join(' ')}`);
  const start = performance.now();
  const device = await init(adapterOption(values));
  const open = performance.now() - start;
  try {
    const { check, timings } = await checkMatmul(device);
    const data: Info = {
      retinagrad: version,
      node: process.version,
      system: { platform: platform(), arch: arch(), cores: cpus().length, memory: totalmem() },
      adapter: device.adapter,
      features: [...device.features].sort(),
      limits: Object.fromEntries(LIMITS.map((name) => [name, device.limits[name]])) as Info['limits'],
      check,
      timings: { open, ...timings },
    };
    terminal.result(data);
    terminal.print(textOf(data).trimEnd());
    return check.correct ? EXIT.done : EXIT.failed;
  } finally {
    device.destroy();
  }
}

/** Multiplies two matrices of eighths, whose product float32 holds exactly whatever the order of the sums. */
async function checkMatmul(device: Device): Promise<{ check: Info['check']; timings: Omit<Info['timings'], 'open'> }> {
  const eighths = (seed: number): Float32Array =>
    Float32Array.from({ length: SIZE * SIZE }, (_, i) => (((i + seed) * 7919) % 17) / 8 - 1);
  const [left, right] = [eighths(3), eighths(11)];
  const a = tensor(left, { shape: [SIZE, SIZE], device });
  const b = tensor(right, { shape: [SIZE, SIZE], device });
  const timed = async (body: () => Promise<void>): Promise<number> => {
    const start = performance.now();
    await body();
    return performance.now() - start;
  };

  let product: Tensor | null = null;
  const multiplyOnce = (): Promise<number> => {
    product?.dispose();
    return timed(async () => {
      product = tidy(() => matmul(a, b));
      await device.idle();
    });
  };
  const firstMatmul = await multiplyOnce();
  let best = Infinity;
  for (let i = 0; i < REPEATS; i++) best = Math.min(best, await multiplyOnce());
  const small = tensor([1], { device });
  await small.data();
  const readback = await timed(async () => void (await small.data()));

  const y = product!;
  const actual = await y.data();
  let wrong = 0;
  for (let i = 0; i < SIZE; i++) {
    const row = new Float64Array(SIZE);
    for (let k = 0; k < SIZE; k++) {
      const value = left[i * SIZE + k]!;
      for (let j = 0; j < SIZE; j++) row[j]! += value * right[k * SIZE + j]!;
    }
    for (let j = 0; j < SIZE; j++) if (actual[i * SIZE + j] !== row[j]) wrong++;
  }
  for (const t of [a, b, y, small]) t.dispose();
  return {
    check: { name: `matmul of two [${SIZE}, ${SIZE}]`, correct: wrong === 0, wrong },
    timings: { firstMatmul, matmul: best, readback, gflops: (2 * SIZE ** 3) / best / 1e6 },
  };
}

function textOf({ retinagrad, node, system, adapter, features, limits, check, timings }: Info): string {
  const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
  const limit = (name: string, value: number): string => (name.endsWith('Size') ? formatBytes(value) : String(value));
  const rows: [string, string][] = [
    ['retinagrad', `${retinagrad}, Node ${node}, ${system.platform} ${system.arch}`],
    ['processor', `${system.cores} cores, ${formatBytes(system.memory)}`],
    ['adapter', adapter.name],
    [
      'kind',
      adapter.kind === 'hardware'
        ? 'hardware (a GPU)'
        : 'software (runs on the processor, many times slower than a GPU)',
    ],
    ['features', features.join(', ') || 'none'],
    ...Object.entries(limits).map(([name, value]): [string, string] => [name, limit(name, value)]),
    ['opened in', ms(timings.open)],
    ['first matmul', `${ms(timings.firstMatmul)}, with compiling its kernel`],
    ['matmul', `${ms(timings.matmul)}, ${timings.gflops.toFixed(1)} GFLOP/s`],
    ['readback', ms(timings.readback)],
    [
      'check',
      check.correct
        ? `${check.name}: exactly the processor's result`
        : `${check.name}: ${check.wrong} elements are WRONG`,
    ],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}
