import { counted, isRecord } from '../common/check.ts';
import { boundsOf, ringArea, type Box, type Point, type Polygon, type Ring } from '../imagery/geometry.ts';
import { reporter, shown, type ParseOptions, type Report } from './problems.ts';
import { checkBox, openRing, outlineBox, outlineOf, TableBuilder, type NamedObject } from './table-builder.ts';
import type { LabelTable, Origin } from './types.ts';

/** A shape drawn in an annotation tool, in pixels. */
export type Shape =
  | { readonly box: Box }
  | { readonly polygons: readonly Polygon[] }
  | { readonly points: readonly Point[] }
  /** A shape that cannot become a box, and why. */
  | { readonly skipped: string };

/** How shapes become objects. */
export interface ShapeOptions {
  /** Side in pixels of the square box around a point. Default: points are left out, and noted. */
  readonly pointSize?: number | undefined;
}

/** A table with a note for each type of shapes that were left out. */
export type ShapeLabels = LabelTable & { readonly notes: readonly string[] };

export const NO_AREA = 'no area, and hence no box';
const POINT_SIZE = `${NO_AREA} (pointSize, or convert --point-size, gives points a size)`;

/** Collects the images of a label file, and the shapes that were drawn in them. */
export class ShapeTable {
  readonly #table: TableBuilder;
  readonly #report: Report;
  readonly #options: ParseOptions & ShapeOptions;
  readonly #skipped: { readonly type: string; readonly reason: string; readonly origin: Origin }[] = [];

  constructor(options: ParseOptions & ShapeOptions) {
    this.#options = options;
    this.#report = reporter(options.onProblem);
    this.#table = new TableBuilder(options.classes, this.#report);
  }

  /** Adds an image unless it exists. */
  addImage(file: string, width: number | null = null, height: number | null = null): void {
    this.#table.addImage(file, width, height);
  }

