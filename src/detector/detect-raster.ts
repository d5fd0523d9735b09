import { checkInteger, checkNumber, defined } from '../common/check.ts';
import { boxIou, BoxGrid, coveredFraction, suppress } from '../imagery/boxes.ts';
import type { Raster, RasterPixels } from '../imagery/raster.ts';
import type { Region } from '../imagery/region.ts';
import { evenStarts } from '../imagery/tile-axis.ts';
import type { Detections, PixelWindow } from '../imagery/types.ts';
import { detectViews, type Views } from './detect-views.ts';
import { GpuOutOfMemoryError } from '../tensor/errors.ts';
import type { BatchDetector } from './survive-loss.ts';

/** Options of `detectRaster` and `detectImage`. */
export interface TileOptions {
  /**
   * Side of a tile in pixels. Use the side of the training images, so that objects have the size that they had in
   * training. Default 1024.
   */
  readonly tile?: number;
  /**
   * Minimum overlap of neighbouring tiles in pixels. An object of this size or smaller is complete in at least one
   * tile. Default a fifth of `tile`.
   */
  readonly overlap?: number;
  /**
   * A detection is dropped if its IoU with a higher-scoring detection of the same class exceeds this threshold.
   * Default: the threshold of the spec.
   */
  readonly nmsThreshold?: number;
  /** Maximum number of detections of a tile. Default: that of the spec. */
  readonly maxDetections?: number;
  /**
   * Test-time augmentation: each tile is also detected on flipped (`flips`, 4 views) or flipped and turned (`turns`, 8
   * views), and the boxes of all views are fused. Takes 4 or 8 times as long. Default `none`.
   */
  readonly views?: Views;
  /** Tiles that the GPU processes together. Default: as many as have 4 million pixels, from 1 to 16. */
  readonly batchSize?: number;
  /** When aborted, the call rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
  /** Called after each batch with the number of tiles done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Keeps what was found in each tile, so that an interrupted call can be continued with the same options. */
  readonly store?: TileStore;
}

/** Detections of tiles, in pixels of the whole image, by the number of the tile. */
export interface TileStore {
  get(tile: number): Detections | undefined;
  set(tile: number, found: Detections): void | Promise<void>;
}

/** A detection in pixels of the whole image. */
interface Found {
  readonly box: Float64Array;
  readonly score: number;
  readonly label: number;
  /** Index of the tile. */
  readonly tile: number;
  /** Whether the box touches an edge of its tile beyond which the image continues. */
  readonly isCut: boolean;
}

/**
 * Maximum distance in pixels of a box that touches the edge of its tile: boxes of cut objects end near the edge, not
 * exactly at it.
 */
const TOUCH = 2;
/** Minimum fraction of a cut box that a complete box of the same object covers. */
const COVERED = 0.7;
/** Minimum fraction of a box in which the image has data. */
const WITH_DATA = 0.5;
/** Pixels of a batch, by default. */
const BATCH_PIXELS = 4 * 1024 * 1024;

/** Tiles that the GPU processes together by default. */
export const defaultBatchSize = (tile: number): number =>
  Math.min(16, Math.max(1, Math.floor(BATCH_PIXELS / tile ** 2)));

/** What detection needs of a raster. */
export interface DetectableRaster extends Pick<Raster, 'width' | 'height' | 'read'> {
  /** The part that counts. Default: all of it. */
  readonly region?: Region | null;
}

/**
 * Detects objects in a raster of any size: reads it in overlapping tiles and merges their detections. A box that the edge
 * of its tile cuts is dropped if a complete box of the same class, from another tile, covers it. Non-maximum suppression
 * then runs per class over the whole raster. Tiles without data are skipped, and so are boxes of which more than half has
 * none. So are tiles that do not touch the region of the raster, which are not read, and boxes whose centre lies outside of it;
 * pixels outside are seen beside those inside. The next tiles are read while the GPU works. For a raster that fits in one tile, the result is that of
 * `model.detect`. `maxDetections` limits each tile, but not the raster.
 *
 * @param model in evaluation mode
 * @returns detections in pixels of the raster, highest score first
 * @throws RangeError for options out of range
 * @throws GpuOutOfMemoryError if a single tile does not fit into the memory; tiles that do not fit together are divided
 */
