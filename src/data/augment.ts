import { checkVisibility, clipAnnotations, defaultVisibility, mapBoxes } from './geometry.ts';
import type { Visibility } from './geometry.ts';
import { imageSize, packedBytes, rgbImage, turnImage } from './image.ts';
import type { Random } from './random.ts';
import type { Sample } from './types.ts';

/** Smallest and largest value of a random quantity. */
export type Range = readonly [low: number, high: number];

/** What `augment` does. Overhead images have no up, so that flips and turns are on by default. */
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
  /** Range of the factor on the pixel values, or null for none. Default [0.8, 1.2]. */
  readonly brightness?: Range | null;
  /** Range of the factor on the distance from the mean grey, or null for none. Default [0.8, 1.2]. */
  readonly contrast?: Range | null;
  /** Which boxes stay when scaling pushes them over the edge. */
  readonly visibility?: Visibility;
}

/** Mirrors a sample left to right. The image is a view. */
export function flipX(sample: Sample): Sample {
  const { width } = imageSize(sample.image);
  return { id: sample.id, image: sample.image.step(1, -1, 1), ...mapBoxes(sample, (x, y) => [width - x, y]) };
}

/** Mirrors a sample top to bottom. The image is a view. */
export function flipY(sample: Sample): Sample {
  const { height } = imageSize(sample.image);
  return { id: sample.id, image: sample.image.step(-1, 1, 1), ...mapBoxes(sample, (x, y) => [x, height - y]) };
}

/**
 * Turns a sample clockwise by `quarters` times 90 degrees. The image is a view; odd turns exchange height and width.
 */
export function turn(sample: Sample, quarters: number): Sample {
  if (!Number.isInteger(quarters)) throw new RangeError(`turn: quarters is ${quarters}, expected a whole number`);
  const { height, width } = imageSize(sample.image);
  const turns = ((quarters % 4) + 4) % 4;
  const boxes = mapBoxes(sample, (x, y) => {
    if (turns === 1) return [height - y, x];
    if (turns === 2) return [width - x, height - y];
    if (turns === 3) return [y, width - x];
    return [x, y];
  });
  return { id: sample.id, image: turnImage(sample.image, turns), ...boxes };
}

/** Where `rescale` takes its window from. */
export interface RescaleOptions {
  /** Position of the window (factor > 1) or of the smaller picture (factor < 1) along x, from 0 to 1. Default 0.5. */
  readonly x?: number;
  /** The same along y. */
  readonly y?: number;
  /** Colour around a smaller picture. Default the mean of ImageNet, which normalisation takes to zero. */
  readonly fill?: readonly [red: number, green: number, blue: number];
  readonly visibility?: Visibility;
}

/**
 * Enlarges a sample by a factor and cuts a window of the old size, or shrinks it and puts it on a plain ground of the
 * old size (bilinear, half-pixel centres). Boxes are clipped by the visibility rule.
 */
export function rescale(sample: Sample, factor: number, options: RescaleOptions = {}): Sample {
  const { x = 0.5, y = 0.5, fill = [124, 116, 104], visibility = defaultVisibility } = options;
  if (!(factor > 0 && factor < Infinity)) throw new RangeError(`rescale: factor is ${factor}, expected a number > 0`);
  const { height, width } = imageSize(sample.image);
  // Left and top edge of the window in the enlarged picture; negative where the picture is smaller than the window.
  const left = x * (width * factor - width);
  const top = y * (height * factor - height);
  const out = resample(packedBytes(sample.image), taps(height, factor, top), taps(width, factor, left), fill);
  const moved = mapBoxes(sample, (bx, by) => [bx * factor - left, by * factor - top]);
  return { id: sample.id, image: rgbImage(height, width, out), ...clipAnnotations(moved, width, height, visibility) };
}

/** For each row or column of the result: the two of the source around it and the weight of the second; -1 for none. */
interface Taps {
  readonly size: number;
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weight: Float32Array;
}

function taps(size: number, factor: number, start: number): Taps {
  const [low, high, weight] = [new Int32Array(size).fill(-1), new Int32Array(size), new Float32Array(size)];
  for (let i = 0; i < size; i++) {
    const position = (i + 0.5 + start) / factor;
    if (position < 0 || position > size) continue;
    const centre = Math.min(Math.max(position - 0.5, 0), size - 1);
    low[i] = Math.floor(centre);
    high[i] = Math.min(Math.floor(centre) + 1, size - 1);
    weight[i] = centre - Math.floor(centre);
  }
  return { size, low, high, weight };
}

