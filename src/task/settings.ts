import {
  flag,
  integers,
  layerOf,
  list,
  numeric,
  oneOf,
  orAuto,
  orNone,
  orWord,
  resolveLayers,
  SettingError,
  words,
  type Group,
  type GroupValues,
  type Schema,
} from '../common/settings.ts';
import { augmentSettings } from '../data/augment/options.ts';
import { samplingSettings } from '../data/sampling.ts';
import { MAX_BANDS } from '../imagery/raw-image.ts';
import { labelFormats } from '../labels/formats.ts';
import { freezeSetting, hardNegativesSetting, trainSettings, type TrainSettings } from '../train/settings.ts';
import { startingRate } from '../train/starting-rate.ts';

/** Networks by name, from one that a CPU trains in minutes to the paper's. */
export const networks = {
  tiny: { depth: 18, width: 16, channels: 32, convs: 1 },
  small: { depth: 18, width: 32, channels: 64, convs: 2 },
  resnet18: { depth: 18, width: 64, channels: 256, convs: 4 },
  resnet34: { depth: 34, width: 64, channels: 256, convs: 4 },
  resnet50: { depth: 50, width: 64, channels: 256, convs: 4 },
  resnet101: { depth: 101, width: 64, channels: 256, convs: 4 },
} as const;
export type NetworkName = keyof typeof networks;

/** Networks that train on a CPU in reasonable time, the fastest first. */
export const cpuNetworks: readonly NetworkName[] = ['tiny', 'small'];

const fraction = { min: 0, max: 1 };

/** The settings of the data: group `data`. */
const dataSettings = {
  /** Folder of the data set, or its label file; `synthetic` draws a synthetic data set. */
  path: words('', 'folder of the data set, or its label file; "synthetic" draws a synthetic data set'),
  /** Folder of the images, if it is not that of the label file. */
  images: orNone(words('', 'folder of the images, if it is not that of the label file')),
  /** Format of the labels. `auto` detects it by names and contents. */
  format: orAuto(oneOf('csv', labelFormats, 'format of the labels')),
  /** Names of the classes in the order of their labels. Empty: those of the labels. */
  classes: list([], 'classes in the order of their labels; empty: those of the labels'),
  /**
   * Property of vector features, or attribute of VIA regions, that has the class. Null: the first of several usual ones, see
   * `ReadLabelsOptions.classProperty`.
   */
  classProperty: orNone(
    words(
      'class',
      'property of vector features, or attribute of VIA regions, with the class; none: label, class, category or another usual one',
    ),
  ),
  /** Side in pixels of the square box around a point. Null: points are left out, and counted. */
  pointSize: orNone(
    numeric(32, 'side in pixels of the square box around a point; none leaves points out', { above: 0 }),
  ),
  /** Layer of a GeoPackage. Null: the only one. */
  layer: orNone(words('', 'layer of a GeoPackage, if it has several')),
  /**
   * Numbers, from 1, of the bands of the images that the network sees, or `all` of the first image except alpha. Null: red, green
   * and blue as the files say, see `colourBands`.
   */
  bands: orNone(
    orWord(
      integers(
        [3, 2, 1],
        'bands of the images that the network sees, from 1; none: red, green, blue as the files say',
        {
          min: 1,
          most: MAX_BANDS,
        },
      ),
      'all',
    ),
  ),
  /**
   * Vector file of polygons in any coordinate system: only what lies inside counts. Pixels outside are as without data, and
   * objects whose centre lies outside are left out.
   */
  area: orNone(words('', 'vector file of polygons: only what lies inside counts; images need a georeference')),
  /** Vector file of polygons: what lies inside does not count. */
  exclude: orNone(words('', 'vector file of polygons: what lies inside does not count')),
  /** What to do with images that have no labels: leave them out, treat them as empty, or fail. */
  unlabelled: oneOf('skip', ['skip', 'empty', 'error'], 'what to do with images that have no labels'),
  /** Path of another data set to evaluate on, instead of a held-out fraction of this one. */
  validation: orNone(words('', 'another data set to evaluate on, instead of a held-out fraction of this one')),
  /** Fraction of the images that is held out for evaluation. */
  heldOut: numeric(0.2, 'fraction of the images that is held out for evaluation', { min: 0.01, max: 0.99 }),
  /** Regular expression that extracts the scene from an image name; a scene stays on one side of the split. */
  scene: orNone(
    words(
      '',
      'regular expression that extracts the scene from an image name; all images of a scene stay on the same side of the split',
    ),
  ),
  /** Minimum visible fraction of a box in an image or tile; boxes below it are dropped. */
  minVisible: numeric(
    0.1,
    'minimum visible fraction of a box in an image or tile; boxes below it are dropped',
    fraction,
  ),
  /** Side in pixels of the square tiles that images are cut into, or null for whole images. */
  tile: orNone(numeric(512, 'cuts images into square tiles of this many pixels', { min: 64, integer: true })),
  /** Overlap of neighbouring tiles in pixels. */
  overlap: numeric(64, 'overlap of neighbouring tiles in pixels', { min: 0, integer: true }),
  /** Threads that read and augment images; 0 uses the main thread. `auto`: up to 4 with a GPU, 0 without one. */
  workers: orAuto(
    numeric(0, 'threads that read and augment images; 0 uses the main thread', { min: 0, max: 64, integer: true }),
  ),
  /** Memory for decoded images, in units of 10^6 bytes. */
  cacheMB: numeric(1024, 'memory for decoded images in MB', { min: 0 }),
  /** Examines labels and headers of the images before training, which errors prevent; false trains nevertheless. */
  checks: flag(
    true,
    'examines labels and image headers before training, which errors prevent; false trains nevertheless',
  ),
  /** Number of synthetic images, for `path: 'synthetic'`. */
  chips: numeric(300, 'number of synthetic images', { min: 2, integer: true }),
} as const satisfies Group;

