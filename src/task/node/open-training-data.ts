import { availableParallelism } from 'node:os';
import { counted, defined } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { SettingError } from '../../common/settings.ts';
import type { AugmentOptions } from '../../data/augment/options.ts';
import { AreaOfInterest, type AreaFiles } from '../../data/node/area.ts';
import type { Split } from '../../data/split.ts';
import { openDataset, type OpenOptions } from '../../data/node/open-dataset.ts';
import { openWorkerSource, type ClosableSource } from '../../data/node/workers.ts';
import type { ImageDecoding } from '../../imagery/types.ts';
import { splitsOf } from '../../labels/node/find-splits.ts';
import { readLabels } from '../../labels/node/read-labels.ts';
import { joinClasses } from '../../labels/node/read-splits.ts';
import type { Settings } from '../settings.ts';
import { checkDataSettings, prepareTrainingData, tileOptions, type TrainingData } from '../training-data.ts';
import { checkData, type OpenedData } from './check-data.ts';
import { SYNTHETIC, syntheticToTrain } from './synthetic.ts';

export interface OpenTrainingOptions {
  /** Whether the adapter is a GPU, which leaves the CPU free to read images. */
  readonly isHardware: boolean;
  /** Called while synthetic images are drawn. */
  readonly onDrawing?: (done: number, total: number) => void;
}

/**
 * Opens the data of a run: reads labels, cuts tiles, splits the samples, and starts threads. Of a data set with splits, the
 * images of train are trained on, and those of val, if there are any, held out; those of test are not read.
 */
export async function openTrainingData(
  settings: Settings,
  { isHardware, onDrawing }: OpenTrainingOptions,
): Promise<TrainingData> {
  const { data } = settings;
  if (data.path === '') throw new SettingError('name the data set: data.path is empty', 'data.path');
  checkDataSettings(settings);
  const isSynthetic = data.path === SYNTHETIC;
  const path = isSynthetic ? await syntheticToTrain(data.chips, onDrawing) : data.path;
  const splits = await splitsOf(path, labelOptions(settings));
  if (splits !== null && !splits.names.includes('train')) {
    const which = `it has labels of ${splits.names.join(' and ')} only (${splits.by})`;
    throw new InputError(OP, `${path} has no images to train on: ${which}; give a label file to train on its images`);
  }
  const { dataset, options, classNotes } = await openTraining(path, splits, settings);
  const decoding = readerOptions(dataset.decoding);
  const workers = data.workers === 'auto' ? (isHardware ? Math.min(4, availableParallelism() - 1) : 0) : data.workers;
  const openSource = async (split: Split, augment: AugmentOptions | null): Promise<ClosableSource | null> => {
    if (workers === 0) return null;
    const tiles = data.tile === null ? undefined : tileOptions(settings);
    const recipe = {
      path,
      options: { ...options, ...decoding },
      ...defined({ tiles }),
      augment,
      drawFrom: split.train,
    };
    return openWorkerSource({ ...recipe, cacheMB: data.cacheMB }, { workers });
  };
  const validation = await openValidation(path, splits, settings, { ...decoding, classes: dataset.classes });
  const sets = [{ role: 'training', path, options, dataset } as const, ...(validation === null ? [] : [validation])];
  const warnings = data.checks ? await checkData(sets) : [];
  return prepareTrainingData(dataset, settings, {
    description: `${path}${isSynthetic ? ' (synthetic)' : ''}`,
    notes: [...splitNotes(splits, settings), ...classNotes, ...reportNotes(dataset, settings)],
    warnings,
    validation: validation?.dataset ?? null,
    areaHash: (await AreaOfInterest.open(areaFiles(settings)))?.hash ?? null,
    openSource,
  });
}

const OP = 'openTrainingData';

type Opened = Awaited<ReturnType<typeof openDataset>>;
type Splits = Awaited<ReturnType<typeof splitsOf>>;

/** The images to train on, with the options that open them. Classes of held-out images are among theirs. */
async function openTraining(
  path: string,
  splits: Splits,
  settings: Settings,
): Promise<{ dataset: Opened; options: OpenOptions; classNotes: string[] }> {
  const options: OpenOptions = { ...openOptions(settings), ...(splits === null ? {} : { split: 'train' }) };
  const dataset = await openDataset(path, options);
  checkCrowds(path, dataset);
  const opened = { dataset, options, classNotes: [] };
  const { classes, validation } = settings.data;
  if (splits?.names.includes('val') !== true || classes.length > 0 || validation !== null) return opened;
  const held = await readLabels(path, { ...labelOptions(settings), split: 'val' });
  const others = held.classes.filter((name) => !dataset.classes.includes(name));
  if (others.length === 0) return opened;
  const all = { ...options, classes: joinClasses([dataset.classes, held.classes]) };
  const note = `no image of train has objects of ${others.join(', ')}, unlike those of val`;
  return { dataset: await openDataset(path, all), options: all, classNotes: [note] };
}

