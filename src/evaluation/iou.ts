/** Four numbers per box, `x1, y1, x2, y2`: float32 as a detector gives them, float64 as files hold them. */
export type BoxData = Float32Array | Float64Array;

/**
 * Intersection over union (the Jaccard index) of box `i` of `a` and box `j` of `b`, in float64. Boxes are
 * `x1, y1, x2, y2` with continuous edges, so that the width is `x2 - x1` without a pixel added. 0 when they only touch
 * and when either has no area.
 */
export function boxIou(a: BoxData, i: number, b: BoxData, j: number): number {
  const both = boxOverlap(a, i, b, j);
  return both === 0 ? 0 : both / (boxArea(a, i) + boxArea(b, j) - both);
}

/** Width times height of box `i`. */
export function boxArea(boxes: BoxData, i: number): number {
  const width = boxes[i * 4 + 2]! - boxes[i * 4]!;
  return width * (boxes[i * 4 + 3]! - boxes[i * 4 + 1]!);
}

/** The area that box `i` of `a` and box `j` of `b` share. */
export function boxOverlap(a: BoxData, i: number, b: BoxData, j: number): number {
  const ax1 = a[i * 4]!;
  const ay1 = a[i * 4 + 1]!;
  const ax2 = a[i * 4 + 2]!;
  const ay2 = a[i * 4 + 3]!;
  const bx1 = b[j * 4]!;
  const by1 = b[j * 4 + 1]!;
  const bx2 = b[j * 4 + 2]!;
  const by2 = b[j * 4 + 3]!;
  const width = Math.min(ax2, bx2) - Math.max(ax1, bx1);
  if (!(width > 0)) return 0;
  const height = Math.min(ay2, by2) - Math.max(ay1, by1);
  if (!(height > 0)) return 0;
  return width * height;
}

/** Number of boxes in packed box data. Throws a RangeError, in the name of `op`, unless it holds four numbers per box. */
export function boxCount(op: string, boxes: BoxData): number {
  if (boxes.length % 4 !== 0) throw new RangeError(`${op}: ${boxes.length} box numbers, expected four per box`);
  return boxes.length / 4;
}

/** `boxIou` of every box of `a` with every box of `b`: element `i * m + j` of n * m values, with m the boxes of `b`. */
export function pairwiseIou(a: BoxData, b: BoxData): Float64Array {
  const n = boxCount('pairwiseIou', a);
  const m = boxCount('pairwiseIou', b);
  const out = new Float64Array(n * m);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) out[i * m + j] = boxIou(a, i, b, j);
  return out;
}
