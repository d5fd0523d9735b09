import { byteImage, imageShape, packedBytes } from './image.ts';
import type { Raster, RasterPixels } from './raster.ts';
import { checkWindow } from './raw-image.ts';
import type { PixelWindow } from './types.ts';

/** What resampling needs of a raster. */
type ReadableRaster = Pick<Raster, 'width' | 'height' | 'read'>;

/** A raster with larger or smaller pixels. */
export interface ResampledRaster extends ReadableRaster {
  /** Sides of a pixel in pixels of the original: places times these are places in the original. */
  readonly scale: readonly [x: number, y: number];
}

/** Pixels of the original that are read at a time, about. */
const STRIP_PIXELS = 1 << 20;
/** Minimum fraction of the weights of a pixel that has data, within the errors of float64. */
const WITH_DATA = 0.5 - 1e-9;

/**
 * A raster whose pixels are about `factor` pixels of the original wide and high; exactly `scale`, so that an integer number
 * of them covers it. A factor above 1 reduces: a pixel is the mean of the area that it covers. A factor below 1 enlarges:
 * bilinear interpolation between the centres of pixels, constant beyond the outermost. Pixels without data have no weight;
 * where they have more than half of it, the result has no data. Levels are computed in float64 and rounded once, so that
 * windows have the pixels of the whole. A read needs about 4 MB beside its result, whatever the factor.
 *
 * @throws RangeError unless `factor` is a positive number
 */
export function resampleRaster(raster: ReadableRaster, factor: number): ResampledRaster {
  if (!(factor > 0 && factor < Infinity)) {
    throw new RangeError(`resampleRaster: factor is ${factor}, expected a number > 0`);
  }
  const width = Math.max(1, Math.round(raster.width / factor));
  const height = Math.max(1, Math.round(raster.height / factor));
  const scale = [raster.width / width, raster.height / height] as const;
  return {
    width,
    height,
    scale,
    async read(window) {
      checkWindow({ width, height }, window);
      const columns = tapsOf(window.x, window.width, raster.width, scale[0]);
      const rows = tapsOf(window.y, window.height, raster.height, scale[1]);
      const result = new Resampled(window, columns, rows);
      const side = columns.end - columns.first;
      const step = Math.max(1, Math.floor(STRIP_PIXELS / side));
      for (let y = rows.first; y < rows.end; y += step) {
        const strip = { x: columns.first, y, width: side, height: Math.min(step, rows.end - y) };
        result.add(await raster.read(strip), strip);
      }
      return result.pixels();
    },
  };
}

/** Which pixels of the original, along one axis, each pixel of a window is made of. */
interface Taps {
  /** First pixel of the original for each of the window. */
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** Weights, `most` for each pixel of the window; their sum is 1. */
  readonly weights: Float64Array;
  readonly most: number;
  /** First pixel of the original for the whole window, and the one behind the last. */
  readonly first: number;
  readonly end: number;
}

/** @param length of the original; @param scale side of a pixel in pixels of the original */
function tapsOf(start: number, count: number, length: number, scale: number): Taps {
  const most = Math.ceil(scale) + 1;
  const starts = new Int32Array(count);
  const counts = new Int32Array(count);
  const weights = new Float64Array(count * most);
  for (let i = 0; i < count; i++) {
    const own = scale > 1 ? areaTaps(start + i, length, scale) : linearTaps(start + i, length, scale);
    starts[i] = own.start;
    counts[i] = own.weights.length;
    weights.set(own.weights, i * most);
  }
  return { starts, counts, weights, most, first: starts[0]!, end: starts[count - 1]! + counts[count - 1]! };
}

interface PixelTaps {
  readonly start: number;
  readonly weights: readonly number[];
}

/** Lengths that pixel `at` covers of the pixels of the original. */
function areaTaps(at: number, length: number, scale: number): PixelTaps {
  const [from, to] = [at * scale, Math.min(length, (at + 1) * scale)];
  const start = Math.floor(from);
  const weights = Array.from({ length: Math.ceil(to) - start }, (_, k) => {
    return (Math.min(to, start + k + 1) - Math.max(from, start + k)) / (to - from);
  });
  return { start, weights };
}

