import { join } from 'node:path';
import { defined } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { SettingError } from '../../common/settings.ts';
import type { ChannelStatistics } from '../../data/channel-statistics.ts';
import { AreaOfInterest } from '../../data/node/area.ts';
import type { Split } from '../../data/split.ts';
import type { Examination } from '../../doctor/examine.ts';
import { examineFiles, type LabelledData } from '../../doctor/node/examine-files.ts';
import { openImage } from '../../imagery/node/open-image.ts';
import { selectBands } from '../../imagery/raw-image.ts';
import type { BandSelection } from '../../imagery/types.ts';
import { splitsOf } from '../../labels/node/find-splits.ts';
import { readLabels, type ReadLabelsOptions } from '../../labels/node/read-labels.ts';
import { placeKey } from '../../labels/spacenet-names.ts';
import type { SplitImages } from '../../labels/splits.ts';
import type { LabelProblem } from '../../labels/types.ts';
import type { Device } from '../../tensor/device.ts';
import { networkSpec } from '../network.ts';
import { chooseAuto, resolveSettings, type PartialSettings, type RunSettings } from '../settings.ts';
import { splitNames } from '../training-data.ts';
import { areaFiles, labelOptions } from './open-training-data.ts';

/** Options of `examineData`. */
export interface ExamineDataOptions {
  /** The device for real training steps; null (default) estimates their cost. */
  readonly device?: Device | null;
  /** Whether to decode pixels, which finds damaged images and near-duplicates. Default true. */
  readonly pixels?: boolean;
  /** Called after each image file. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Result of `examineData`, with the settings that it applies to. */
export interface DataExamination {
  readonly examination: Examination;
  readonly settings: RunSettings;
  /** Recommended values by the names of their settings, where they differ from the given ones. */
  readonly recommended: ReadonlyMap<string, number | 'none'>;
}

/** Names of the recommended settings. Anchors are not among them, because training fits them to the boxes. */
const RECOMMENDED: Readonly<Record<string, string>> = {
  'image size': 'model.imageSize',
  tiles: 'data.tile',
  'overlap of tiles': 'data.overlap',
  'batch size': 'train.batchSize',
  'learning rate': 'train.learningRate',
  epochs: 'train.epochs',
  'epochs between evaluations': 'train.evaluateEvery',
};

/**
 * Examines the data set of `data.path` before training, for the network and the split of these settings. The default of
 * `model.anchors` is `octaves` here: anchors that are not fitted to the data.
 */
export async function examineData(
  given: PartialSettings,
  { device = null, pixels = true, onProgress }: ExamineDataOptions = {},
): Promise<DataExamination> {
  const asked = resolveSettings({ ...given, model: { anchors: 'octaves', ...given.model } });
  const settings = chooseAuto(asked, device?.adapter.kind !== 'software');
  const { path, validation } = settings.data;
  if (path === '') throw new SettingError('name the data set: data.path is empty', 'data.path');
  const options = labelOptions(settings);
  // Next to another data set to evaluate on, only the images of train are used.
  const splits = validation === null ? null : await splitsOf(path, options);
  const area = await AreaOfInterest.open(areaFiles(settings));
  const { splits: own, ...data } = await readForDoctor(
    path,
    { ...options, ...(splits === null ? {} : { split: 'train' }) },
    area,
  );
  const bands = await bandsOf(data, settings);
  const examination = await examineFiles({
    ...data,
    ...(validation === null
      ? { split: sidesOf(data, own, settings) }
      : { validation: await readForDoctor(validation, labelOptions(settings, null), area) }),
    spec: networkSpec(settings, data.table, { normalisation: channelsOf(bands) }),
    tile: settings.data.tile,
    overlap: settings.data.overlap,
    device,
    pixels,
    seed: settings.train.seed,
    ...defined({ onProgress, bands }),
  });
  const recommended = new Map<string, number | 'none'>();
  for (const { setting, number, isPresent } of examination.recommendations) {
    const name = RECOMMENDED[setting];
    if (name !== undefined && isPresent !== true) recommended.set(name, number ?? 'none');
  }
  return { examination, settings, recommended };
}

/** The bands that training would read: all are those of the first image. Undefined: red, green and blue. */
async function bandsOf({ table, imagesRoot }: LabelledData, { data }: RunSettings): Promise<BandSelection | undefined> {
  const [first] = table.images;
  if (data.bands !== 'all' || first === undefined) return data.bands ?? undefined;
  const image = await openImage(join(imagesRoot, first.file)).catch((error: unknown) => {
    // What is wrong with it becomes a finding.
    if (error instanceof InputError) return null;
    throw error;
  });
  return image === null ? 'all' : selectBands(image, 'all');
}

/** Statistics of bands whose number alone matters here; null for RGB. */
function channelsOf(bands: BandSelection | undefined): ChannelStatistics | null {
  if (bands === undefined || bands === 'all' || bands.length === 3) return null;
  return { mean: bands.map(() => 0.5), std: bands.map(() => 0.25) };
}

/** Reads labels, as far as they lie in the area, and collects their problems. */
async function readForDoctor(
  path: string,
  options: ReadLabelsOptions,
  area: AreaOfInterest | null,
): Promise<LabelledData & { readonly splits: SplitImages }> {
  const problems: LabelProblem[] = [];
  const labels = await readLabels(path, { ...options, onProblem: (problem) => problems.push(problem) });
  const { imagesRoot, format, notes, splits = {} } = labels;
  const data = { table: labels, imagesRoot, format, notes, problems, splits };
  if (area === null) return data;
  const { images, notes: areaNotes } = await area.select(imagesRoot, labels.images);
  const kept = new Set(images.map(({ file }) => file));
  const leftOut = labels.images.map(({ file }) => file).filter((file) => !kept.has(file));
  return { ...data, table: { ...labels, images }, notes: [...notes, ...areaNotes], leftOut };
}

/**
 * The images that training sees, and all others: with the data set's own splits, those of val and test, since neither may
 * show the same ground as those of train.
 */
function sidesOf(data: LabelledData, splits: SplitImages, settings: RunSettings): Split {
  const names = namesOf(data);
  if (Object.keys(splits).length === 0) return splitNames(names, settings);
  const indices = new Map(data.table.images.map(({ file }, i) => [file, i]));
  const indicesOf = (files: readonly string[] = []): number[] => files.flatMap((file) => indices.get(file) ?? []);
  const [train, val, test] = [indicesOf(splits.train), indicesOf(splits.val), indicesOf(splits.test)];
  if (val.length > 0 || train.length < 2) return { train, heldOut: [...new Set([...val, ...test])] };
  const parts = splitNames(
    train.map((i) => names[i]!),
    settings,
  );
  const at = (positions: readonly number[]): number[] => positions.map((i) => train[i]!);
  return { train: at(parts.train), heldOut: [...at(parts.heldOut), ...test] };
}

/** The names by which training distinguishes images: their files, or for SpaceNet the locations that they show. */
function namesOf({ table, format }: LabelledData): string[] {
  const isSpaceNet = format === 'geojson' || format === 'spacenet-csv';
  return table.images.map(({ file }) => (isSpaceNet ? placeKey(file) : file));
}
