import {
  changeable,
  flag,
  numeric,
  oneOf,
  orAuto,
  orNone,
  orWord,
  type Group,
  type GroupValues,
} from '../common/settings.ts';

const count = { min: 1, integer: true };

/** Maximum of `keepStates`. */
export const MAX_STATES = 100;

/** The settings of a training run: group `train` of a configuration, and the defaults of `Trainer` and `trainDetector`. */
export const trainSettings = {
  /** Passes over the training samples. */
  epochs: changeable(numeric(40, 'passes over the training images', count)), // resuming checks the number of steps
  /**
   * Images that the GPU processes together. A step uses `batchSize` times `accumulate` images. With `auto`, `findBatchSize`
   * finds both for steps of `stepImages` images; a run keeps what was found.
   */
  batchSize: orWord(
    numeric(
      4,
      'images processed together; auto: the most that fit into the memory, in steps of train.stepImages',
      count,
    ),
    'auto',
  ),
  /** Images of a step with `batchSize: 'auto'`: 16, as in the paper. */
  stepImages: changeable(
    numeric(16, 'images of a step with train.batchSize=auto, which also sets train.accumulate', count),
  ),
  /**
   * Number of batches whose gradients are accumulated before a step, so that memory holds the activations of one batch
   * only. With the loss normaliser `image`, a step equals that of one large batch, except for rounding and for batch
   * norms, which see one batch at a time. With `batch` and `ema`, each batch is divided by its own number of foreground
   * anchors (or the average of it) and weighted by its fraction of the images.
   */
  accumulate: numeric(1, 'gradient-accumulation steps: batches whose gradients are added before a step', count),
  /** AdamW, or SGD with momentum: torchvision's, which often ends a little better after long training. */
  optimizer: oneOf('adamw', ['adamw', 'sgd'], 'optimizer'),
  /** Peak learning rate. `auto` is that of `startingRate` for random initial weights. */
  learningRate: orAuto(
    numeric(
      5e-4,
      'peak learning rate; auto: by optimizer, network, images per step and whether weights are pretrained',
      {
        min: 0,
        max: 10,
      },
    ),
  ),
  /**
   * Multiplier on the learning rate of the backbone: 1 suits random weights, 0.1 a pretrained backbone with new heads.
   */
  backboneRate: numeric(1, 'multiplier on train.learningRate for the backbone; 0.1 for fine-tuning', {
    min: 0,
    max: 10,
  }),
  /**
   * `one-cycle`: rises and falls along cosines (Smith and Topin 2018). `cosine`: linear warm-up, then half a cosine
   * down to 0 (Loshchilov and Hutter 2017). `multi-step`: linear warm-up, then divided by ten at each milestone, as in
   * torchvision. `constant`: linear warm-up, then constant.
   */
  schedule: oneOf('one-cycle', ['one-cycle', 'cosine', 'multi-step', 'constant'], 'learning-rate schedule'),
  /**
   * Length of the warm-up: a fraction of all steps if < 1, otherwise an integer number of steps. `auto`: 0.2 for
   * `one-cycle`, 0.05 for `cosine` and `multi-step`, 0 for `constant`.
   */
  warmup: orAuto(numeric(0.2, 'warm-up: a fraction of the steps below 1, or a number of steps', { min: 0 })),
  /** Weight decay of filters; biases and norms have none. `auto`: 0.01 for AdamW, 1e-4 for SGD. */
  weightDecay: orAuto(
    numeric(0.01, 'weight decay of filters (norms and biases have none); auto: 0.01 for adamw, 0.0001 for sgd', {
      min: 0,
    }),
  ),
  /** Maximum norm of all gradients together (Pascanu et al. 2013); null disables clipping. */
  clipNorm: orNone(numeric(5, 'maximum norm of all gradients together', { above: 0 }), 5),
  /**
   * Decay of the exponential moving average of the weights, lower in the first steps. The averaged weights are
   * evaluated and saved; with null, the last weights are.
   */
  averageDecay: orNone(
    numeric(0.99, 'decay of the exponential moving average of the weights', { min: 0, max: 0.99999 }),
    0.99,
  ),
  /** Epochs between evaluations. The last epoch is always followed by an evaluation. */
  evaluateEvery: changeable(numeric(1, 'epochs between evaluations', count)),
  /** Metric for the best weights and for `patience`: F1 at its best threshold, or average precision. */
  monitor: changeable(oneOf('f1', ['f1', 'ap'], 'metric that decides which weights are best')),
  /** Number of consecutive evaluations without improvement after which the run ends early; null disables this. */
  patience: changeable(orNone(numeric(10, 'stop after this many evaluations without improvement', count), 10)),
  /** Minutes of training after which the state is also saved within an epoch; null saves it at the ends of epochs only. */
  saveMinutes: changeable(
    orNone(numeric(10, 'also saves the state within an epoch, when this many minutes have passed', { min: 0 }), 10),
  ),
  /** Number of states that are kept for resuming, in case the newest is damaged. */
  keepStates: changeable(
    numeric(2, 'number of states kept for --resume, in case the newest is damaged', {
      min: 1,
      max: MAX_STATES,
      integer: true,
    }),
  ),
  /** Random seed of order and augmentation. (`manualSeed` seeds the initial weights.) */
  seed: numeric(1, 'random seed for initial weights, data order, augmentation and split', { min: 0, integer: true }),
  /** Also writes scalars for TensorBoard, `events.out.tfevents.*`, into the run folder. */
  tensorboard: changeable(flag(false, 'also writes TensorBoard event files')),
} as const satisfies Group;

export type TrainSettings = GroupValues<typeof trainSettings>;
/** Settings whose batch size is known. */
export type FittedSettings = TrainSettings & { readonly batchSize: number };

/** Number of backbone stages that are not trained: group `model` of a configuration. See `freezeBackbone`. */
export const freezeSetting = numeric(
  0,
  'number of backbone stages to freeze: 1 the stem, 2 to 5 also layer1 to layer4',
  {
    min: 0,
    max: 5,
    integer: true,
  },
);

/** Hard-negative mining: group `sampling` of a configuration. See `TrainOptions.hardNegatives`. */
export const hardNegativesSetting = flag(
  false,
  'samples empty images in proportion to their highest false-positive score (hard-negative mining)',
);
