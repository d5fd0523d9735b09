import { availableParallelism } from 'node:os';
import { counted, defined } from '../../common/check.ts';
import { SettingError } from '../../common/settings.ts';
import type { Split } from '../../data/split.ts';
import { openDataset, type OpenOptions } from '../../data/node/open-dataset.ts';
import { openWorkerSource, type ClosableSource } from '../../data/node/workers.ts';
import type { ImageDecoding } from '../../imagery/types.ts';
import { yoloSplits, type YoloSplit } from '../../labels/node/read-yolo.ts';
import type { Settings } from '../settings.ts';
import {
  augmentOptions,
  checkDataSettings,
  prepareTrainingData,
  tileOptions,
  type TrainingData,
} from '../training-data.ts';
import { checkData, type OpenedData } from './check-data.ts';
import { SYNTHETIC, syntheticToTrain } from './synthetic.ts';

export interface OpenTrainingOptions {
  /** Whether the adapter is a GPU, which leaves the CPU free to read images. */
  readonly isHardware: boolean;
  /** Called while synthetic images are drawn. */
  readonly onDrawing?: (done: number, total: number) => void;
}

/** Opens the data of a run: reads labels, cuts tiles, splits the samples, and starts threads. */
export async function openTrainingData(
  settings: Settings,
  { isHardware, onDrawing }: OpenTrainingOptions,
): Promise<TrainingData> {
  const { data } = settings;
  if (data.path === '') throw new SettingError('name the data set: data.path is empty', 'data.path');
  checkDataSettings(settings);
  const isSynthetic = data.path === SYNTHETIC;
  const path = isSynthetic ? await syntheticToTrain(data.chips, onDrawing) : data.path;
  const splits = await ownSplits(path, settings);
  const options = { ...openOptions(settings), ...(splits.length === 0 ? {} : { split: 'train' as const }) };
  const dataset = await openDataset(path, options);
  const decoding = readerOptions(dataset.decoding);
  const { missingLabels } = dataset.report;
  const workers = data.workers === 'auto' ? (isHardware ? Math.min(4, availableParallelism() - 1) : 0) : data.workers;
  const openSource = async (split: Split): Promise<ClosableSource | null> => {
    if (workers === 0) return null;
    const tiles = data.tile === null ? undefined : tileOptions(settings);
    const augment = augmentOptions(settings);
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
    notes: [
      ...splitNotes(splits, settings),
      ...('notes' in dataset.report ? dataset.report.notes : []).map((note) => `note: ${note}`),
      ...(missingLabels.length === 0 || data.unlabelled === 'empty'
        ? []
        : [
            `left out: ${counted(missingLabels.length, 'image', 'images')} without labels (data.unlabelled=empty treats them as empty images)`,
          ]),
    ],
    warnings,
    validation: validation?.dataset ?? null,
    openSource,
  });
}

/** The splits that a data set in YOLO's layout has itself. */
const ownSplits = (path: string, { data }: Settings): Promise<YoloSplit[]> =>
  data.format === 'auto' || data.format === 'yolo' ? yoloSplits(path) : Promise.resolve([]);

/** What is done with the splits of the data set. Its test images are never trained on. */
function splitNotes(splits: readonly YoloSplit[], { data }: Settings): string[] {
  if (splits.length === 0) return [];
  const heldOut = data.validation === null && splits.includes('val') ? '; held out are those of val' : '';
  const unused = splits.filter((name) => name !== 'train' && (name === 'test' || data.validation !== null));
  const rest = unused.length === 0 ? '' : `; not used: ${unused.join(', ')}`;
  return [`data.yaml has splits: the images of train are for training${heldOut}${rest}`];
}

/** The images to evaluate on: those of `data.validation`, or of the data set's own split. Null: a part is held out. */
async function openValidation(
  path: string,
  splits: readonly YoloSplit[],
  settings: Settings,
  reading: OpenOptions,
): Promise<OpenedData | null> {
  const open = async (from: string, options: OpenOptions): Promise<OpenedData> => ({
    role: 'validation',
    path: from,
    options,
    dataset: await openDataset(from, options),
  });
  const { validation } = settings.data;
  if (validation !== null) return open(validation, { ...openOptions(settings, null), ...reading });
  return splits.includes('val') ? open(path, { ...openOptions(settings), ...reading, split: 'val' }) : null;
}

/** The part of a decoding that readers of images take. */
export const readerOptions = ({ bands, stretch }: ImageDecoding = {}): Pick<ImageDecoding, 'bands' | 'stretch'> =>
  defined({ bands, stretch });

/** Options for opening a data set. `data.images` applies to `data.path` only. */
function openOptions({ data }: Settings, images = data.images): OpenOptions {
  return {
    missingLabels: data.unlabelled,
    visibility: { minSide: 1, minVisible: data.minVisible },
    ...defined({
      images: images ?? undefined,
      format: data.format === 'auto' ? undefined : data.format,
      classes: data.classes.length === 0 ? undefined : data.classes,
    }),
  };
}
