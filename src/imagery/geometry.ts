import type { Annotations } from './types.ts';

/** A point in pixels, or in map coordinates where that is said. */
export type Point = readonly [x: number, y: number];
/** Corners in order; the last one may repeat the first. */
export type Ring = readonly Point[];
/** An outer ring followed by its holes. */
export type Polygon = readonly Ring[];
/** `x1, y1, x2, y2` with `x2 > x1` and `y2 > y1`. */
export type Box = readonly [x1: number, y1: number, x2: number, y2: number];

/** Which objects are kept when the edge of an image cuts them. */
export interface Visibility {
  /** Boxes with a side shorter than this many pixels after clipping are dropped. */
  readonly minSide: number;
  /** Objects of which a smaller share of the area than this lies inside the image are dropped. */
  readonly minVisible: number;
}

/** At least one pixel wide and high, and a tenth of the area inside. */
export const defaultVisibility: Visibility = { minSide: 1, minVisible: 0.1 };

/** Throws a RangeError when a visibility rule holds other than a side >= 0 and a share from 0 to 1. */
export function checkVisibility(rule: Visibility): void {
  if (!(rule.minSide >= 0) || !(rule.minVisible >= 0 && rule.minVisible <= 1)) {
    throw new RangeError(
      `visibility: minSide ${rule.minSide} and minVisible ${rule.minVisible}, expected a side >= 0 and a share from 0 to 1`,
    );
  }
}

/** Signed area of a ring (shoelace formula). */
export function ringArea(ring: Ring): number {
  const origin = ring[0];
  if (origin === undefined) return 0;
  let twice = 0;
  let last = ring[ring.length - 1]!;
  for (const point of ring) {
    // Relative to the first corner: map coordinates are large and differ little.
    twice += (last[0] - origin[0]) * (point[1] - origin[1]) - (point[0] - origin[0]) * (last[1] - origin[1]);
    last = point;
  }
  return twice / 2;
}

/** The smallest box around a ring, or null when it has no area. */
export function ringBounds(ring: Ring): Box | null {
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of ring) {
    x1 = Math.min(x1, x);
    y1 = Math.min(y1, y);
    x2 = Math.max(x2, x);
    y2 = Math.max(y2, y);
  }
  return x2 > x1 && y2 > y1 ? [x1, y1, x2, y2] : null;
}

/** The part of a ring on the side of a vertical (axis 0) or horizontal (axis 1) line where `sign * (v - at) >= 0`. */
function clipSide(ring: Ring, axis: 0 | 1, at: number, sign: 1 | -1): Point[] {
  const out: Point[] = [];
  let from = ring[ring.length - 1];
  for (const to of ring) {
    if (from !== undefined) {
      const a = sign * (from[axis] - at);
      const b = sign * (to[axis] - at);
      if (a >= 0 !== b >= 0) {
        const t = a / (a - b);
        const other = from[(1 - axis) as 0 | 1] + t * (to[(1 - axis) as 0 | 1] - from[(1 - axis) as 0 | 1]);
        out.push(axis === 0 ? [at, other] : [other, at]);
      }
      if (b >= 0) out.push(to);
    }
    from = to;
  }
  return out;
}

/** A ring clipped to the image `[0, width] x [0, height]` (Sutherland and Hodgman, 1974). */
export function clipRing(ring: Ring, width: number, height: number): Ring {
  return clipSide(clipSide(clipSide(clipSide(ring, 0, 0, 1), 0, width, -1), 1, 0, 1), 1, height, -1);
}

/**
 * The axis-aligned box around the part of a polygon (pixels) that lies inside an image, or null when the visibility
 * rule drops it. The polygon is clipped before the box is taken: the box of the visible part can be smaller than the
 * visible part of the box. Holes do not matter to the box. Throws a RangeError for coordinates that are not finite.
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
  const whole = Math.abs(ringArea(outer));
  const inside = clipRing(outer, width, height);
  const box = ringBounds(inside);
  if (box === null || whole === 0) return null;
  const seen = Math.abs(ringArea(inside));
  if (seen === 0 || seen < rule.minVisible * whole) return null;
  return box[2] - box[0] < rule.minSide || box[3] - box[1] < rule.minSide ? null : box;
}

/** Boxes and labels packed as `Annotations` keeps them. Throws a RangeError when their numbers differ. */
export function packAnnotations(boxes: readonly Box[], labels: readonly number[]): Annotations {
  if (boxes.length !== labels.length) {
    throw new RangeError(`packAnnotations: ${boxes.length} boxes and ${labels.length} labels, expected as many`);
  }
  return { boxes: Float32Array.from(boxes.flat()), labels: Int32Array.from(labels) };
}

/** The boxes of annotations, one by one. */
export function listBoxes(annotations: Annotations): Box[] {
  const { boxes, labels } = annotations;
  if (boxes.length !== labels.length * 4) {
    throw new RangeError(
      `listBoxes: ${boxes.length} box numbers and ${labels.length} labels, expected four numbers per label`,
    );
  }
  return Array.from(labels, (_, i) => [...boxes.subarray(i * 4, i * 4 + 4)] as unknown as Box);
}

/** Every box taken through a map; its corners are ordered again, so that the map may mirror. */
export function mapBoxes(annotations: Annotations, map: (x: number, y: number) => Point): Annotations {
  const boxes = listBoxes(annotations).map(([x1, y1, x2, y2]): Box => {
    const [ax, ay] = map(x1, y1);
    const [bx, by] = map(x2, y2);
    return [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
  });
  return packAnnotations(boxes, Array.from(annotations.labels));
}

/** Boxes clipped to an image; those that the visibility rule drops are left out with their labels. */
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
