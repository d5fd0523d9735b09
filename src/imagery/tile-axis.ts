// Where tiles of one size begin along a side of an image. Both rules give the smallest number of tiles that cover the
// side and share at least `overlap` pixels; they differ in where the surplus goes.

/** The smallest number of tiles; 1 where the side is no longer than a tile. */
function tileCount(length: number, size: number, overlap: number): number {
  return length <= size ? 1 : Math.ceil((length - overlap) / (size - overlap));
}

/**
 * Starts at a fixed step, with the last tile moved inward: the rule for training tiles. Neighbours share exactly
 * `overlap` pixels, except the last two, so that an epoch shows as little as possible twice; the places of all tiles
 * except the last do not depend on the size of the image.
 */
export function steppedStarts(length: number, size: number, overlap: number): number[] {
  const last = Math.max(length - size, 0);
  return Array.from({ length: tileCount(length, size, overlap) }, (_, i) => Math.min(i * (size - overlap), last));
}

/**
 * Starts spread evenly from the first pixel to the last: the rule for detection. The same number of tiles costs the same
 * time, and all neighbours get part of the surplus, so that larger objects are whole in one of them wherever they lie.
 */
export function evenStarts(length: number, size: number, overlap: number): number[] {
  const count = tileCount(length, size, overlap);
  return Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * (length - size)) / (count - 1))));
}
