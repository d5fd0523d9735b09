import { InputError } from '../common/errors.ts';
import { clipAnnotations, packAnnotations, polygonBox, type Box, type Visibility } from '../imagery/geometry.ts';
import type { Annotations } from '../imagery/types.ts';
import { checkClasses } from '../labels/table-builder.ts';
import type { LabelledObject, LabelTable } from '../labels/types.ts';

// From the objects of a table to the boxes that are trained on.

/** Which objects of a table are trained on. */
export interface ObjectSelection {
  /** Names of the classes in the order of the labels. Default: those of the table. */
  readonly classes?: readonly string[];
  /** Objects of other classes than `classes`: an error (default), or left out and counted in the report. */
  readonly otherClasses?: 'error' | 'drop';
  /** Objects marked as difficult: kept (default), or left out and counted in the report. */
  readonly difficult?: 'keep' | 'drop';
}

/** Objects that are trained on, by image. */
export interface SelectedObjects {
  readonly classes: readonly string[];
  /** By file, with labels that are positions in `classes`. */
  readonly objects: Map<string, readonly LabelledObject[]>;
  /** Numbers of objects that were left out. */
  readonly dropped: { readonly crowd: number; readonly difficult: number; readonly otherClasses: number };
}

/**
 * Selects the objects to train on. Regions of crowds are never among them. `labels` names the label file in errors.
 *
 * @throws Error for an object of another class (unless those are dropped), and for a class to keep that the table lacks
 */
export function selectObjects(
  { classes: names, images }: LabelTable,
  labels: string,
  { classes = names, otherClasses = 'error', difficult = 'keep' }: ObjectSelection,
): SelectedObjects {
  checkClasses('openLabelled', classes);
  if (otherClasses === 'drop') {
    // Otherwise a misspelt class would drop all its objects silently.
    const unknown = classes.filter((name) => !names.includes(name));
    if (unknown.length > 0) {
      const list = unknown.map((name) => JSON.stringify(name)).join(', ');
      throw new InputError('openLabelled', `${labels} has no class ${list}, only ${names.join(', ')}`);
    }
  }
  const dropped = { crowd: 0, difficult: 0, otherClasses: 0 };
  /** Why an object is left out; null for one to keep. */
  const reasonToDrop = (object: LabelledObject, label: number): keyof typeof dropped | null => {
    if (label < 0) return 'otherClasses';
    if (object.crowd === true) return 'crowd';
    return object.difficult === true && difficult === 'drop' ? 'difficult' : null;
  };
  const select = (object: LabelledObject): LabelledObject[] => {
    const name = names[object.label]!;
    const label = classes.indexOf(name);
    if (label < 0 && otherClasses === 'error') {
      throw new Error(`${object.origin ?? labels}: class "${name}" is none of ${classes.join(', ')}`);
    }
    const reason = reasonToDrop(object, label);
    if (reason === null) return [{ ...object, label }];
    dropped[reason]++;
    return [];
  };
  return { classes, objects: new Map(images.map(({ file, objects }) => [file, objects.flatMap(select)])), dropped };
}

/** An image that objects lie in. */
export interface SizedImage {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

/** Boxes clipped to their image. Throws an Error, with the place in the label file, for one that lies outside. */
export function boxesInImage(
  objects: readonly LabelledObject[],
  { id, width, height }: SizedImage,
  labels: string,
  rule: Visibility,
): Annotations {
  for (const { box, origin } of objects) {
    if (box[0] >= width || box[1] >= height || box[2] <= 0 || box[3] <= 0) {
      const where = `box ${box.join(', ')} lies outside ${id} of ${width} x ${height} pixels`;
      throw new Error(`${origin ?? labels}: ${where}`);
    }
  }
  const packed = packAnnotations(
    objects.map(({ box }) => box),
    objects.map(({ label }) => label),
  );
  return clipAnnotations(packed, width, height, rule);
}

/** Boxes around the parts of outlines that lie inside an image. */
export function footprintsInImage(
  objects: readonly LabelledObject[],
  { width, height }: SizedImage,
  rule: Visibility,
): Annotations {
  const boxes: Box[] = [];
  const labels: number[] = [];
  for (const { polygons = [], label } of objects) {
    for (const polygon of polygons) {
      const box = polygonBox(polygon, width, height, rule);
      if (box === null) continue;
      boxes.push(box);
      labels.push(label);
    }
  }
  return packAnnotations(boxes, labels);
}
