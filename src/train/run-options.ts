import { checkInteger, counted, defined } from '../common/check.ts';
import type { Split } from '../data/split.ts';
import type { Dataset } from '../data/types.ts';
import type { ImageResult } from '../detector/evaluate.ts';
import type { BatchDetector } from '../detector/survive-loss.ts';
import type { ImageDecoding } from '../imagery/types.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import type { RetinaNetSpec } from '../retinanet/spec.ts';
import { HARD_NEGATIVE_SAMPLES } from './hard-negatives.ts';
import { resolveTrainSettings } from './recipe.ts';
import type { ReadingOptions } from './reading.ts';
import type { Replicas } from './replicas.ts';
import type { EvaluationRecord, OnWarning, RunStore, StepRecord } from './run-store.ts';
import type { EpochSampler } from './sampler.ts';
import { trainSettings, type FittedSettings, type TrainSettings } from './settings.ts';
import type { TrainerOptions } from './trainer.ts';

/** Options of `trainDetector`: the settings of `trainSettings`, the data, and where results are written. */
export interface TrainOptions extends Omit<TrainerOptions, 'totalSteps'>, ReadingOptions {
  /** Where everything is written. Must be unused, unless the run is resumed. */
  readonly folder: RunStore;
  /** The samples, of which `split` names those to train on. */
  readonly dataset: Dataset;
  /** Indices of the training samples and of the samples that are held out for evaluation. */
  readonly split: Split;
  /** How images are decoded; saved with the weights. Default: as the data set specifies. */
  readonly decoding?: ImageDecoding;
  /**
   * Side in pixels of the largest square that the network sees in training: of tiles, crops or whole images. Larger images are
   * divided into such tiles in evaluations and, because it is saved with the weights, afterwards. Default null: whole images.
   */
  readonly tile?: number | null;
  /** Chooses the samples of each epoch. Default: every training sample once, shuffled in each epoch. */
  readonly sampler?: EpochSampler;
  /**
   * Hard-negative mining: each evaluation also runs the detector on up to this many training samples without objects
   * (true: 64), a different subset each time, and passes the highest score in each to `sampler.setDifficulty`. Default
   * false. If the data set cannot `describe` its samples, all training images are decoded once.
   */
  readonly hardNegatives?: boolean | number;
  /** Whatever else determines what the run computes, by name, such as the settings of `source`; compared by `resume`. */
  readonly fingerprint?: Readonly<Record<string, unknown>>;
  /** Resumes from the last state in `folder` that is whole; without a state, starts a new run. Default false. */
  readonly resume?: boolean;
  /**
   * The other processes that train the same run (docs/distributed.md): each passes the same options, except for `folder`, of which
   * only that of rank 0 is resumed and gets all files. A step still has `batchSize` times `accumulate` images, at least one for each
   * process; if they cannot divide them equally, some have one more. Default: this process alone.
   */
  readonly replicas?: Replicas;
  /** When aborted, the step in progress is completed and everything is saved. With `replicas`, one process is enough. */
  readonly signal?: AbortSignal;
  /** Called for what does not end the run, for example a damaged state in place of which an older one is resumed. */
  readonly onWarning?: OnWarning;
  /**
   * Called for each step, when its losses have been read. The run waits for a promise that it returns; until then it may look at
   * the network with `peek`, which changes no bit of the run.
   */
  readonly onStep?: (record: StepRecord, totalSteps: number, peek: Peek) => unknown;
  /** Called after each batch of an evaluation, with the number of images done. */
  readonly onEvaluationProgress?: (done: number, total: number) => void;
  /**
   * Called after each evaluation; `best` says whether its weights were saved as the best so far, and `images` has ground truth
   * and detections of the held-out samples, for example to draw them.
   */
  readonly onEvaluation?: (record: EvaluationRecord, best: boolean, images: readonly ImageResult[]) => void;
}

/** Calls a function with the network of a run as evaluations use it, with averaged weights, and resolves with its result. */
export type Peek = <T>(use: (network: BatchDetector) => Promise<T>) => Promise<T>;

/** Result of `trainDetector`. */
export interface TrainResult {
  /** `early`: `patience` ended the run. `interrupted`: the signal did. */
  readonly end: 'finished' | 'early' | 'interrupted';
  readonly steps: number;
  readonly totalSteps: number;
  /** The evaluation with the highest value of `monitor`, whose weights are saved as best; null if there was none. */
  readonly best: EvaluationRecord | null;
}

/** Values that follow from the options of a run. */
export interface RunPlan {
  readonly settings: FittedSettings;
  readonly onWarning: OnWarning;
  /** Images per step. */
  readonly stepImages: number;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  /** Empty samples on which each evaluation runs the detector; 0 for none. */
  readonly hardNegatives: number;
}

/**
 * Checks the options of a run and fills in defaults. Throws a RangeError or TypeError that names the invalid option.
 */
