import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rgbImage } from '../../src/imagery/image.ts';
import { Random } from '../../src/common/random.ts';
import type { Dataset, Sample } from '../../src/data/types.ts';
import {
  manualSeed,
  readStateDict,
  RetinaNet,
  retinaNetSpec,
  type Module,
  type RetinaNetSpec,
  type SpecOverrides,
} from '../../src/index.ts';
import { RunFolder, runFiles } from '../../src/train/node/run-folder.ts';
import type { EvaluationRecord, StepRecord } from '../../src/train/run-store.ts';
import { trainDetector } from '../../src/train/train-detector.ts';
import type { TrainOptions, TrainResult } from '../../src/train/run-options.ts';

const SIDE = 64;

/** Bright squares of about 20 pixels on dark noise: easy enough to learn in a few steps. */
export const squares: Dataset = {
  classes: ['square'],
  ids: Array.from({ length: 18 }, (_, i) => `image-${i}`),
  get: async (index) => drawSquares(index, [8, 36]),
};

/** Like `squares`, but every third image is empty. */
export const squaresAndNothing: Dataset = {
  ...squares,
  get: async (index) => drawSquares(index, index % 3 === 0 ? [] : [8, 36]),
};

function drawSquares(index: number, lefts: readonly number[]): Sample {
  const random = new Random('squares', index);
  const image = rgbImage(
    SIDE,
    SIDE,
    Uint8Array.from({ length: SIDE * SIDE * 3 }, () => random.uniform() * 60),
  );
  const boxes = lefts.map((x) => {
    const [left, top, side] = [x + random.uniform() * 4, 8 + random.uniform() * 28, 18 + random.uniform() * 4].map(
      Math.round,
    );
    for (let y = top!; y < top! + side!; y++)
      for (let k = 3 * left!; k < 3 * (left! + side!); k++) image.data[y * SIDE * 3 + k] = 200 + random.uniform() * 50;
    return [left!, top!, left! + side!, top! + side!];
  });
  const labels = new Int32Array(boxes.length);
  return { id: `image-${index}`, image, boxes: Float32Array.from(boxes.flat()), labels };
}

/** A RetinaNet that a software driver trains in tenths of a second. */
export const tinySpec = (overrides: SpecOverrides = {}): ReturnType<typeof retinaNetSpec> =>
  retinaNetSpec('torchvision', {
    backbone: { depth: 18, width: 8, norm: 'batch' },
    pyramid: { channels: 8 },
    head: { channels: 8, convs: 1 },
    anchors: { sizes: [12, 24, 48, 96, 192].map((side) => [side, side * 1.5]) },
    transform: { minSize: null },
    ...overrides,
  });

/** Copies of all values of a model by name, for exact comparisons. */
export async function valuesOf(model: Module): Promise<Map<string, Float32Array>> {
  const state = await readStateDict(model.stateDict());
  return new Map([...state].map(([name, { data }]) => [name, data]));
}

/** Names whose values differ. */
export function changedNames(
  before: ReadonlyMap<string, Float32Array>,
  after: ReadonlyMap<string, Float32Array>,
): string[] {
  const bits = (values: Float32Array): Buffer => Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return [...before].flatMap(([name, values]) => (bits(values).equals(bits(after.get(name)!)) ? [] : [name]));
}

/** Runs of `trainDetector` in folders below `root`, and the files that they write. */
export function trainRuns(
  root: string,
  { dataset, split, spec }: { dataset: Dataset; split: TrainOptions['split']; spec: RetinaNetSpec },
) {
  const fileOf = (run: string, name: keyof typeof runFiles): string => join(root, run, runFiles[name]);
  const metrics = (run: string): (StepRecord | EvaluationRecord)[] =>
    readFileSync(fileOf(run, 'metrics'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as StepRecord | EvaluationRecord);
  return {
    fileOf,
    metrics,
    /** Everything that a run computed, without timings. */
    computed: (run: string): object[] =>
      metrics(run).map((record) => ({ ...record, imagesPerSecond: 0, waitSeconds: 0 })),
    /** A run with settings that differ from the common ones; `interruptAt` aborts it at that step. */
    run: async (name: string, options: Partial<TrainOptions> = {}, interruptAt = Infinity): Promise<TrainResult> => {
      manualSeed(3);
      const model = new RetinaNet(1, spec);
      const controller = new AbortController();
      try {
        return await trainDetector(model, {
          folder: new RunFolder(join(root, name)),
          dataset,
          split,
          epochs: 3,
          signal: controller.signal,
          onStep: ({ step }) => step >= interruptAt && controller.abort(),
          ...options,
        });
      } finally {
        model.dispose();
      }
    },
  };
}
