import type { LabelTable } from '../labels/types.ts';
import { findingAt, type Finding } from './types.ts';
import { counted, percent } from '../common/check.ts';

/** What there is of one class. Regions of crowds are not counted: they are not trained on. */
export interface ClassRow {
  readonly name: string;
  readonly boxes: number;
  /** Images that have at least one. */
  readonly images: number;
  /** Of all boxes. */
  readonly share: number;
}

/** Fewest boxes from which a detector can be expected to learn and be scored. */
const FEW = 10;
/** Ratio of the most to the least frequent class from which the rare one is drowned. */
const IMBALANCE = 100;

/** Boxes, images and share of each class, in the order of the labels. */
export function classTable({ classes, images }: LabelTable): ClassRow[] {
  const boxes = classes.map(() => 0);
  const seen = classes.map(() => 0);
  for (const { objects } of images) {
    const here = new Set<number>();
    for (const { label, crowd } of objects) {
      if (crowd === true) continue;
      boxes[label] = (boxes[label] ?? 0) + 1;
      here.add(label);
    }
    for (const label of here) seen[label] = (seen[label] ?? 0) + 1;
  }
  const total = boxes.reduce((sum, count) => sum + count, 0);
  return classes.map((name, i) => ({
    name,
    boxes: boxes[i]!,
    images: seen[i]!,
    share: total === 0 ? 0 : boxes[i]! / total,
  }));
}

/** Checks names and numbers of the classes. */
export function checkClasses(table: LabelTable): Finding[] {
  const rows = classTable(table);
  const used = rows.filter(({ boxes }) => boxes > 0);
  if (used.length === 0) {
    return findingAt(
      'error',
      'class-none',
      ['no image has a box'],
      'The labels hold no box',
      'Check the format of the labels',
      'labels',
    );
  }
  const few = used.filter(({ boxes }) => boxes < FEW);
  const most = used.reduce((a, b) => (b.boxes > a.boxes ? b : a));
  const rare = used.filter(({ boxes }) => most.boxes > IMBALANCE * boxes);
  const described = ({ name, boxes, share }: ClassRow): string => `"${name}": ${boxes} boxes (${percent(share)})`;
  const quoted = ({ name }: ClassRow): string => `"${name}"`;

  const alike = new Map<string, string[]>();
  for (const { name } of rows) {
    const key = name
      .trim()
      .replace(/[\s_-]+/g, ' ')
      .toLowerCase();
    alike.set(key, [...(alike.get(key) ?? []), name]);
  }
  const twins = [...alike.values()]
    .filter((names) => names.length > 1)
    .map((names) => names.map((n) => `"${n}"`).join(' and '));
  const background = rows.filter(({ name }) => /^[\s_]*(background|bg)[\s_]*$/i.test(name));
  const outside = table.images.flatMap(({ file, objects }) =>
    objects
      .filter(({ label }) => !(Number.isInteger(label) && label >= 0 && label < table.classes.length))
      .map(({ label, origin }) => `${origin ?? file}: label ${label}`),
  );
  return [
    ...findingAt(
      'error',
      'class-label',
      outside,
      `${counted(outside.length, 'box has', 'boxes have')} a label outside 0 to ${table.classes.length - 1}`,
      'Labels count from 0 in the order of the class names; background is no class',
    ),
    ...findingAt(
      'error',
      'class-spelling',
      twins,
      `${counted(twins.length, 'class is', 'classes are')} written in more than one way`,
      'Use one name for each: what differs in case, spaces or dashes is two classes to the network',
      'classes',
    ),
    ...findingAt(
      'warning',
      'class-background',
      background.map(quoted),
      'A class is called background',
      'Leave it out: RetinaNet has no background class; what no box covers is background',
      'classes',
    ),
    ...findingAt(
      'warning',
      'class-unused',
      rows.filter(({ boxes }) => boxes === 0).map(quoted),
      `${counted(rows.length - used.length, 'class has', 'classes have')} no box`,
      'Leave them out of the class names, unless other data will have them: they cost time and can only be wrong',
      'classes',
    ),
    ...findingAt(
      'warning',
      'class-few',
      few.map(described),
      `${counted(few.length, 'class has', 'classes have')} fewer than ${FEW} boxes`,
      'Label more of them, or merge them with a similar class: their scores will be noise',
      'classes',
    ),
    ...findingAt(
      'warning',
      'class-imbalance',
      rare.map(described),
      `${counted(rare.length, 'class is', 'classes are')} more than ${IMBALANCE} times rarer than "${most.name}" with ${most.boxes} boxes`,
      'Repeat images of the rare ones, or judge by the scores of each class: the mean hides them',
      'classes',
    ),
  ];
}
