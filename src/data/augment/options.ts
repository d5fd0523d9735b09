import { checkInteger, checkNumber, defined, expectedNumber, isWithin, type Limits } from '../../common/check.ts';
import { between, defaultsOf, flag, numeric, orNone, type Group, type GroupValues } from '../../common/settings.ts';
import { checkVisibility, defaultVisibility, type Visibility } from '../../imagery/geometry.ts';
import { checkPaste, type PasteOptions } from './mix.ts';

/** Minimum and maximum of a random quantity. */
export type Range = readonly [low: number, high: number];

const fraction = { min: 0, max: 1 };

/**
 * The settings of augmentation, with the defaults of `augment`. Overhead images have no upright orientation, so flips and
 * rotations are on by default, as are mild changes of scale and colour. All else is off.
 */
export const augmentSettings = {
  /** Flips horizontally with probability 0.5. */
  flipX: flag(true, 'flips horizontally with probability 0.5'),
  /** Flips vertically with probability 0.5. */
  flipY: flag(true, 'flips vertically with probability 0.5; disable if images have a fixed upright orientation'),
  /** Rotates by 0, 90, 180 or 270 degrees; by 0 or 180 where the image is not square, so that its size stays. */
  turn: flag(true, 'rotates by multiples of 90 degrees; disable if images have a fixed upright orientation'),
  /** Range of the random scale factor, or null for none. */
  scale: orNone(between([0.8, 1.25], 'range of the random scale factor', { min: 0.1, max: 10 }), [0.8, 1.25]),
  /** Translates by up to this fraction of the image's sides, by an integer number of pixels. Not beside `crop`. */
  translate: numeric(0, 'maximum translation as a fraction of the side', { min: 0, max: 0.9 }),
  crop: orNone(
    numeric(256, 'takes a random crop of this many pixels, mostly with an object in it', { min: 1, integer: true }),
  ),
  /** Range of the factor on the pixel values, or null for none. */
  brightness: orNone(between([0.8, 1.2], 'range of the brightness factor', { min: 0 }), [0.8, 1.2]),
  /** Range of the factor on the distance from the mean grey, or null for none. */
  contrast: orNone(between([0.8, 1.2], 'range of the contrast factor', { min: 0 }), [0.8, 1.2]),
  /** Range of the hue shift as a fraction of the colour wheel, or null for none. Of images of three channels only. */
  hue: orNone(
    between([-0.02, 0.02], 'range of the hue shift of RGB images as a fraction of the colour wheel', {
      min: -0.5,
      max: 0.5,
    }),
    [-0.02, 0.02],
  ),
  /** Range of the factor on the distance from grey, or from the mean of other than three channels; null for none. */
  saturation: orNone(between([0.8, 1.2], 'range of the saturation factor', { min: 0 }), [0.8, 1.2]),
  /** Range of the gain, which is drawn independently for each channel, or null for none. */
  gain: orNone(
    between([0.95, 1.05], 'range of the gain, independent for each colour channel', { min: 0 }),
    [0.95, 1.05],
  ),
  /** Probability of conversion to greyscale. */
  grey: numeric(0, 'probability of conversion to greyscale', fraction),
  blur: numeric(0, 'probability of Gaussian blur', fraction),
  noise: numeric(0, 'probability of Gaussian noise', fraction),
  /** Probability of joining four samples into one: see `mosaic`. */
  mosaic: numeric(0, 'probability of a mosaic of four images', fraction),
  copyPaste: numeric(0, 'probability of pasting objects of another image', fraction),
  /** Probability of blending two samples, with weights of the beta distribution (8, 8): see `mixup`. */
  mixup: numeric(0, 'probability of blending with another image', fraction),
} as const satisfies Group;

type AugmentGroup = GroupValues<typeof augmentSettings>;
/** Settings whose options may also say how. */
type Detailed = 'crop' | 'blur' | 'noise' | 'copyPaste';

