import { counted, defined } from '../common/check.ts';
import { layerOf } from '../common/settings.ts';
import { defaultDevice } from '../tensor/device.ts';
import { tableOf } from '../data/annotation-table.ts';
import type { Detector } from '../detector/detector.ts';
import type { ImageResult } from '../detector/evaluate.ts';
import { tablesOf } from '../detector/detections-table.ts';
import { judge } from '../evaluation/judge.ts';
import type { Judgement } from '../evaluation/judgement.ts';
import type { LabelTable } from '../labels/types.ts';
import { manualSeed } from '../autograd/seeds.ts';
import type { Size } from '../retinanet/anchors.ts';
import { RetinaNet } from '../retinanet/retinanet.ts';
import { findBatchSize, type FoundBatchSize } from '../train/find-batch-size.ts';
import { findLearningRate, type RateCurve, type RatePoint } from '../train/find-learning-rate.ts';
import type { Replicas } from '../train/replicas.ts';
import type { RunStore } from '../train/run-store.ts';
import type { FittedSettings } from '../train/settings.ts';
import type { TrainOptions, TrainResult } from '../train/run-options.ts';
import { trainDetector } from '../train/train-detector.ts';
import { detectSamples } from './evaluation.ts';
import { networkSpec, type WeightsSpec } from './network.ts';
import { chooseAuto, type RunSettings, type Settings } from './settings.ts';
import type { TrainingData } from './training-data.ts';

/** Everything needed to train a detector: settings, data, and the network that follows from them. */
export interface Training {
  /** Nothing is `auto`. */
  readonly settings: RunSettings & { readonly train: FittedSettings };
  readonly data: TrainingData;
  /** The ground truth of the training samples. */
  readonly truth: LabelTable;
  /** With the initial weights. */
  readonly model: RetinaNet;
  /** Side in pixels of the largest square that the network sees in training; null if it resizes whole images. */
  readonly tile: number | null;
}

const REMEDIES = {
  training: 'retinagrad doctor examines the labels',
  'held-out': 'without any, no weights are the best: choose another data.heldOut or train.seed, or data.validation',
};

/** Throws unless there are objects to learn, or to be found. */
function checkObjects(side: keyof typeof REMEDIES, { images }: LabelTable): void {
  if (images.some(({ objects }) => objects.length > 0)) return;
  throw new Error(
    `the ${counted(images.length, `${side} image has`, `${side} images have`)} no objects: ${REMEDIES[side]}`,
  );
}

/**
 * Creates the network for the data on the default device, with random weights of the seed `train.seed`, and finds the batch size
 * if it is `auto`. To resume a run, pass the settings that this returned. Rejects if the training or the held-out images have
 * no objects, and with a `GpuOutOfMemoryError` if not even one image fits into the memory.
 *
 * @param options.weights spec of the initial weights, which the network follows: see `networkSpec`. Default none
 * @param options.replicas the processes that train together: a batch size of `auto` fits into the memory of each
 */
