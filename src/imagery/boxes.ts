// Arithmetic on boxes: `x1, y1, x2, y2` with continuous edges, so that the width is `x2 - x1` without a pixel added.

/** Four numbers per box, `x1, y1, x2, y2`: float32 from a detector, float64 from a file. */
export type BoxData = Float32Array | Float64Array;

/** Width times height of box `i`. */
export function boxArea(boxes: ArrayLike<number>, i: number): number {
  const width = boxes[i * 4 + 2]! - boxes[i * 4]!;
  return width * (boxes[i * 4 + 3]! - boxes[i * 4 + 1]!);
}

/** The area that box `i` of `a` and box `j` of `b` share. */
export function boxOverlap(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number): number {
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

/**
 * Intersection over union (the Jaccard index) of box `i` of `a` and box `j` of `b`, in float64: four numbers per box,
 * packed (`BoxData`) or one `Box` at index 0. It is 0 for boxes that only touch and for boxes without area.
 */
export function boxIou(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number): number {
  const both = boxOverlap(a, i, b, j);
  return both === 0 ? 0 : both / (boxArea(a, i) + boxArea(b, j) - both);
}

/**
 * IoU of two boxes in float32, rounded after each operation as torchvision rounds it. Suppression compares it with a
 * threshold: float64 would keep other boxes than torchvision where the IoU is within rounding of the threshold. It is
 * NaN, which exceeds no threshold, for two boxes without area.
 */
export function boxIouFloat32(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const { fround } = Math;
  const area = (box: ArrayLike<number>): number => fround(fround(box[2]! - box[0]!) * fround(box[3]! - box[1]!));
  const width = Math.max(fround(Math.min(a[2]!, b[2]!) - Math.max(a[0]!, b[0]!)), 0);
  const height = Math.max(fround(Math.min(a[3]!, b[3]!) - Math.max(a[1]!, b[1]!)), 0);
  const intersection = fround(width * height);
  return fround(intersection / fround(fround(area(a) + area(b)) - intersection));
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

/** The fraction of a box's area that another box covers, from 0 to 1; 0 for a box without area. */
export function coveredFraction(box: ArrayLike<number>, by: ArrayLike<number>): number {
  const both = boxOverlap(box, 0, by, 0);
  return both === 0 ? 0 : both / boxArea(box, 0);
}

/** A detection of one class. */
export interface ScoredBox {
  /** `x1, y1, x2, y2`. */
  readonly box: ArrayLike<number>;
  readonly score: number;
  readonly label: number;
}

/**
 * Greedy non-maximum suppression per class: from the highest score down (equal scores in the order given), a box is
 * dropped if its IoU with a kept box of its class exceeds the threshold. Returns the kept boxes, highest score first.
 *
 * @param iou `boxIouFloat32` to agree with torchvision, otherwise `boxIou`
 * @param cell side of the cells of a `BoxGrid`. Boxes with an IoU above 0 share a cell, so the result is the same; a grid
 *   pays for the many boxes of a large image. Default: each box is compared with all kept ones.
 */
export function suppress<T extends ScoredBox>(
  found: readonly T[],
  threshold: number,
  iou: (a: T['box'], b: T['box']) => number,
  cell?: number,
): T[] {
  const kept: T[] = [];
  const grid = cell === undefined ? null : new BoxGrid<T>(cell);
  const isDuplicate = (one: T): boolean =>
    (grid?.near(one) ?? kept).some((other) => other.label === one.label && iou(other.box, one.box) > threshold);
  for (const one of [...found].sort((a, b) => b.score - a.score)) {
    if (isDuplicate(one)) continue;
    kept.push(one);
    grid?.add(one);
  }
  return kept;
}

/**
 * Weighted boxes fusion (Solovyev, Wang and Gabruseva 2021) of what several views of an image show: from the highest score
 * down, a box joins the first group of its class with whose fused box its IoU exceeds the threshold. A fused box is the
 * mean weighted by scores. Its score is the mean score, less in proportion where fewer boxes than `views` agree. Returns the
 * fused boxes, highest score first.
 */
export function fuseBoxes<T extends ScoredBox>(
  found: readonly T[],
  threshold: number,
  views: number,
  iou: (a: ArrayLike<number>, b: ArrayLike<number>) => number,
): ScoredBox[] {
  const groups: { box: number[]; weight: number; count: number; readonly label: number }[] = [];
  for (const { box, score, label } of [...found].sort((a, b) => b.score - a.score)) {
    const group = groups.find((other) => other.label === label && iou(other.box, box) > threshold);
    if (group === undefined) {
      groups.push({ box: Array.from(box), weight: score, count: 1, label });
      continue;
    }
    const weight = group.weight + score;
    if (weight > 0) group.box = group.box.map((value, k) => (value * group.weight + box[k]! * score) / weight);
    group.weight = weight;
    group.count++;
  }
  return groups
    .map(({ box, weight, count, label }) => ({
      box,
      label,
      score: (weight / count) * (Math.min(count, views) / views),
    }))
    .sort((a, b) => b.score - a.score);
}

/** Boxes by the square cells that they touch, so that each is compared with its neighbours only. */
export class BoxGrid<T extends Pick<ScoredBox, 'box'>> {
  readonly #side: number;
  readonly #cells = new Map<string, T[]>();

  /** @param side of a cell, in the units of the boxes */
  constructor(side: number) {
    this.#side = side;
  }

  add(item: T): void {
    for (const cell of this.#cellsOf(item)) {
      const list = this.#cells.get(cell);
      if (list === undefined) this.#cells.set(cell, [item]);
      else list.push(item);
    }
  }

  /** All that share a cell with a box; some of them more than once. */
  near(item: T): T[] {
    return this.#cellsOf(item).flatMap((cell) => this.#cells.get(cell) ?? []);
  }

  #cellsOf({ box }: T): string[] {
    const cellOf = (value: number): number => Math.floor(value / this.#side);
    const [x1, y1, x2, y2] = [cellOf(box[0]!), cellOf(box[1]!), cellOf(box[2]!), cellOf(box[3]!)];
    const cells: string[] = [];
    for (let y = y1; y <= y2; y++) for (let x = x1; x <= x2; x++) cells.push(`${x},${y}`);
    return cells;
  }
}
