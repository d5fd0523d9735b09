import { defined } from '../common/check.ts';
import { InputError } from '../common/errors.ts';
import { groundResolution, medianResolution } from '../imagery/georeference.ts';
import { isByte, levelText } from '../imagery/levels.ts';
import { measureStretch, type MeasureOptions } from '../imagery/measure-stretch.ts';
import type { ImageLimits } from '../imagery/limits.ts';
import { rasterOf, readPixels, type DecodeOptions } from '../imagery/raster-of.ts';
import type { Raster } from '../imagery/raster.ts';
import { selectBands, shownChannels, type RawImage } from '../imagery/raw-image.ts';
import { stretchTo, type Stretch } from '../imagery/stretch.ts';
import type { Bands, ByteImage, ImageDecoding } from '../imagery/types.ts';

/** How the rasters of a data set are read. `stretch` is measured by default unless levels are bytes. */
export interface RasterOptions extends DecodeOptions, ImageLimits, MeasureOptions {}

/** Opens a file by its path. */
type Open = (path: string) => Promise<RawImage>;

/** Opened files that are kept: many tiles are cut from each. */
const KEPT = 8;

/** Reads the rasters of a data set alike: with one stretch, which fits levels of one type and bands of one meaning. */
export class RasterReader {
  /** The file that decided type and bands. */
  readonly first: RawImage;
  /** Bands of the first file that are read. */
  readonly bands: Bands;
  readonly stretch: Stretch;
  readonly decoding: ImageDecoding;
  readonly #op: string;
  readonly #options: RasterOptions;
  readonly #openFile: Open;
  readonly #sameBands: boolean;
  /** Files by path, the most recently opened last. */
  readonly #kept = new Map<string, Promise<RawImage>>();

  private constructor(
    op: string,
    options: RasterOptions,
    read: {
      readonly first: RawImage;
      readonly bands: Bands | undefined;
      readonly stretch: Stretch;
      readonly resolutions: readonly number[];
    },
    { open, sameBands }: { readonly open: Open; readonly sameBands: boolean },
  ) {
    const { first, bands, stretch, resolutions } = read;
    this.#op = op;
    this.#options = { ...options, ...defined({ bands }), stretch };
    this.#openFile = open;
    this.#sameBands = sameBands;
    this.first = first;
    this.bands = selectBands(first, bands);
    this.stretch = stretch;
    const resolution = medianResolution(resolutions);
    this.decoding = {
      stretch,
      // Otherwise each file's own, also in prediction: other files may have the colours in another order.
      ...defined({ bands, shown: bands && shownChannels(first, bands) }),
      ...(resolution === null ? {} : { groundResolution: resolution }),
    };
  }

  /**
   * Opens the first file and, unless levels are bytes or the stretch is given, those that the stretch is measured on. `op`
   * starts the errors.
   *
   * @param open opens a file
   * @param sameBands whether all files must have the number of bands of the first; with a measured stretch they must
   */
  static async open(
    op: string,
    paths: readonly [string, ...string[]],
    options: RasterOptions,
    { open: openFile, sameBands }: { readonly open: Open; readonly sameBands: boolean },
  ): Promise<RasterReader> {
    // Of the files that are opened anyway.
    const resolutions = new Map<string, number>();
    const open = async (path: string): Promise<RawImage> => {
      const raw = await openFile(path);
      const resolution = groundResolution(raw);
      if (resolution !== null) resolutions.set(path, resolution);
      return raw;
    };
    const first = await openFirst(paths, open);
    // All bands are those of the first file, also in prediction: the network has a fixed number of channels.
    const bands = options.bands === 'all' ? selectBands(first, 'all') : options.bands;
    const isMeasured = !isByte(first) && options.stretch === undefined;
    const stretch = isMeasured
      ? await measureStretch(op, paths, bands, options, open)
      : (options.stretch ?? stretchTo(255, bands?.length ?? 3));
    const read = { first, bands, stretch, resolutions: [...resolutions.values()] };
    return new RasterReader(op, options, read, { open: openFile, sameBands: sameBands || isMeasured });
  }

  /** Opens a file. Rejects when its levels or bands differ from those of the first. */
  async open(path: string): Promise<RawImage> {
    const kept = this.#kept.get(path);
    const opened = kept ?? this.#openAlike(path);
    this.#kept.delete(path);
    const raw = await opened;
    // Others hold all their pixels.
    if (!raw.isFullRange) this.#kept.set(path, opened);
    for (const oldest of this.#kept.keys()) if (this.#kept.size > KEPT) this.#kept.delete(oldest);
    return raw;
  }

  async #openAlike(path: string): Promise<RawImage> {
    const raw = await this.#openFile(path);
    const { first } = this;
    const isAlike = raw.bits === first.bits && raw.kind === first.kind;
    if (isAlike && (!this.#sameBands || raw.bands === first.bands)) return raw;
    const text = (image: RawImage): string => `${image.bands} bands with ${levelText(image)} levels`;
    throw new InputError(this.#op, `${text(raw)}, expected ${text(first)} as in ${first.path}`, { file: path });
  }

  /** All pixels of an opened file. */
  image(raw: RawImage): Promise<ByteImage> {
    return readPixels(raw, this.#options);
  }

  /** An opened file as a raster. */
  raster(raw: RawImage): Raster {
    return rasterOf(raw, this.#options);
  }

  /** Part of the pixels of an opened file, of which only the blocks that it touches are decoded. */
  async window(raw: RawImage, x: number, y: number, width: number, height: number): Promise<ByteImage> {
    return (await this.raster(raw).read({ x, y, width, height })).image;
  }
}

/** Number of files of which one must be readable for a data set to be opened. */
const FIRST = 8;

/** Opens the first file that can be read: the error of a damaged one comes when its pixels are needed. */
async function openFirst(
  paths: readonly [string, ...string[]],
  open: (path: string) => Promise<RawImage>,
): Promise<RawImage> {
  for (const path of paths.slice(0, FIRST)) {
    const tiff = await open(path).catch((error: unknown) => {
      if (error instanceof InputError) return null;
      throw error;
    });
    if (tiff !== null) return tiff;
  }
  return open(paths[0]);
}