export async function prepareTraining(
  given: Settings,
  data: TrainingData,
  { weights = null, replicas }: { readonly weights?: WeightsSpec | null; readonly replicas?: Replicas } = {},
): Promise<Training> {
  const settings = chooseAuto(given, defaultDevice().adapter.kind === 'hardware');
  const truth = await tableOf(data.dataset, data.split.train);
  checkObjects('training', truth);
  checkObjects('held-out', await tableOf(data.dataset, data.split.heldOut));
  manualSeed(settings.train.seed);
  const { normalisation } = data;
  const spec = networkSpec(settings, truth, { normalisation, weights });
  const model = new RetinaNet(data.dataset.classes.length, spec);
  try {
    const train = { ...settings.train, ...(await fitBatch(settings, truth, { model, replicas })) };
    return { settings: { ...settings, train }, data, truth, model, tile: seenSide(settings, truth) };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/**
 * How many images are processed together, and how often in a step: what the settings say, or what fits into the memory. Replicas
 * divide the images of a step; the one with the least memory decides.
 */
async function fitBatch(
  { train, model, augment }: RunSettings,
  { images }: LabelTable,
  { model: network, replicas }: { readonly model: RetinaNet; readonly replicas: Replicas | undefined },
): Promise<Pick<FoundBatchSize, 'batchSize' | 'accumulate'>> {
  const { batchSize, accumulate, stepImages, ...recipe } = train;
  if (batchSize !== 'auto') return { batchSize, accumulate };
  const most = augment.on && augment.crop !== null ? augment.crop : Infinity;
  const sizes = images.map(({ width, height }): Size => [Math.min(height ?? 0, most), Math.min(width ?? 0, most)]);
  const { size } = replicas ?? { size: 1 };
  const given = { ...recipe, freeze: model.freeze, images: Math.ceil(stepImages / size), sizes };
  const found = await findBatchSize(network, given);
  const all = (await replicas?.gather(found.batchSize)) ?? [found.batchSize];
  let fitted = Math.min(...all);
  while (stepImages % fitted > 0) fitted--;
  return { batchSize: fitted, accumulate: stepImages / fitted };
}

/** Larger tiles exceed the memory of some GPUs. */
const LARGEST_TILE = 1024;

/**
 * Side of the largest square that the network sees in training, in pixels; null if it resizes whole images. In larger images
 * it would meet what it never met: pixels, instead of padding, around everything that the coarse levels of the pyramid see.
 */
function seenSide({ augment, data, model }: Settings, { images }: LabelTable): number | null {
  if (model.imageSize !== null) return data.tile;
  const side = Math.max(...images.map(({ width, height }) => Math.max(width ?? 0, height ?? 0)));
  if (augment.on && augment.crop !== null) return Math.min(augment.crop, data.tile ?? side);
  return data.tile ?? Math.min(side, LARGEST_TILE);
}

/** Options of `runTraining`. */
export type RunTrainingOptions = Pick<
  TrainOptions,
  'resume' | 'replicas' | 'signal' | 'onWarning' | 'onStep' | 'onEvaluation' | 'onEvaluationProgress'
>;

/** Trains according to the settings. Afterwards the model has the last weights, and the store has the best. */
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
    tile: training.tile,
    hardNegatives: training.settings.sampling.hardNegatives,
    fingerprint: fingerprintOf(training),
    ...defined({ sampler: sampler ?? undefined }),
  });
}

/** Suggests a learning rate for the network and its data: see `findLearningRate`. */
export function findRate(training: Training, onStep?: (point: RatePoint, steps: number) => void): Promise<RateCurve> {
  const { dataset, split } = training.data;
  return findLearningRate(training.model, {
    ...optimisation(training),
    dataset,
    indices: split.train,
    ...defined({ onStep }),
  });
}

/** The settings that the source and the sampler of the samples have already taken in. */
function fingerprintOf({ settings, data: { areaHash } }: Training): Record<string, unknown> {
  const { data, sampling, augment } = settings;
  const { bands, minVisible, tile, overlap } = data;
  // The polygons, because a file may have changed. Runs without them have no entry.
  const area = areaHash === null ? {} : { 'area and exclude': `polygons that hash to ${areaHash}` };
  const groups = { data: { bands, minVisible, tile, overlap, ...area }, sampling, augment };
  return Object.fromEntries(layerOf('', groups).values);
}

/** The settings that determine how weights are updated, and on what. */
const optimisation = ({ settings, data }: Training) => ({
  ...settings.train,
  freeze: settings.model.freeze,
  source: data.source,
  augment: null,
});

/** Evaluation of a run on its held-out samples. */
export interface RunJudgement {
  readonly judgement: Judgement;
  readonly images: readonly ImageResult[];
}

/**
 * Evaluates a detector on the held-out samples of its training, which replicas divide. Null if the signal was aborted. These samples also
 * selected the weights and the score threshold, so the result is optimistically biased.
 */
export async function judgeTraining(
  { data: { dataset, split, heldOutScenes } }: Training,
  detector: Detector,
  options: {
    readonly replicas?: Replicas;
    readonly signal?: AbortSignal;
    readonly onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<RunJudgement | null> {
  const images = await detectSamples(detector.batchDetector, dataset, split.heldOut, {
    ...options,
    tile: detector.tile,
  });
  if (images === null) return null;
  const tables = tablesOf(dataset, images);
  const judging = { iouThreshold: 0.5, ...defined({ scenes: heldOutScenes }) };
  return { judgement: judge(tables.truth, tables.predictions, judging), images };
}
