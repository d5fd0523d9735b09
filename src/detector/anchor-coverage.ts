import type { Box } from '../imagery/geometry.ts';
import { cellAnchors, type Size } from '../retinanet/anchors.ts';
import { resizedSize, scaleBoxes } from '../retinanet/transform.ts';
import type { RetinaNetSpec, AnchorSpec } from '../retinanet/spec.ts';
import { visibleBox, sizeOf, type SizedItem } from './visible-box.ts';

// How well the best anchor fits each object. RetinaNet learns an object from the anchors that overlap it; an object
// that none overlaps is trained as background. This is the most frequent reason for small objects not being found.

const LEVELS = 5;

/** Boxes relative to the grids of anchor centres, which do not depend on the anchors' shapes. */
export interface PlacedBoxes {
  /** Pixels at the size that the network sees. */
  readonly widths: Float64Array;
  readonly heights: Float64Array;
  /** Distance from a box's centre to the nearest anchor centre of each level: element `box * 5 + level`. */
  readonly dx: Float64Array;
  readonly dy: Float64Array;
  /** Position of each box in the table: its image, and its object. */
  readonly images: Int32Array;
  readonly objects: Int32Array;
}

/** What the network makes of an image's size, and the size of its pyramid's levels. */
export function trainedSizes(size: Size, spec: RetinaNetSpec): { resized: Size; padded: Size; levels: Size[] } {
  const resized = resizedSize(size, spec.transform);
  const multiple = spec.transform.padMultiple;
  const padded = resized.map((side) => Math.ceil(side / multiple) * multiple) as unknown as Size;
  const levels: Size[] = [];
  let level = padded;
  for (let step = 1; step < 3 + LEVELS; step++) {
    // Every halving is a convolution or pooling that rounds up.
    level = level.map((side) => Math.ceil(side / 2)) as unknown as Size;
    if (step >= 3) levels.push(level);
  }
  return { resized, padded, levels };
}

/**
 * The boxes of a data set as the network sees them (`visibleBox`, resized), each image in a batch of its own. Objects
 * that are not trained on and images of unknown size are left out.
 */
export function placeBoxes({ items }: { readonly items: readonly SizedItem[] }, spec: RetinaNetSpec): PlacedBoxes {
  const { stride, offset } = spec.anchors;
  const rows: number[][] = [];
  items.forEach((item, image) => {
    const size = sizeOf(item);
    if (size === null) return;
    const before: Size = [size.height, size.width];
    const { resized, padded, levels } = trainedSizes(before, spec);
    if (resized.some((side) => side < 1)) return;
    item.image.objects.forEach((labelled, object) => {
      const box = visibleBox(item, labelled);
      if (box === null) return;
      const [x1, y1, x2, y2] = scaleBoxes(Float32Array.from(box), before, resized) as unknown as [
        number,
        number,
        number,
        number,
      ];
      if (!(x2 > x1 && y2 > y1)) return;
      const row = [x2 - x1, y2 - y1, image, object];
      levels.forEach((grid, level) => {
        const fixed = 8 * 2 ** level;
        // Axis 0 is y, as in a Size.
        const distance = (axis: 0 | 1, centre: number): number => {
          const step = stride === 'fixed' ? fixed : Math.floor(padded[axis] / grid[axis]);
          const nearest = Math.min(grid[axis] - 1, Math.max(0, Math.round(centre / step - offset)));
          return Math.abs((nearest + offset) * step - centre);
        };
        row.push(distance(1, (x1 + x2) / 2), distance(0, (y1 + y2) / 2));
      });
      rows.push(row);
    });
  });
  const column = (i: number): Float64Array => Float64Array.from(rows, (row) => row[i]!);
  const grid = (i: number): Float64Array =>
    Float64Array.from(
      { length: rows.length * LEVELS },
      (_, k) => rows[Math.floor(k / LEVELS)]![4 + 2 * (k % LEVELS) + i]!,
    );
  return {
    widths: column(0),
    heights: column(1),
    images: Int32Array.from(column(2)),
    objects: Int32Array.from(column(3)),
    dx: grid(0),
    dy: grid(1),
  };
}

