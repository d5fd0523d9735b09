import { createHash } from 'node:crypto';
import type { Split } from '../data/split.ts';
import type { Dataset } from '../data/types.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import type { DetectorDescription } from '../detector/detector.ts';
import { HARD_NEGATIVE_SAMPLES } from './hard-negatives.ts';
import type { ReadingOptions } from './reading.ts';
import type { EvaluationRecord, RunFolder, StepRecord } from './run-folder.ts';
import type { EpochSampler } from './sampler.ts';
import type { TrainerOptions } from './trainer.ts';

/** A training run. */
export interface TrainOptions extends Omit<TrainerOptions, 'totalSteps'>, ReadingOptions {
  /** Where everything is written. Not used before, unless the run is resumed. */
  readonly folder: RunFolder;
  readonly dataset: Dataset;
  /** Which samples are trained on, and which are held out for evaluation. */
  readonly split: Split;
  /** How images are read, kept with the weights. Default: nothing special. */
  readonly reading?: DetectorDescription['reading'];
  /** Side of the tiles that the data set was cut into, kept with the weights. Default null: whole images. */
  readonly tile?: DetectorDescription['tile'];
  readonly epochs: number;
  /** Images that the GPU has at once. A step takes `batchSize` times `accumulate` images. Default 4. */
  readonly batchSize?: number;
  /** Seed of order and augmentation. Default 1. (`manualSeed` sets that of the weights.) */
  readonly seed?: number;
  /** Chooses the samples of each epoch. Default: each of `split.train` once, in an order that changes. */
  readonly sampler?: EpochSampler;
  /**
   * At each evaluation, the detector also looks at samples to train on that have no objects, up to this many (true: 64,
   * others each time), and `sampler.harden` is told how high its false detections score. Default false. Data sets that
   * cannot `describe` their samples are decoded once for it.
   */
  readonly hardNegatives?: boolean | number;
  /** Epochs between evaluations; there is one after the last epoch in any case. Default 1. */
  readonly evaluateEvery?: number;
  /** What the best weights and `patience` go by: `f1` at its best threshold (default), or average precision (`ap`). */
  readonly monitor?: 'f1' | 'ap';
  /** Evaluations in a row without a better value of `monitor` after which the run ends early. Default Infinity. */
  readonly patience?: number;
  /** Also writes scalars for TensorBoard, `events.out.tfevents.*`, into the run folder. Default false. */
  readonly tensorboard?: boolean;
  /** Goes on from the last state in `folder`, or from the start where there is none. Default false. */
  readonly resume?: boolean;
  /** When aborted, the step in progress is finished and everything saved. */
  readonly signal?: AbortSignal;
  /** Called for each step, once its numbers are there. */
  readonly onStep?: (record: StepRecord, totalSteps: number) => void;
  /** Called while an evaluation runs. */
  readonly onEvaluationProgress?: (done: number, total: number) => void;
  readonly onEvaluation?: (record: EvaluationRecord, best: boolean) => void;
}

/** How a run ended. */
export interface TrainResult {
  readonly end: 'finished' | 'early' | 'interrupted';
  readonly steps: number;
  readonly totalSteps: number;
  /** The evaluation with the highest value of `monitor`, whose weights are in best.safetensors; null before the first. */
  readonly best: EvaluationRecord | null;
}

/** Settings with their defaults, and what follows from them. */
export interface RunPlan {
  readonly batchSize: number;
  /** Images of a step. */
  readonly stepImages: number;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  readonly seed: number;
  readonly evaluateEvery: number;
  readonly monitor: 'f1' | 'ap';
  readonly patience: number;
  /** Samples without objects to look at in each evaluation; 0 for none. */
  readonly hardNegatives: number;
}

