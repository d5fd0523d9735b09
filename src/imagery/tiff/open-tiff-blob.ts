import { blobSource, type BlobLike } from '../byte-source.ts';
import type { ImageLimits } from '../limits.ts';
import type { Raster } from '../raster.ts';
import type { RawImage } from '../raw-image.ts';
import { rasterOf, type DecodeOptions } from '../raster-of.ts';
import { browserCodecs } from './browser-codecs.ts';
import { readTiff } from './tiff.ts';

/**
 * Opens a TIFF or GeoTIFF file that a page was given (a File or another Blob) as a raster of bytes, which is read window by
 * window: the file may be larger than the memory. What `openRaster` does with a path in Node. Needs the package `geotiff`.
 *
 * @param name of the file, for messages
 * @throws InputError as `openRaster`: for damaged files, kinds that are not supported, and levels that need a `stretch`
 */
export const openTiffBlob = async (
  blob: BlobLike,
  name: string,
  { bands, stretch, ...limits }: DecodeOptions & ImageLimits = {},
): Promise<Raster> => {
  const raw = await tiffOfBlob(blob, name, limits);
  return rasterOf(raw, { ...(bands && { bands }), ...(stretch && { stretch }) });
};

/** The same with the levels of the file. */
export const tiffOfBlob = (blob: BlobLike, name: string, limits: ImageLimits): Promise<RawImage> =>
  readTiff(blobSource(blob), name, { codecs: browserCodecs, ...limits });
