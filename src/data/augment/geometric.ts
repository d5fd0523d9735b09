import { clipAnnotations, defaultVisibility, mapBoxes, type Visibility } from '../../imagery/geometry.ts';
import { imageSize, packedBytes, rgbImage, rotateImage } from '../../imagery/image.ts';
import type { Sample } from '../types.ts';

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
  return { id: sample.id, image: rotateImage(sample.image, turns), ...boxes };
}

/** What stands around a picture, and which boxes stay when an edge cuts them. */
export interface EdgeOptions {
  /** Colour around the picture. Default the mean of ImageNet, which normalisation takes to zero. */
  readonly fill?: readonly [red: number, green: number, blue: number];
  /** Default: at least one pixel wide and high, and a tenth of the area inside. */
  readonly visibility?: Visibility;
}

/** A window of a picture that was enlarged or shrunk: pixels of the changed picture, which it may lie beside. */
export interface Window {
  /** Factor by which things grow. */
  readonly factor: number;
  readonly left: number;
  readonly top: number;
  /** Whole numbers from 1: the size of the result. */
  readonly width: number;
  readonly height: number;
}

/**
 * A window of the enlarged or shrunk picture of a sample, in one step (bilinear, half-pixel centres). What lies beside
 * the picture has a plain colour. A window that is the whole sample gives the sample itself; one of whole pixels within
 * the picture at factor 1 is a view.
 */
export function cutWindow(sample: Sample, window: Window, options: EdgeOptions = {}): Sample {
  const { fill = [124, 116, 104], visibility = defaultVisibility } = options;
  const { factor, left, top, width, height } = window;
  const size = imageSize(sample.image);
  const isWhole = factor === 1 && Number.isInteger(left) && Number.isInteger(top);
  if (isWhole && left === 0 && top === 0 && width === size.width && height === size.height) return sample;
  const moved = mapBoxes(sample, (x, y) => [x * factor - left, y * factor - top]);
  const annotations = clipAnnotations(moved, width, height, visibility);
  const isInside = left >= 0 && top >= 0 && left + width <= size.width && top + height <= size.height;
  if (isWhole && isInside) {
    return { id: sample.id, image: sample.image.lo(top, left, 0).hi(height, width, 3), ...annotations };
  }
  const rows = taps(size.height, height, factor, top);
  const columns = taps(size.width, width, factor, left);
  const bytes = resample(packedBytes(sample.image), size.width * 3, rows, columns, fill);
  return { id: sample.id, image: rgbImage(height, width, bytes), ...annotations };
}

/**
 * Moves a sample by whole pixels to the right (`dx` > 0) and down (`dy` > 0); its size stays. Throws a RangeError for
 * fractions.
 */
export function translate(sample: Sample, dx: number, dy: number, options: EdgeOptions = {}): Sample {
  if (!Number.isInteger(dx) || !Number.isInteger(dy)) {
    throw new RangeError(`translate: dx is ${dx} and dy ${dy}, expected whole numbers of pixels`);
  }
  // Not `-dx`: a window at -0 is none at 0.
  return cutWindow(sample, { factor: 1, left: 0 - dx, top: 0 - dy, ...imageSize(sample.image) }, options);
}

/**
 * The part of a sample from column `x` and row `y` on, `width` x `height` pixels. The image is a view. Throws a
 * RangeError when the part does not lie within the image.
 */
export function crop(
  sample: Sample,
  part: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  visibility: Visibility = defaultVisibility,
): Sample {
  const { x, y, width, height } = part;
  const size = imageSize(sample.image);
  const isWhole = [x, y, width, height].every(Number.isInteger) && x >= 0 && y >= 0 && width >= 1 && height >= 1;
  if (!isWhole || x + width > size.width || y + height > size.height) {
    throw new RangeError(
      `crop: ${width} x ${height} pixels from (${x}, ${y}), expected whole pixels within the image of ${size.width} x ${size.height}`,
    );
  }
  return cutWindow(sample, { factor: 1, left: x, top: y, width, height }, { visibility });
}

/** Where `rescale` takes its window from. */
export interface RescaleOptions extends EdgeOptions {
  /** Position of the window (factor > 1) or of the smaller picture (factor < 1) along x, from 0 to 1. Default 0.5. */
  readonly x?: number;
  /** The same along y. */
  readonly y?: number;
}

/**
 * Enlarges a sample by a factor and cuts a window of the old size, or shrinks it and puts it on a plain ground of the
 * old size (bilinear, half-pixel centres). Boxes are clipped by the visibility rule.
 */
export function rescale(sample: Sample, factor: number, options: RescaleOptions = {}): Sample {
  const { x = 0.5, y = 0.5 } = options;
  if (!(factor > 0 && factor < Infinity)) throw new RangeError(`rescale: factor is ${factor}, expected a number > 0`);
  const { height, width } = imageSize(sample.image);
  // Negative where the picture is smaller than the window.
  const [left, top] = [x * (width * factor - width), y * (height * factor - height)];
  return cutWindow(sample, { factor, left, top, width, height }, options);
}

/** For each row or column of the result: the two of the source around it and the weight of the second; -1 for none. */
interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weight: Float32Array;
}

/** `from` and `to` are the sizes of source and result along one axis, `start` is the window's edge. */
function taps(from: number, to: number, factor: number, start: number): Taps {
  const [low, high, weight] = [new Int32Array(to).fill(-1), new Int32Array(to), new Float32Array(to)];
  for (let i = 0; i < to; i++) {
    const position = (i + 0.5 + start) / factor;
    if (position < 0 || position > from) continue;
    const centre = Math.min(Math.max(position - 0.5, 0), from - 1);
    low[i] = Math.floor(centre);
    high[i] = Math.min(Math.floor(centre) + 1, from - 1);
    weight[i] = centre - Math.floor(centre);
  }
  return { low, high, weight };
}

function resample(source: Uint8Array, line: number, rows: Taps, columns: Taps, fill: readonly number[]): Uint8Array {
  const [height, width] = [rows.low.length, columns.low.length];
  const out = new Uint8Array(height * width * 3);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const upper = rows.low[y]! * line;
    const lower = rows.high[y]! * line;
    const v = rows.weight[y]!;
    for (let x = 0; x < width; x++) {
      const low = columns.low[x]!;
      if (low < 0 || upper < 0) {
        out[to++] = fill[0]!;
        out[to++] = fill[1]!;
        out[to++] = fill[2]!;
        continue;
      }
      const left = low * 3;
      const right = columns.high[x]! * 3;
      const h = columns.weight[x]!;
      for (let c = 0; c < 3; c++) {
        const a = source[upper + left + c]!;
        const b = source[lower + left + c]!;
        const above = a + h * (source[upper + right + c]! - a);
        const below = b + h * (source[lower + right + c]! - b);
        out[to++] = above + v * (below - above) + 0.5;
      }
    }
  }
  return out;
}