export async function detectRaster(
  model: BatchDetector,
  raster: DetectableRaster,
  options: TileOptions = {},
): Promise<Detections> {
  const { tile = 1024, nmsThreshold = model.spec.postprocess.nmsThreshold, views = 'none', store } = options;
  checkInteger('detectRaster', 'tile', tile, { min: 1 });
  const { overlap = Math.round(tile / 5) } = options;
  const { batchSize = defaultBatchSize(tile) } = options;
  checkInteger('detectRaster', 'batchSize', batchSize, { min: 1 });
  checkInteger('detectRaster', 'overlap', overlap, { min: 0, max: tile - 1 });
  checkNumber('detectRaster', 'nmsThreshold', nmsThreshold, { min: 0, max: 1 });
  const { region = null } = raster;
  const tiles = tilesOf(raster, tile, overlap).filter((window) => region?.touches(window) !== false);
  const perTile = tiles.map((_, number) => store?.get(number));
  const todo = tiles.map((_, number) => number).filter((number) => perTile[number] === undefined);
  const batches = Array.from({ length: Math.ceil(todo.length / batchSize) }, (_, i) =>
    todo.slice(i * batchSize, (i + 1) * batchSize),
  );
  const read = (batch: readonly number[] | undefined): Promise<RasterPixels[]> =>
    Promise.all((batch ?? []).map((number) => raster.read(tiles[number]!)));
  let done = tiles.length - todo.length;
  if (done > 0) options.onProgress?.(done, tiles.length);
  let next = read(batches[0]);
  for (const [i, batch] of batches.entries()) {
    options.signal?.throwIfAborted();
    const pixels = await next;
    next = read(batches[i + 1]);
    // An error of the next tiles is reported when their turn comes.
    next.catch(() => {});
    const withData = batch.map((_, k) => k).filter((k) => pixels[k]!.valid?.includes(1) !== false);
    const found = await detectViews(
      model,
      withData.map((k) => pixels[k]!.image),
      views,
      defined({ maxDetections: options.maxDetections }),
    ).catch((error: unknown) => {
      if (!(error instanceof GpuOutOfMemoryError)) throw error;
      throw error.withRemedy(`A tile of ${tile} pixels does not fit: make it smaller (tile; predict --tile)`);
    });
    for (const [k, number] of batch.entries()) {
      const own = found[withData.indexOf(k)];
      const placed = own === undefined ? noDetections : inRaster(own, tiles[number]!, pixels[k]!.valid);
      perTile[number] = placed;
      await store?.set(number, placed);
    }
    done += batch.length;
    options.onProgress?.(done, tiles.length);
  }
  const complete = perTile.map((found) => found!);
  // The model has already suppressed with this threshold, in float32; doing it again in float64 could drop more.
  if (tiles.length === 1 && nmsThreshold === model.spec.postprocess.nmsThreshold) return inRegion(complete[0]!, region);
  const all = complete.flatMap((found, number) => foundIn(found, number, tiles[number]!, raster));
  const kept = suppress(withoutFragments(all, tile), nmsThreshold, (a, b) => boxIou(a, 0, b, 0), tile);
  const omitted = complete.flatMap((found) => [...(found.omitted ?? [])]);
  const found = {
    boxes: Float32Array.from(kept.flatMap(({ box }) => [...box])),
    scores: Float32Array.from(kept, ({ score }) => score),
    labels: Int32Array.from(kept, ({ label }) => label),
    ...(omitted.length === 0 ? {} : { omitted: Float32Array.from(omitted) }),
  };
  // Last, because a complete box whose centre lies outside replaces its fragments inside.
  return inRegion(found, region);
}

