import { counted, defined } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import type { AreaFiles } from '../../data/node/area.ts';
import { openDataset, type OpenOptions } from '../../data/node/open-dataset.ts';
import { tableOf } from '../../data/annotation-table.ts';
import { describeSample, type Dataset } from '../../data/types.ts';
import { tablesOf } from '../../detector/detections-table.ts';
import type { Detector } from '../../detector/detector.ts';
import type { ImageResult } from '../../detector/evaluate.ts';
import type { JudgeOptions } from '../../evaluation/judge.ts';
import type { Judgement } from '../../evaluation/judgement.ts';
import type { Raster } from '../../imagery/raster.ts';
import { splitsOf } from '../../labels/node/find-splits.ts';
import { readLabels, type ReadLabelsOptions } from '../../labels/node/read-labels.ts';
import { placeKey } from '../../labels/spacenet-names.ts';
import type { SplitName } from '../../labels/splits.ts';
import type { LabelTable } from '../../labels/types.ts';
import { detectSamples, judgeTables, scenesIn } from '../evaluation.ts';
import { trainedResolution } from '../../detector/resampling.ts';
import { inRegion } from './check-data.ts';
import { readerOptions } from './open-training-data.ts';

/**
 * Labelled images for the evaluation of a detector: with its labels for the classes, and with the image names of the
 * label file.
 */
export interface EvaluationData {
  readonly path: string;
  readonly dataset: Dataset;
  /**
   * The complete ground truth of the label file, with the crowds, difficult objects and outlines that a data set omits.
   */
  readonly truth: LabelTable;
  /** The image of sample number `index` as a raster, with its place if it has one. */
  readonly rasterOf: (index: number) => Promise<Raster>;
  /** The split of the data set that this is; null for all images. */
  readonly split: SplitName | null;
  /** What was not read or left out, a sentence each. */
  readonly notes: readonly string[];
}

/** Result of `evaluate`. */
export interface DataEvaluation {
  readonly judgement: Judgement;
  readonly predictions: LabelTable;
  readonly images: readonly ImageResult[];
  /** Images that could not be read: they are left out of everything else. */
  readonly unreadable: readonly UnreadableImage[];
}

/** An image that could not be read, and why. */
export interface UnreadableImage {
  readonly file: string;
  readonly reason: string;
}

/**
 * Opens labelled images to evaluate a detector, decoded like its training images.
 *
 * @param path folder of the data set, or its label file
 * @param options.images folder of the images, if it is not that of the labels
 * @param options.split of a data set with splits (`readLabels`). Default: test, or val if there is no test; all images if it
 *   has no splits
 * @param options.classProperty as in training, with `pointSize`: see `ReadLabelsOptions`
 * @param options.area as `data.area` in training, with `exclude`; but pixels outside are kept, as in prediction
 * @throws Error if the labels have classes that the detector does not know, or if only images of train have labels
 */
export async function openEvaluationData(
  detector: Pick<Detector, 'classes' | 'decoding'>,
  path: string,
  given: Pick<ReadLabelsOptions, 'images' | 'split' | 'classProperty' | 'pointSize'> & AreaFiles = {},
): Promise<EvaluationData> {
  const { classes } = detector;
  const split = given.split ?? (await splitToEvaluate(path, given.images));
  const { area, exclude, ...labelled } = given;
  const where = defined({ ...labelled, split: split ?? undefined });
  // The detector sees what it would see in prediction.
  const within = { ...defined({ area, exclude }), outside: 'keep' } as const;
  const options: OpenOptions = { ...readerOptions(detector.decoding), ...where, ...within };
  const opened = await openDataset(path, options);
  const unknown = opened.classes.filter((name) => !classes.includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `${path} has the classes ${unknown.join(', ')}, which the detector does not know: it detects ${classes.join(', ')}`,
    );
  }
  const { report } = opened;
  const missing = report.missingLabels.length;
  const notes = [
    ...report.notes.map((note) => `note: ${note}`),
    ...(missing === 0 ? [] : [`left out: ${counted(missing, 'image', 'images')} without labels`]),
  ];
  const rasterOf = (index: number): Promise<Raster> => opened.raster(index);
  // In a SpaceNet tree, `images` is the name of folders, and several images may share a label file.
  const isTree = 'root' in report;
  const labels = isTree ? await readLabels(path).catch(() => null) : await readLabels(path, where);
  const byName = new Map(labels?.images.map((image) => [isTree ? placeKey(image.file) : image.file, image]));
  const found = opened.ids.flatMap((id, index) => {
    const image = byName.get(id);
    return image === undefined ? [] : [inRegion(image, opened.region?.(index) ?? null)];
  });
  if (labels === null || found.length < opened.ids.length) {
    const dataset = withClasses(opened, classes, opened.ids);
    return { path, dataset, split, notes, rasterOf, truth: await tableOf(dataset) };
  }
  const names = found.map(({ file }) => file);
  const all = [...labels.classes, ...classes.filter((name) => !labels.classes.includes(name))];
  const dataset = withClasses(opened, classes, names);
  return { path, split, notes, rasterOf, dataset, truth: { classes: all, images: found } };
}

