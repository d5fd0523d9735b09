import { clipRing, ringArea, type Box, type Polygon, type Ring, boundsOf } from '../imagery/geometry.ts';

/** A region with its area, prepared once to be compared with many. */
export interface Outline {
  /** Polygons that do not overlap each other or themselves. */
  readonly polygons: readonly Polygon[];
  readonly area: number;
  /** The smallest box around it; an empty box for a region without area. */
  readonly bounds: Box;
  /** Whether it fills its bounds. */
  readonly isBox: boolean;
}

/** Compares regions; made by `loadPolygonGeometry`. */
export interface PolygonGeometry {
  /** The union of polygons. Throws a RangeError for coordinates that are not finite. */
  outline(polygons: readonly Polygon[]): Outline;
  /** What polygons leave of a region. Throws a RangeError for coordinates that are not finite. */
  without(whole: Outline, polygons: readonly Polygon[]): Outline;
  /** The region of a box. */
  boxOutline(box: Box): Outline;
  /**
   * Intersection over union, from 0 to 1. If it cannot reach `least`, by default 0, the result may be 0 without the
   * computation.
   */
  iou(a: Outline, b: Outline, least?: number): number;
}

/** The part of polyclip-ts that is used. It does not change the coordinates. */
interface Clipper {
  readonly union: (first: Rings[], ...more: Rings[][]) => Polygon[];
  readonly intersection: (first: Rings[], ...more: Rings[][]) => Polygon[];
  readonly difference: (first: Rings[], ...more: Rings[][]) => Polygon[];
}

type Rings = [number, number][][];

const writable = (polygon: Polygon): Rings => polygon.map((ring) => ring.map(([x, y]): [number, number] => [x, y]));
/** Corners moved to a grid of a millionth of a pixel. */
const snapped = (rings: Rings): Rings =>
  rings.map((ring) => ring.map(([x, y]) => [Math.round(x * 2 ** 20) / 2 ** 20, Math.round(y * 2 ** 20) / 2 ** 20]));

/**
 * The result of `clip` for regions. If corners nearly lie on an edge, polyclip-ts cannot always close its rings (about one
 * pair of random shapes in thousands); such regions are tried again on a grid.
 */
function clipSafely(clip: (regions: Rings[][]) => Polygon[], regions: Rings[][]): Polygon[] {
  try {
    return clip(regions);
  } catch {
    return clip(regions.map((polygons) => polygons.map(snapped)));
  }
}

/** Area of polygons that do not overlap: outer rings without their holes. */
function areaOf(polygons: readonly Polygon[]): number {
  return polygons.reduce(
    (sum, [outer = [], ...holes]) =>
      sum + holes.reduce((left, hole) => left - Math.abs(ringArea(hole)), Math.abs(ringArea(outer))),
    0,
  );
}

function outerBounds(polygons: readonly Polygon[]): Box {
  const points = polygons.flatMap(([outer = []]) => outer);
  return points.length === 0 ? [0, 0, 0, 0] : boundsOf(points);
}

/** The area of polygons inside a box: clipping a ring against straight lines keeps its area exact. */
export function areaInBox(polygons: readonly Polygon[], [x1, y1, x2, y2]: Box): number {
  const clip = (ring: Ring) =>
    clipRing(
      ring.map(([x, y]) => [x - x1, y - y1]),
      x2 - x1,
      y2 - y1,
    );
  return areaOf(polygons.map((rings) => rings.map(clip)));
}

function makeGeometry({ union, intersection, difference }: Clipper): PolygonGeometry {
  const unionOf = ([first, ...more]: Rings[][]) => (first === undefined ? [] : union(first, ...more));
  const differenceOf = ([first, ...more]: Rings[][]) => (first === undefined ? [] : difference(first, ...more));
  const intersectionOf = ([first, ...more]: Rings[][]) => (first === undefined ? [] : intersection(first, ...more));
  function outline(polygons: readonly Polygon[]): Outline {
    for (const [x, y] of polygons.flat(2)) {
      if (!Number.isFinite(x) || !Number.isFinite(y)) {
        throw new RangeError(`outline: corner (${x}, ${y}), expected finite coordinates`);
      }
    }
    const solid = polygons
      .filter(([outer = []]) => outer.length > 2)
      .map((rings) => writable(rings.filter((ring) => ring.length > 2)));
    const whole = clipSafely(
      unionOf,
      solid.map((rings) => [rings]),
    );
    return prepared(whole);
  }
  function prepared(whole: readonly Polygon[]): Outline {
    const bounds = outerBounds(whole);
    const area = areaOf(whole);
    return { polygons: whole, area, bounds, isBox: area === (bounds[2] - bounds[0]) * (bounds[3] - bounds[1]) };
  }
  function without(whole: Outline, polygons: readonly Polygon[]): Outline {
    const hole = outline(polygons);
    return prepared(clipSafely(differenceOf, [whole.polygons.map(writable), hole.polygons.map(writable)]));
  }
  function boxOutline(box: Box): Outline {
    const [x1, y1, x2, y2] = box;
    const corners: Ring = [
      [x1, y1],
      [x2, y1],
      [x2, y2],
      [x1, y2],
    ];
    return { polygons: [[corners]], area: (x2 - x1) * (y2 - y1), bounds: box, isBox: true };
  }
  function iou(a: Outline, b: Outline, least = 0): number {
    const width = Math.min(a.bounds[2], b.bounds[2]) - Math.max(a.bounds[0], b.bounds[0]);
    const height = Math.min(a.bounds[3], b.bounds[3]) - Math.max(a.bounds[1], b.bounds[1]);
    if (!(width > 0) || !(height > 0)) return 0;
    const most = Math.min(width * height, a.area, b.area);
    const ratio = (both: number) => (both === 0 ? 0 : both / (a.area + b.area - both));
    // With a margin, so that an IoU that rounding might lift to `least` is computed.
    if (ratio(most) < least * (1 - 1e-9)) return 0;
    if (a.isBox && b.isBox) return ratio(width * height);
    if (a.isBox) return ratio(areaInBox(b.polygons, a.bounds));
    if (b.isBox) return ratio(areaInBox(a.polygons, b.bounds));
    return ratio(areaOf(clipSafely(intersectionOf, [a.polygons.map(writable), b.polygons.map(writable)])));
  }
  return { outline, without, boxOutline, iou };
}

/**
 * Loads polyclip-ts (Martinez, Rueda and Feito, 2009) for regions with holes and several parts. The intersection of a box and
 * an outline is computed without it, for speed. Results are exact up to rounding, unless corners of both regions differ only
 * by rounding, where it can lose a sliver.
 */
export async function loadPolygonGeometry(): Promise<PolygonGeometry> {
  return makeGeometry((await import('polyclip-ts')) as unknown as Clipper);
}
