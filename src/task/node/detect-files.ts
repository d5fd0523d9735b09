import { dirname, relative, resolve, sep } from 'node:path';
import { InputError } from '../../common/errors.ts';
import { objectsOf } from '../../data/annotation-table.ts';
import type { AreaOfInterest } from '../../data/node/area.ts';
import type { TileStore } from '../../detector/detect-raster.ts';
import type { DetectOptions, Detector } from '../../detector/detector.ts';
import { resamplingFactor, trainedResolution } from '../../detector/resampling.ts';
import { groundResolution } from '../../imagery/georeference.ts';
import { DARK_LEVEL, levelRange } from '../../imagery/level-range.ts';
import { imageShape } from '../../imagery/image.ts';
import { shownPath } from '../../imagery/node/byte-source.ts';
import { openRaster } from '../../imagery/node/read-image.ts';
import type { Raster } from '../../imagery/raster.ts';
import type { Region } from '../../imagery/region.ts';
import type { LabelledImage } from '../../labels/types.ts';
import type { Detections } from '../../retinanet/postprocess.ts';
import { inputChannels } from '../../retinanet/spec.ts';
import { readerOptions } from './open-training-data.ts';

/** An image and its detections. */
export interface FileDetections {
  /** Path of the file, or name of the raster. */
  readonly file: string;
  /** The image, to read its pixels. One of a file is closed when the next one is asked for. */
  readonly raster: Raster;
  /** Its part in the area; null for all of it. */
  readonly region: Region | null;
  /** Whether the image is nearly black: no level above 16 of 255. */
  readonly isDark: boolean;
  readonly detections: Detections;
  /** The detections as an entry of a label table, with the path relative to the common folder of all files. */
  readonly labelled: LabelledImage;
}

/** Options of `detectFiles`. */
export interface DetectFilesOptions extends Omit<DetectOptions, 'store' | 'onProgress' | 'groundResolution'> {
  /**
   * Reads images at the ground resolution of the training images, see `DetectOptions.groundResolution`. Those whose own is
   * not known are read as they are. Default false.
   */
  readonly resample?: boolean;
  /** Called with a file that cannot be read, which is then left out. Default: the error is thrown. */
  readonly onUnreadable?: (file: string, error: InputError) => void;
  /** Only what lies in it is detected; other tiles are not read. Default: everything. */
  readonly area?: AreaOfInterest | null;
  /** Called with a file that has no part in the area, which is then left out. */
  readonly onOutside?: (file: string) => void;
  /** Called with the number of tiles done of the image in progress. */
  readonly onTiles?: (done: number, total: number) => void;
  /** Where what was found in the tiles of a file is kept, so that an interrupted call can be continued. */
  readonly storeOf?: (file: string) => FileStore;
}

/** Where what was found in the tiles of a file is kept. */
export interface FileStore extends TileStore {
  /** The highest level of the pixels that were read of it, in all calls, which tells whether it is dark. */
  highest?: number;
}

/**
 * Detects objects in image files one by one, with the decoding and the tiles of training. Images of any size are read
 * window by window. An image that cannot be placed in the area counts as one that cannot be read. Ends early when the signal
 * is aborted: an image whose tiles are not all done is left out. Rejects with an `InputError` if images cannot be resampled,
 * as the detector does not know the ground resolution of its training.
 *
 * @param inputs paths of files, or opened rasters, which stay open
 */
export async function* detectFiles(
  detector: Detector,
  inputs: readonly (string | Raster)[],
  {
    signal,
    area = null,
    onOutside,
    onUnreadable,
    onTiles,
    storeOf,
    resample = false,
    ...detecting
  }: DetectFilesOptions = {},
): AsyncGenerator<FileDetections, void, void> {
  const root = commonFolder(inputs.filter((input) => typeof input === 'string'));
  const { tile = detector.detectionTile } = detecting;
  const trained = resample ? trainedResolution('detectFiles', detector.decoding, tile) : null;
  for (const input of inputs) {
    if (signal?.aborted === true) return;
    const file = typeof input === 'string' ? input : input.path;
    try {
      const raster = typeof input === 'string' ? await openRaster(input, readerOptions(detector.decoding)) : input;
      try {
        const region = area === null ? null : await area.regionOf(raster);
        if (area !== null && region === null) {
          onOutside?.(file);
          continue;
        }
        const resolution = trained === null ? null : groundResolution(raster);
        // Checked here, for an error with the name of the file.
        if (trained !== null && resolution !== null) resamplingFactor('detectFiles', resolution, trained, file);
        const store = storeOf?.(file);
        const watched = new WatchedRaster(raster, region, inputChannels(detector.spec), store?.highest);
        const detections = await detector.detectRaster(watched, {
          ...detecting,
          groundResolution: resolution,
          ...(signal === undefined ? {} : { signal }),
          ...(store === undefined ? {} : { store }),
          ...(onTiles === undefined ? {} : { onProgress: onTiles }),
        });
        if (store !== undefined) store.highest = watched.highest;
        const name = typeof input === 'string' ? relative(root, shownPath(file)).split(sep).join('/') : file;
        const { width, height } = raster;
        const labelled = { file: name, width, height, objects: objectsOf(detections) };
        yield { file, raster, region, isDark: watched.isDark, detections, labelled };
      } finally {
        if (typeof input === 'string') await raster.close();
      }
    } catch (error) {
      if (signal !== undefined && error === signal.reason) return;
      if (!(error instanceof InputError) || onUnreadable === undefined) throw error;
      onUnreadable(file, error);
    }
  }
}

/** A raster that notes how bright the pixels are that are read, and refuses those of another number of channels. */
class WatchedRaster {
  readonly width: number;
  readonly height: number;
  readonly region: Region | null;
  readonly #raster: Raster;
  readonly #channels: number;
  /** -1 before the first pixels. */
  #highest: number;

  constructor(raster: Raster, region: Region | null, channels: number, highest = -1) {
    this.#highest = highest;
    this.region = region;
    this.#raster = raster;
    this.#channels = channels;
    this.width = raster.width;
    this.height = raster.height;
  }

  readonly read: Raster['read'] = async (window) => {
    const pixels = await this.#raster.read(window);
    const { channels } = imageShape(pixels.image);
    if (channels !== this.#channels) {
      const reason = `pixels of ${channels} bands, expected ${this.#channels}, on which the detector was trained`;
      throw new InputError('detectFiles', reason, { file: this.#raster.path });
    }
    if (this.#highest <= DARK_LEVEL) this.#highest = Math.max(this.#highest, levelRange(pixels.image)[1]);
    return pixels;
  };

  /** The highest level that was read, as far as it tells whether the image is dark; -1 if nothing was. */
  get highest(): number {
    return this.#highest;
  }

  /** Whether all pixels that were read are nearly black. */
  get isDark(): boolean {
    return this.#highest >= 0 && this.#highest <= DARK_LEVEL;
  }
}

/** The innermost folder that contains all files. */
export function commonFolder(files: readonly string[]): string {
  const [first = [], ...others] = files.map((file) => dirname(resolve(shownPath(file))).split(sep));
  const common = first.findIndex((part, i) => others.some((other) => other[i] !== part));
  return (common < 0 ? first : first.slice(0, common)).join(sep) || sep;
}
