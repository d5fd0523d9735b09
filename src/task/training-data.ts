import { availableParallelism } from 'node:os';
import {
  augmentedSource,
  balancedSampler,
  cacheSamples,
  groupKeys,
  joinDatasets,
  openDataset,
  openWorkerSource,
  splitBlocks,
  splitGroups,
  splitIds,
  tileDataset,
  type AugmentOptions,
  type Dataset,
  type OpenOptions,
  type SampleSource,
  type TiledDataset,
} from '../data.ts';
import type { Split } from '../data/split.ts';
import type { BalancedSampler } from '../data/sampling.ts';
import type { DetectorDescription } from '../detector/detector.ts';
import { UsageError } from '../cli/usage-error.ts';
import { syntheticToTrain } from '../cli/synthetic.ts';
import type { Terminal } from '../cli/terminal.ts';
import type { TrainSettings } from '../train/settings.ts';

/** All that training reads. */
export interface TrainData {
  /** Where it was found, for people. */
  readonly description: string;
  readonly dataset: Dataset;
  readonly split: Split;
  readonly source: SampleSource;
  readonly sampler: BalancedSampler | null;
  /** How images were read, to be kept with the weights. */
  readonly reading: DetectorDescription['reading'];
  /** What was left out, one line each. */
  readonly notes: readonly string[];
  /** Ends threads. */
  readonly close: () => Promise<void>;
}

/** Throws a UsageError for settings of the data that do not go together, before anything is read. */
export function checkData({ data }: TrainSettings): void {
  if (data.path === '') throw new UsageError('name the data set: retinagrad train DATA, or data.path=DATA');
  if (data.tile !== null && data.overlap >= data.tile) {
    throw new UsageError(`data.overlap is ${data.overlap}, expected less than data.tile, which is ${data.tile}`);
  }
  if (data.scene !== null) pattern(data.scene);
}

/** Opens the data of a run: reads labels, cuts tiles, splits, and starts threads. */
export async function openTrainData(
  settings: TrainSettings,
  isHardware: boolean,
  terminal: Terminal,
): Promise<TrainData> {
  const { data, sampling, train } = settings;
  const path = data.path === 'synthetic' ? await syntheticToTrain(data.chips, terminal) : data.path;
  const options = openOptions(settings);
  const opened = await openDataset(path, options);
  const reading = readingOf(opened);
  const cut = (dataset: Dataset): Promise<Dataset> =>
    data.tile === null ? Promise.resolve(dataset) : tileDataset(dataset, tileOptions(settings));
  const main = await cut(opened);
  const other =
    data.validation === null
      ? null
      : await cut(
          await openDataset(data.validation, { ...openOptions(settings, null), ...reading, classes: opened.classes }),
        );
  const whole = other === null ? main : joinDatasets([main, other]);
  const split = other === null ? heldOutOf(main, settings) : sidesOf(main, other);
  const dataset = cacheSamples(whole, data.cacheMB * 1e6);

  const augment = augmentOptions(settings);
  const workers = data.workers === 'auto' ? (isHardware ? Math.min(4, availableParallelism() - 1) : 0) : data.workers;
  const closable =
    workers === 0
      ? null
      : await openWorkerSource(
          {
            path,
            options: { ...options, ...reading },
            ...(data.tile === null ? {} : { tiles: tileOptions(settings) }),
            augment,
            drawFrom: split.train,
            cacheMB: data.cacheMB,
          },
          { workers },
        );
  const needsSampler = sampling.emptyShare !== null || sampling.classBalance !== null || sampling.hardNegatives;
  return {
    description: `${path}${data.path === 'synthetic' ? ' (synthetic)' : ''}`,
    dataset,
    split,
    source: closable ?? augmentedSource(dataset, { augment, drawFrom: split.train }),
    sampler: needsSampler
      ? await balancedSampler(dataset, split.train, {
          seed: train.seed,
          emptyShare: sampling.emptyShare,
          classBalance: sampling.classBalance,
        })
      : null,
    reading,
    notes:
      opened.report.missingLabels.length === 0
        ? []
        : [
            `left out: ${opened.report.missingLabels.length} images without labels (data.unlabelled=empty takes them as empty)`,
          ],
    close: async () => closable?.close(),
  };
}

