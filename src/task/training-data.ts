import { counted, reasonOf } from '../common/check.ts';
import { SettingError } from '../common/settings.ts';
import type { AugmentOptions } from '../data/augment/options.ts';
import { measureChannels, type ChannelStatistics } from '../data/channel-statistics.ts';
import { cacheSamples } from '../data/cache.ts';
import { joinDatasets } from '../data/join.ts';
import { balancedSampler, type BalancedSampler } from '../data/sampling.ts';
import { augmentedSource } from '../data/source.ts';
import { splitBlocks } from '../data/split-blocks.ts';
import { groupKeys, splitGroups } from '../data/split-groups.ts';
import { splitIds, type Split } from '../data/split.ts';
import { tileDataset, type TiledDataset, type TileOptions } from '../data/tiles.ts';
import type { Dataset, SampleSource } from '../data/types.ts';
import { blackRemedy, blackFraction, darkRemedy, isNearlyBlack, MOSTLY } from '../imagery/level-range.ts';
import { imageShape } from '../imagery/image.ts';
import type { ImageDecoding } from '../imagery/types.ts';
import type { Settings } from './settings.ts';

/** The data of a training run. */
export interface TrainingData {
  /** Origin of the data, for reports. */
  readonly description: string;
  readonly dataset: Dataset;
  readonly split: Split;
  /**
   * For each of `split.heldOut` the scene that it shows, for `BootstrapOptions.scenes`: by `data.scene`; without it, a tile's
   * image or, if all are of one image, a block of it. Undefined for whole images without `data.scene`.
   */
  readonly heldOutScenes: readonly string[] | undefined;
  readonly source: SampleSource;
  readonly sampler: BalancedSampler | null;
  /** How images are decoded; saved with the weights. */
  readonly decoding: ImageDecoding;
  /** Identifies the polygons of `data.area` and `data.exclude`; null without any. */
  readonly areaHash: string | null;
  /**
   * Mean and standard deviation of the channels of training images; null for images of three channels, which are normalised by
   * those of ImageNet.
   */
  readonly normalisation: ChannelStatistics | null;
  /** What was left out, one line each. */
  readonly notes: readonly string[];
  /** What impairs the results, one line each. */
  readonly warnings: readonly string[];
  /** Stops threads. */
  readonly close: () => Promise<void>;
}

/** Origin of the data set of `prepareTrainingData`. A data set in memory needs none of these. */
export interface DataOrigin {
  readonly description?: string;
  readonly notes?: readonly string[];
  readonly warnings?: readonly string[];
  /** See `TrainingData.areaHash`. */
  readonly areaHash?: string | null;
  /** Another data set to evaluate on, instead of a held-out fraction. */
  readonly validation?: Dataset | null;
  /** Opens a source on other threads for a split. If null or absent, the calling thread reads and augments. */
  readonly openSource?: (
    split: Split,
    augment: AugmentOptions | null,
  ) => Promise<(SampleSource & { close(): Promise<void> }) | null>;
}

/** Throws a SettingError for settings of the data that contradict each other, before any file is read. */
export function checkDataSettings({ data }: Settings): void {
  if (data.tile !== null && data.overlap >= data.tile) {
    throw new SettingError(
      `data.overlap is ${data.overlap}, expected less than data.tile, which is ${data.tile}`,
      'data.overlap',
    );
  }
  if (data.scene !== null) pattern(data.scene);
}