/** Rejects if all objects are regions of crowds. */
function checkCrowds(path: string, { report }: Opened): void {
  if (!('dropped' in report) || report.objects > 0 || report.dropped.crowd === 0) return;
  const found = counted(report.dropped.crowd, 'region of a crowd', 'regions of crowds');
  const remedy = 'crowds are not trained on; set iscrowd to 0 if these are single objects';
  throw new InputError(OP, `${path}: the labels hold ${found} (COCO's iscrowd) and no objects: ${remedy}`);
}

/** What is done with the splits of the data set. Its test images are never trained on. */
function splitNotes(splits: Splits, { data }: Settings): string[] {
  if (splits === null) return [];
  const { names, by } = splits;
  const heldOut = data.validation === null && names.includes('val') ? '; held out are those of val' : '';
  const unused = names.filter((name) => name !== 'train' && (name === 'test' || data.validation !== null));
  const rest = unused.length === 0 ? '' : `; not used: ${unused.join(', ')}`;
  return [`splits (${by}): the images of train are for training${heldOut}${rest}`];
}

/** What was left out of a data set. */
function reportNotes({ report }: Opened, { data }: Settings): string[] {
  const missing = data.unlabelled === 'empty' ? 0 : report.missingLabels.length;
  const crowds = 'dropped' in report ? report.dropped.crowd : 0;
  const remedy = 'data.unlabelled=empty treats them as empty images';
  return [
    ...report.notes.map((note) => `note: ${note}`),
    ...(crowds === 0 ? [] : [`left out: ${counted(crowds, 'region of a crowd', 'regions of crowds')} (iscrowd)`]),
    ...(missing === 0 ? [] : [`left out: ${counted(missing, 'image', 'images')} without labels (${remedy})`]),
  ];
}

/** The images to evaluate on: those of `data.validation`, or of the data set's own split. Null: a part is held out. */
async function openValidation(
  path: string,
  splits: Splits,
  settings: Settings,
  reading: OpenOptions,
): Promise<OpenedData | null> {
  const open = async (from: string, options: OpenOptions): Promise<OpenedData> => {
    const dataset = await openDataset(from, options);
    checkCrowds(options.split === undefined ? from : `${from}, split ${options.split}`, dataset);
    return { role: 'validation', path: from, options, dataset };
  };
  const { validation } = settings.data;
  if (validation !== null) return open(validation, { ...openOptions(settings, null), ...reading });
  if (splits?.names.includes('val') !== true) return null;
  return open(path, { ...openOptions(settings), ...reading, split: 'val' });
}

/** The part of a decoding that readers of images take. */
export const readerOptions = ({ bands, stretch }: ImageDecoding = {}): Pick<ImageDecoding, 'bands' | 'stretch'> =>
  defined({ bands, stretch });

/** Options for opening a data set. `data.images` applies to `data.path` only. */
function openOptions(settings: Settings, images = settings.data.images): OpenOptions {
  const { data } = settings;
  return {
    missingLabels: data.unlabelled,
    visibility: { minSide: 1, minVisible: data.minVisible },
    ...defined({ bands: data.bands ?? undefined }),
    ...areaFiles(settings),
    ...labelOptions(settings, images),
  };
}

/** The files of the area of interest. */
export const areaFiles = ({ data }: Settings): AreaFiles =>
  defined({ area: data.area ?? undefined, exclude: data.exclude ?? undefined });

/** Options for reading labels. */
export const labelOptions = (
  { data }: Settings,
  images = data.images,
): Pick<OpenOptions, 'images' | 'format' | 'classes' | 'classProperty' | 'pointSize' | 'layer'> =>
  defined({
    images: images ?? undefined,
    format: data.format === 'auto' ? undefined : data.format,
    classes: data.classes.length === 0 ? undefined : data.classes,
    classProperty: data.classProperty ?? undefined,
    pointSize: data.pointSize ?? undefined,
    layer: data.layer ?? undefined,
  });
