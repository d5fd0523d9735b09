import { defined } from '../common/check.ts';
import { tableOf } from '../data/annotation-table.ts';
import type { Detector } from '../detector/detector.ts';
import type { ImageResult } from '../detector/evaluate.ts';
import { tablesOf } from '../detector/detections-table.ts';
import { judge } from '../evaluation/judge.ts';
import type { Judgement } from '../evaluation/judgement.ts';
import type { LabelTable } from '../labels/types.ts';
import { manualSeed } from '../nn/init.ts';
import { RetinaNet } from '../retinanet/retinanet.ts';
import { findLearningRate, type RateCurve, type RatePoint } from '../train/find-learning-rate.ts';
import type { RunStore } from '../train/run-store.ts';
import type { TrainOptions, TrainResult } from '../train/run-options.ts';
import { trainDetector } from '../train/train-detector.ts';
import { detectSamples } from './evaluation.ts';
import { networkSpec } from './network.ts';
import type { RunSettings } from './settings.ts';
import type { TrainingData } from './training-data.ts';

/** A detector about to be trained: settings, data, and the network that follows from both. */
export interface Training {
  readonly settings: RunSettings;
  readonly data: TrainingData;
  /** The ground truth of the training samples. */
  readonly truth: LabelTable;
  /** With the initial weights. */
  readonly model: RetinaNet;
}

/** Makes the network for data, with random weights of the seed, on the default device. */
export async function prepareTraining(settings: RunSettings, data: TrainingData): Promise<Training> {
  const truth = await tableOf(data.dataset, data.split.train);
  manualSeed(settings.train.seed);
  const model = new RetinaNet(data.dataset.classes.length, networkSpec(settings, truth));
  return { settings, data, truth, model };
}

/** What `runTraining` takes beside the training. */
export type RunTrainingOptions = Pick<
  TrainOptions,
  'resume' | 'signal' | 'onStep' | 'onEvaluation' | 'onEvaluationProgress'
>;

/** Trains as the settings say. The model's own weights are then the last ones; the store has the best. */
export function runTraining(
  training: Training,
  store: RunStore,
  options: RunTrainingOptions = {},
): Promise<TrainResult> {
  const { dataset, split, sampler, decoding } = training.data;
  return trainDetector(training.model, {
    ...optimisation(training),
    ...options,
    folder: store,
    dataset,
    split,
    decoding,
    tile: training.settings.data.tile,
    hardNegatives: training.settings.sampling.hardNegatives,
    ...defined({ sampler: sampler ?? undefined }),
  });
}

/** Measures which learning rate suits the network and its data: see `findLearningRate`. */
export function findRate(training: Training, onStep?: (point: RatePoint, steps: number) => void): Promise<RateCurve> {
  const { dataset, split } = training.data;
  return findLearningRate(training.model, {
    ...optimisation(training),
    dataset,
    indices: split.train,
    ...defined({ onStep }),
  });
}

/** The settings that decide how weights are updated, and on what. */
const optimisation = ({ settings, data }: Training) => ({
  ...settings.train,
  freeze: settings.model.freeze,
  source: data.source,
  augment: null,
});

/** How the held-out samples of a run were judged. */
export interface RunJudgement {
  readonly judgement: Judgement;
  readonly images: readonly ImageResult[];
}

/**
 * Judges a detector on the held-out samples of its training. Null when the signal stops it. (These samples also chose the
 * weights and the score threshold: the result is optimistically biased.)
 */
export async function judgeTraining(
  { data: { dataset, split } }: Training,
  detector: Detector,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number, total: number) => void } = {},
): Promise<RunJudgement | null> {
  // The samples are tiles already, so they are detected on as they are.
  const images = await detectSamples(detector.model, dataset, split.heldOut, options);
  if (images === null) return null;
  const tables = tablesOf(dataset, images);
  return { judgement: judge(tables.truth, tables.predictions, { iouThreshold: 0.5 }), images };
}
