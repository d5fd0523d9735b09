import { checkNumber } from '../common/check.ts';
import { boundsOnMap, type Affine } from '../imagery/georeference.ts';
import { checkSplit, chooseGroups, type GroupSplitOptions } from './split-groups.ts';
import type { Split } from './split.ts';

/** Where a sample lies: a rectangle in the pixels of an image, or on the ground in a coordinate system. */
export interface Place {
  /** The coordinate system: the id of an image, for its pixels, or a name, for example `EPSG:32611`. */
  readonly frame: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Where a georeferenced image (for example of `openTiff`) lies on the map: the rectangle around its corners, in the units
 * of its coordinate system; null without a georeference. Places in different systems are never compared.
 */
export function placeOnMap(image: {
  readonly width: number;
  readonly height: number;
  readonly affine: Affine | null;
  readonly epsg: number | null;
}): Place | null {
  if (image.affine === null || image.epsg === null) return null;
  const [a, b, , d, e] = image.affine;
  const { width, height } = image;
  const [x, y] = boundsOnMap(image.affine, width, height);
  return {
    frame: `EPSG:${image.epsg}`,
    x,
    y,
    // Not from the bounds: the difference of two large coordinates would lose digits of the size.
    width: Math.abs(a * width) + Math.abs(b * height),
    height: Math.abs(d * width) + Math.abs(e * height),
  };
}

/** How blocks of ground are split. */
export interface BlockSplitOptions extends GroupSplitOptions {
  /** Side of a block, in units of the places: several times that of a sample, because samples at borders are left out. */
  readonly block: number;
  /** Minimum distance of samples on different sides, in the same units. Default 0: they may touch. */
  readonly margin?: number;
}

/** A split that leaves samples out. */
export interface BlockSplit extends Split {
  /** Positions of the samples that overlap both sides, or are too close to the other side. */
  readonly leftOut: number[];
}

/**
 * Splits samples in space: each frame is divided into square blocks, and a fraction of the blocks is held out, by a hash of
 * seed, frame and position of the block, as in `splitGroups`. A sample belongs to the side of the blocks that it touches,
 * and is left out if those are on both sides, so that no training sample shows held-out ground.
 *
 * @throws RangeError for places without an area and for options out of range
 * @throws Error if one side has no sample, for example because blocks are hardly larger than samples
 */
export function splitBlocks(places: readonly Place[], options: BlockSplitOptions): BlockSplit {
  const { heldOut, seed } = checkSplit('splitBlocks', options);
  const { block, margin = 0 } = options;
  checkNumber('splitBlocks', 'block', block, { above: 0, finite: true });
  checkNumber('splitBlocks', 'margin', margin, { min: 0, finite: true });
  checkPlaces('splitBlocks', places);
  // A sample is divided equally among the blocks that it touches.
  const counts = new Map<string, number>();
  for (const place of places) {
    const keys = blocksOf(place, block, 0);
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1 / keys.length);
  }
  const held = counts.size < 2 ? new Set<string>() : chooseGroups(counts, heldOut, seed);
  const split: BlockSplit = { train: [], heldOut: [], leftOut: [] };
  places.forEach((place, i) => {
    // Blocks without samples, for example beyond the edge of an image, are on no side.
    const touched = blocksOf(place, block, margin).filter((key) => counts.has(key));
    const sides = new Set(touched.map((key) => held.has(key)));
    const side = sides.size > 1 ? split.leftOut : sides.has(true) ? split.heldOut : split.train;
    side.push(i);
  });
  if (split.train.length === 0 || split.heldOut.length === 0) {
    const side = split.train.length === 0 ? 'left for training' : 'held out';
    throw new Error(
      `splitBlocks: none of ${places.length} samples in ${counts.size} blocks of ${block} is ${side} (${split.leftOut.length} ` +
        'lie at borders): choose blocks several times the size of a sample and much smaller than the images',
    );
  }
  return split;
}

/**
 * Keys for `splitGroups` that are equal for samples that overlap, directly or through others: georeferenced images that show
 * the same ground. With a `distance` above 0, in units of the places, samples that are no farther apart have equal keys,
 * too; at 0 (default), samples that only touch have different keys.
 */
export function overlapKeys(places: readonly Place[], distance = 0): string[] {
  checkNumber('overlapKeys', 'distance', distance, { min: 0, finite: true });
  checkPlaces('overlapKeys', places);
  const parent = places.map((_, i) => i);
  const root = (i: number): number => {
    while (parent[i] !== i) i = parent[i] = parent[parent[i]!]!;
    return i;
  };
  const near = (start: number, end: number, otherStart: number, otherEnd: number): boolean => {
    const gap = Math.max(start, otherStart) - Math.min(end, otherEnd);
    return distance > 0 ? gap <= distance : gap < 0;
  };
  // From left to right: a place is compared with those whose right edge may still reach it.
  const order = places.map((_, i) => i).sort((a, b) => places[a]!.x - places[b]!.x);
  let open: number[] = [];
  for (const i of order) {
    const own = places[i]!;
    open = open.filter((j) => places[j]!.x + places[j]!.width + distance >= own.x);
    for (const j of open) {
      const other = places[j]!;
      if (
        other.frame === own.frame &&
        near(own.x, own.x + own.width, other.x, other.x + other.width) &&
        near(own.y, own.y + own.height, other.y, other.y + other.height)
      ) {
        parent[root(j)] = root(i);
      }
    }
    open.push(i);
  }
  // The first place of a group gives its key.
  const names = new Map<number, string>();
  return places.map((place, i) => {
    const top = root(i);
    const name = names.get(top) ?? `${place.frame} ${place.x} ${place.y}`;
    names.set(top, name);
    return name;
  });
}

function checkPlaces(op: string, places: readonly Place[]): void {
  places.forEach(({ x, y, width, height }, i) => {
    if (!(Number.isFinite(x) && Number.isFinite(y) && width > 0 && height > 0 && width + height < Infinity)) {
      throw new RangeError(
        `${op}: place ${i} is ${width} x ${height} at (${x}, ${y}), expected finite numbers and a size > 0`,
      );
    }
  });
}

const blockKey = (frame: string, column: number, row: number): string => `${column},${row} ${frame}`;

/** Keys of the blocks that a place touches, enlarged by the margin on all sides. */
function blocksOf({ frame, x, y, width, height }: Place, block: number, margin: number): string[] {
  const keys: string[] = [];
  // A place that ends at the edge of a block does not touch the next block.
  const last = (end: number): number => Math.ceil((end + margin) / block) - 1;
  for (let row = Math.floor((y - margin) / block); row <= last(y + height); row++) {
    for (let column = Math.floor((x - margin) / block); column <= last(x + width); column++) {
      keys.push(blockKey(frame, column, row));
    }
  }
  return keys;
}
