import type { AnchorSpec } from './spec.ts';

// Anchors are the boxes that the network starts from: a few sizes and aspect ratios at every cell of every pyramid level.
// Together they cover the image, so that every object overlaps an anchor well. The network only predicts which one, and
// how to correct it.

/** Height and width of a pyramid level or an image. */
export type Size = readonly [height: number, width: number];

/**
 * Anchors at each cell, for each level (all levels have the same number).
 *
 * @example
 * console.log(anchorsPerCell(presets.torchvision.anchors)); // 9
 */
export function anchorsPerCell(spec: AnchorSpec): number {
  const counts = spec.sizes.map((sizes) => sizes.length * spec.ratios.length);
  if (counts.some((count) => count !== counts[0])) {
    throw new RangeError(`anchors: levels have different numbers of sizes: ${counts.join(', ')} anchors per cell`);
  }
  return counts[0]!;
}

/**
 * The anchors of one level around the point 0, 0: four numbers each, x1, y1, x2, y2.
 *
 * @param sizes square roots of the areas, in pixels
 *
 * @example
 * const spec = { ...presets.paper.anchors, ratios: [1, 4] };
 * console.log([...cellAnchors([32], spec)]); // [-16, -16, 16, 16, -8, -32, 8, 32]
 */
export function cellAnchors(sizes: readonly number[], { ratios, order, rounded }: AnchorSpec): Float32Array {
  const shapes = sizes.map((size) => ratios.map((ratio) => ({ size, ratio })));
  const pairs = order === 'size-outer' ? shapes.flat() : ratios.flatMap((_, r) => shapes.map((list) => list[r]!));
  const { fround } = Math;
  const out = new Float32Array(pairs.length * 4);
  pairs.forEach(({ size, ratio }, i) => {
    // In float32 and torchvision's order of operations, because rounding follows.
    const h = fround(Math.sqrt(fround(ratio)));
    const w = fround(1 / h);
    let [halfWidth, halfHeight] = [fround(w * fround(size)) / 2, fround(h * fround(size)) / 2];
    if (rounded) [halfWidth, halfHeight] = [roundHalfToEven(halfWidth), roundHalfToEven(halfHeight)];
    out.set([-halfWidth, -halfHeight, halfWidth, halfHeight], i * 4);
  });
  return out;
}

/** Rounds half to even like IEEE 754 and PyTorch: 50.5 to 50, 101.5 to 102. (Math.round gives 51 and 102.) */
function roundHalfToEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

/**
 * All anchors of an image: levels finest first, rows, columns, then the anchors of a cell.
 *
 * @param image size of the padded image
 * @param levels sizes of the pyramid's levels
 * @returns four numbers per anchor, x1, y1, x2, y2, in pixels of the padded image
 *
 * @example
 * const spec = { ...presets.torchvision.anchors, sizes: [[16]], ratios: [1] };
 * console.log([...makeAnchors(spec, [16, 16], [[2, 2]])]);
 * // [-8, -8, 8, 8, 0, -8, 16, 8, -8, 0, 8, 16, 0, 0, 16, 16]
 */
export function makeAnchors(spec: AnchorSpec, image: Size, levels: readonly Size[]): Float32Array {
  const perCell = anchorsPerCell(spec);
  const total = levels.reduce((sum, [h, w]) => sum + h * w * perCell, 0);
  const out = new Float32Array(total * 4);
  let at = 0;
  levels.forEach(([height, width], level) => {
    const cell = cellAnchors(spec.sizes[level]!, spec);
    const fixed = 8 * 2 ** level;
    const [strideY, strideX] =
      spec.stride === 'fixed' ? [fixed, fixed] : [Math.floor(image[0] / height), Math.floor(image[1] / width)];
    for (let row = 0; row < height; row++) {
      const y = (row + spec.offset) * strideY;
      for (let column = 0; column < width; column++) {
        const x = (column + spec.offset) * strideX;
        for (let i = 0; i < cell.length; i += 4) {
          out[at++] = x + cell[i]!;
          out[at++] = y + cell[i + 1]!;
          out[at++] = x + cell[i + 2]!;
          out[at++] = y + cell[i + 3]!;
        }
      }
    }
  });
  return out;
}
