import { checkInteger, checkNumber } from '../../common/check.ts';
import { clipAnnotations, defaultVisibility, mapBoxes, type Visibility } from '../../imagery/geometry.ts';
import { byteImage, imageShape, packedBytes, rotateImage } from '../../imagery/image.ts';
import type { Sample } from '../types.ts';

/** Flips a sample horizontally. The image is a view. */
export function flipX(sample: Sample): Sample {
  const { width } = imageShape(sample.image);
  return { id: sample.id, image: sample.image.step(1, -1, 1), ...mapBoxes(sample, (x, y) => [width - x, y]) };
}

/** Flips a sample vertically. The image is a view. */
export function flipY(sample: Sample): Sample {
  const { height } = imageShape(sample.image);
  return { id: sample.id, image: sample.image.step(-1, 1, 1), ...mapBoxes(sample, (x, y) => [x, height - y]) };
}

/**
 * Rotates a sample clockwise by `quarters` times 90 degrees; odd values swap height and width. The image is a view. Throws
 * a RangeError unless `quarters` is an integer.
 */
export function rotate90(sample: Sample, quarters: number): Sample {
  checkInteger('rotate90', 'quarters', quarters);
  const { height, width } = imageShape(sample.image);
  const rotation = ((quarters % 4) + 4) % 4;
  const boxes = mapBoxes(sample, (x, y) => {
    if (rotation === 1) return [height - y, x];
    if (rotation === 2) return [width - x, height - y];
    if (rotation === 3) return [y, width - x];
    return [x, y];
  });
  return { id: sample.id, image: rotateImage(sample.image, rotation), ...boxes };
}

/** What surrounds an image, and which boxes are kept when an edge cuts them. */
export interface EdgeOptions {
  /**
   * Value of each channel around the image, 0 to 255. Default: of three channels the mean of ImageNet, which normalisation maps
   * to zero; of others 128.
   */
  readonly fill?: readonly number[];
  /** Default: at least one pixel wide and high, and a tenth of the area inside. */
  readonly visibility?: Visibility;
}

/** The mean of ImageNet. */
const IMAGENET = [124, 116, 104] as const;

/** A window of a scaled image, in pixels of the scaled image; it may reach beyond it. */
export interface Window {
  /** Scale factor. */
  readonly factor: number;
  readonly left: number;
  readonly top: number;
  /** Size of the result: integers >= 1. */
  readonly width: number;
  readonly height: number;
}

/**
 * Scales a sample and takes a window of it, in one step (bilinear, half-pixel centres). What lies beyond the image is
 * filled with `fill`. Returns the sample itself if the window is the whole sample; at factor 1, the image of a window of
 * whole pixels inside the image is a view.
 */
export function cutWindow(sample: Sample, window: Window, options: EdgeOptions = {}): Sample {
  const { visibility = defaultVisibility } = options;
  const { factor, left, top, width, height } = window;
  const size = imageShape(sample.image);
  const { channels } = size;
  const { fill = channels === 3 ? IMAGENET : new Array<number>(channels).fill(128) } = options;
  if (fill.length !== channels) {
    throw new RangeError(`cutWindow: fill is [${fill.join(', ')}], expected ${channels} values, one for each channel`);
  }
  const isWhole = factor === 1 && Number.isInteger(left) && Number.isInteger(top);
  if (isWhole && left === 0 && top === 0 && width === size.width && height === size.height) return sample;
  const moved = mapBoxes(sample, (x, y) => [x * factor - left, y * factor - top]);
  const annotations = clipAnnotations(moved, width, height, visibility);
  const isInside = left >= 0 && top >= 0 && left + width <= size.width && top + height <= size.height;
  if (isWhole && isInside) {
    return { id: sample.id, image: sample.image.lo(top, left, 0).hi(height, width, channels), ...annotations };
  }
  const rows = taps(size.height, height, factor, top);
  const columns = taps(size.width, width, factor, left);
  const bytes = resample(packedBytes(sample.image), size.width * channels, rows, columns, fill);
  return { id: sample.id, image: byteImage({ height, width, channels }, bytes), ...annotations };
}

/**
 * Shifts a sample to the right (`dx` > 0) and down (`dy` > 0) by integer numbers of pixels, others throw a RangeError. Its
 * size stays.
 */
export function translate(sample: Sample, dx: number, dy: number, options: EdgeOptions = {}): Sample {
  checkInteger('translate', 'dx', dx);
  checkInteger('translate', 'dy', dy);
  // Not `-dx`, which is -0 for 0.
  return cutWindow(sample, { factor: 1, left: 0 - dx, top: 0 - dy, ...imageShape(sample.image) }, options);
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
  const size = imageShape(sample.image);
  const isWhole = [x, y, width, height].every(Number.isInteger) && x >= 0 && y >= 0 && width >= 1 && height >= 1;
  if (!isWhole || x + width > size.width || y + height > size.height) {
    throw new RangeError(
      `crop: ${width} x ${height} pixels from (${x}, ${y}), expected whole pixels within the image of ${size.width} x ${size.height}`,
    );
  }
  return cutWindow(sample, { factor: 1, left: x, top: y, width, height }, { visibility });
}

/** Where `rescale` takes its window. */
export interface RescaleOptions extends EdgeOptions {
  /** Position of the window (factor > 1) or of the smaller image (factor < 1) along x, from 0 to 1. Default 0.5. */
  readonly x?: number;
  /** The same along y. */
  readonly y?: number;
}

/**
 * Enlarges a sample and takes a window of the old size, or shrinks it and pads it to the old size (bilinear, half-pixel
 * centres). Boxes are clipped by the visibility rule. Throws a RangeError unless the factor is a finite number > 0.
 */
export function rescale(sample: Sample, factor: number, options: RescaleOptions = {}): Sample {
  const { x = 0.5, y = 0.5 } = options;
  checkNumber('rescale', 'factor', factor, { above: 0, finite: true });
  const { height, width } = imageShape(sample.image);
  // Negative where the scaled image is smaller than the window.
  const [left, top] = [x * (width * factor - width), y * (height * factor - height)];
  return cutWindow(sample, { factor, left, top, width, height }, options);
}

/** For each row or column of the result: the two source rows or columns around it (-1 for none) and the weight of the second. */
interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weight: Float32Array;
}

/** `from` and `to` are the sizes of source and result along one axis, `start` is the edge of the window. */
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
  const channels = fill.length;
  const out = new Uint8Array(height * width * channels);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const upper = rows.low[y]! * line;
    const lower = rows.high[y]! * line;
    const v = rows.weight[y]!;
    for (let x = 0; x < width; x++) {
      const low = columns.low[x]!;
      if (low < 0 || upper < 0) {
        for (let c = 0; c < channels; c++) out[to++] = fill[c]!;
        continue;
      }
      const left = low * channels;
      const right = columns.high[x]! * channels;
      const h = columns.weight[x]!;
      for (let c = 0; c < channels; c++) {
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
