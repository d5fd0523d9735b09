import { InputError } from '../../common/errors.ts';
import { rgbImage } from '../image.ts';
import { isByte, levelText } from '../levels.ts';
import { colourBands, type RawImage } from '../raw-image.ts';
import type { Raster, RasterPixels } from '../raster.ts';
import { applyStretch, type Stretch } from '../stretch.ts';
import type { Bands, PixelWindow, RgbImage } from '../types.ts';
import { checkPixels, type ImageLimits } from './limits.ts';
import { openImage } from './open-image.ts';

/** How the levels of an image become RGB bytes. */
export interface DecodeOptions {
  /** Bands for red, green and blue, numbered from 1. Default: see `colourBands`. */
  readonly bands?: Bands;
  /**
   * The levels that become 0 and 255, for example `dataset.stretch` of the training data. TIFF files whose levels are not
   * bytes need it; 16 bits of a PNG file are otherwise scaled to 8. Bytes are stretched only by levels up to 255.
   */
  readonly stretch?: Stretch;
}

/** How an image file is read. */
export interface ReadImageOptions extends DecodeOptions, ImageLimits {}

/**
 * Reads a PNG, JPEG, WebP, AVIF or TIFF file as RGB; its first bytes tell the format. Rejects with an `InputError` if the file is
 * damaged, too large or in another format, and for TIFF files with other levels than bytes without a `stretch`.
 */
export async function readImage(path: string, options: ReadImageOptions = {}): Promise<RgbImage> {
  return readPixels(await openImage(path, options), options);
}

/** All pixels of an opened image, as `readImage` returns them. */
export async function readPixels(raw: RawImage, options: DecodeOptions & ImageLimits): Promise<RgbImage> {
  try {
    checkPixels(raw.width, raw.height, options);
  } catch (error) {
    throw new InputError('readImage', (error as Error).message, { file: raw.path, cause: error });
  }
  const { image } = await rasterOf(raw, options).read({ x: 0, y: 0, width: raw.width, height: raw.height });
  return image;
}

/** Opens an image file of any size as a raster of RGB bytes, which is read window by window. Rejects as `readImage` does. */
export async function openRaster(path: string, options: ReadImageOptions = {}): Promise<Raster> {
  return rasterOf(await openImage(path, options), options);
}

/** An opened image as RGB bytes. Pixels without data are black. */
export function rasterOf(raw: RawImage, options: DecodeOptions): Raster {
  const stretch = stretchOf(raw, options.stretch);
  const bands = options.bands ?? colourBands(raw).bands;
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
      return { image: rgbImage(window.height, window.width, valid === null ? bytes : blackened(bytes, valid)), valid };
    },
    close: async () => {},
  };
}

/** A copy of RGB bytes that is black where `valid` is 0. */
function blackened(bytes: Uint8Array, valid: Uint8Array): Uint8Array {
  const out = bytes.slice();
  for (let pixel = 0; pixel < valid.length; pixel++) {
    if (valid[pixel] === 0) out[3 * pixel] = out[3 * pixel + 1] = out[3 * pixel + 2] = 0;
  }
  return out;
}

/** The stretch of the levels of an image; null for bytes that stay as they are. */
function stretchOf(raw: RawImage, stretch: Stretch | undefined): Stretch | null {
  if (isByte(raw)) {
    const isForBytes = stretch !== undefined && !isIdentity(stretch) && stretch.high.every((level) => level <= 255);
    return isForBytes ? stretch : null;
  }
  if (stretch !== undefined && !isIdentity(stretch)) return stretch;
  if (raw.isFullRange) return { low: [0, 0, 0], high: [65_535, 65_535, 65_535] };
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
