import { checkInteger, checkNumber, defined } from '../common/check.ts';
import { boxIou, BoxGrid, coveredFraction, suppress } from '../imagery/boxes.ts';
import { imageSize } from '../imagery/image.ts';
import { evenStarts } from '../imagery/tile-axis.ts';
import type { Detections, RgbImage } from '../imagery/types.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';

/** Options of `detectImage`. */
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
  /** Tiles that the GPU processes together. Default 4. */
  readonly batchSize?: number;
  /** When aborted, the call rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
  /** Called after each batch with the number of tiles done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Part of an image, in its pixels. */
interface Tile {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A detection in pixels of the whole image. */
interface Found {
  readonly box: Float32Array;
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

/**
 * Detects objects in an image of any size: divides it into overlapping tiles and merges their detections. A box that
 * the edge of its tile cuts is dropped if a complete box of the same class, from another tile, covers it. Non-maximum
 * suppression then runs per class over the whole image. For an image that fits in one tile, the result is that of
 * `model.detect`. `maxDetections` limits each tile, but not the image.
 *
 * @param model in evaluation mode
 * @param image [H, W, 3]
 * @returns detections in pixels of the image, highest score first
 * @throws RangeError for options out of range
 */
export async function detectImage(model: RetinaNet, image: RgbImage, options: TileOptions = {}): Promise<Detections> {
  const { tile = 1024, batchSize = 4, nmsThreshold = model.spec.postprocess.nmsThreshold } = options;
  const { overlap = Math.round(tile / 5) } = options;
  checkInteger('detectImage', 'tile', tile, { min: 1 });
  checkInteger('detectImage', 'batchSize', batchSize, { min: 1 });
  checkInteger('detectImage', 'overlap', overlap, { min: 0, max: tile - 1 });
  checkNumber('detectImage', 'nmsThreshold', nmsThreshold, { min: 0, max: 1 });
  const { height, width } = imageSize(image);
  const tiles = evenStarts(height, tile, overlap).flatMap((top) =>
    evenStarts(width, tile, overlap).map((left): Tile => ({
      left,
      top,
      right: Math.min(left + tile, width),
      bottom: Math.min(top + tile, height),
    })),
  );
  const perTile: Detections[] = [];
  while (perTile.length < tiles.length) {
    options.signal?.throwIfAborted();
    const batch = tiles.slice(perTile.length, perTile.length + batchSize);
    const views = batch.map(({ left, top, right, bottom }) => image.lo(top, left, 0).hi(bottom - top, right - left, 3));
    perTile.push(...(await model.detect(views, defined({ maxDetections: options.maxDetections }))));
    options.onProgress?.(perTile.length, tiles.length);
  }
  // The model has already suppressed with this threshold, in float32; doing it again in float64 could drop more.
  if (tiles.length === 1 && nmsThreshold === model.spec.postprocess.nmsThreshold) return perTile[0]!;
  const all = perTile.flatMap((found, number) => inImage(found, number, tiles[number]!, { width, height }));
  const kept = suppress(withoutFragments(all, tile), nmsThreshold, (a, b) => boxIou(a, 0, b, 0), tile);
  const omitted = perTile.flatMap((found) => [...(found.omitted ?? [])]);
  return {
    boxes: Float32Array.from(kept.flatMap(({ box }) => [...box])),
    scores: Float32Array.from(kept, ({ score }) => score),
    labels: Int32Array.from(kept, ({ label }) => label),
    ...(omitted.length === 0 ? {} : { omitted: Float32Array.from(omitted) }),
  };
}

/** Converts the detections of a tile to pixels of the image. */
function inImage(
  { boxes, scores, labels }: Detections,
  number: number,
  tile: Tile,
  image: { readonly width: number; readonly height: number },
): Found[] {
  return Array.from(scores, (score, i): Found => {
    const [left, top] = [boxes[4 * i]!, boxes[4 * i + 1]!];
    const [right, bottom] = [boxes[4 * i + 2]!, boxes[4 * i + 3]!];
    const box = Float32Array.of(left + tile.left, top + tile.top, right + tile.left, bottom + tile.top);
    const isCut =
      (tile.left > 0 && left < TOUCH) ||
      (tile.top > 0 && top < TOUCH) ||
      (tile.right < image.width && box[2]! > tile.right - TOUCH) ||
      (tile.bottom < image.height && box[3]! > tile.bottom - TOUCH);
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