/** The detections whose centre lies in a region. */
export function inRegion(found: Detections, region: Region | null): Detections {
  if (region === null) return found;
  const { boxes, scores, labels } = found;
  const boxAt = (i: number): Float32Array => boxes.subarray(4 * i, 4 * i + 4);
  const kept = [...scores.keys()].filter((i) => region.containsCentre(boxAt(i)));
  return {
    ...found,
    boxes: Float32Array.from(kept.flatMap((i) => [...boxAt(i)])),
    scores: Float32Array.from(kept, (i) => scores[i]!),
    labels: Int32Array.from(kept, (i) => labels[i]!),
  };
}

const noDetections: Detections = {
  boxes: new Float32Array(),
  scores: new Float32Array(),
  labels: new Int32Array(),
};

/** The tiles of a raster, row by row. */
function tilesOf(
  { width, height }: { readonly width: number; readonly height: number },
  tile: number,
  overlap: number,
): PixelWindow[] {
  return evenStarts(height, tile, overlap).flatMap((y) =>
    evenStarts(width, tile, overlap).map((x) => ({
      x,
      y,
      width: Math.min(tile, width - x),
      height: Math.min(tile, height - y),
    })),
  );
}

/** Converts the detections of a tile to pixels of the raster, without those where it has no data. */
function inRaster(
  { boxes, scores, labels, omitted }: Detections,
  tile: PixelWindow,
  valid: Uint8Array | null,
): Detections {
  const kept = Array.from(scores.keys()).filter(
    (i) => valid === null || fractionWithData(boxes.subarray(4 * i, 4 * i + 4), tile, valid) >= WITH_DATA,
  );
  return {
    boxes: Float32Array.from(
      kept.flatMap((i) => [0, 1, 2, 3].map((k) => boxes[4 * i + k]! + (k % 2 === 0 ? tile.x : tile.y))),
    ),
    scores: Float32Array.from(kept, (i) => scores[i]!),
    labels: Int32Array.from(kept, (i) => labels[i]!),
    ...(omitted === undefined ? {} : { omitted }),
  };
}

/** The fraction of the pixels of a box, in a tile, that have data. */
function fractionWithData(box: Float32Array, { width, height }: PixelWindow, valid: Uint8Array): number {
  const [left, top] = [Math.max(0, Math.floor(box[0]!)), Math.max(0, Math.floor(box[1]!))];
  const [right, bottom] = [Math.min(width, Math.ceil(box[2]!)), Math.min(height, Math.ceil(box[3]!))];
  let [count, pixels] = [0, 0];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++, pixels++) count += valid[y * width + x]!;
  }
  return pixels === 0 ? 0 : count / pixels;
}

/** The detections of a tile, with what merging has to know of them. */
function foundIn(
  { boxes, scores, labels }: Detections,
  number: number,
  tile: PixelWindow,
  raster: { readonly width: number; readonly height: number },
): Found[] {
  return Array.from(scores, (score, i): Found => {
    const box = Float64Array.from(boxes.subarray(4 * i, 4 * i + 4));
    const isCut =
      (tile.x > 0 && box[0]! < tile.x + TOUCH) ||
      (tile.y > 0 && box[1]! < tile.y + TOUCH) ||
      (tile.x + tile.width < raster.width && box[2]! > tile.x + tile.width - TOUCH) ||
      (tile.y + tile.height < raster.height && box[3]! > tile.y + tile.height - TOUCH);
    return { box, score, label: labels[i]!, tile: number, isCut };
  });
}

/**
 * Drops cut detections that are complete in another tile.
 *
 * @param side of a tile, in pixels
 */
function withoutFragments(all: readonly Found[], side: number): Found[] {
  const whole = new BoxGrid<Found>(side);
  for (const found of all) if (!found.isCut) whole.add(found);
  const isWholeElsewhere = (cut: Found): boolean =>
    whole
      .near(cut)
      .some(
        (other) =>
          other.tile !== cut.tile && other.label === cut.label && coveredFraction(cut.box, other.box) >= COVERED,
      );
  return all.filter((found) => !found.isCut || !isWholeElsewhere(found));
}
