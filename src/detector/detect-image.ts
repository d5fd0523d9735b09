import { imageSize } from '../imagery/image.ts';
import { boxIou } from '../evaluation/iou.ts';
import type { Detections } from '../retinanet/postprocess.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import type { RgbImage } from '../imagery/types.ts';

/** How `detectImage` cuts an image. */
export interface TileOptions {
  /**
   * Side of a tile in pixels: best that of the images that the detector was trained on, so that objects have the size
   * it knows. Default 1024.
   */
  readonly tile?: number;
  /**
   * Pixels that neighbouring tiles share, at least. An object that is no larger is whole in one of them. Default a fifth
   * of `tile`.
   */
  readonly overlap?: number;
  /** A detection goes if its IoU with a surer one of its class is above this. Default that of the model's spec. */
  readonly nmsThreshold?: number;
  /** Tiles that the GPU has at once. Default 4. */
  readonly batchSize?: number;
  /** Stops early, with the signal's reason. */
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
  /** Number of its tile. */
  readonly tile: number;
  /** Whether it ends where its tile ends and the image goes on. */
  readonly isCut: boolean;
}

/** Pixels from a tile's edge within which a box touches it: boxes of cut objects end about there, not exactly. */
const TOUCH = 2;
/** Share of a cut box that the whole one covers, from which they are the same object. */
const COVERED = 0.7;

/**
 * Finds objects in an image of any size: in overlapping tiles, whose detections are joined. A box that ends at the edge
 * of its tile, with more image behind it, gives way to a box of its class from another tile that covers it and is
 * whole; duplicates are suppressed by class over the whole image. An image that fits one tile gives what `model.detect`
 * gives. Each tile gives at most the spec's `maxDetections`; the image has no limit.
 *
 * @param model in evaluation mode
 * @param image [H, W, 3]
 * @returns detections in pixels of the image, best first
 */
export async function detectImage(model: RetinaNet, image: RgbImage, options: TileOptions = {}): Promise<Detections> {
  const { tile = 1024, batchSize = 4, nmsThreshold = model.spec.postprocess.nmsThreshold } = options;
  const { overlap = Math.round(tile / 5) } = options;
  for (const [name, value] of Object.entries({ tile, batchSize })) {
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`detectImage: ${name} is ${value}, expected a whole number from 1`);
  }
  if (!Number.isInteger(overlap) || overlap < 0 || overlap >= tile)
    throw new RangeError(`detectImage: overlap is ${overlap}, expected a whole number from 0 to below tile, ${tile}`);
  if (!(nmsThreshold >= 0 && nmsThreshold <= 1))
    throw new RangeError(`detectImage: nmsThreshold is ${nmsThreshold}, expected a number from 0 to 1`);
  const { height, width } = imageSize(image);
  const tiles = spans(height, tile, overlap).flatMap(([top, bottom]) =>
    spans(width, tile, overlap).map(([left, right]): Tile => ({ left, top, right, bottom })),
  );
  const perTile: Detections[] = [];
  while (perTile.length < tiles.length) {
    options.signal?.throwIfAborted();
    const some = tiles.slice(perTile.length, perTile.length + batchSize);
    const views = some.map(({ left, top, right, bottom }) => image.lo(top, left, 0).hi(bottom - top, right - left, 3));
    perTile.push(...(await model.detect(views)));
    options.onProgress?.(perTile.length, tiles.length);
  }
  // Suppressing again by the same threshold could only round otherwise.
  if (tiles.length === 1 && nmsThreshold === model.spec.postprocess.nmsThreshold) return perTile[0]!;
  return joinTiles(tiles, perTile, { height, width, tile, nmsThreshold });
}

/** Ends of the tiles along an axis: of one length, evenly spread, the first at the start and the last at the end. */
export function spans(length: number, tile: number, overlap: number): [start: number, end: number][] {
  if (length <= tile) return [[0, length]];
  const count = Math.ceil((length - overlap) / (tile - overlap));
  return Array.from({ length: count }, (_, i) => {
    const start = Math.round((i * (length - tile)) / (count - 1));
    return [start, start + tile];
  });
}

function joinTiles(
  tiles: readonly Tile[],
  perTile: readonly Detections[],
  { height, width, tile: side, nmsThreshold }: { height: number; width: number; tile: number; nmsThreshold: number },
): Detections {
  const all = perTile.flatMap(({ boxes, scores, labels }, number) => {
    const tile = tiles[number]!;
    return Array.from(scores, (score, i): Found => {
      const [x1, y1, x2, y2] = boxes.subarray(i * 4, i * 4 + 4) as unknown as [number, number, number, number];
      const box = Float32Array.of(x1 + tile.left, y1 + tile.top, x2 + tile.left, y2 + tile.top);
      const isCut =
        (tile.left > 0 && x1 < TOUCH) ||
        (tile.top > 0 && y1 < TOUCH) ||
        (tile.right < width && box[2]! > tile.right - TOUCH) ||
        (tile.bottom < height && box[3]! > tile.bottom - TOUCH);
      return { box, score, label: labels[i]!, tile: number, isCut };
    });
  });
  const whole = new Grid(side);
  for (const found of all) if (!found.isCut) whole.add(found);
  const isWholeElsewhere = (cut: Found): boolean =>
    whole
      .near(cut)
      .some((other) => other.tile !== cut.tile && other.label === cut.label && covered(cut.box, other.box) >= COVERED);
  const kept: Found[] = [];
  const seen = new Grid(side);
  const candidates = all.filter((found) => !found.isCut || !isWholeElsewhere(found));
  for (const found of candidates.sort((a, b) => b.score - a.score)) {
    const isDuplicate = seen
      .near(found)
      .some((other) => other.label === found.label && boxIou(other.box, 0, found.box, 0) > nmsThreshold);
    if (isDuplicate) continue;
    kept.push(found);
    seen.add(found);
  }
  return {
    boxes: Float32Array.from(kept.flatMap(({ box }) => [...box])),
    scores: Float32Array.from(kept, ({ score }) => score),
    labels: Int32Array.from(kept, ({ label }) => label),
  };
}

/** Share of a box that another covers. */
function covered(box: Float32Array, by: Float32Array): number {
  const along = (low: number, high: number): number =>
    Math.max(0, Math.min(box[high]!, by[high]!) - Math.max(box[low]!, by[low]!));
  const area = (box[2]! - box[0]!) * (box[3]! - box[1]!);
  return area > 0 ? (along(0, 2) * along(1, 3)) / area : 0;
}

/** Detections by the square cells that they touch, so that each is compared with its neighbours only. */
class Grid {
  readonly #side: number;
  readonly #cells = new Map<string, Found[]>();

  constructor(side: number) {
    this.#side = side;
  }

  add(found: Found): void {
    for (const cell of this.#cellsOf(found)) {
      const list = this.#cells.get(cell);
      if (list === undefined) this.#cells.set(cell, [found]);
      else list.push(found);
    }
  }

  /** All that share a cell with a detection; some of them more than once. */
  near(found: Found): Found[] {
    return this.#cellsOf(found).flatMap((cell) => this.#cells.get(cell) ?? []);
  }

  #cellsOf({ box }: Found): string[] {
    const [x1, y1, x2, y2] = Array.from(box, (value) => Math.floor(value / this.#side)) as [
      number,
      number,
      number,
      number,
    ];
    const cells: string[] = [];
    for (let y = y1; y <= y2; y++) for (let x = x1; x <= x2; x++) cells.push(`${x},${y}`);
    return cells;
  }
}