export function planRun(model: RetinaNet, options: TrainOptions): RunPlan {
  const { dataset, split, sampler, hardNegatives: hard = false } = options;
  const settings = resolveTrainSettings('trainDetector', options);
  const hardNegatives = typeof hard === 'number' ? hard : hard ? HARD_NEGATIVE_SAMPLES : 0;
  // A `BlockSplit` may leave out none.
  for (const side of ['train', 'heldOut'] as const) {
    checkInteger('trainDetector', `split.${side}.length`, split[side].length, { min: 1 });
  }
  if (dataset.classes.length !== model.classes) {
    throw new RangeError(
      `trainDetector: the model has ${counted(model.classes, 'class', 'classes')}, the data set has ${dataset.classes.length} (${dataset.classes.join(', ')})`,
    );
  }
  checkInteger('trainDetector', 'hardNegatives', hardNegatives, { min: 0 });
  if (hardNegatives > 0 && sampler?.setDifficulty === undefined) {
    throw new TypeError('trainDetector: hardNegatives needs a sampler with setDifficulty()');
  }
  if (sampler !== undefined) checkInteger('trainDetector', 'sampler.length', sampler.length, { min: 1 });
  // The images of a smaller last batch would have more weight each, so it is dropped unless it is the only one.
  const stepImages = settings.batchSize * settings.accumulate;
  const { size = 1 } = options.replicas ?? {};
  if (stepImages < size) {
    throw new RangeError(
      `trainDetector: a step has ${stepImages} images (batchSize ${settings.batchSize} times accumulate ${settings.accumulate}), ` +
        `fewer than the ${size} ranks: raise one of them, or start fewer ranks`,
    );
  }
  const available = sampler?.length ?? split.train.length;
  if (size > 1 && available < stepImages) {
    throw new RangeError(
      `trainDetector: an epoch has ${available} images, fewer than the ${stepImages} of a step, so that ranks would have none`,
    );
  }
  const stepsPerEpoch = Math.max(1, Math.floor(available / stepImages));
  const totalSteps = settings.epochs * stepsPerEpoch;
  const { onWarning = () => undefined } = options;
  return { settings, stepImages, stepsPerEpoch, totalSteps, hardNegatives, onWarning };
}

/** The settings that a resumed run may change. */
export const changeableSettings = (settings: TrainSettings): Record<string, unknown> =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !trainSettings[name as keyof TrainSettings].decides));

/** Everything that determines what a run computes, by name. A run can only be resumed with the same values. */
export async function resumeFingerprint(
  { spec }: RetinaNet,
  options: TrainOptions,
  plan: RunPlan,
): Promise<Record<string, unknown>> {
  const settings = Object.entries(plan.settings).filter(([name]) => trainSettings[name as keyof TrainSettings].decides);
  const { schedule, momentum, milestones, freeze = 0, augment, source, sampler } = options;
  return {
    totalSteps: plan.totalSteps,
    stepsPerEpoch: plan.stepsPerEpoch,
    ...Object.fromEntries(settings),
    ...defined({ schedule: typeof schedule === 'function' ? 'own' : undefined }),
    momentum,
    milestones,
    freeze,
    hardNegatives: plan.hardNegatives,
    samples: await samplesOf(options),
    labels: await labelsOf(options),
    classes: options.dataset.classes,
    decoding: options.decoding ?? options.dataset.decoding,
    sampler: sampler === undefined ? undefined : 'own',
    source: source === undefined ? undefined : 'own',
    augment,
    ...Object.fromEntries(Object.entries(withoutCheckpoint(spec)).map(([part, value]) => [`spec.${part}`, value])),
    ...options.fingerprint,
  };
}

/** A spec without activation checkpointing, which changes no result: a run may be resumed with it to need less memory. */
const withoutCheckpoint = (spec: RetinaNetSpec): RetinaNetSpec => ({
  ...spec,
  backbone: { ...spec.backbone, checkpoint: false },
});

/** Identifies the training and held-out samples, in order, by their number and a hash of their names. */
async function samplesOf({ dataset, split }: TrainOptions): Promise<string> {
  const namesOf = (indices: readonly number[]): string => indices.map((index) => `${dataset.ids[index]}\n`).join('');
  const names = new TextEncoder().encode(`${namesOf(split.train)}\n${namesOf(split.heldOut)}`);
  return `${split.train.length} + ${split.heldOut.length} held out, whose names hash to ${await hashOf(names)}`;
}

/** Identifies sizes, boxes and classes of the samples; undefined if the data set does not know them without decoding images. */
async function labelsOf({ dataset, split }: TrainOptions): Promise<string | undefined> {
  if (dataset.describe === undefined) return undefined;
  const numbers: number[] = [];
  let boxCount = 0;
  for (const index of [...split.train, ...split.heldOut]) {
    const { width, height, boxes, labels } = await dataset.describe(index);
    numbers.push(width, height, labels.length);
    for (const value of boxes) numbers.push(value);
    for (const label of labels) numbers.push(label);
    boxCount += labels.length;
  }
  const bytes = new Uint8Array(Float64Array.from(numbers).buffer);
  return `${counted(boxCount, 'box', 'boxes')}; sizes, boxes and classes hash to ${await hashOf(bytes)}`;
}

async function hashOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
