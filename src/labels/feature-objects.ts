import { checkNumber, counted } from '../common/check.ts';
import { polygonBox, type Polygon } from '../imagery/geometry.ts';
import type { Feature } from '../vector/layer.ts';
import { CLASS_PROPERTIES, plainName } from './class-property.ts';
import { reporter, shown, type OnProblem, type Report } from './problems.ts';
import { spaceNetClass } from './spacenet.ts';
import { checkBox, openRing, outlineBox, outlineOf, TableBuilder } from './table-builder.ts';
import type { LabelTable, Origin } from './types.ts';

/** How the features of a vector file become objects. */
export interface FeatureOptions {
  readonly classes?: readonly string[] | undefined;
  /** Property with the class, text or a number. Default: the first of `CLASS_PROPERTIES`. */
  readonly classProperty?: string | undefined;
  /** Side in pixels of the square box around a point. Default: points are left out, and noted. */
  readonly pointSize?: number | undefined;
  readonly onProblem?: OnProblem | undefined;
}

/**
 * Collects the objects of features, which are in pixels of an image. Features without a class are buildings; `score` or
 * `confidence` make them detections. Geometries without an area are counted in `notes`; if there are no others they are a
 * problem.
 */
export class FeatureObjects {
  readonly table: TableBuilder;
  readonly report: Report;
  readonly #options: FeatureOptions;
  readonly #flat = new Map<string, { readonly geometry: string; readonly origin: Origin }>();
  readonly #unnamed = new Set<string>();
  readonly #otherProperties = new Set<string>();

  constructor(options: FeatureOptions) {
    const { pointSize } = options;
    if (pointSize !== undefined) checkNumber('readLabels', 'pointSize', pointSize, { above: 0, finite: true });
    this.#options = options;
    this.report = reporter(options.onProblem);
    this.table = new TableBuilder(options.classes, this.report);
  }

  /** The objects of a feature: its polygons, or a square around each point. A feature without any is noted. */
  outlinesOf(feature: Feature, origin: Origin): (readonly Polygon[])[] {
    const { polygons, points } = feature;
    const { pointSize } = this.#options;
    const half = (pointSize ?? 0) / 2;
    const squares = pointSize === undefined ? [] : points;
    const outlines = [
      ...(polygons.length > 0 ? [polygons] : []),
      ...squares.map(([x, y]) => outlineOf({ label: 0, box: [x - half, y - half, x + half, y + half] })),
    ];
    if (outlines.length === 0) this.#flat.set(keyOf(origin), { geometry: feature.geometry, origin });
    return outlines;
  }

  /** Adds an object to an image, or reports what is invalid. */
  add(outline: readonly Polygon[], feature: Feature, image: string, origin: Origin): void {
    const { report } = this;
    const { properties } = feature;
    const { classProperty } = this.#options;
    if (classProperty === undefined && lacksClass(feature)) {
      this.#unnamed.add(keyOf(origin));
      for (const name of Object.keys(properties)) this.#otherProperties.add(name);
    }
    const box = outlineBox(outline);
    if (box === null) {
      report('degenerate', origin, 'the polygon has no area');
      return;
    }
    const score = properties['score'] ?? properties['confidence'] ?? undefined;
    if (score !== undefined && !(typeof score === 'number' && Number.isFinite(score))) {
      report('number', origin, `score is ${shown(score)}, expected a number`);
      return;
    }
    if (!checkBox(box, origin, report)) return;
    const className = classOf(properties, classProperty) ?? (classProperty === undefined ? spaceNetClass : null);
    if (className === null) {
      const found = Object.keys(properties).join(', ') || 'none';
      report('class', origin, `property ${classProperty} is no text or number (properties: ${found})`);
      return;
    }
    const polygons = outline.map((rings) => rings.map(openRing));
    this.table.addObject(image, className, { box, polygons, ...(score === undefined ? {} : { score }) }, origin);
  }

  /** The table, and notes about features that were left out or have no class. */
  build(): LabelTable & { readonly notes: string[] } {
    const built = this.table.build();
    // In a checked data set each of them is a problem; otherwise only if they are all that there is.
    const isReported =
      this.#options.onProblem !== undefined || built.images.every(({ objects }) => objects.length === 0);
    if (isReported) {
      for (const { geometry, origin } of this.#flat.values())
        this.report('degenerate', origin, `a ${geometry} has ${NO_AREA}`);
    }
    const counts = new Map<string, number>();
    for (const { geometry } of isReported ? [] : this.#flat.values())
      counts.set(geometry, (counts.get(geometry) ?? 0) + 1);
    const notes = [...counts].map(
      ([type, count]) => `${counted(count, 'feature', 'features')} of type ${type}: ${NO_AREA}`,
    );
    if (this.#unnamed.size > 0) {
      const which = `${counted(this.#unnamed.size, 'feature', 'features')} without a class (properties: ${[...this.#otherProperties].join(', ')})`;
      notes.push(
        `${which}: taken as ${spaceNetClass} (classProperty, data.classProperty of train, or convert --class-property names the property)`,
      );
    }
    return { ...built, notes };
  }
}

const NO_AREA =
  'no area, and hence no box (pointSize, data.pointSize of train, or convert --point-size gives points a size)';

const keyOf = ({ file, entry }: Origin): string => `${file} ${entry}`;

/** Whether a part of an object lies in an image. */
export function isVisible(outline: readonly Polygon[], width: number, height: number): boolean {
  return outline.some((polygon) => polygonBox(polygon, width, height, { minSide: 0, minVisible: 0 }) !== null);
}

/** The class of a feature by one property, by default the first of `CLASS_PROPERTIES`; null if it has none. */
export function classOf(properties: Feature['properties'], given: string | undefined): string | null {
  const byName = new Map(Object.entries(properties).map(([name, value]) => [plainName(name), value]));
  const values = given === undefined ? CLASS_PROPERTIES.map((name) => byName.get(name)) : [properties[given]];
  for (const value of values) {
    if (typeof value === 'number' || (typeof value === 'string' && value !== '')) return String(value);
  }
  return null;
}

/** Whether a feature has properties, and none of them is a class or tells of a building, as those of SpaceNet and OpenStreetMap do. */
function lacksClass({ properties }: Feature): boolean {
  const names = Object.keys(properties).map(plainName);
  return (
    names.length > 0 && classOf(properties, undefined) === null && !names.some((name) => name.startsWith('building'))
  );
}
