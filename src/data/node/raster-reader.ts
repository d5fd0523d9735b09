import { groundResolution } from '../../imagery/georeference.ts';
import { rgbImage } from '../../imagery/image.ts';
import { measureStretch, type MeasureOptions } from '../../imagery/node/measure-stretch.ts';
import type { ImageLimits } from '../../imagery/node/limits.ts';
import { defaultBands, readTiffImage } from '../../imagery/node/read-image.ts';
import { openTiff, type Tiff } from '../../imagery/node/tiff.ts';
import { applyStretch, identityStretch, type Stretch } from '../../imagery/stretch.ts';
import type { Bands, ImageDecoding, RgbImage } from '../../imagery/types.ts';

/** How the TIFF files of a data set are read. */
export interface RasterOptions extends ImageLimits, MeasureOptions {
  /** Numbers, from 1, of the bands for red, green and blue. Default: see `ReadImageOptions.bands`. */
  readonly bands?: Bands;
  /** Levels that become 0 and 255. Default: 8 bits stay as they are, 16 bits are stretched between the percentiles. */
  readonly stretch?: Stretch;
}

/** Reads the TIFF files of a data set alike: with one stretch, which fits levels of one depth and bands of one meaning. */
export class RasterReader {
  /** The file that decided depth and bands. */
  readonly first: Tiff;
  /** Bands of the first file that become red, green and blue. */
  readonly rgb: Bands;
  readonly stretch: Stretch;
  readonly decoding: ImageDecoding;
  readonly #op: string;
  readonly #options: RasterOptions;
  readonly #sameBands: boolean;

  private constructor(
    op: string,
    options: RasterOptions,
    read: {
      readonly first: Tiff;
      readonly rgb: Bands;
      readonly stretch: Stretch;
      readonly resolutions: readonly number[];
    },
    sameBands: boolean,
  ) {
    const { first, rgb, stretch, resolutions } = read;
    this.#op = op;
    this.#options = options;
    this.#sameBands = sameBands;
    this.first = first;
    this.rgb = rgb;
    this.stretch = stretch;
    const resolution = median(resolutions);
    this.decoding = { stretch, bands: rgb, ...(resolution === undefined ? {} : { groundResolution: resolution }) };
  }

  /**
   * Opens the first file and, for 16 bits without a given stretch, those that the stretch is measured on. `op` starts the
   * errors.
   *
   * @param sameBands whether all files must have the number of bands of the first; with a measured stretch they must
   */
  static async open(
    op: string,
    paths: readonly [string, ...string[]],
    options: RasterOptions,
    { sameBands }: { readonly sameBands: boolean },
  ): Promise<RasterReader> {
    // Of the files that are opened anyway: opening reads all bytes, which takes long for large data sets.
    const resolutions = new Map<string, number>();
    const open = async (path: string): Promise<Tiff> => {
      const tiff = await openTiff(path, options);
      const resolution = groundResolution(tiff);
      if (resolution !== null) resolutions.set(path, resolution);
      return tiff;
    };
    const first = await open(paths[0]);
    const rgb = options.bands ?? defaultBands(first);
    const isMeasured = first.bits === 16 && options.stretch === undefined;
    const stretch = isMeasured
      ? await measureStretch(op, paths, rgb, options, open)
      : (options.stretch ?? identityStretch);
    return new RasterReader(
      op,
      options,
      { first, rgb, stretch, resolutions: [...resolutions.values()] },
      sameBands || isMeasured,
    );
  }

  /** Opens a file. Rejects when its depth or bands differ from those of the first. */
  async open(path: string): Promise<Tiff> {
    const tiff = await openTiff(path, this.#options);
    const { bits, bands } = this.first;
    if (tiff.bits !== bits || (this.#sameBands && tiff.bands !== bands)) {
      throw new Error(
        `${this.#op}: ${tiff.path}: ${tiff.bands} bands of ${tiff.bits} bits, expected ${bands} of ${bits} as in ${this.first.path}`,
      );
    }
    return tiff;
  }

  /** All pixels of an opened file. */
  image(tiff: Tiff): Promise<RgbImage> {
    return readTiffImage(tiff, { bands: this.#bandsOf(tiff), stretch: this.stretch });
  }

  /** Part of the pixels of an opened file, of which only the blocks that it touches are decoded. */
  async window(tiff: Tiff, x: number, y: number, width: number, height: number): Promise<RgbImage> {
    const levels = await tiff.readLevels(this.#bandsOf(tiff), { x, y, width, height });
    return rgbImage(height, width, applyStretch(levels, this.stretch));
  }

  #bandsOf(tiff: Tiff): Bands {
    return this.#options.bands ?? defaultBands(tiff);
  }
}

/** The median, for an even number the mean of the middle two; undefined of nothing. */
function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}
