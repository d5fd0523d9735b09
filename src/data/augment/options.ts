import { checkVisibility, defaultVisibility, type Visibility } from '../../imagery/geometry.ts';
import { checkPaste, type PasteOptions } from './mix.ts';

/** Smallest and largest value of a random quantity. */
export type Range = readonly [low: number, high: number];

/**
 * What `augment` does: plain numbers, which can be kept in a file. Overhead images have no up, so that flips and turns
 * are on by default; so are mild changes of scale and colour. All else is off.
 */
export interface AugmentOptions {
  /** Flips left and right in half of the cases. Default true. */
  readonly flipX?: boolean;
  /** Flips top and bottom in half of the cases. Default true. */
  readonly flipY?: boolean;
  /**
   * Turns by 0, 90, 180 or 270 degrees; by 0 or 180 where the image is not square, so that its size stays. Default
   * true.
   */
  readonly turn?: boolean;
  /** Range of the factor by which things grow, or null for none. Default [0.8, 1.25]. */
  readonly scale?: Range | null;
  /** Moves the image by up to this share of its sides, in whole pixels. Default 0. Not beside `crop`. */
  readonly translate?: number;
  /**
   * Takes a window of `size` x `size` pixels, less where the image is smaller, at a random place, after scaling. With
   * the probability `objects` (default 0.8) it holds one of the objects, chosen at random, where there are any.
   * Default null: the image keeps its size.
   */
  readonly crop?: { readonly size: number; readonly objects?: number } | null;
  /** Range of the factor on the pixel values, or null for none. Default [0.8, 1.2]. */
  readonly brightness?: Range | null;
  /** Range of the factor on the distance from the mean grey, or null for none. Default [0.8, 1.2]. */
  readonly contrast?: Range | null;
  /** Range of the turn of the hue, where 1 is once around the circle, or null for none. Default [-0.02, 0.02]. */
  readonly hue?: Range | null;
  /** Range of the factor on the distance from grey, or null for none. Default [0.8, 1.2]. */
  readonly saturation?: Range | null;
  /** Range of the factors on red, green and blue, each for itself, or null for none. Default [0.95, 1.05]. */
  readonly gain?: Range | null;
  /** Probability of a grey image. Default 0. */
  readonly grey?: number;
  /** Gaussian blur: its probability, or also the range of its `sigma` in pixels (default [0.5, 1.5]). Default 0. */
  readonly blur?: number | { readonly probability: number; readonly sigma?: Range };
  /** Gaussian noise: its probability, or also the range of its standard `deviation` (default [2, 10]). Default 0. */
  readonly noise?: number | { readonly probability: number; readonly deviation?: Range };
  /** Probability of four samples in one: see `mosaic`. Default 0. */
  readonly mosaic?: number;
  /** Objects of another sample pasted in: its probability, or also how: see `copyPaste`. Default 0. */
  readonly copyPaste?: number | (Omit<PasteOptions, 'visibility'> & { readonly probability: number });
  /** Probability of two samples blended, with shares of the beta distribution (8, 8): see `mixup`. Default 0. */
  readonly mixup?: number;
  /** Which boxes stay when an edge cuts them. Default: a side of one pixel and a tenth of the area. */
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

/**
 * Options with their defaults. Throws a TypeError for a name that `augment` does not know and for a value of the wrong
 * kind, and a RangeError for a number that makes no sense.
 */
export function checkAugment(options: AugmentOptions): AugmentSettings {
  checkNames('augment', options, Object.keys(defaults));
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
  for (const name of ['scale', 'brightness', 'contrast'] as const) checkRange(name, settings[name], 0, Infinity, true);
  for (const name of ['saturation', 'gain'] as const) checkRange(name, settings[name], 0, Infinity, false);
  checkRange('hue', settings.hue, -0.5, 0.5, false);
  checkRange('blur.sigma', settings.blur.sigma, 0, 20, false);
  checkRange('noise.deviation', settings.noise.deviation, 0, 255, false);
  checkShare('grey', settings.grey);
  checkShare('translate', settings.translate);
  if (settings.crop !== null) checkCrop(settings.crop, settings.translate);
  checkPaste(settings.copyPaste);
  checkVisibility(settings.visibility);
  return settings;
}

function checkNames(where: string, given: object, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`${where}: ${String(given)}, expected an object with ${known.join(', ')}`);
  }
  const wrong = Object.keys(given).find((name) => !known.includes(name));
  if (wrong !== undefined) throw new TypeError(`${where}: there is no option ${wrong}, only ${known.join(', ')}`);
}

/** A number stands for a probability with the rest as it is by default. */
function withProbability<T extends { readonly probability: number }>(
  name: string,
  value: number | Partial<T> | undefined,
  fallback: T,
): T {
  if (value === undefined) return fallback;
  if (typeof value !== 'number') checkNames(`augment: ${name}`, value, Object.keys(fallback));
  const full = { ...fallback, ...(typeof value === 'number' ? { probability: value } : value) };
  checkShare(typeof value === 'number' ? name : `${name}.probability`, full.probability);
  return full;
}

function checkShare(name: string, value: number): void {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`augment: ${name} is ${value}, expected a number from 0 to 1`);
}

function checkCrop(crop: NonNullable<AugmentSettings['crop']>, translate: number): void {
  checkNames('augment: crop', crop, ['size', 'objects']);
  if (!Number.isInteger(crop.size) || crop.size < 1) {
    throw new RangeError(`augment: crop.size is ${crop.size}, expected a whole number of pixels from 1`);
  }
  checkShare('crop.objects', crop.objects);
  if (translate > 0) {
    throw new TypeError('augment: crop and translate together: crop takes its window at a random place already');
  }
}

function checkRange(name: string, range: Range | null, low: number, high: number, isOpen: boolean): void {
  if (range === null) return;
  const isPair = Array.isArray(range) && range.length === 2;
  if (
    isPair &&
    (isOpen ? range[0] > low : range[0] >= low) &&
    range[1] >= range[0] &&
    range[1] <= high &&
    range[1] < Infinity
  ) {
    return;
  }
  const shown = Array.isArray(range) ? `[${range.join(', ')}]` : String(range);
  const end = high === Infinity ? '' : ` <= ${high}`;
  throw new RangeError(
    `augment: ${name} is ${shown}, expected [low, high] with ${low} ${isOpen ? '<' : '<='} low <= high${end}`,
  );
}