/** Cuts a data set into tiles, splits it, and prepares sampling and augmentation, according to the settings. */
export async function prepareTrainingData(
  dataset: Dataset,
  settings: Settings,
  { description = 'data in memory', validation = null, openSource, ...origin }: DataOrigin = {},
): Promise<TrainingData> {
  checkDataSettings(settings);
  const { data, sampling, train } = settings;
  const cut = (whole: Dataset): Promise<Dataset> =>
    data.tile === null ? Promise.resolve(whole) : tileDataset(whole, tileOptions(settings));
  const main = await cut(dataset);
  const other = validation === null ? null : await cut(validation);
  const split = other === null ? heldOutOf(main, settings) : sidesOf(main, other);
  const scenes = sampleScenes(other ?? main, settings);
  const offset = other === null ? 0 : main.ids.length;
  const samples = cacheSamples(other === null ? main : joinDatasets([main, other]), data.cacheMB * 1e6);
  const needsSampler = sampling.emptyShare !== null || sampling.classBalance !== null || sampling.hardNegatives;
  const sampler = needsSampler ? await balancedSampler(samples, split.train, { ...sampling, seed: train.seed }) : null;
  const seen = await seeSamples(samples, split.train);
  const normalisation = seen.channels === 3 ? null : await measureChannels(samples, split.train);
  const augment = augmentOptions(settings, normalisation);
  // Last, because what fails after it would leave threads behind.
  const threads = (await openSource?.(split, augment)) ?? null;
  return {
    description,
    dataset: samples,
    split,
    heldOutScenes: scenes && split.heldOut.map((index) => scenes[index - offset]!),
    source: threads ?? augmentedSource(samples, { augment, drawFrom: split.train }),
    sampler,
    decoding: dataset.decoding ?? {},
    areaHash: origin.areaHash ?? null,
    normalisation,
    notes: [...(origin.notes ?? []), ...channelNotes(normalisation, settings)],
    warnings: [...(origin.warnings ?? []), ...seen.warnings],
    close: async () => threads?.close(),
  };
}

/** Number of samples, spread evenly over the data set, whose pixels are looked at before training. */
const LOOKED_AT = 8;

/** What some samples show: the number of channels, and warnings if they are black, from which a detector learns nothing. */
async function seeSamples(
  samples: Dataset,
  train: readonly number[],
): Promise<{ readonly channels: number; readonly warnings: readonly string[] }> {
  const step = Math.max(1, train.length / LOOKED_AT);
  const chosen = train.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
  let [dark, partly, read, channels] = [0, 0, 0, 3];
  for (const index of chosen) {
    // Training names what is wrong with a sample that cannot be read.
    const sample = await samples.get(index).catch(() => null);
    if (sample === null) continue;
    read++;
    const { image } = sample;
    const { height, width, channels: found } = imageShape(image);
    channels = found;
    const mask = samples.region?.(index)?.mask({ x: 0, y: 0, width, height });
    // What lies outside of the area is black by intention.
    const inside = mask === undefined ? 1 : mask.reduce((sum, one) => sum + one, 0) / mask.length;
    if (isNearlyBlack(image)) dark++;
    else if (blackFraction(image) - (1 - inside) > MOSTLY * inside) partly++;
  }
  const of = (count: number): string => `of ${counted(read, 'sample', 'samples')} looked at, ${count}`;
  const warnings = [
    ...(dark === 0 ? [] : [`${of(dark)} ${dark === 1 ? 'is' : 'are'} nearly black: ${darkRemedy}`]),
    ...(partly === 0 ? [] : [`${of(partly)} ${partly === 1 ? 'is' : 'are'} more than half black: ${blackRemedy}`]),
  ];
  return { channels, warnings };
}

/** What differs for images of other than three channels. */
function channelNotes(normalisation: ChannelStatistics | null, { augment }: Settings): string[] {
  if (normalisation === null) return [];
  const text = (values: readonly number[]): string => values.map((value) => value.toFixed(3)).join(' ');
  const { mean, std } = normalisation;
  const bands = counted(mean.length, 'band', 'bands');
  return [
    `${bands}, normalised by the mean ${text(mean)} and the standard deviation ${text(std)} of training images`,
    ...(augment.on && augment.hue !== null ? [`augment.hue changes RGB images only, not these of ${bands}`] : []),
  ];
}

/** How images are cut into tiles. Requires `data.tile`. */
export const tileOptions = ({ data }: Settings): TileOptions => ({
  size: data.tile!,
  overlap: data.overlap,
  minVisible: data.minVisible,
});

function sidesOf(main: Dataset, other: Dataset): Split {
  const first = main.ids.length;
  return { train: [...main.ids.keys()], heldOut: other.ids.map((_, i) => first + i) };
}