/**
 * IoU of each box with its best anchor, exactly, without listing the anchors: those of one shape have the largest
 * overlap in x in the nearest column and in y in the nearest row, and the IoU grows with the product of the two.
 */
export function bestIous(boxes: PlacedBoxes, anchors: AnchorSpec): Float64Array {
  const out = new Float64Array(boxes.widths.length);
  anchors.sizes.forEach((sizes, level) => {
    const cell = cellAnchors(sizes, anchors);
    for (let i = 0; i < cell.length; i += 4) {
      const [aw, ah] = [2 * cell[i + 2]!, 2 * cell[i + 3]!];
      for (let n = 0; n < out.length; n++) {
        const w = boxes.widths[n]!;
        const h = boxes.heights[n]!;
        const across = Math.min(w, aw, (w + aw) / 2 - boxes.dx[n * LEVELS + level]!);
        const down = Math.min(h, ah, (h + ah) / 2 - boxes.dy[n * LEVELS + level]!);
        if (across <= 0 || down <= 0) continue;
        const both = across * down;
        const iou = both / (w * h + aw * ah - both);
        if (iou > out[n]!) out[n] = iou;
      }
    }
  });
  return out;
}

/** How well anchors fit the boxes of one range of sizes. */
export interface CoverageRow {
  /** Square root of the area in pixels of the trained size, from (inclusive) and to (exclusive; null: no end). */
  readonly from: number;
  readonly to: number | null;
  readonly boxes: number;
  /** Mean IoU with the best anchor. */
  readonly meanIou: number;
  /** Share whose best anchor is not foreground by itself (below `matcher.high`): found by the rescue rule or not at all. */
  readonly belowHigh: number;
  /** Share whose best anchor counts as background (below `matcher.low`). */
  readonly belowLow: number;
}

/** How well anchors fit the boxes of a data set. */
export interface AnchorCoverage extends Omit<CoverageRow, 'from' | 'to'> {
  /** The thresholds. */
  readonly high: number;
  readonly low: number;
  readonly bySize: readonly CoverageRow[];
}

const EDGES = [0, 8, 16, 32, 64, 128, 256, 512];

/** Sums up `bestIous` by size. Without boxes the shares and the mean are 0. */
export function coverageOf(
  boxes: PlacedBoxes,
  ious: Float64Array,
  { high, low }: { readonly high: number; readonly low: number },
): AnchorCoverage {
  const sum = (chosen: readonly number[]): Omit<CoverageRow, 'from' | 'to'> => {
    const count = Math.max(1, chosen.length);
    const below = (limit: number): number => chosen.filter((n) => ious[n]! < limit).length / count;
    const meanIou = chosen.reduce((total, n) => total + ious[n]!, 0) / count;
    return { boxes: chosen.length, meanIou, belowHigh: below(high), belowLow: below(low) };
  };
  const all = Array.from(ious.keys());
  const sizeAt = (n: number): number => Math.sqrt(boxes.widths[n]! * boxes.heights[n]!);
  const bySize = EDGES.map((from, i): CoverageRow => {
    const to = EDGES[i + 1] ?? null;
    return { from, to, ...sum(all.filter((n) => sizeAt(n) >= from && (to === null || sizeAt(n) < to))) };
  });
  return { ...sum(all), high, low, bySize: bySize.filter((row) => row.boxes > 0) };
}

/** Boxes of one image with the IoU of each one's best anchor, in pixels of the image. */
export function iousOfImage(
  { items }: { readonly items: readonly SizedItem[] },
  boxes: PlacedBoxes,
  ious: Float64Array,
  image: number,
): { readonly box: Box; readonly iou: number }[] {
  const item = items[image];
  if (item === undefined) return [];
  const out = [];
  for (const [n, iou] of ious.entries()) {
    if (boxes.images[n] !== image) continue;
    const object = item.image.objects[boxes.objects[n]!];
    const box = object === undefined ? null : visibleBox(item, object);
    if (box !== null) out.push({ box, iou });
  }
  return out;
}
