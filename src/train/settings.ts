import { labelFormats } from '../data.ts';
import { startingRate } from '../train.ts';
import { between, flag, list, numeric, oneOf, orAuto, orNone, words, type Schema, type ValuesOf } from './schema.ts';

/** Networks by name, from one that a CPU can train in minutes to the paper's. */
export const models = {
  tiny: { depth: 18, width: 16, channels: 32, convs: 1 },
  small: { depth: 18, width: 32, channels: 64, convs: 2 },
  resnet18: { depth: 18, width: 64, channels: 256, convs: 4 },
  resnet34: { depth: 34, width: 64, channels: 256, convs: 4 },
  resnet50: { depth: 50, width: 64, channels: 256, convs: 4 },
  resnet101: { depth: 101, width: 64, channels: 256, convs: 4 },
} as const;
export type ModelName = keyof typeof models;

const share = { min: 0, max: 1 };
const count = { min: 1, whole: true };

/** Every setting of a training run. */
export const trainSchema = {
  data: {
    path: words('', 'folder of the data set, or its label file; "synthetic" draws chips on the spot'),
    images: orNone(words('', 'folder of the images, where the label file lies elsewhere')),
    format: orAuto(oneOf('csv', labelFormats, 'format of the labels')),
    classes: list([], 'classes in the order of their labels; empty: those of the labels'),
    unlabelled: oneOf('skip', ['skip', 'empty', 'error'], 'images that the labels do not name'),
    validation: orNone(words('', 'another data set to evaluate on, instead of a share of this one')),
    heldOut: numeric(0.2, 'share of the images that is only evaluated on', { min: 0.01, max: 0.99 }),
    scene: orNone(
      words('', 'regular expression: what it finds in the name of an image is its scene, and a scene is never split'),
    ),
    minVisible: numeric(0.1, 'boxes of which less lies inside an image or tile are left out', share),
    tile: orNone(numeric(512, 'cuts images into square tiles of this many pixels', { min: 64, whole: true })),
    overlap: numeric(64, 'pixels that neighbouring tiles share', { min: 0, whole: true }),
    workers: orAuto(
      numeric(0, 'threads that read and augment images; 0 does it on the main one', { min: 0, max: 64, whole: true }),
    ),
    cacheMB: numeric(1024, 'memory for decoded images', { min: 0 }),
    chips: numeric(300, 'number of synthetic chips', { min: 2, whole: true }),
  },
  sampling: {
    emptyShare: orNone(numeric(0.25, 'most images without objects, as a share of an epoch', { min: 0, max: 0.99 })),
    classBalance: orNone(
      numeric(0.2, 'repeats images of classes that fewer than this share of the images have (repeat factors of LVIS)', {
        min: 0.001,
        max: 1,
      }),
    ),
    hardNegatives: flag(false, 'draws images without objects more often the surer the detector is of wrong ones'),
  },
  augment: {
    on: flag(true, 'false trains on the images as they are'),
    flipX: flag(true, 'mirrors left and right in half of the cases'),
    flipY: flag(true, 'mirrors top and bottom in half of the cases; false where there is an up'),
    turn: flag(true, 'turns by quarters; false where there is an up'),
    scale: orNone(between([0.8, 1.25], 'factor by which things grow', { min: 0.1, max: 10 }), [0.8, 1.25]),
    translate: numeric(0, 'moves by up to this share of a side', { min: 0, max: 0.9 }),
    crop: orNone(numeric(256, 'cuts out a window of this many pixels, mostly with an object in it', count)),
    brightness: orNone(between([0.8, 1.2], 'factor on the pixel values', { min: 0 }), [0.8, 1.2]),
    contrast: orNone(between([0.8, 1.2], 'factor on the distance from the mean grey', { min: 0 }), [0.8, 1.2]),
    hue: orNone(
      between([-0.02, 0.02], 'turn of the hue, where 1 is once around', { min: -0.5, max: 0.5 }),
      [-0.02, 0.02],
    ),
    saturation: orNone(between([0.8, 1.2], 'factor on the distance from grey', { min: 0 }), [0.8, 1.2]),
    gain: orNone(between([0.95, 1.05], 'factors on red, green and blue, each for itself', { min: 0 }), [0.95, 1.05]),
    grey: numeric(0, 'probability of a grey image', share),
    blur: numeric(0, 'probability of blur', share),
    noise: numeric(0, 'probability of noise', share),
    mosaic: numeric(0, 'probability of joining four images', share),
    copyPaste: numeric(0, 'probability of pasting objects of another image', share),
    mixup: numeric(0, 'probability of blending with another image', share),
  },
  model: {
    network: orAuto(
      oneOf('resnet18', Object.keys(models) as ModelName[], 'the network; auto: resnet18 on a GPU, tiny without one'),
    ),
    imageSize: orNone(
      numeric(512, 'resizes images so that the shorter side has this many pixels', { min: 32, whole: true }),
    ),
    anchors: oneOf(
      'auto',
      ['auto', 'octaves'],
      'auto fits sizes and shapes to the boxes; octaves: from smallestAnchor up',
    ),
    smallestAnchor: numeric(16, 'side in pixels of the smallest anchor, for anchors=octaves', { min: 2 }),
    weights: orNone(words('', 'weights to start from: of a run, or of torchvision, as .safetensors')),
    freeze: numeric(0, 'stages that stay as they are: 1 the stem, 2 to 5 also layer1 to layer4', {
      min: 0,
      max: 5,
      whole: true,
    }),
    checkpoint: flag(false, 'computes activations twice instead of keeping them: less memory, same results'),
  },
  train: {
    epochs: numeric(40, 'passes over the training images', count),
    batchSize: numeric(4, 'images in a step', count),
    accumulate: numeric(1, 'steps whose gradients are added before the weights change', count),
    optimizer: oneOf('adamw', ['adamw', 'sgd'], 'how gradients change weights'),
    learningRate: orAuto(
      numeric(
        5e-4,
        'highest learning rate; auto: by optimizer, network, images of a step and whether there are weights',
        {
          min: 0,
          max: 10,
        },
      ),
    ),
    backboneRate: numeric(1, 'factor on it for the backbone; 0.1 for fine-tuning', { min: 0, max: 10 }),
    schedule: oneOf('one-cycle', ['one-cycle', 'cosine', 'multi-step', 'constant'], 'course of the learning rate'),
    warmup: orAuto(numeric(0.2, 'share of the steps in which it rises', { min: 0, max: 0.9 })),
    weightDecay: orAuto(
      numeric(0.01, 'decay of filters (norms and biases have none); auto: 0.01 for adamw, 0.0001 for sgd', { min: 0 }),
    ),
    clipNorm: orNone(numeric(5, 'largest norm of all gradients together', { min: 0 }), 5),
    averageDecay: orNone(numeric(0.99, 'weight of the past in the averaged weights', { min: 0, max: 0.99999 }), 0.99),
    evaluateEvery: numeric(1, 'epochs between evaluations', count),
    monitor: oneOf('f1', ['f1', 'ap'], 'what decides which weights are best'),
    patience: orNone(numeric(10, 'evaluations without a better one after which the run ends', count), 10),
    seed: numeric(1, 'of weights, order, augmentation and split', { min: 0, whole: true }),
    tensorboard: flag(false, 'writes TensorBoard event files, too'),
  },
} as const satisfies Schema;

export type TrainSettings = ValuesOf<typeof trainSchema>;

/** Settings of a run on an adapter: the network and the learning rate are chosen. */
export type RunSettings = TrainSettings & {
  readonly model: { readonly network: ModelName };
  readonly train: { readonly learningRate: number };
};

/** Chooses what depends on the adapter, and what depends on that. */
export function chooseAuto(settings: TrainSettings, isHardware: boolean): RunSettings {
  const { model, train } = settings;
  const network = model.network === 'auto' ? (isHardware ? 'resnet18' : 'tiny') : model.network;
  const learningRate =
    train.learningRate === 'auto'
      ? startingRate({
          optimizer: train.optimizer,
          width: models[network].width,
          images: train.batchSize * train.accumulate,
          isPretrained: model.weights !== null,
        })
      : train.learningRate;
  return { ...settings, model: { ...model, network }, train: { ...train, learningRate } };
}
