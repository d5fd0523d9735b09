import type { Affine } from './georeference.ts';
import type { PixelWindow, RgbImage } from './types.ts';

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
  /** RGB bytes; black where there is no data. */
  readonly image: RgbImage;
  /** For each pixel, row by row, 1 if it has data and 0 if not; null if all have. */
  readonly valid: Uint8Array | null;
}

/** An image of any size that is read window by window, as RGB bytes. */
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