/** The split that training sees least of: test, or else val. Null if the data set has no splits. */
async function splitToEvaluate(path: string, images: string | undefined): Promise<SplitName | null> {
  const splits = await splitsOf(path, { images });
  if (splits === null) return null;
  const name = (['test', 'val'] as const).find((name) => splits.names.includes(name));
  if (name !== undefined) return name;
  const which = `only the images of train have labels (${splits.by})`;
  throw new InputError('openEvaluationData', `${path}: ${which}, which say little about other images`, {
    remedy: 'evaluate on them nevertheless with',
    option: 'split',
  });
}

/** Options of `evaluate`. */
export interface EvaluateTaskOptions extends Omit<JudgeOptions, 'scenes'> {
  /**
   * Extracts the scene from the path of an image: its first group, or its match. Intervals draw the images of a scene
   * together. Default: each image is a scene of its own.
   */
  readonly scene?: RegExp;
  /** Maximum number of detections of an image, or of a tile. Default: that of training. */
  readonly maxDetections?: number;
  /**
   * Resamples images to the ground resolution of the training images, see `EvaluateOptions.resampleTo`. An `InputError` is
   * thrown if that is not known. Default false.
   */
  readonly resample?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Runs a detector on labelled images, in tiles of the training size if it was trained on tiles, and evaluates its
 * detections. Images that cannot be read are left out and listed; if none can be read, an error is thrown.
 * Null if the signal was aborted.
 */
export function evaluate(
  detector: Detector,
  data: EvaluationData,
  options?: EvaluateTaskOptions & { readonly signal?: never },
): Promise<DataEvaluation>;
export function evaluate(
  detector: Detector,
  data: EvaluationData,
  options: EvaluateTaskOptions,
): Promise<DataEvaluation | null>;
export async function evaluate(
  detector: Detector,
  { dataset, truth }: EvaluationData,
  { signal, onProgress, maxDetections, scene, resample = false, ...judging }: EvaluateTaskOptions = {},
): Promise<DataEvaluation | null> {
  const unreadable: UnreadableImage[] = [];
  const onUnreadable = (index: number, error: InputError): void => {
    unreadable.push({ file: dataset.ids[index]!, reason: error.explain() });
    if (unreadable.length === dataset.ids.length) throw error;
  };
  const { tile, decoding, detectionTile } = detector;
  const resampleTo = resample ? trainedResolution('evaluate', decoding, detectionTile) : undefined;
  const options = { tile, onUnreadable, ...defined({ signal, onProgress, maxDetections, resampleTo }) };
  const images = await detectSamples(detector.batchDetector, dataset, [...dataset.ids.keys()], options);
  if (images === null) return null;
  const { predictions } = tablesOf(dataset, images);
  const names = new Set(unreadable.map(({ file }) => file));
  const readable = { ...truth, images: truth.images.filter(({ file }) => !names.has(file)) };
  const judgement = await judgeTables(readable, predictions, {
    scoreThreshold: detector.scoreThreshold,
    ...judging,
    ...defined({ scenes: scene && scenesIn(readable, scene) }),
  });
  return { judgement, predictions, images, unreadable };
}

function withClasses(dataset: Dataset, classes: readonly string[], ids: readonly string[]): Dataset {
  const numbers = dataset.classes.map((name) => classes.indexOf(name));
  const renumber = <T extends { readonly labels: Int32Array }>(sample: T): T => ({
    ...sample,
    labels: sample.labels.map((label) => numbers[label]!),
  });
  return {
    classes,
    ids,
    ...defined({ decoding: dataset.decoding }),
    region: (index) => dataset.region?.(index) ?? null,
    get: async (index) => renumber(await dataset.get(index)),
    describe: async (index) => renumber(await describeSample(dataset, index)),
  };
}
