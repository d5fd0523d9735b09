import type { LabelFormat } from './formats.ts';
import { spaceNetClass } from './spacenet.ts';
import { outlineBox } from './table-builder.ts';
import type { LabelledObject, LabelTable } from './types.ts';
import { yoloOutline } from './yolo.ts';

/** Something that a table contains and a format cannot express. */
export interface UnsupportedField {
  readonly what:
    | 'scores'
    | 'crowd'
    | 'difficult'
    | 'areas'
    | 'polygons'
    | 'holes'
    | 'boxes' // that differ from their outlines
    | 'empty images'
    | 'sizes'
    | 'class names'
    | 'class order';
  /** Number of objects, images or classes affected. */
  readonly count: number;
  /** The effect, with the number. */
  readonly message: string;
}

/** What a format can express. */
interface Abilities {
  readonly scores?: true;
  readonly crowd?: true;
  readonly difficult?: true;
  readonly areas?: true;
  /** Which outlines are kept: one ring for each object, several without holes, or all. Default: none. */
  readonly polygons?: 'ring' | 'rings' | 'all';
  /** Whether an object has a box in addition to its outline. */
  readonly boxes?: true;
  readonly empty?: true;
  readonly sizes?: true;
  /** Whether classes have names. */
  readonly names?: true;
  /** Whether the list of all classes is kept in its order. */
  readonly order?: true;
}

const ABILITIES: Readonly<Record<LabelFormat, Abilities>> = {
  coco: {
    scores: true,
    crowd: true,
    areas: true,
    polygons: 'rings',
    boxes: true,
    empty: true,
    sizes: true,
    names: true,
    order: true,
  },
  'coco-results': { scores: true, boxes: true, names: true, order: true },
  voc: { difficult: true, boxes: true, empty: true, sizes: true, names: true },
  yolo: { scores: true, polygons: 'ring', boxes: true, empty: true, names: true, order: true },
  csv: { scores: true, boxes: true, empty: true, names: true },
  'keras-retinanet': { boxes: true, empty: true, names: true, order: true },
  deepforest: { scores: true, boxes: true, empty: true, names: true },
  'spacenet-csv': { scores: true, polygons: 'all', empty: true },
  geojson: { scores: true, polygons: 'all', empty: true, names: true },
  vector: {}, // only read
};

/** What a table contains that a format cannot express, so that `writeLabels` leaves it out. */
export function unsupportedFields(table: LabelTable, format: LabelFormat): UnsupportedField[] {
  const can = ABILITIES[format];
  const objects = table.images.flatMap((image) => image.objects);
  const count = (test: (object: LabelledObject) => boolean): number => objects.filter(test).length;
  const losesOutline = (object: LabelledObject): boolean =>
    hasOutline(object) && (can.polygons === undefined || (can.polygons === 'ring' && yoloOutline(object) === null));
  const used = [...new Set(objects.map(({ label }) => table.classes[label]!))].sort();
  const sameOrder = used.length === table.classes.length && used.every((name, i) => name === table.classes[i]);
  const losesOrder = !can.order && can.names === true && !sameOrder;
  const fields: [UnsupportedField['what'], lost: boolean, count: () => number, text: string][] = [
    ['scores', !can.scores, () => count(({ score }) => score !== undefined), 'objects lose their scores'],
    ['crowd', !can.crowd, () => count(({ crowd }) => crowd === true), 'regions of crowds become ordinary objects'],
    [
      'difficult',
      !can.difficult,
      () => count(({ difficult }) => difficult === true),
      'difficult objects become ordinary ones',
    ],
    ['areas', !can.areas, () => count(({ area }) => area !== undefined), 'objects lose the area of their outline'],
    ['polygons', true, () => count(losesOutline), 'objects lose their outlines, their boxes are kept'],
    ['holes', can.polygons === 'rings', () => count(hasHoles), 'objects lose the holes of their outlines'],
    ['boxes', !can.boxes, () => count(differs), 'boxes differ from their outlines, and only the outlines are kept'],
    [
      'empty images',
      !can.empty,
      () => table.images.filter((image) => image.objects.length === 0).length,
      'images without objects are left out',
    ],
    ['sizes', !can.sizes, () => table.images.filter(({ width }) => width !== null).length, 'images lose their sizes'],
    [
      'class names',
      !can.names,
      () => used.filter((name) => name !== spaceNetClass).length,
      `classes lose their names: all become ${spaceNetClass}`,
    ],
    [
      'class order',
      losesOrder,
      () => table.classes.length,
      'classes lose their order, and those without objects are left out',
    ],
  ];
  return fields.flatMap(([what, lost, countOf, text]) => {
    const affected = lost ? countOf() : 0;
    return affected === 0 ? [] : [{ what, count: affected, message: `${affected} ${text}` }];
  });
}

const hasOutline = ({ polygons = [] }: LabelledObject): boolean => polygons.length > 0;

const hasHoles = ({ polygons = [] }: LabelledObject): boolean => polygons.some((rings) => rings.length > 1);

/** Whether an object's box differs from the box around its outlines. */
function differs({ polygons = [], box }: LabelledObject): boolean {
  if (polygons.length === 0) return false;
  const bounds = outlineBox(polygons);
  return bounds === null || bounds.some((v, i) => Math.abs(v - box[i]!) > 1e-6 * Math.max(1, Math.abs(v)));
}
