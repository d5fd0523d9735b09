import type { BlobLike } from '../imagery/byte-source.ts';
import { tiffOfBlob } from '../imagery/tiff/open-tiff-blob.ts';
import type { Raster } from '../imagery/raster.ts';
import type { ImageDecoding } from '../imagery/types.ts';
import { RasterReader, type RasterOptions } from './raster-reader.ts';

/** A file that a page was given, with its path. */
export interface NamedBlob {
  readonly name: string;
  readonly blob: BlobLike;
}

/** The GeoTIFF files of a data set. */
export interface TiffBlobs {
  /** How all of them are decoded, to be saved with the weights (`Dataset.decoding`), and for `openTiffBlob`. */
  readonly decoding: ImageDecoding;
  /** Bits of a level of the first file. */
  readonly bits: number;
  /** One of the files, by its name. Rejects with an InputError if its levels or bands are not those of the first. */
  raster(name: string): Promise<Raster>;
}

/**
 * Opens the GeoTIFF files of a data set, which are decoded alike: levels that are not bytes are stretched between percentiles over
 * all files. What `openDataset` does with a folder in Node. Needs the package `geotiff`.
 *
 * @throws InputError as `openTiffBlob`, for the first of the files if none of the first eight can be read
 */
export async function openTiffBlobs(
  [first, ...others]: readonly [NamedBlob, ...NamedBlob[]],
  options: RasterOptions = {},
): Promise<TiffBlobs> {
  const blobs = new Map([first, ...others].map(({ name, blob }) => [name, blob]));
  const names = others.map(({ name }) => name);
  const open = (name: string) => tiffOfBlob(blobs.get(name)!, name, options);
  const reader = await RasterReader.open('openTiffBlobs', [first.name, ...names], options, { open, sameBands: false });
  return {
    decoding: reader.decoding,
    bits: reader.first.bits,
    raster: async (name) => reader.raster(await reader.open(name)),
  };
}
