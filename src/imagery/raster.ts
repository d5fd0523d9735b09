import type { Affine } from './georeference.ts';
import { rgbOf } from './image.ts';
import type { ByteImage, ImageDecoding, PixelWindow } from './types.ts';

/** Where the pixels of an image lie on a map. */
export interface Georeference {
  /** From pixels to map coordinates; null without a georeference. */
  readonly affine: Affine | null;
  /** EPSG code of the coordinate system, such as 4326 or 32611; null if it is not known by a code. */
  readonly epsg: number | null;
  /** Whether map coordinates are degrees; null if unknown. */
  readonly geographic: boolean | null;
}

/** An image without a place on a map. */
export const noReference: Georeference = { affine: null, epsg: null, geographic: null };

/** Pixels of a window of a raster. */
export interface RasterPixels {
  /** A channel for each band that is read; black where there is no data. */
  readonly image: ByteImage;
  /** For each pixel, row by row, 1 if it has data and 0 if not; null if all have. */
  readonly valid: Uint8Array | null;
}

/** An image of any size that is read window by window, as bytes. */
export interface Raster extends Georeference {
  /** File or source, for messages. */
  readonly path: string;
  readonly width: number;
  readonly height: number;
  /** Reads a window, which must lie within the raster. Several reads may be in progress. Rejects if pixels are damaged. */
  read(window: PixelWindow): Promise<RasterPixels>;
  /** Closes files. */
  close(): Promise<void>;
}

/** A raster as pictures show it, in RGB (`rgbOf`). */
export function rgbRaster(raster: Raster, shown: ImageDecoding['shown']): Raster {
  const { path, width, height, affine, epsg, geographic } = raster;
  return {
    path,
    width,
    height,
    affine,
    epsg,
    geographic,
    async read(window: PixelWindow): Promise<RasterPixels> {
      const { image, valid } = await raster.read(window);
      return { image: rgbOf(image, shown), valid };
    },
    close: () => raster.close(),
  };
}
