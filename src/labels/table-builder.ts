import { ringBounds, type Box, type Point, type Polygon, type Ring } from '../imagery/geometry.ts';
import type { Report } from './problems.ts';
import type { LabelledImage, LabelledObject, LabelTable } from './types.ts';

/** An object whose class has a name, not yet a number. */
export type NamedObject = Omit<LabelledObject, 'label'> & { readonly source: string };

/** Collects images and objects of a label file whose classes are names. */
export interface TableBuilder {
  /** Adds an image, unless it is there; a size stays once it is known. */
  image(file: string, width?: number | null, height?: number | null): void;
  /** Adds an object of the class `name` to an image, which is added too. An unknown class is reported. */
  object(file: string, name: string, object: NamedObject): void;
  /** The table. Without classes given they are the names that occur, sorted. */
  build(): LabelTable;
}

/** A `TableBuilder` for the classes given, or for those that come. */
export function tableBuilder(classes: readonly string[] | undefined, report: Report): TableBuilder {
  interface Entry {
    width: number | null;
    height: number | null;
    readonly objects: (NamedObject & { readonly name: string })[];
  }
  const images = new Map<string, Entry>();
  const entryOf = (file: string): Entry => {
    let entry = images.get(file);
    if (entry === undefined) images.set(file, (entry = { width: null, height: null, objects: [] }));
    return entry;
  };
  return {
    image(file, width = null, height = null) {
      const entry = entryOf(file);
      entry.width ??= width;
      entry.height ??= height;
    },
    object(file, name, object) {
      const entry = entryOf(file);
      if (classes !== undefined && !classes.includes(name)) {
        report('class', object.source, `class "${name}" is none of ${classes.join(', ')}`);
      } else entry.objects.push({ ...object, name });
    },
    build() {
      const entries = [...images];
      const names = classes ?? [...new Set(entries.flatMap(([, { objects }]) => objects.map((o) => o.name)))].sort();
      const labels = new Map(names.map((name, label) => [name, label]));
      return {
        classes: names,
        images: entries.map(([file, { width, height, objects }]): LabelledImage => ({
          file,
          width,
          height,
          objects: objects.map(({ name, ...object }) => ({ label: labels.get(name)!, ...object })),
        })),
      };
    },
  };
}

/** Whether a box has finite corners and a width and height above 0; what is wrong is reported. */
export function checkBox(box: Box, source: string, report: Report): boolean {
  if (!box.every(Number.isFinite)) {
    report('number', source, `box ${box.join(', ')}, expected four finite numbers`);
    return false;
  }
  const [x1, y1, x2, y2] = box;
  if (x2 > x1 && y2 > y1) return true;
  report('degenerate', source, `box ${box.join(', ')} is empty, expected x2 > x1 and y2 > y1`);
  return false;
}

/**
 * Path of an image as label files give it: with forward slashes, without `.` and `..` inside, relative. One that is
 * absolute is taken relative to `root` where it lies in it. What lies elsewhere is reported, and null.
 */
export function imagePath(given: string, source: string, report: Report, root?: string): string | null {
  if (given === '') {
    report('syntax', source, 'image is empty, expected the name of a file');
    return null;
  }
  let path = given.replaceAll('\\', '/');
  const base = root?.replaceAll('\\', '/').replace(/\/*$/, '/');
  if (base !== undefined && path.startsWith(base)) path = path.slice(base.length);
  const parts: string[] = [];
  let outside = path.startsWith('/') || /^[A-Za-z]:/.test(path);
  for (const part of path.split('/')) {
    if (part === '..' && parts.pop() === undefined) outside = true;
    if (part !== '' && part !== '.' && part !== '..') parts.push(part);
  }
  if (!outside && parts.length > 0) return parts.join('/');
  report('image', source, `image ${given} lies outside the folder of the images, expected a path relative to it`);
  return null;
}

/** Width or height as a file gives it: a whole number from 1; null where it says nothing (or 0), else reported. */
export function imageSide(value: unknown, what: string, source: string, report: Report): number | null {
  if (value === undefined || value === null || value === '' || Number(value) === 0) return null;
  const side = typeof value === 'string' || typeof value === 'number' ? Number(value) : NaN;
  if (Number.isInteger(side) && side > 0) return side;
  report('number', source, `${what} of the image is ${JSON.stringify(value)}, expected a whole number from 1`);
  return null;
}

/** A ring without the corner that closes it. */
export function openRing(ring: Ring): Ring {
  const [first, last] = [ring[0], ring[ring.length - 1]];
  const closed = ring.length > 1 && first?.[0] === last?.[0] && first?.[1] === last?.[1];
  return closed ? ring.slice(0, -1) : ring;
}

/** The smallest box around the outer rings of polygons, or null when it has no area. */
export function outlineBox(polygons: readonly Polygon[]): Box | null {
  return ringBounds(polygons.flatMap((polygon): Point[] => [...(polygon[0] ?? [])]));
}

/** The outlines of an object, or its box as one. */
export function outlineOf({ polygons, box: [x1, y1, x2, y2] }: LabelledObject): readonly Polygon[] {
  if (polygons !== undefined && polygons.length > 0) return polygons;
  return [
    [
      [
        [x1, y1],
        [x2, y1],
        [x2, y2],
        [x1, y2],
      ],
    ],
  ];
}

/** Throws a TypeError when two classes have the same name, or one has none. */
export function checkClasses(op: string, classes: readonly string[]): void {
  const bad = classes.find((name, i) => name === '' || classes.indexOf(name) !== i);
  if (bad !== undefined) {
    throw new TypeError(`${op}: classes are ${shownNames(classes)}, expected names that differ from each other`);
  }
}

function shownNames(names: readonly string[]): string {
  return names.map((name) => JSON.stringify(name)).join(', ');
}
