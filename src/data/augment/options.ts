import { checkInteger, checkNumber, expectedNumber, isWithin, type Limits } from '../../common/check.ts';
import { checkVisibility, defaultVisibility, type Visibility } from '../../imagery/geometry.ts';
import { checkPaste, type PasteOptions } from './mix.ts';

/** Smallest and largest value of a random quantity. */
export type Range = readonly [low: number, high: number];

/**
 * What `augment` does: plain numbers, which a file can hold. Overhead images have no upright orientation, so flips and
 * rotations are on by default, with mild changes of scale and colour. Everything else is off.
 */
export interface AugmentOptions {
  /** Flips horizontally with probability 0.5. Default true. */
  readonly flipX?: boolean;
  /** Flips vertically with probability 0.5. Default true. */
  readonly flipY?: boolean;
  /**
   * Rotates by 0, 90, 180 or 270 degrees; by 0 or 180 where the image is not square, so that its size stays. Default
   * true.
   */
  readonly turn?: boolean;
  /** Range of the random scale factor, or null for none. Default [0.8, 1.25]. */
  readonly scale?: Range | null;
  /** Maximum shift as a fraction of the sides, in integer pixels. Not together with `crop`. Default 0. */
  readonly translate?: number;
  /**
   * Takes a window of `size` x `size` pixels, or smaller where the image is smaller, at a random place, after scaling. With
   * probability `objects` (default 0.8) the window holds one of the objects, chosen at random, if there are any. Default
   * null: the image keeps its size.
   */
  readonly crop?: { readonly size: number; readonly objects?: number } | null;
  /** Range of the brightness factor, or null for none. Default [0.8, 1.2]. */
  readonly brightness?: Range | null;
  /** Range of the contrast factor, or null for none. Default [0.8, 1.2]. */
  readonly contrast?: Range | null;
  /** Range of the hue shift as a fraction of the colour wheel, or null for none. Default [-0.02, 0.02]. */
  readonly hue?: Range | null;
  /** Range of the saturation factor, or null for none. Default [0.8, 1.2]. */
  readonly saturation?: Range | null;
  /** Range of the gain, which is independent for each colour channel, or null for none. Default [0.95, 1.05]. */
  readonly gain?: Range | null;
  /** Probability of a greyscale image. Default 0. */
  readonly grey?: number;
  /** Gaussian blur: its probability, or also the range of its `sigma` in pixels (default [0.5, 1.5]). Default 0. */
  readonly blur?: number | { readonly probability: number; readonly sigma?: Range };
  /**
   * Gaussian noise: its probability, or also the range of its standard `deviation`, of 255 (default [2, 10]). Default 0.
   */
  readonly noise?: number | { readonly probability: number; readonly deviation?: Range };
  /** Probability of a mosaic of four samples: see `mosaic`. Default 0. */
  readonly mosaic?: number;
  /** Objects pasted from another sample: the probability, or also the options of `copyPaste`. Default 0. */
  readonly copyPaste?: number | (Omit<PasteOptions, 'visibility'> & { readonly probability: number });
  /** Probability of blending two samples, with weights from the beta distribution (8, 8): see `mixup`. Default 0. */
  readonly mixup?: number;
  /** Which boxes are kept when an edge cuts them. Default: a side of one pixel and a tenth of the area. */
  readonly visibility?: Visibility;
}

/** `AugmentOptions` with all defaults in place. */
export interface AugmentSettings {
  readonly flipX: boolean;
  readonly flipY: boolean;
  readonly turn: boolean;
  readonly scale: Range | null;
  readonly translate: number;
  readonly crop: { readonly size: number; readonly objects: number } | null;
  readonly brightness: Range | null;
  readonly contrast: Range | null;
  readonly hue: Range | null;
  readonly saturation: Range | null;
  readonly gain: Range | null;
  readonly grey: number;
  readonly blur: { readonly probability: number; readonly sigma: Range };
  readonly noise: { readonly probability: number; readonly deviation: Range };
  readonly mosaic: { readonly probability: number };
  readonly copyPaste: { readonly probability: number } & PasteOptions;
  readonly mixup: { readonly probability: number };
  readonly visibility: Visibility;
}

const defaults: AugmentSettings = {
  flipX: true,
  flipY: true,
  turn: true,
  scale: [0.8, 1.25],
  translate: 0,
  crop: null,
  brightness: [0.8, 1.2],
  contrast: [0.8, 1.2],
  hue: [-0.02, 0.02],
  saturation: [0.8, 1.2],
  gain: [0.95, 1.05],
  grey: 0,
  blur: { probability: 0, sigma: [0.5, 1.5] },
  noise: { probability: 0, deviation: [2, 10] },
  mosaic: { probability: 0 },
  copyPaste: { probability: 0 },
  mixup: { probability: 0 },
  visibility: defaultVisibility,
};

