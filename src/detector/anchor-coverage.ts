import { cellAnchors, type Size } from '../retinanet/anchors.ts';
import { resizedSize, scaleBoxes } from '../retinanet/transform.ts';
import type { AnchorSpec, MatcherSpec, RetinaNetSpec } from '../retinanet/spec.ts';
import { visibleBox, type SizedImage } from './visible-box.ts';

// How well the best anchor fits each object. RetinaNet learns an object from the anchors that overlap it; an object
// that no anchor overlaps is trained as background. This is the most common reason why small objects are not detected.

const LEVELS = 5;

/** Boxes relative to the grids of anchor centres, which are independent of the shapes of the anchors. */
export interface PlacedBoxes {
  /** Sizes of the boxes in pixels of the resized image. */
  readonly widths: Float64Array;
  readonly heights: Float64Array;
  /** Distance from the centre of a box to the nearest anchor centre of each level: element `box * 5 + level`. */
  readonly dx: Float64Array;
  readonly dy: Float64Array;
  /** Index of the image of each box, and of its object in that image. */
  readonly images: Int32Array;
  readonly objects: Int32Array;
}

/** The size of an image after resizing and after padding, and the sizes of the pyramid levels. */
export function trainedSizes(size: Size, spec: RetinaNetSpec): { resized: Size; padded: Size; levels: Size[] } {
  const resized = resizedSize(size, spec.transform);
  const multiple = spec.transform.padMultiple;
  const pad = (side: number): number => Math.ceil(side / multiple) * multiple;
  const padded: Size = [pad(resized[0]), pad(resized[1])];
  const levels: Size[] = [];
  let level = padded;
  for (let step = 1; step < 3 + LEVELS; step++) {
    // Each halving is a convolution or pooling that rounds up.
    level = [Math.ceil(level[0] / 2), Math.ceil(level[1] / 2)];
    if (step >= 3) levels.push(level);
  }
  return { resized, padded, levels };
}

/**
 * The boxes of images as the network sees them: clipped (`visibleBox`), in pixels of the resized image, with each image
 * in a batch of one. Objects that are not trained on and images of unknown size are left out.
 */
export function placeBoxes(images: readonly SizedImage[], spec: RetinaNetSpec): PlacedBoxes {
  const rows = images.flatMap((image, i) => placeImage(image, spec).map((row) => ({ ...row, image: i })));
  const column = (key: 'width' | 'height' | 'image' | 'object'): number[] => rows.map((row) => row[key]);
  return {
    widths: Float64Array.from(column('width')),
    heights: Float64Array.from(column('height')),
    images: Int32Array.from(column('image')),
    objects: Int32Array.from(column('object')),
    dx: Float64Array.from(rows.flatMap(({ dx }) => dx)),
    dy: Float64Array.from(rows.flatMap(({ dy }) => dy)),
  };
}

interface PlacedBox {
  readonly width: number;
  readonly height: number;
  readonly object: number;
  readonly dx: readonly number[];
  readonly dy: readonly number[];
}

function placeImage(image: SizedImage, spec: RetinaNetSpec): PlacedBox[] {
  if (image.width === null || image.height === null) return [];
  const before: Size = [image.height, image.width];
  const { resized, padded, levels } = trainedSizes(before, spec);
  if (resized.some((side) => side < 1)) return [];
  const { stride, offset } = spec.anchors;
  /** Distances of a coordinate to the nearest anchor centre of each level. Axis 0 is y, as in a `Size`. */
  const distances = (axis: 0 | 1, centre: number): number[] =>
    levels.map((grid, level) => {
      const step = stride === 'fixed' ? 8 * 2 ** level : Math.floor(padded[axis] / grid[axis]);
      const nearest = Math.min(grid[axis] - 1, Math.max(0, Math.round(centre / step - offset)));
      return Math.abs((nearest + offset) * step - centre);
    });
  return image.objects.flatMap((labelled, object): PlacedBox[] => {
    const box = visibleBox(image, labelled);
    if (box === null) return [];
    const scaled = scaleBoxes(Float32Array.from(box), before, resized);
    const [x1, y1, x2, y2] = [scaled[0]!, scaled[1]!, scaled[2]!, scaled[3]!];
    if (!(x2 > x1 && y2 > y1)) return [];
    const [dx, dy] = [distances(1, (x1 + x2) / 2), distances(0, (y1 + y2) / 2)];
    return [{ width: x2 - x1, height: y2 - y1, object, dx, dy }];
  });
}

