import { checkInteger, defined } from '../common/check.ts';
import type { Split } from '../data/split.ts';
import type { Dataset } from '../data/types.ts';
import type { ImageDecoding } from '../imagery/types.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import { HARD_NEGATIVE_SAMPLES } from './hard-negatives.ts';
import { resolveTrainSettings } from './recipe.ts';
import type { ReadingOptions } from './reading.ts';
import type { EvaluationRecord, RunStore, StepRecord } from './run-store.ts';
import type { EpochSampler } from './sampler.ts';
import { trainSettings, type TrainSettings } from './settings.ts';
import type { TrainerOptions } from './trainer.ts';

/** A training run: the settings of `trainSettings`, what is trained on, and where results go. */
export interface TrainOptions extends Omit<TrainerOptions, 'totalSteps'>, ReadingOptions {
  /** Where everything is written. Not used before, unless the run is resumed. */
  readonly folder: RunStore;
  readonly dataset: Dataset;
  /** Which samples are trained on, and which are held out for evaluation. */
  readonly split: Split;
  /** How images are decoded, kept with the weights. Default: that of the data set. */
  readonly decoding?: ImageDecoding;
  /** Side of the tiles that the data set was cut into, kept with the weights. Default null: whole images. */
  readonly tile?: number | null;
  /** Chooses the samples of each epoch. Default: each of `split.train` once, in an order that changes. */
  readonly sampler?: EpochSampler;
  /**
   * At each evaluation, the detector also runs on training samples that have no objects, up to this many (true: 64, others
   * each time), and `sampler.setDifficulty` is told the highest score of a false detection in each. Default false. Data sets that
   * cannot `describe` their samples are decoded once for it.
   */
  readonly hardNegatives?: boolean | number;
  /** Resumes from the last state in `folder`, or starts where there is none. Default false. */
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
  /** The evaluation with the highest value of `monitor`, whose weights were saved as best; null before the first. */
  readonly best: EvaluationRecord | null;
}

/** What follows from the options of a run. */
export interface RunPlan {
  readonly settings: TrainSettings;
  /** Images of a step. */
  readonly stepImages: number;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  /** Samples without objects to detect on in each evaluation; 0 for none. */
  readonly hardNegatives: number;
}

/** Checks the options of a run and fills in defaults. Throws a RangeError or TypeError that names what does not fit. */
export function planRun(model: RetinaNet, options: TrainOptions): RunPlan {
  const { dataset, split, sampler, hardNegatives: hard = false } = options;
  const settings = resolveTrainSettings('trainDetector', options);
  const hardNegatives = typeof hard === 'number' ? hard : hard ? HARD_NEGATIVE_SAMPLES : 0;
  for (const [side, list] of Object.entries(split) as [string, readonly number[]][]) {
    checkInteger('trainDetector', `split.${side}.length`, list.length, { min: 1 });
  }
  if (dataset.classes.length !== model.classes) {
    throw new RangeError(
      `trainDetector: the model has ${model.classes} classes, the data set ${dataset.classes.length} (${dataset.classes.join(', ')})`,
    );
  }
  checkInteger('trainDetector', 'hardNegatives', hardNegatives, { min: 0 });
  if (hardNegatives > 0 && sampler?.setDifficulty === undefined) {
    throw new TypeError('trainDetector: hardNegatives needs a sampler that has setDifficulty()');
  }
  if (sampler !== undefined) checkInteger('trainDetector', 'sampler.length', sampler.length, { min: 1 });
  // A last batch that is not full would weigh each of its images more; it is dropped where it is not the only one.
  const stepImages = settings.batchSize * settings.accumulate;
  const stepsPerEpoch = Math.max(1, Math.floor((sampler?.length ?? split.train.length) / stepImages));
  return { settings, stepImages, stepsPerEpoch, totalSteps: settings.epochs * stepsPerEpoch, hardNegatives };
}

/** All that decides what a run computes, by name. A run can only be resumed with the same. */
export async function resumeFingerprint(options: TrainOptions, plan: RunPlan): Promise<Record<string, unknown>> {
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
    sampler: sampler === undefined ? undefined : 'own',
    source: source === undefined ? undefined : 'own',
    augment,
  };
}

/** Which samples a run trains on and which are held out, in their order, in a few words. */
async function samplesOf({ dataset, split }: TrainOptions): Promise<string> {
  const namesOf = (indices: readonly number[]): string => indices.map((index) => `${dataset.ids[index]}\n`).join('');
  const names = new TextEncoder().encode(`${namesOf(split.train)}\n${namesOf(split.heldOut)}`);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', names));
  const hash = Array.from(digest.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${split.train.length} + ${split.heldOut.length} held out, whose names hash to ${hash}`;
}
