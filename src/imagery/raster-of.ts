import { InputError } from '../common/errors.ts';
import { byteImage } from './image.ts';
import { isByte, levelText } from './levels.ts';
import { checkPixels, type ImageLimits } from './limits.ts';
import { selectBands, type RawImage } from './raw-image.ts';
import type { Raster, RasterPixels } from './raster.ts';
import { applyStretch, stretchTo, type Stretch } from './stretch.ts';
import type { BandSelection, ByteImage, PixelWindow } from './types.ts';

/** How the levels of an image become bytes. */
export interface DecodeOptions {
  /**
   * Bands that become the channels, numbered from 1 (at most 16), or `all` except alpha. Default: red, green and blue, see
   * `colourBands`.
   */
  readonly bands?: BandSelection;
  /**
   * The levels of each of them that become 0 and 255, for example `dataset.stretch` of the training data. TIFF files whose levels are not
   * bytes need it; 16 bits of a PNG file are otherwise scaled to 8. Bytes are stretched only by levels up to 255.
   */
  readonly stretch?: Stretch;
}

/** An opened image as bytes. Pixels without data are black. */
export function rasterOf(raw: RawImage, options: DecodeOptions): Raster {
  const bands = selectBands(raw, options.bands);
  const channels = bands.length;
  const stretch = stretchOf(raw, options.stretch, channels);
  const { path, width, height, affine, epsg, geographic } = raw;
  return {
    path,
    width,
    height,
    affine,
    epsg,
    geographic,
    async read(window: PixelWindow): Promise<RasterPixels> {
      const { levels, valid } = await raw.read(bands, window);
      const bytes = stretch === null ? (levels as Uint8Array) : applyStretch(levels, stretch);
      const { height, width } = window;
      const shown = valid === null ? bytes : blackened(bytes, valid, channels);
      return { image: byteImage({ height, width, channels }, shown), valid };
    },
    close: async () => {},
  };
}

/** All pixels of an opened image, as `readImage` returns them. */
export async function readPixels(raw: RawImage, options: DecodeOptions & ImageLimits): Promise<ByteImage> {
  try {
    checkPixels(raw.width, raw.height, options);
  } catch (error) {
    throw new InputError('readImage', (error as Error).message, { file: raw.path, cause: error });
  }
  const { image } = await rasterOf(raw, options).read({ x: 0, y: 0, width: raw.width, height: raw.height });
  return image;
}

/** A copy of bytes that is black where `valid` is 0. */
function blackened(bytes: Uint8Array, valid: Uint8Array, channels: number): Uint8Array {
  const out = bytes.slice();
  for (let pixel = 0; pixel < valid.length; pixel++) {
    if (valid[pixel] === 0) out.fill(0, channels * pixel, channels * (pixel + 1));
  }
  return out;
}

/** The stretch of the levels of an image; null for bytes that stay as they are. */
function stretchOf(raw: RawImage, stretch: Stretch | undefined, bands: number): Stretch | null {
  if (stretch !== undefined && stretch.low.length !== bands) {
    throw new InputError('readImage', `a stretch of ${stretch.low.length} bands for ${bands} bands that are read`, {
      file: raw.path,
      remedy: 'give that of the data set with its bands as',
      option: 'stretch',
    });
  }
  if (isByte(raw)) {
    const isForBytes = stretch !== undefined && !isIdentity(stretch) && stretch.high.every((level) => level <= 255);
    return isForBytes ? stretch : null;
  }
  if (stretch !== undefined && !isIdentity(stretch)) return stretch;
  if (raw.isFullRange) return stretchTo(65_535, bands);
  const reason = `${levelText(raw)} levels need a stretch {low, high} to become bytes (weights trained on 8-bit images have none)`;
  throw new InputError('readImage', reason, {
    file: raw.path,
    remedy: 'give that of the data set as',
    option: 'stretch',
  });
}

/** Whether a stretch is that of images with bytes, which says nothing about other levels. */
const isIdentity = ({ low, high }: Stretch): boolean =>
  low.every((level) => level === 0) && high.every((level) => level === 255);