/** The two pixels of the original whose centres are next to that of pixel `at`. */
function linearTaps(at: number, length: number, scale: number): PixelTaps {
  const centre = (at + 0.5) * scale - 0.5;
  const start = Math.floor(centre);
  if (start < 0) return { start: 0, weights: [1] };
  if (start >= length - 1) return { start: length - 1, weights: [1] };
  return { start, weights: [1 - (centre - start), centre - start] };
}

/** A window that is computed from the rows of the original, which are added from top to bottom. */
class Resampled {
  readonly #window: PixelWindow;
  readonly #columns: Taps;
  readonly #rows: Taps;
  readonly #valid: Uint8Array;
  /** Those of the image, and its bytes, from the first pixels on. */
  #channels = 0;
  #bytes = new Uint8Array();
  /** Sums of the rows of the window that are not complete, from row `#next` on. */
  readonly #sums: Float64Array[] = [];
  #next = 0;

  constructor(window: PixelWindow, columns: Taps, rows: Taps) {
    this.#window = window;
    this.#columns = columns;
    this.#rows = rows;
    this.#valid = new Uint8Array(window.width * window.height);
  }

  add({ image, valid }: RasterPixels, strip: PixelWindow): void {
    if (this.#channels === 0) {
      this.#channels = imageShape(image).channels;
      this.#bytes = new Uint8Array(this.#valid.length * this.#channels);
    }
    const bytes = packedBytes(image);
    const { starts, counts, weights, most } = this.#rows;
    for (let y = strip.y; y < strip.y + strip.height; y++) {
      const line = this.#reduceRow(bytes, valid, (y - strip.y) * strip.width);
      for (let row = this.#next; row < starts.length && starts[row]! <= y; row++) {
        const sums = (this.#sums[row - this.#next] ??= new Float64Array(line.length));
        const weight = weights[row * most + y - starts[row]!]!;
        for (let i = 0; i < line.length; i++) sums[i] = sums[i]! + weight * line[i]!;
      }
      while (this.#next < starts.length && starts[this.#next]! + counts[this.#next]! <= y + 1) this.#finishRow();
    }
  }

  /** The sums along a row of the original, whose first pixel is number `at` of a strip: channels times weight, and weight. */
  #reduceRow(bytes: Uint8Array, valid: Uint8Array | null, at: number): Float64Array {
    const { starts, counts, weights, most, first } = this.#columns;
    const channels = this.#channels;
    const line = new Float64Array(starts.length * (channels + 1));
    for (let x = 0, to = 0; x < starts.length; x++, to += channels + 1) {
      const start = at + starts[x]! - first;
      for (let k = 0; k < counts[x]!; k++) {
        const pixel = start + k;
        if (valid !== null && valid[pixel] === 0) continue;
        const weight = weights[x * most + k]!;
        for (let c = 0; c < channels; c++) line[to + c] = line[to + c]! + weight * bytes[channels * pixel + c]!;
        line[to + channels] = line[to + channels]! + weight;
      }
    }
    return line;
  }

  #finishRow(): void {
    const sums = this.#sums.shift()!;
    const start = this.#next++ * this.#window.width;
    const channels = this.#channels;
    for (let x = 0, from = 0; x < this.#window.width; x++, from += channels + 1) {
      const weight = sums[from + channels]!;
      if (weight < WITH_DATA) continue;
      this.#valid[start + x] = 1;
      for (let c = 0; c < channels; c++) {
        this.#bytes[channels * (start + x) + c] = Math.round(sums[from + c]! / weight);
      }
    }
  }

  pixels(): RasterPixels {
    const { width, height } = this.#window;
    const image = byteImage({ height, width, channels: this.#channels }, this.#bytes);
    return { image, valid: this.#valid.includes(0) ? this.#valid : null };
  }
}