/** The settings of the network: group `model`. */
const modelSettings = {
  /** Name of the network. `auto`: that of the initial weights; without any `resnet18` on a GPU, `tiny` without one. */
  network: orAuto(
    oneOf(
      'resnet18',
      Object.keys(networks) as NetworkName[],
      'network; auto: that of model.weights; without any resnet18 on a GPU, tiny without one',
    ),
  ),
  /** Resizes images so that the shorter side has this many pixels; null keeps their size. */
  imageSize: orNone(
    numeric(512, 'resizes images so that the shorter side has this many pixels', { min: 32, integer: true }),
  ),
  /** `auto` fits anchor sizes and ratios to the boxes; `octaves` has three sizes per level, from `smallestAnchor` up. */
  anchors: oneOf(
    'auto',
    ['auto', 'octaves'],
    'auto fits anchor sizes and ratios to the boxes; octaves: from smallestAnchor up',
  ),
  /** Side in pixels of the smallest anchor, for `anchors: 'octaves'`. */
  smallestAnchor: numeric(16, 'side in pixels of the smallest anchor, for anchors=octaves', { min: 2 }),
  /**
   * Path of the initial weights: of a run, or of a RetinaNet or ResNet of another library as a file of safetensors or PyTorch,
   * or a folder of Hugging Face. Null for random weights.
   */
  weights: orNone(
    words(
      '',
      'initial weights: of a run, or a file (.safetensors, .pth) or Hugging Face folder of a RetinaNet or ResNet',
    ),
  ),
  /**
   * Norms of the backbone: `batch` has the statistics of the images that are processed together, `frozen` those of the initial
   * weights, which stay, and `group` those of each image by itself.
   */
  norm: oneOf(
    'batch',
    ['batch', 'frozen', 'group'],
    'norms of the backbone; frozen: batch norms that stay as in model.weights; group: group norms, for few images together',
  ),
  /** Stages of the backbone that are not trained: see `freezeBackbone`. */
  freeze: freezeSetting,
  /** Maximum number of detections of an image, or of a tile, kept in the evaluations of training and by default afterwards. */
  maxDetections: numeric(300, 'maximum number of detections of an image or tile', { min: 1, integer: true }),
  /** Activation checkpointing: recomputes activations to save memory, with the same results. */
  checkpoint: flag(false, 'activation checkpointing: recomputes activations to save memory, with the same results'),
} as const satisfies Group;

/**
 * All settings of a task, which `retinagrad train` reads from a file and the command line. Groups that belong to one
 * room are declared there; `data` and `model`, which concern several rooms, are declared here.
 */
export const settingsSchema = {
  data: dataSettings,
  sampling: { ...samplingSettings, hardNegatives: hardNegativesSetting },
  augment: { on: flag(true, 'false trains on the images without augmentation'), ...augmentSettings },
  model: modelSettings,
  train: trainSettings,
} as const satisfies Schema;

/** The values of all settings. */
export interface Settings {
  readonly data: GroupValues<typeof dataSettings>;
  readonly sampling: GroupValues<typeof samplingSettings> & {
    /** Samples empty images in proportion to their highest false-positive score (hard-negative mining). */
    readonly hardNegatives: boolean;
  };
  readonly augment: GroupValues<typeof augmentSettings> & {
    /** False trains on the images without augmentation. */
    readonly on: boolean;
  };
  readonly model: GroupValues<typeof modelSettings>;
  readonly train: TrainSettings;
}

/** Some settings by group; the others have their defaults. */
export type PartialSettings = {
  readonly [G in keyof Settings]?: { readonly [K in keyof Settings[G]]?: Settings[G][K] | undefined } | undefined;
};

/** Settings for an adapter: network and learning rate are no longer `auto`. `prepareTraining` finds the batch size. */
export type RunSettings = Settings & {
  readonly model: { readonly network: NetworkName };
  readonly train: { readonly learningRate: number };
};

/** Fills in the defaults. Throws a SettingError for names that do not exist and values that are not legal. */
export const resolveSettings = (given: PartialSettings): Settings =>
  resolveLayers(settingsSchema, [layerOf('settings', given)]);

/**
 * Chooses the network for the adapter, and the learning rate for the network, where they are `auto`. Throws a SettingError if
 * settings exclude each other.
 */
export function chooseAuto(settings: Settings, isHardware: boolean): RunSettings {
  const { model, train } = settings;
  const { batchSize, accumulate } = train;
  if (batchSize === 'auto' && accumulate !== trainSettings.accumulate.default) {
    throw new SettingError(
      'train.accumulate is chosen with train.batchSize=auto: leave it out; train.stepImages sets the images of a step',
      'train.accumulate',
    );
  }
  if (model.norm === 'frozen' && model.weights === null) {
    throw new SettingError(
      'model.norm=frozen keeps the statistics of model.weights, and there are none: name weights, or choose batch or group',
      'model.norm',
    );
  }
  const network = model.network === 'auto' ? (isHardware ? 'resnet18' : 'tiny') : model.network;
  const learningRate =
    train.learningRate === 'auto'
      ? startingRate({
          optimizer: train.optimizer,
          width: networks[network].width,
          images: batchSize === 'auto' ? train.stepImages : batchSize * accumulate,
          isPretrained: model.weights !== null,
        })
      : train.learningRate;
  return { ...settings, model: { ...model, network }, train: { ...train, learningRate } };
}