  /**
   * Adds the objects of a shape to an image: one, or one for each point.
   *
   * @param type the name of its type, for notes on shapes that are left out
   * @param fields other fields of the objects
   */
  add(
    { file, className, type, origin }: { file: string; className: string; type: string; origin: Origin },
    shape: Shape,
    fields: Omit<NamedObject, 'box' | 'polygons'> = {},
  ): void {
    const { pointSize } = this.#options;
    const addBox = (box: Box, polygons?: readonly Polygon[]): void => {
      if (!checkBox(box, origin, this.#report)) return;
      this.#table.addObject(
        file,
        className,
        { box, ...(polygons === undefined ? {} : { polygons }), ...fields },
        origin,
      );
    };
    if ('box' in shape) addBox(shape.box);
    else if ('polygons' in shape) {
      const polygons = shape.polygons.map((rings) => rings.map(openRing));
      const box = outlineBox(polygons);
      if (box !== null && polygons.some(([ring]) => ringArea(ring ?? []) !== 0)) addBox(box, polygons);
      else this.#report('degenerate', origin, 'the outline has no area');
    } else if ('points' in shape && pointSize !== undefined) {
      const half = pointSize / 2;
      for (const [x, y] of shape.points) addBox([x - half, y - half, x + half, y + half]);
    } else this.#skipped.push({ type, reason: 'skipped' in shape ? shape.skipped : POINT_SIZE, origin });
  }

  build(): ShapeLabels {
    const table = this.#table.build();
    // Such shapes may stand for something else beside the objects, but a file with no others is unusable.
    if (table.images.every(({ objects }) => objects.length === 0)) {
      for (const { type, reason, origin } of this.#skipped) {
        this.#report('degenerate', origin, `a shape of type ${type}: ${reason}`);
      }
    }
    const counts = new Map<string, number>();
    for (const { type, reason } of this.#skipped) {
      const what = `${type}: ${reason}`;
      counts.set(what, (counts.get(what) ?? 0) + 1);
    }
    const notes = [...counts].map(([what, count]) => `${counted(count, 'shape', 'shapes')} of type ${what}`);
    return { ...table, notes };
  }
}

/**
 * A box that was turned clockwise (as seen: y points down) about a point, by default its centre: its outline, or the box
 * itself for a full turn.
 */
export function turnedBox(box: Box, degrees: number, pivot: Point = centreOf(box)): Shape {
  if (degrees % 360 === 0) return { box };
  const [[corners = []] = []] = outlineOf({ label: 0, box });
  return { polygons: [[turned(corners, degrees, pivot)]] };
}

function turned(ring: Ring, degrees: number, [px, py]: Point): Ring {
  const [cos, sin] = turn(degrees);
  return ring.map(([x, y]): Point => {
    const [dx, dy] = [x - px, y - py];
    return [px + cos * dx - sin * dy, py + sin * dx + cos * dy];
  });
}

/** The box around an ellipse with the given half axes that was turned about its centre. */
export function ellipseBox([x, y]: Point, [rx, ry]: Point, degrees = 0): Box {
  const [cos, sin] = turn(degrees);
  const [halfWidth, halfHeight] = [Math.hypot(rx * cos, ry * sin), Math.hypot(rx * sin, ry * cos)];
  return [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight];
}

/** Cosine and sine, exact for right angles. */
function turn(degrees: number): readonly [cos: number, sin: number] {
  const quarters = degrees / 90;
  if (Number.isInteger(quarters)) {
    const [cos, sin] = (
      [
        [1, 0],
        [0, 1],
        [-1, 0],
        [0, -1],
      ] as const
    )[((quarters % 4) + 4) % 4]!;
    return [cos, sin];
  }
  const angle = (degrees * Math.PI) / 180;
  return [Math.cos(angle), Math.sin(angle)];
}

const centreOf = ([x1, y1, x2, y2]: Box): Point => [(x1 + x2) / 2, (y1 + y2) / 2];

/** The outline through at least three points; null for fewer, which is reported. */
export function outlineThrough(points: readonly Point[], origin: Origin, report: Report): Shape | null {
  if (points.length >= 3) return { polygons: [[points]] };
  return report('syntax', origin, `an outline of ${counted(points.length, 'point', 'points')}, expected at least 3`);
}

/** The box around at least two points; null for fewer, which is reported. */
export function boxAround(points: readonly Point[], origin: Origin, report: Report): Shape | null {
  if (points.length >= 2) return { box: boundsOf(points) };
  return report('syntax', origin, `a box with ${counted(points.length, 'point', 'points')}, expected 2 corners`);
}

/**
 * Finite numbers among the fields of an entry, which may be text; null if one of them is something else, which is reported.
 * A missing field has its value in `defaults`, if it has one.
 */
export function numbersOf<const Keys extends readonly string[]>(
  entry: Readonly<Record<string, unknown>>,
  keys: Keys,
  origin: Origin,
  report: Report,
  defaults: Readonly<Record<string, number>> = {},
): { -readonly [K in keyof Keys]: number } | null {
  const values: number[] = [];
  for (const key of keys) {
    const given = entry[key] ?? defaults[key];
    const value = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      return report('number', origin, `${key} is ${shown(given)}, expected a number`);
    }
    values.push(value);
  }
  return values as { -readonly [K in keyof Keys]: number };
}

/** The points in a list of [x, y]; null for something else, which is reported. */
export function pointsOf(list: unknown, origin: Origin, report: Report): Point[] | null {
  if (!Array.isArray(list)) return report('syntax', origin, `points is ${shown(list)}, expected a list of [x, y]`);
  const points: Point[] = [];
  for (const item of list as unknown[]) {
    const [x, y]: readonly unknown[] = Array.isArray(item) ? item : [];
    if (typeof x !== 'number' || typeof y !== 'number' || !Number.isFinite(x) || !Number.isFinite(y)) {
      return report('number', origin, `points has ${shown(item)}, expected [x, y]`);
    }
    points.push([x, y]);
  }
  return points;
}

/** The objects in a list `name` of an entry, with their places; other items are reported, as is something else than a list. */
export function recordsOf(
  list: unknown,
  name: string,
  parent: Origin,
  report: Report,
): { readonly entry: Readonly<Record<string, unknown>>; readonly origin: Origin }[] {
  if (!Array.isArray(list)) {
    report('syntax', parent, `${name} is ${shown(list)}, expected a list`);
    return [];
  }
  const place = parent.entry === undefined ? '' : `${parent.entry} `;
  return list.flatMap((entry: unknown, i) => {
    const origin = { ...parent, entry: `${place}${name}[${i}]` };
    if (isRecord(entry)) return [{ entry, origin }];
    report('syntax', origin, `${shown(entry)}, expected an object`);
    return [];
  });
}
