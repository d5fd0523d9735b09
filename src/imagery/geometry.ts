import { checkNumber } from '../common/check.ts';
import type { Annotations } from './types.ts';

/** A point in pixels, or in map coordinates where stated. */
export type Point = readonly [x: number, y: number];
/** Corners in order; the last one may repeat the first one. */
export type Ring = readonly Point[];
/** An outer ring followed by its holes. */
export type Polygon = readonly Ring[];
/** `x1, y1, x2, y2` with `x2 > x1` and `y2 > y1`. */
export type Box = readonly [x1: number, y1: number, x2: number, y2: number];

/** Which objects are kept when the edge of an image truncates them. */
export interface Visibility {
  /** Boxes with a side shorter than this after clipping are dropped, in pixels. */
  readonly minSide: number;
  /** Objects with a smaller fraction of their area inside the image are dropped. */
  readonly minVisible: number;
}

/** At least one pixel wide and high, and a tenth of the area inside the image. */
export const defaultVisibility: Visibility = { minSide: 1, minVisible: 0.1 };

/** Throws a RangeError unless a visibility rule has a side >= 0 and a fraction from 0 to 1. */
export function checkVisibility({ minSide, minVisible }: Visibility): void {
  checkNumber('visibility', 'minSide', minSide, { min: 0 });
  checkNumber('visibility', 'minVisible', minVisible, { min: 0, max: 1 });
}

/** Signed area of a ring (shoelace formula). */
export function ringArea(ring: Ring): number {
  const origin = ring[0];
  if (origin === undefined) return 0;
  let twiceArea = 0;
  let last = ring[ring.length - 1]!;
  for (const point of ring) {
    // Relative to the first corner: map coordinates are large and close to each other.
    twiceArea += (last[0] - origin[0]) * (point[1] - origin[1]) - (point[0] - origin[0]) * (last[1] - origin[1]);
    last = point;
  }
  return twiceArea / 2;
}

/** The smallest box around points, which may be a line or a point; of no points it is inverted and infinite. */
export function boundsOf(points: Iterable<Point>): Box {
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    x1 = Math.min(x1, x);
    y1 = Math.min(y1, y);
    x2 = Math.max(x2, x);
    y2 = Math.max(y2, y);
  }
  return [x1, y1, x2, y2];
}

/** The smallest box around a ring; null if the box has no area. */
export function ringBounds(ring: Ring): Box | null {
  const [x1, y1, x2, y2] = boundsOf(ring);
  return x2 > x1 && y2 > y1 ? [x1, y1, x2, y2] : null;
}

/** The part of a ring on the side of a vertical (axis 0) or horizontal (axis 1) line where `sign * (v - at) >= 0`. */
function clipSide(ring: Ring, axis: 0 | 1, at: number, sign: 1 | -1): Point[] {
  const other = axis === 0 ? 1 : 0;
  const out: Point[] = [];
  let from = ring[ring.length - 1]!;
  for (const to of ring) {
    const a = sign * (from[axis] - at);
    const b = sign * (to[axis] - at);
    if (a >= 0 !== b >= 0) {
      const t = a / (a - b);
      const crossing = from[other] + t * (to[other] - from[other]);
      out.push(axis === 0 ? [at, crossing] : [crossing, at]);
    }
    if (b >= 0) out.push(to);
    from = to;
  }
  return out;
}

/** A ring clipped to the image `[0, width] x [0, height]` (Sutherland and Hodgman, 1974). */
export function clipRing(ring: Ring, width: number, height: number): Ring {
  return clipSide(clipSide(clipSide(clipSide(ring, 0, 0, 1), 0, width, -1), 1, 0, 1), 1, height, -1);
}

/**
 * The axis-aligned box around the part of a polygon (pixels) inside an image, or null if the visibility rule drops it.
 * The polygon is clipped before the box is computed, because the box of the visible part can be smaller than the visible
 * part of the box. Holes are ignored. Throws a RangeError for coordinates that are not finite.
 */
export function polygonBox(
  polygon: Polygon,
  width: number,
  height: number,
  rule: Visibility = defaultVisibility,
): Box | null {
  const outer = polygon[0] ?? [];
  for (const [x, y] of outer) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      throw new RangeError(`polygonBox: corner (${x}, ${y}), expected finite coordinates`);
    }
  }
  const area = Math.abs(ringArea(outer));
  const inside = clipRing(outer, width, height);
  const box = ringBounds(inside);
  if (box === null || area === 0) return null;
  const visible = Math.abs(ringArea(inside));
  if (visible === 0 || visible < rule.minVisible * area) return null;
  return box[2] - box[0] < rule.minSide || box[3] - box[1] < rule.minSide ? null : box;
}

/** Boxes and labels as typed arrays. Throws a RangeError unless there is one label for each box. */
export function packAnnotations(boxes: readonly Box[], labels: readonly number[]): Annotations {
  if (boxes.length !== labels.length) {
    throw new RangeError(
      `packAnnotations: ${boxes.length} boxes and ${labels.length} labels, expected the same number`,
    );
  }
  return { boxes: Float32Array.from(boxes.flat()), labels: Int32Array.from(labels) };
}

/** The boxes of annotations as tuples. Throws a RangeError unless there are four numbers for each label. */
export function listBoxes(annotations: Annotations): Box[] {
  const { boxes, labels } = annotations;
  if (boxes.length !== labels.length * 4) {
    throw new RangeError(
      `listBoxes: ${boxes.length} box numbers and ${labels.length} labels, expected four numbers per label`,
    );
  }
  const box = (at: number): Box => [boxes[at]!, boxes[at + 1]!, boxes[at + 2]!, boxes[at + 3]!];
  return Array.from(labels, (_, i) => box(4 * i));
}

/** Applies `map` to the corners of every box and sorts them again, so that `map` may flip axes. */
export function mapBoxes(annotations: Annotations, map: (x: number, y: number) => Point): Annotations {
  const boxes = listBoxes(annotations).map(([x1, y1, x2, y2]): Box => {
    const [ax, ay] = map(x1, y1);
    const [bx, by] = map(x2, y2);
    return [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
  });
  return packAnnotations(boxes, Array.from(annotations.labels));
}

/** Boxes clipped to an image, without those that the visibility rule drops. */
export function clipAnnotations(
  annotations: Annotations,
  width: number,
  height: number,
  rule: Visibility = defaultVisibility,
): Annotations {
  const boxes: Box[] = [];
  const labels: number[] = [];
  listBoxes(annotations).forEach(([x1, y1, x2, y2], i) => {
    const corners: Ring = [
      [x1, y1],
      [x2, y1],
      [x2, y2],
      [x1, y2],
    ];
    const box = polygonBox([corners], width, height, rule);
    if (box === null) return;
    boxes.push(box);
    labels.push(annotations.labels[i]!);
  });
  return packAnnotations(boxes, labels);
}