/** Splits names into training and held-out names; whole scenes if `data.scene` is set. */
export function splitNames(names: readonly string[], { data, train }: Pick<Settings, 'data' | 'train'>): Split {
  const options = { heldOut: data.heldOut, seed: train.seed };
  return data.scene === null ? splitIds(names, options) : splitGroups(scenesOf(names, data.scene), options);
}

/** Like `splitOf`. Throws an Error that suggests remedies if a side would be empty. */
function heldOutOf(dataset: Dataset, settings: Settings): Split {
  const { data } = settings;
  const fail = (reason: string, cause?: unknown): never => {
    const noun = data.tile === null ? 'image' : 'tile';
    const size = data.tile === null ? 'cut large images with data.tile' : 'choose a smaller data.tile';
    throw new Error(
      `${counted(dataset.ids.length, noun, `${noun}s`)} cannot be split into training and held-out ones ` +
        `(${reason}): ${size}, choose another data.heldOut or train.seed, or name a second data set with data.validation`,
      { cause },
    );
  };
  try {
    const split = splitOf(dataset, settings);
    if (split.train.length > 0 && split.heldOut.length > 0) return split;
  } catch (error) {
    if (data.scene !== null) throw error;
    return fail(reasonOf(error), error);
  }
  return fail('the hash of their names assigns all to one side');
}

/**
 * Splits the samples so that no held-out sample shows the same ground as a training sample, as far as names and tiles
 * show.
 */
function splitOf(dataset: Dataset, settings: Settings): Split {
  const { data, train } = settings;
  const options = { heldOut: data.heldOut, seed: train.seed };
  if (data.tile === null) return splitNames(dataset.ids, settings);
  const { tiles } = dataset as TiledDataset;
  const images = tiles.map(({ image }) => image);
  // A scene is that of the image: the id of a tile ends with its position.
  if (data.scene !== null) return splitNames(images, settings);
  if (new Set(images).size > 1) return splitGroups(images, options);
  const places = tiles.map(({ image: frame, x, y, width, height }) => ({ frame, x, y, width, height }));
  return splitBlocks(places, { ...options, block: blockOf(data.tile) });
}

/** Side of the blocks of a single image that the split, and the resamples of intervals, keep together. */
const blockOf = (tile: number): number => 3 * tile;

/** The scene of each sample (`TrainingData.heldOutScenes`). */
function sampleScenes(dataset: Dataset, { data }: Settings): string[] | undefined {
  if (data.tile === null) return data.scene === null ? undefined : scenesOf(dataset.ids, data.scene);
  const { tiles } = dataset as TiledDataset;
  const images = tiles.map(({ image }) => image);
  if (data.scene !== null) return scenesOf(images, data.scene);
  if (new Set(images).size > 1) return images;
  const block = blockOf(data.tile);
  return tiles.map(({ x, y, width, height }) =>
    [x + width / 2, y + height / 2].map((centre) => Math.floor(centre / block)).join(),
  );
}

function scenesOf(names: readonly string[], source: string): string[] {
  const scene = pattern(source);
  const unmatched = names.find((name) => !scene.test(name));
  if (unmatched !== undefined) {
    throw new Error(
      `data.scene: ${scene} matches nothing in the id ${unmatched}: choose an expression that matches all names`,
    );
  }
  return groupKeys(names, scene);
}

function pattern(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch (error) {
    throw new SettingError(`data.scene: ${reasonOf(error)}`, 'data.scene');
  }
}

/**
 * Converts the settings of augmentation to the options of `augment`; null for none.
 *
 * @param normalisation of `TrainingData`: its means are what surrounds images
 */
function augmentOptions({ augment, data }: Settings, normalisation: ChannelStatistics | null): AugmentOptions | null {
  const { on, crop, ...others } = augment;
  if (!on) return null;
  return {
    ...others,
    crop: crop === null ? null : { size: crop },
    fill: normalisation === null ? null : normalisation.mean.map((mean) => Math.round(255 * mean)),
    visibility: { minSide: 1, minVisible: data.minVisible },
  };
}
