import { ringBounds, type Box, type Point, type Polygon, type Ring } from '../imagery/geometry.ts';
import { originText, type Report } from './problems.ts';
import type { LabelledImage, LabelledObject, LabelTable, Origin } from './types.ts';

/** An object whose class has a name, but no number yet. */
export type NamedObject = Omit<LabelledObject, 'label' | 'origin'>;

interface Entry {
  width: number | null;
  height: number | null;
  readonly objects: (NamedObject & { readonly className: string; readonly origin: string })[];
}

/** Collects the images and objects of a label file that names classes. */
export class TableBuilder {
  readonly #images = new Map<string, Entry>();
  readonly #classes: readonly string[] | undefined;
  readonly #report: Report;

  /** @param classes default: the names that occur, sorted */
  constructor(classes: readonly string[] | undefined, report: Report) {
    this.#classes = classes;
    this.#report = report;
  }

  /** Adds an image unless it exists. The first known size is kept. */
  addImage(file: string, width: number | null = null, height: number | null = null): void {
    const entry = this.#entry(file);
    entry.width ??= width;
    entry.height ??= height;
  }

  /** Adds an object of a class to an image, which is added too. An unknown class is reported. */
  addObject(file: string, className: string, object: NamedObject, origin: Origin): void {
    const entry = this.#entry(file);
    if (this.#classes !== undefined && !this.#classes.includes(className)) {
      this.#report('class', origin, unknownClass(className, this.#classes));
    } else entry.objects.push({ ...object, className, origin: originText(origin) });
  }

  build(): LabelTable {
    const entries = [...this.#images];
    const used = entries.flatMap(([, { objects }]) => objects.map(({ className }) => className));
    const classes = this.#classes ?? [...new Set(used)].sort();
    const labels = new Map(classes.map((name, label) => [name, label]));
    const images = entries.map(([file, { width, height, objects }]): LabelledImage => {
      const labelled = objects.map(({ className, ...object }) => ({ label: labels.get(className)!, ...object }));
      return { file, width, height, objects: labelled };
    });
    return { classes, images };
  }

  #entry(file: string): Entry {
    let entry = this.#images.get(file);
    if (entry === undefined) this.#images.set(file, (entry = { width: null, height: null, objects: [] }));
    return entry;
  }
}

/** The reason for rejecting an object of a class that is not listed. */
export const unknownClass = (name: string, classes: readonly string[]): string =>
  `class "${name}" is none of ${classes.join(', ')}`;

/** Whether a box has finite corners and a width and height above 0; otherwise it is reported. */
export function checkBox(box: Box, origin: Origin, report: Report): boolean {
  if (!box.every(Number.isFinite)) {
    report('number', origin, `box ${box.join(', ')}, expected four finite numbers`);
    return false;
  }
  const [x1, y1, x2, y2] = box;
  if (x2 > x1 && y2 > y1) return true;
  report('degenerate', origin, `box ${box.join(', ')} is empty, expected x2 > x1 and y2 > y1`, box);
  return false;
}

/** How the paths of images in a label file are read. */
export interface ImagePaths {
  /** Folder of the images: absolute paths below it become relative to it. */
  readonly root?: string | undefined;
  /** The only image with a file name: the paths and URLs of other computers lead to it. Default: they are a problem. */
  readonly byName?: ((name: string) => string | undefined) | undefined;
}

/**
 * The path of an image in a label file, relative and with forward slashes, without `.` and `..`. Null for a path outside
 * the folder of the images, which is reported.
 */
export function imagePath(given: string, origin: Origin, report: Report, paths: ImagePaths = {}): string | null {
  if (given === '') return report('syntax', origin, 'image is empty, expected the name of a file');
  const { root, byName } = paths;
  const isUrl = /^[a-z][a-z\d+.-]+:\/\//i.test(given);
  let path = (isUrl ? given.replace(/[?#].*$/, '') : given).replaceAll('\\', '/');
  const base = root?.replaceAll('\\', '/').replace(/\/*$/, '/');
  if (base !== undefined && path.startsWith(base)) path = path.slice(base.length);
  const parts: string[] = [];
  let outside = isUrl || path.startsWith('/') || /^[A-Za-z]:/.test(path);
  for (const part of path.split('/')) {
    if (part === '..' && parts.pop() === undefined) outside = true;
    if (part !== '' && part !== '.' && part !== '..') parts.push(part);
  }
  if (!outside && parts.length > 0) return parts.join('/');
  const found = byName?.(parts.at(-1) ?? '');
  if (found !== undefined) return found;
  return report('image', origin, `image ${given} is outside the folder of the images, expected a path relative to it`);
}

/** A width or height in a label file; null if it is absent or 0, or invalid, which is reported. */
export function imageSide(value: unknown, what: string, origin: Origin, report: Report): number | null {
  if (value === undefined || value === null || value === '' || Number(value) === 0) return null;
  const side = typeof value === 'string' || typeof value === 'number' ? Number(value) : NaN;
  if (Number.isInteger(side) && side > 0) return side;
  return report('number', origin, `${what} of the image is ${JSON.stringify(value)}, expected an integer >= 1`);
}

/** A ring without the corner that closes it. */
export function openRing(ring: Ring): Ring {
  const [first, last] = [ring[0], ring[ring.length - 1]];
  const closed = ring.length > 1 && first?.[0] === last?.[0] && first?.[1] === last?.[1];
  return closed ? ring.slice(0, -1) : ring;
}

/** The smallest box around the outer rings of polygons; null if it has no area. */
export function outlineBox(polygons: readonly Polygon[]): Box | null {
  return ringBounds(polygons.flatMap((polygon): Point[] => [...(polygon[0] ?? [])]));
}

/** The outlines of an object; without any, that of its box. */
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
  if (bad === undefined) return;
  const names = classes.map((name) => JSON.stringify(name)).join(', ');
  throw new TypeError(`${op}: classes are ${names}, expected names that differ from each other`);
}