const MIXING = ['mosaic', 'copyPaste', 'mixup'] as const;
/** Kinds of augmentation that need other samples. */
export type Mixing = (typeof MIXING)[number];

/** The first kind of mixing that is switched on. */
export const mixingKind = (settings: AugmentSettings): Mixing | undefined =>
  MIXING.find((kind) => settings[kind].probability > 0);

const OP = 'augment';
const PROBABILITY = { min: 0, max: 1 } as const;

/**
 * Options with their defaults. Throws a TypeError for an unknown option and for a value of the wrong type, and a
 * RangeError for a number out of range.
 */
export function checkAugment(options: AugmentOptions): AugmentSettings {
  checkNames(OP, options, Object.keys(defaults));
  // What is undefined counts as not given.
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as AugmentOptions;
  const settings: AugmentSettings = {
    ...defaults,
    ...given,
    crop: given.crop === undefined || given.crop === null ? null : { objects: 0.8, ...given.crop },
    blur: withProbability('blur', given.blur, defaults.blur),
    noise: withProbability('noise', given.noise, defaults.noise),
    mosaic: withProbability('mosaic', given.mosaic, defaults.mosaic),
    copyPaste: withProbability('copyPaste', given.copyPaste, { probability: 0, most: 5, maxCovered: 0.1, feather: 2 }),
    mixup: withProbability('mixup', given.mixup, defaults.mixup),
  };
  for (const name of ['flipX', 'flipY', 'turn'] as const) {
    if (typeof settings[name] !== 'boolean') {
      throw new TypeError(`augment: ${name} is ${String(settings[name])}, expected true or false`);
    }
  }
  for (const name of ['scale', 'brightness', 'contrast'] as const)
    checkRange(name, settings[name], { above: 0, finite: true });
  for (const name of ['saturation', 'gain'] as const) checkRange(name, settings[name], { min: 0, finite: true });
  checkRange('hue', settings.hue, { min: -0.5, max: 0.5 });
  checkRange('blur.sigma', settings.blur.sigma, { min: 0, max: 20 });
  checkRange('noise.deviation', settings.noise.deviation, { min: 0, max: 255 });
  checkNumber(OP, 'grey', settings.grey, PROBABILITY);
  checkNumber(OP, 'translate', settings.translate, { min: 0, max: 1 });
  if (settings.crop !== null) checkCrop(settings.crop, settings.translate);
  checkPaste(settings.copyPaste);
  checkVisibility(settings.visibility);
  return settings;
}

function checkNames(where: string, given: object, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`${where}: ${String(given)}, expected an object with ${known.join(', ')}`);
  }
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new TypeError(`${where}: there is no option ${unknown}, only ${known.join(', ')}`);
}

/** A number is the probability, and leaves the other values at their defaults. */
function withProbability<T extends { readonly probability: number }>(
  name: string,
  value: number | Partial<T> | undefined,
  fallback: T,
): T {
  if (value === undefined) return fallback;
  if (typeof value !== 'number') checkNames(`${OP}: ${name}`, value, Object.keys(fallback));
  const full = { ...fallback, ...(typeof value === 'number' ? { probability: value } : value) };
  checkNumber(OP, typeof value === 'number' ? name : `${name}.probability`, full.probability, PROBABILITY);
  return full;
}

function checkCrop(crop: NonNullable<AugmentSettings['crop']>, translate: number): void {
  checkNames(`${OP}: crop`, crop, ['size', 'objects']);
  checkInteger(OP, 'crop.size', crop.size, { min: 1 });
  checkNumber(OP, 'crop.objects', crop.objects, PROBABILITY);
  if (translate > 0) {
    throw new TypeError(
      'augment: crop and translate are both on, expected one: crop places its window at random already',
    );
  }
}

function checkRange(name: string, range: Range | null, limits: Limits): void {
  if (range === null) return;
  const isPair = Array.isArray(range) && range.length === 2;
  if (isPair && range[1] >= range[0] && range.every((value) => isWithin(value, limits))) return;
  const shown = Array.isArray(range) ? `[${range.join(', ')}]` : String(range);
  throw new RangeError(
    `augment: ${name} is ${shown}, expected [low, high] with low <= high, each ${expectedNumber('a number', limits)}`,
  );
}