/** What settings say about opening a data set. The folder of the images belongs to that of `data.path` alone. */
function openOptions({ data }: TrainSettings, images = data.images): OpenOptions {
  return {
    missingLabels: data.unlabelled,
    visibility: { minSide: 1, minVisible: data.minVisible },
    ...(images === null ? {} : { images }),
    ...(data.format === 'auto' ? {} : { format: data.format }),
    ...(data.classes.length === 0 ? {} : { classes: data.classes }),
  };
}

function tileOptions({ data }: TrainSettings) {
  return { size: data.tile!, overlap: data.overlap, minVisible: data.minVisible };
}

/** Levels and bands of 16-bit images, which all that uses the weights must read alike. */
function readingOf(opened: Awaited<ReturnType<typeof openDataset>>): DetectorDescription['reading'] {
  return 'stretch' in opened && opened.stretch !== undefined
    ? { stretch: opened.stretch, ...('rgb' in opened.report ? { bands: opened.report.rgb } : {}) }
    : {};
}

function sidesOf(main: Dataset, other: Dataset): Split {
  const first = main.ids.length;
  return { train: [...main.ids.keys()], heldOut: other.ids.map((_, i) => first + i) };
}

/** Which of some names are held out: whole scenes where the settings say what a scene is. */
export function splitNames(names: readonly string[], { data, train }: Pick<TrainSettings, 'data' | 'train'>): Split {
  const options = { heldOut: data.heldOut, seed: train.seed };
  return data.scene === null ? splitIds(names, options) : splitGroups(scenesOf(names, data.scene), options);
}

/** As `splitOf`, with what to do where a side would be empty. */
function heldOutOf(dataset: Dataset, settings: TrainSettings): Split {
  const { data } = settings;
  const fail = (reason: string, cause?: unknown): never => {
    const size = data.tile === null ? 'cut large images with data.tile' : 'choose a smaller data.tile';
    throw new Error(
      `${dataset.ids.length} ${data.tile === null ? 'images' : 'tiles'} cannot be divided into those to train on and those ` +
        `held out (${reason}): ${size}, choose another data.heldOut or train.seed, or name a second data set with data.validation`,
      { cause },
    );
  };
  try {
    const split = splitOf(dataset, settings);
    if (split.train.length > 0 && split.heldOut.length > 0) return split;
  } catch (error) {
    if (data.scene !== null) throw error;
    return fail((error as Error).message, error);
  }
  return fail('by a hash of their names all are on one side');
}

/** Which samples are held out; none shares ground with one that is trained on, as far as names and tiles tell. */
function splitOf(dataset: Dataset, settings: TrainSettings): Split {
  const { data, train } = settings;
  const options = { heldOut: data.heldOut, seed: train.seed };
  if (data.scene !== null || data.tile === null) return splitNames(dataset.ids, settings);
  const { tiles } = dataset as TiledDataset;
  const images = tiles.map(({ image }) => image);
  if (new Set(images).size > 1) return splitGroups(images, options);
  const places = tiles.map(({ image: frame, x, y, width, height }) => ({ frame, x, y, width, height }));
  return splitBlocks(places, { ...options, block: 3 * data.tile });
}

function scenesOf(names: readonly string[], source: string): string[] {
  try {
    return groupKeys(names, pattern(source));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new Error(`data.scene: ${(error as Error).message.replace(/^\w+: /, '')}: choose one that all names match`, {
      cause: error,
    });
  }
}

function pattern(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch (error) {
    throw new UsageError(`data.scene: ${(error as Error).message}`);
  }
}

/** The settings of augmentation as `augment` takes them; null for none. */
function augmentOptions({ augment, data }: TrainSettings): AugmentOptions | null {
  const { on, crop, ...others } = augment;
  if (!on) return null;
  return {
    ...others,
    crop: crop === null ? null : { size: crop },
    visibility: { minSide: 1, minVisible: data.minVisible },
  };
}