/** Checks the settings of a run and fills in defaults. Throws a RangeError or TypeError that names what does not fit. */
export function planRun(model: RetinaNet, options: TrainOptions): RunPlan {
  const { dataset, split, sampler, epochs, batchSize = 4, accumulate = 1, seed = 1, evaluateEvery = 1 } = options;
  const { monitor = 'f1', patience = Infinity, hardNegatives: hard = false } = options;
  const hardNegatives = typeof hard === 'number' ? hard : hard ? HARD_NEGATIVE_SAMPLES : 0;
  for (const [name, value] of Object.entries({ epochs, batchSize, accumulate, evaluateEvery })) {
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`trainDetector: ${name} is ${value}, expected a whole number from 1`);
  }
  if (!(patience >= 1)) throw new RangeError(`trainDetector: patience is ${patience}, expected a number from 1`);
  if (!['f1', 'ap'].includes(monitor))
    throw new RangeError(`trainDetector: monitor is "${monitor}", expected "f1" or "ap"`);
  for (const [side, list] of Object.entries(split) as [string, readonly number[]][]) {
    if (list.length === 0) throw new RangeError(`trainDetector: the split has no ${side} samples`);
  }
  if (dataset.classes.length !== model.classes) {
    throw new RangeError(
      `trainDetector: the model has ${model.classes} classes, the data set ${dataset.classes.length} (${dataset.classes.join(', ')})`,
    );
  }
  if (!Number.isInteger(hardNegatives) || hardNegatives < 0) {
    throw new RangeError(
      `trainDetector: hardNegatives is ${hardNegatives}, expected true, false or a whole number of samples`,
    );
  }
  if (hardNegatives > 0 && sampler?.harden === undefined) {
    throw new TypeError('trainDetector: hardNegatives needs a sampler that has harden()');
  }
  if (sampler !== undefined && !(Number.isInteger(sampler.length) && sampler.length > 0)) {
    throw new RangeError(`trainDetector: the sampler's length is ${sampler.length}, expected a whole number from 1`);
  }
  // A last batch that is not full would weigh each of its images more; it is left out where it is not the only one.
  const stepImages = batchSize * accumulate;
  const stepsPerEpoch = Math.max(1, Math.floor((sampler?.length ?? split.train.length) / stepImages));
  return {
    batchSize,
    stepImages,
    stepsPerEpoch,
    totalSteps: epochs * stepsPerEpoch,
    seed,
    evaluateEvery,
    monitor,
    patience,
    hardNegatives,
  };
}

/** The settings that decide what a run computes, by name. A run can only be resumed with the same. */
export function decidingSettings(options: TrainOptions, plan: RunPlan): Record<string, unknown> {
  const { schedule, optimizer, learningRate, backboneRate, momentum, weightDecay, warmup, milestones } = options;
  const { clipNorm, averageDecay, freeze, accumulate, augment } = options;
  return {
    totalSteps: plan.totalSteps,
    stepsPerEpoch: plan.stepsPerEpoch,
    batchSize: plan.batchSize,
    seed: plan.seed,
    hardNegatives: plan.hardNegatives,
    schedule: typeof schedule === 'function' ? 'own' : schedule,
    samples: samplesOf(options),
    sampler: options.sampler === undefined ? undefined : 'own',
    source: options.source === undefined ? undefined : 'own',
    optimizer,
    learningRate,
    backboneRate,
    momentum,
    weightDecay,
    warmup,
    milestones,
    clipNorm,
    averageDecay,
    freeze,
    accumulate,
    augment,
  };
}

/** Which samples a run trains on and which are held out, in their order, in a few words. */
function samplesOf({ dataset, split }: TrainOptions): string {
  const names = createHash('sha256');
  for (const index of split.train) names.update(`${dataset.ids[index]}\n`);
  names.update('\n');
  for (const index of split.heldOut) names.update(`${dataset.ids[index]}\n`);
  const hash = names.digest('hex').slice(0, 12);
  return `${split.train.length} + ${split.heldOut.length} held out, whose names hash to ${hash}`;
}