/**
 * IoU of each box with its best anchor: exact, without enumerating the anchors. Of all anchors of one shape, those in
 * the nearest column overlap the box most in x and those in the nearest row overlap it most in y, and the IoU increases
 * with the product.
 */
export function bestIous(boxes: PlacedBoxes, anchors: AnchorSpec): Float64Array {
  const out = new Float64Array(boxes.widths.length);
  anchors.sizes.forEach((sizes, level) => {
    const cell = cellAnchors(sizes, anchors);
    for (let i = 0; i < cell.length; i += 4) raiseIous(out, boxes, level, 2 * cell[i + 2]!, 2 * cell[i + 3]!);
  });
  return out;
}

/**
 * Raises each element of `ious` to the IoU with the nearest anchor of one shape on one level, if that IoU is higher.
 */
function raiseIous(ious: Float64Array, boxes: PlacedBoxes, level: number, width: number, height: number): void {
  for (let n = 0; n < ious.length; n++) {
    const w = boxes.widths[n]!;
    const h = boxes.heights[n]!;
    const across = Math.min(w, width, (w + width) / 2 - boxes.dx[n * LEVELS + level]!);
    const down = Math.min(h, height, (h + height) / 2 - boxes.dy[n * LEVELS + level]!);
    if (across <= 0 || down <= 0) continue;
    const both = across * down;
    const iou = both / (w * h + width * height - both);
    if (iou > ious[n]!) ious[n] = iou;
  }
}

/** How well anchors fit the boxes of one range of sizes. */
export interface CoverageRow {
  /** Square root of the area in pixels of the resized image: from (inclusive) and to (exclusive; null if unbounded). */
  readonly from: number;
  readonly to: number | null;
  readonly boxes: number;
  /** Mean IoU with the best anchor. */
  readonly meanIou: number;
  /** Fraction of boxes whose best IoU is below `matcher.high`: only the low-quality rule can match them. */
  readonly belowHigh: number;
  /** Fraction of boxes whose best IoU is below `matcher.low`: their anchors count as background. */
  readonly belowLow: number;
}

/** How well anchors fit the boxes of a data set. */
export interface AnchorCoverage extends Omit<CoverageRow, 'from' | 'to'> {
  /** The thresholds of the matcher. */
  readonly high: number;
  readonly low: number;
  /** Ranges of sizes that have boxes, in ascending order. */
  readonly bySize: readonly CoverageRow[];
}

const EDGES = [0, 8, 16, 32, 64, 128, 256, 512];

/** Summarises `bestIous` by box size. Without boxes, the fractions and the mean are 0. */
export function coverageOf(
  boxes: Pick<PlacedBoxes, 'widths' | 'heights'>,
  ious: Float64Array,
  { high, low }: Pick<MatcherSpec, 'high' | 'low'>,
): AnchorCoverage {
  const summarise = (chosen: readonly number[]): Omit<CoverageRow, 'from' | 'to'> => {
    const count = Math.max(1, chosen.length);
    const below = (limit: number): number => chosen.filter((n) => ious[n]! < limit).length / count;
    const meanIou = chosen.reduce((total, n) => total + ious[n]!, 0) / count;
    return { boxes: chosen.length, meanIou, belowHigh: below(high), belowLow: below(low) };
  };
  const all = Array.from(ious.keys());
  const sizeAt = (n: number): number => Math.sqrt(boxes.widths[n]! * boxes.heights[n]!);
  const bySize = EDGES.map((from, i): CoverageRow => {
    const to = EDGES[i + 1] ?? null;
    return { from, to, ...summarise(all.filter((n) => sizeAt(n) >= from && (to === null || sizeAt(n) < to))) };
  });
  return { ...summarise(all), high, low, bySize: bySize.filter((row) => row.boxes > 0) };
}
