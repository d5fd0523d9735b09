import { boundsOnMap, type Affine } from '../imagery/georeference.ts';
import { checkShare, chooseGroups, type GroupSplitOptions } from './split-groups.ts';
import type { Split } from './split.ts';

/** Where a sample lies: a rectangle in the pixels of an image, or on the ground in a coordinate system. */
export interface Place {
  /** What the coordinates belong to: the id of an image, or a system such as `EPSG:32611`. */
  readonly frame: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Where a georeferenced image, such as `openTiff` opens, lies on the map: the rectangle around its corners, in the units
 * of its coordinate system. Null where the file does not say. Images in different systems are never compared.
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

/** How blocks of ground are shared out. */
export interface BlockSplitOptions extends GroupSplitOptions {
  /** Side of a block, in units of the places: several times that of a sample, because samples at borders are lost. */
  readonly block: number;
  /** Samples on different sides are at least this far apart, in the same units. Default 0: they may touch. */
  readonly margin?: number;
}

/** A split that leaves samples out. */
export interface BlockSplit extends Split {
  /** Positions of the samples that lie on both sides, or too close to the other. */
  readonly leftOut: number[];
}

/**
 * Splits samples in space: each frame is divided into square blocks, and a share of the blocks is held out, by a hash of
 * seed, frame and place of the block, as `splitGroups` does with groups. A sample belongs to the side of the blocks that
 * it touches, and is left out where they are of both. So none that is trained on shows ground that is held out.
 *
 * @throws RangeError for places and options that make no sense
 * @throws Error when one side has no sample, as when blocks are hardly larger than samples
 */
export function splitBlocks(places: readonly Place[], options: BlockSplitOptions): BlockSplit {
  const { heldOut, seed } = checkShare('splitBlocks', options);
  const { block, margin = 0 } = options;
  if (!(block > 0 && block < Infinity))
    throw new RangeError(`splitBlocks: block is ${block}, expected a length above 0`);
  if (!(margin >= 0 && margin < Infinity)) {
    throw new RangeError(`splitBlocks: margin is ${margin}, expected a length from 0`);
  }
  checkPlaces('splitBlocks', places);
  // A sample counts in parts for each block that it touches.
  const counts = new Map<string, number>();
  for (const place of places) {
    const keys = blocksOf(place, block, 0);
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1 / keys.length);
  }
  const held = counts.size < 2 ? new Set<string>() : chooseGroups(counts, heldOut, seed);
  const split: BlockSplit = { train: [], heldOut: [], leftOut: [] };
  places.forEach((place, i) => {
    // Blocks without samples, such as those beyond the edge of an image, are on no side.
    const touched = blocksOf(place, block, margin).filter((key) => counts.has(key));
    const sides = new Set(touched.map((key) => held.has(key)));
    const side = sides.size > 1 ? split.leftOut : sides.has(true) ? split.heldOut : split.train;
    side.push(i);
  });
  if (split.train.length === 0 || split.heldOut.length === 0) {
    const side = split.train.length === 0 ? 'to train on' : 'held out';
    throw new Error(
      `splitBlocks: none of ${places.length} samples in ${counts.size} blocks of ${block} is ${side} (${split.leftOut.length} ` +
        'lie at borders): choose blocks several times the size of a sample, and of the images a small part',
    );
  }
  return split;
}

/**
 * Keys for `splitGroups` that are the same for samples that overlap, also by way of others: georeferenced images that
 * show the same ground. `distance` (default 0, in units of the places) counts those that are no farther apart, too;
 * at 0 those that only touch stay apart.
 */
export function overlapKeys(places: readonly Place[], distance = 0): string[] {
  if (!(distance >= 0 && distance < Infinity)) {
    throw new RangeError(`overlapKeys: distance is ${distance}, expected a length from 0`);
  }
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
  // From left to right: a place is compared with those whose right edge it may still reach.
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
  // The first of a group names it, so that the order of the places does not matter to the others.
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
        `${op}: place ${i} is ${width} x ${height} at (${x}, ${y}), expected numbers and a size above 0`,
      );
    }
  });
}

const blockKey = (frame: string, column: number, row: number): string => `${column},${row} ${frame}`;

/** Keys of the blocks that a place touches when it is grown by the margin. */
function blocksOf({ frame, x, y, width, height }: Place, block: number, margin: number): string[] {
  const keys: string[] = [];
  // The right edge belongs to the next block, which a place that ends there does not touch.
  const last = (end: number): number => Math.ceil((end + margin) / block) - 1;
  for (let row = Math.floor((y - margin) / block); row <= last(y + height); row++) {
    for (let column = Math.floor((x - margin) / block); column <= last(x + width); column++) {
      keys.push(blockKey(frame, column, row));
    }
  }
  return keys;
}
