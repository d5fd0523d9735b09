import { checkInteger, checkNumber } from '../common/check.ts';
import { batches } from '../data/loader.ts';
import type { Dataset, Sample } from '../data/types.ts';
import { exponential } from '../nn/schedule.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import { smooth } from '../report/charts/charts.ts';
import { resolveTrainSettings } from './recipe.ts';
import { readingFor, type ReadingOptions } from './reading.ts';
import { readLosses, Trainer, type TrainerOptions } from './trainer.ts';
import { leftUnchanged } from './unchanged.ts';

/**
 * Options of `findLearningRate`. Pass the options that `trainDetector` will get; the sweep replaces learning rate,
 * schedule, warm-up and averaging.
 */
export interface FindRateOptions extends ReadingOptions, Omit<TrainerOptions, 'totalSteps'> {
  readonly dataset: Dataset;
  /** Indices of the training samples. */
  readonly indices: readonly number[];
  /** Number of steps, each with its own learning rate; at least 10. Default 100. */
  readonly steps?: number;
  /** First and last learning rate; the rate grows exponentially in between. Default 1e-6 and 1. */
  readonly from?: number;
  readonly to?: number;
  /** When aborted, the call rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
  /** Called after each step. */
  readonly onStep?: (point: RatePoint, steps: number) => void;
}

/** A step of the sweep. */
export interface RatePoint {
  readonly learningRate: number;
  /** Loss before the step. The last loss of a sweep that diverged may be NaN or infinite. */
  readonly loss: number;
}

/** Result of `findLearningRate`. */
export interface RateCurve {
  /** All steps in order. `smoothed` is a centred moving average of the loss. */
  readonly curve: readonly (RatePoint & { readonly smoothed: number })[];
  /** Whether the sweep stopped early because the running average of the loss exceeded four times its minimum. */
  readonly diverged: boolean;
  /** Rate at which the smoothed loss falls most steeply over the logarithm of the rate; null if it never falls. */
  readonly steepest: number | null;
  /** A tenth of the rate with the lowest smoothed loss; null if the loss never falls. */
  readonly minimumTenth: number | null;
  /**
   * The smaller of the two: a safe `learningRate`. A short run, or one-cycle, which is at its peak only briefly, may
   * use the larger one. Null if the loss never falls.
   */
  readonly suggestion: number | null;
  /** Explains the suggestion in one sentence. */
  readonly reason: string;
}

/** Ratio of the running average of the loss to its minimum above which a sweep has diverged. */
const DIVERGED = 4;
/** Decay of the running average of the loss that is checked for divergence. */
const DECAY = 0.9;

/**
 * Suggests a learning rate for a model and its data with the learning-rate range test (Smith 2017, "Cyclical Learning
 * Rates for Training Neural Networks"): trains for some steps while the rate grows exponentially, and finds where the
 * loss falls and where it diverges. Restores weights and statistics afterwards, bit for bit.
 */
export async function findLearningRate(model: RetinaNet, options: FindRateOptions): Promise<RateCurve> {
  const { dataset, indices, steps = 100, from = 1e-6, to = 1 } = options;
  checkInteger('findLearningRate', 'steps', steps, { min: 10 });
  checkNumber('findLearningRate', 'from', from, { above: 0 });
  checkNumber('findLearningRate', 'to', to, { above: from, finite: true });
  checkInteger('findLearningRate', 'indices.length', indices.length, { min: 1 });
  const sweep = { learningRate: from, schedule: exponential({ steps, ratio: to / from }), warmup: 'auto' } as const;
  const trainerOptions = { ...options, ...sweep, averageDecay: null, totalSteps: steps };
  const { batchSize, accumulate, seed } = resolveTrainSettings('findLearningRate', trainerOptions);
  const reading = readingFor('findLearningRate', options);
  return leftUnchanged(model, async () => {
    const trainer = new Trainer(model, trainerOptions);
    try {
      const points: RatePoint[] = [];
      let [average, lowest, diverged] = [0, Infinity, false];
      for await (const samples of endless(batchSize * accumulate)) {
        options.signal?.throwIfAborted();
        const { learningRate } = trainer;
        const { loss } = await readLosses(trainer.step(samples));
        points.push({ learningRate, loss });
        options.onStep?.(points.at(-1)!, steps);
        average = DECAY * average + (1 - DECAY) * loss;
        const watched = average / (1 - DECAY ** points.length);
        lowest = Math.min(lowest, watched);
        diverged = !(watched <= DIVERGED * lowest);
        if (diverged || points.length === steps) break;
      }
      return suggest(points, diverged);
    } finally {
      trainer.dispose();
    }
  });

  /** Training batches, epoch after epoch. */
  async function* endless(size: number): AsyncGenerator<readonly Sample[], void, void> {
    for (let epoch = 0; ; epoch++) {
      const dropLast = indices.length >= size;
      for await (const batch of batches(dataset, indices, { batchSize: size, seed, epoch, dropLast, ...reading })) {
        yield batch.samples;
      }
    }
  }
}

/** Derives a suggestion from the steps of a sweep: see `RateCurve`. */
export function suggest(points: readonly RatePoint[], diverged: boolean): RateCurve {
  const losses = points.map(({ loss }) => loss);
  const smoothed = smooth(losses, Math.max(1, Math.floor(points.length / 20)));
  const curve = points.map((point, i) => ({ ...point, smoothed: smoothed[i]! }));
  const finite = curve.filter((point) => Number.isFinite(point.smoothed));
  // The minimum, and the steepest slope before it by central differences.
  let lowest = 0;
  finite.forEach((point, i) => {
    if (point.smoothed < finite[lowest]!.smoothed) lowest = i;
  });
  let steepest = { slope: 0, at: -1 };
  for (let i = 1; i < lowest; i++) {
    const [before, after] = [finite[i - 1]!, finite[i + 1]!];
    const slope = (after.smoothed - before.smoothed) / Math.log(after.learningRate / before.learningRate);
    if (slope < steepest.slope) steepest = { slope, at: i };
  }
  if (steepest.at < 0) {
    const reason =
      'The loss does not fall at any rate of the sweep: the first rate may be too high, or the labels may not match the images.';
    return { curve, diverged, steepest: null, minimumTenth: null, suggestion: null, reason };
  }
  const rates = { steepest: finite[steepest.at]!.learningRate, minimumTenth: finite[lowest]!.learningRate / 10 };
  const suggestion = Math.min(rates.steepest, rates.minimumTenth);
  const reason =
    suggestion === rates.steepest
      ? `${format(suggestion)} is where the loss falls most steeply; a tenth of the rate of its minimum, ` +
        `${format(rates.minimumTenth)}, is larger and closer to where the loss stops falling.`
      : `${format(suggestion)} is a tenth of the rate at which the loss is lowest; the steepest fall, at ` +
        `${format(rates.steepest)}, is less than a factor of ten before the minimum.`;
  return { curve, diverged, ...rates, suggestion, reason };
}

const format = (rate: number): string => rate.toExponential(1);
