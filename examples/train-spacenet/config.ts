import { retinaNetSpec, type RetinaNetSpec } from 'retinagrad';
import { choice, number, text, UsageError, type Values } from '../shared/cli.ts';

/** Networks by name, from one that a CPU can train in minutes to the paper's. */
const models = {
  tiny: { depth: 18, width: 16, channels: 32, convs: 1 },
  small: { depth: 18, width: 32, channels: 64, convs: 2 },
  resnet18: { depth: 18, width: 64, channels: 256, convs: 4 },
  resnet34: { depth: 34, width: 64, channels: 256, convs: 4 },
  resnet50: { depth: 50, width: 64, channels: 256, convs: 4 },
  resnet101: { depth: 101, width: 64, channels: 256, convs: 4 },
} as const;
type ModelName = keyof typeof models;

/** All settings of a run. They are written to config.json, from which --resume reads them. */
export interface Config {
  /** Folder of the data set, or null for synthetic data. */
  readonly data: string | null;
  /** Number of synthetic chips. */
  readonly chips: number;
  readonly model: ModelName;
  /** Whether the backbone computes its activations a second time in backward, instead of keeping them. */
  readonly checkpoint: boolean;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly heldOut: number;
  /** Shorter side that images are resized to, or null to keep them. */
  readonly minSize: number | null;
  /** Side in pixels of the smallest anchor. */
  readonly smallestAnchor: number;
  readonly augment: boolean;
  readonly evaluateEvery: number;
  readonly patience: number | null;
  readonly cacheMB: number;
}

/** What a run on synthetic data uses, and where one on real data differs. */
const sample: Config = {
  data: null,
  chips: 300,
  model: 'tiny',
  checkpoint: false,
  epochs: 12,
  batchSize: 4,
  learningRate: 3e-3,
  seed: 1,
  heldOut: 0.2,
  minSize: null,
  smallestAnchor: 11,
  augment: true,
  evaluateEvery: 3,
  patience: null,
  cacheMB: 1024,
};
const real = { model: 'resnet18', epochs: 40, learningRate: 5e-4, evaluateEvery: 1, patience: 10 } as const;

/** Options in the form of `parseArgs`. */
export const options = {
  data: { type: 'string' },
  chips: { type: 'string' },
  out: { type: 'string' },
  resume: { type: 'string' },
  model: { type: 'string' },
  checkpoint: { type: 'boolean' },
  epochs: { type: 'string' },
  'batch-size': { type: 'string' },
  'learning-rate': { type: 'string' },
  seed: { type: 'string' },
  'held-out': { type: 'string' },
  'min-size': { type: 'string' },
  'smallest-anchor': { type: 'string' },
  'no-augment': { type: 'boolean' },
  'evaluate-every': { type: 'string' },
  patience: { type: 'string' },
  'cache-mb': { type: 'string' },
  adapter: { type: 'string' },
} as const;

export const help = `Trains RetinaNet to find buildings (or whatever your boxes mark) in overhead imagery.

  npm start                                      on ${sample.chips} synthetic chips, made on the spot: minutes on a CPU
  npm start -- --data AOI_2_Vegas_Train          on a folder of SpaceNet, as it was unpacked
  npm start -- --data tiles --model resnet50     on PNG, JPEG or TIFF images beside a CSV of boxes
  npm start -- --resume runs/2026-11-23-101500   goes on with a run that Ctrl-C ended

Data
  --data PATH           folder of the data set; its layout is recognised, and described if it is not
  --chips N             synthetic chips to make without --data (${sample.chips})
  --held-out SHARE      share of the images that is only evaluated on, chosen by a hash of their names (${sample.heldOut})
  --min-size N          resizes images so that their shorter side has N pixels (keeps them)
  --cache-mb N          memory for decoded images (${sample.cacheMB})

Model
  --model NAME          ${Object.keys(models).join(', ')}
                        (${sample.model}, with --data ${real.model})
  --checkpoint          keeps less of the backbone for the gradients and computes it again: less memory, same results,
                        longer steps
  --smallest-anchor N   side in pixels of the smallest anchor; about half of that of a small object (${sample.smallestAnchor})

Training
  --epochs N            (${sample.epochs}, with --data ${real.epochs})
  --batch-size N        (${sample.batchSize})
  --learning-rate X     peak of the cycle (${sample.learningRate}, with --data ${real.learningRate})
  --seed N              of weights, order and augmentation (${sample.seed})
  --no-augment          trains without flips, turns, scale, brightness and contrast
  --evaluate-every N    epochs between evaluations (${sample.evaluateEvery}, with --data ${real.evaluateEvery})
  --patience N          ends after N evaluations without a better F1 (never, with --data ${real.patience})

Run
  --out PATH            new folder for all results (runs/DATE-TIME)
  --resume PATH         folder of a run to go on with; takes all settings from it
  --adapter NAME        hardware, lavapipe, swiftshader, or a part of an adapter's name (the best there is)
  --help                this text

Ctrl-C finishes the step, saves and ends with status 130; a second one ends at once. Other statuses: 0 done, 1 failed,
2 wrong command line.
`;

/** Settings from the command line. */
export function readConfig(values: Values): Config {
  const data = text(values, 'data') ?? null;
  const base: Config = data === null ? sample : { ...sample, ...real };
  if (data !== null && values['chips'] !== undefined)
    throw new UsageError('--chips is for synthetic data, without --data');
  const count = (name: string): number | undefined => number(values, name, { min: 1, whole: true });
  return {
    data,
    chips: number(values, 'chips', { min: 2, whole: true }) ?? base.chips,
    model: choice(values, 'model', Object.keys(models) as ModelName[]) ?? base.model,
    checkpoint: values['checkpoint'] === true,
    epochs: count('epochs') ?? base.epochs,
    batchSize: count('batch-size') ?? base.batchSize,
    learningRate: number(values, 'learning-rate', { min: 0 }) ?? base.learningRate,
    seed: number(values, 'seed', { min: 0, whole: true }) ?? base.seed,
    heldOut: number(values, 'held-out', { min: 0.01, max: 0.99 }) ?? base.heldOut,
    minSize: number(values, 'min-size', { min: 32, whole: true }) ?? base.minSize,
    smallestAnchor: number(values, 'smallest-anchor', { min: 2 }) ?? base.smallestAnchor,
    augment: values['no-augment'] !== true,
    evaluateEvery: count('evaluate-every') ?? base.evaluateEvery,
    patience: count('patience') ?? base.patience,
    cacheMB: number(values, 'cache-mb', { min: 0 }) ?? base.cacheMB,
  };
}

/** The network of a run: torchvision's decisions, but for size, anchors and normalisation. */
export function networkSpec({ model, checkpoint, minSize, smallestAnchor }: Config): RetinaNetSpec {
  const { depth, width, channels, convs } = models[model];
  // Overhead, objects are small and of similar size: anchors half an octave apart from the smallest one up.
  const sides = Array.from({ length: 5 }, (_, level) =>
    [0, 0.5, 1].map((octaves) => Math.round(smallestAnchor * 2 ** (1.5 * level + octaves))),
  );
  return retinaNetSpec('torchvision', {
    backbone: { depth, width, norm: 'batch', checkpoint },
    pyramid: { channels },
    head: { channels, convs },
    anchors: { sizes: sides },
    transform: { minSize },
  });
}
