import type { LabelFormat } from './formats.ts';
import { outlineBox } from './table-builder.ts';
import type { LabelledObject, LabelTable } from './types.ts';
import { yoloOutline } from './yolo.ts';

/** Something that a table has and a format cannot express. */
export interface LabelLoss {
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
  /** Objects, images or classes that are concerned. */
  readonly count: number;
  /** One sentence. */
  readonly message: string;
}

interface Abilities {
  readonly scores?: true;
  readonly crowd?: true;
  readonly difficult?: true;
  readonly areas?: true;
  /** How outlines are kept: not at all, one ring for each object, several without holes, or as they are. */
  readonly polygons?: 'ring' | 'rings' | 'all';
  /** Whether an object has a box beside its outline. */
  readonly boxes?: true;
  readonly empty?: true;
  readonly sizes?: true;
  /** Whether classes have names; and whether a list of them is kept with its order. */
  readonly names?: true;
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
};

/** What a table holds that a format cannot express; nothing of it is in the files that `writeLabels` writes. */
export function lossesOf(table: LabelTable, format: LabelFormat): LabelLoss[] {
  const can = ABILITIES[format];
  const objects = table.images.flatMap((image) => image.objects);
  const count = (test: (object: LabelledObject) => boolean): number => objects.filter(test).length;
  const some = (object: LabelledObject): boolean => (object.polygons?.length ?? 0) > 0;
  const lostOutline = (object: LabelledObject): boolean =>
    some(object) && (can.polygons === undefined || (can.polygons === 'ring' && yoloOutline(object) === null));
  const holes = (object: LabelledObject): boolean => object.polygons?.some((rings) => rings.length > 1) === true;
  const used = [...new Set(objects.map(({ label }) => table.classes[label]!))].sort();
  const sameOrder = used.length === table.classes.length && used.every((name, i) => name === table.classes[i]);
  const losses: (LabelLoss | false)[] = [
    !can.scores &&
      loss(
        'scores',
        count(({ score }) => score !== undefined),
        'objects lose their scores',
      ),
    !can.crowd &&
      loss(
        'crowd',
        count(({ crowd }) => crowd === true),
        'regions of crowds become ordinary objects',
      ),
    !can.difficult &&
      loss(
        'difficult',
        count((o) => o.difficult === true),
        'difficult objects become ordinary ones',
      ),
    !can.areas &&
      loss(
        'areas',
        count(({ area }) => area !== undefined),
        'objects lose the area of their outline',
      ),
    loss('polygons', count(lostOutline), 'objects lose their outlines, their boxes are kept'),
    can.polygons === 'rings' && loss('holes', count(holes), 'objects lose the holes of their outlines'),
    !can.boxes && loss('boxes', count(differs), 'boxes differ from their outlines, which alone are kept'),
    !can.empty &&
      loss(
        'empty images',
        table.images.filter((i) => i.objects.length === 0).length,
        'images without objects are left out',
      ),
    !can.sizes &&
      loss('sizes', table.images.filter((i) => i.width !== null).length, 'images lose the sizes noted with them'),
    !can.names &&
      loss(
        'class names',
        used.filter((name) => name !== 'building').length,
        'classes lose their names: all is building',
      ),
    !can.order &&
      can.names === true &&
      !sameOrder &&
      loss('class order', table.classes.length, 'classes lose their order, and those without objects are left out'),
  ];
  return losses.filter((entry): entry is LabelLoss => entry !== false && entry.count > 0);
}

function loss(what: LabelLoss['what'], count: number, message: string): LabelLoss {
  return { what, count, message: `${count} ${message}` };
}

/** Whether an object's box is another than that around its outlines. */
function differs({ polygons = [], box }: LabelledObject): boolean {
  if (polygons.length === 0) return false;
  const bounds = outlineBox(polygons);
  return bounds === null || bounds.some((v, i) => Math.abs(v - box[i]!) > 1e-6 * Math.max(1, Math.abs(v)));
}