/** What `augment` does: `augmentSettings`, some with more to say. Plain values, which can be kept in a file. */
export interface AugmentOptions extends Partial<Omit<AugmentGroup, Detailed>> {
  /**
   * Takes a window of `size` x `size` pixels, less where the image is smaller, at a random place, after scaling. With
   * probability `objects` (default 0.8) it holds one of the objects, chosen at random, where there are any.
   * Default null: the image keeps its size.
   */
  readonly crop?: { readonly size: number; readonly objects?: number } | null;
  /** Gaussian blur: its probability, or also the range of its `sigma` in pixels (default [0.5, 1.5]). */
  readonly blur?: number | { readonly probability: number; readonly sigma?: Range };
  /** Gaussian noise: its probability, or also the range of its standard `deviation` (default [2, 10]). */
  readonly noise?: number | { readonly probability: number; readonly deviation?: Range };
  /** Objects of another sample pasted in: its probability, or also how: see `copyPaste`. */
  readonly copyPaste?: number | (Omit<PasteOptions, 'visibility'> & { readonly probability: number });
  /** Value of each channel, 0 to 255, where a window reaches beyond the image. Default: see `EdgeOptions.fill`. */
  readonly fill?: readonly number[] | null;
  /** Which boxes stay when an edge cuts them. Default: a side of one pixel and a tenth of the area. */
  readonly visibility?: Visibility;
}

/** `AugmentOptions` with all defaults in place. */
export interface ResolvedAugmentation extends Omit<AugmentGroup, Detailed | 'mosaic' | 'mixup'> {
  readonly crop: { readonly size: number; readonly objects: number } | null;
  readonly blur: { readonly probability: number; readonly sigma: Range };
  readonly noise: { readonly probability: number; readonly deviation: Range };
  readonly mosaic: { readonly probability: number };
  readonly copyPaste: { readonly probability: number } & PasteOptions;
  readonly mixup: { readonly probability: number };
  readonly fill: readonly number[] | null;
  readonly visibility: Visibility;
}

const { blur, noise, mosaic, copyPaste, mixup, ...plain } = defaultsOf(augmentSettings);
const defaults: ResolvedAugmentation = {
  ...plain,
  crop: null,
  blur: { probability: blur, sigma: [0.5, 1.5] },
  noise: { probability: noise, deviation: [2, 10] },
  mosaic: { probability: mosaic },
  copyPaste: { probability: copyPaste },
  mixup: { probability: mixup },
  fill: null,
  visibility: defaultVisibility,
};

const MIXING = ['mosaic', 'copyPaste', 'mixup'] as const;
/** Kinds of augmentation that need other samples. */
export type Mixing = (typeof MIXING)[number];

/** The first kind of mixing that is switched on. */
export const mixingKind = (settings: ResolvedAugmentation): Mixing | undefined =>
  MIXING.find((kind) => settings[kind].probability > 0);

const OP = 'augment';

/**
 * Options with their defaults. Throws a TypeError for an unknown option and for a value of the wrong type, and a
 * RangeError for a number out of range.
 */
export function checkAugment(options: AugmentOptions): ResolvedAugmentation {
  checkNames(OP, options, Object.keys(defaults));
  const given: AugmentOptions = defined(options);
  const settings: ResolvedAugmentation = {
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
  checkNumber(OP, 'grey', settings.grey, fraction);
  checkNumber(OP, 'translate', settings.translate, fraction);
  if (settings.crop !== null) checkCrop(settings.crop, settings.translate);
  for (const value of settings.fill ?? []) checkNumber(OP, 'fill', value, { min: 0, max: 255 });
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
  checkNumber(OP, typeof value === 'number' ? name : `${name}.probability`, full.probability, fraction);
  return full;
}

function checkCrop(crop: NonNullable<ResolvedAugmentation['crop']>, translate: number): void {
  checkNames(`${OP}: crop`, crop, ['size', 'objects']);
  checkInteger(OP, 'crop.size', crop.size, { min: 1 });
  checkNumber(OP, 'crop.objects', crop.objects, fraction);
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