function resample(source: Uint8Array, rows: Taps, columns: Taps, fill: readonly number[]): Uint8Array {
  const out = new Uint8Array(source.length);
  const line = columns.size * 3;
  let to = 0;
  for (let y = 0; y < rows.size; y++) {
    const upper = (rows.low[y] as number) * line;
    const lower = (rows.high[y] as number) * line;
    const v = rows.weight[y] as number;
    for (let x = 0; x < columns.size; x++) {
      const low = columns.low[x] as number;
      const left = low * 3;
      const right = (columns.high[x] as number) * 3;
      const h = columns.weight[x] as number;
      for (let c = 0; c < 3; c++) {
        if (low < 0 || upper < 0) {
          out[to++] = fill[c] as number;
          continue;
        }
        const a = source[upper + left + c] as number;
        const b = source[lower + left + c] as number;
        const above = a + h * ((source[upper + right + c] as number) - a);
        const below = b + h * ((source[lower + right + c] as number) - b);
        out[to++] = above + v * (below - above) + 0.5;
      }
    }
  }
  return out;
}

/** Multiplies pixel values by a factor and clamps to 0..255. */
export function brightness(sample: Sample, factor: number): Sample {
  if (!(factor >= 0 && factor < Infinity)) throw new RangeError(`brightness: factor is ${factor}, expected >= 0`);
  return mapValues(sample, (value) => value * factor);
}

/**
 * Moves pixel values away from (factor > 1) or towards (factor < 1) the mean grey of the image, and clamps to 0..255.
 */
export function contrast(sample: Sample, factor: number): Sample {
  if (!(factor >= 0 && factor < Infinity)) throw new RangeError(`contrast: factor is ${factor}, expected >= 0`);
  const bytes = packedBytes(sample.image);
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 3) {
    // Luma of ITU-R BT.601, as in torchvision's adjust_contrast.
    sum += 0.299 * (bytes[i] as number) + 0.587 * (bytes[i + 1] as number) + 0.114 * (bytes[i + 2] as number);
  }
  const mean = bytes.length === 0 ? 0 : sum / (bytes.length / 3);
  return mapValues(sample, (value) => mean + (value - mean) * factor);
}

function mapValues(sample: Sample, map: (value: number) => number): Sample {
  const { height, width } = imageSize(sample.image);
  const table = Uint8ClampedArray.from({ length: 256 }, (_, value) => map(value));
  const bytes = packedBytes(sample.image).map((value) => table[value] as number);
  return { ...sample, image: rgbImage(height, width, bytes) };
}

/**
 * A random variant of a sample. The sample itself is not changed. Every kind of change draws its numbers whether it is
 * on or not, so that switching one off leaves the others as they were.
 */
export function augment(sample: Sample, options: AugmentOptions, random: Random): Sample {
  const { scale = [0.8, 1.25], visibility = defaultVisibility } = options;
  // Not destructured: `brightness` and `contrast` are the names of the functions here.
  const light = options.brightness === undefined ? defaultFactor : options.brightness;
  const spread = options.contrast === undefined ? defaultFactor : options.contrast;
  checkVisibility(visibility);
  for (const [name, range] of Object.entries({ scale, brightness: light, contrast: spread })) checkRange(name, range);

  const mirrorX = random.uniform() < 0.5;
  const mirrorY = random.uniform() < 0.5;
  const quarters = random.int(4);
  const [size, x, y] = [random.uniform(), random.uniform(), random.uniform()];
  const [lightDraw, spreadDraw] = [random.uniform(), random.uniform()];

  const { height, width } = imageSize(sample.image);
  let out = sample;
  if (mirrorX && (options.flipX ?? true)) out = flipX(out);
  if (mirrorY && (options.flipY ?? true)) out = flipY(out);
  if (options.turn ?? true) out = turn(out, height === width ? quarters : (quarters & 1) * 2);
  // Even in the logarithm: twice as large is as likely as half as large.
  if (scale !== null) out = rescale(out, scale[0] * (scale[1] / scale[0]) ** size, { x, y, visibility });
  if (light !== null) out = brightness(out, light[0] + (light[1] - light[0]) * lightDraw);
  if (spread !== null) out = contrast(out, spread[0] + (spread[1] - spread[0]) * spreadDraw);
  return out;
}

const defaultFactor: Range = [0.8, 1.2];

function checkRange(name: string, range: Range | null): void {
  if (range !== null && !(range[0] > 0 && range[1] >= range[0] && range[1] < Infinity)) {
    throw new RangeError(`augment: ${name} is [${range.join(', ')}], expected [low, high] with 0 < low <= high`);
  }
}
