import { counted, percent } from '../common/check.ts';
import type { LabelTable } from '../labels/types.ts';
import { findingAt, type Finding } from './types.ts';

/** Counts of one class. Crowd regions are not counted: they are not trained on. */
export interface ClassRow {
  readonly name: string;
  readonly boxes: number;
  /** Images that contain at least one box of the class. */
  readonly images: number;
  /** Fraction of all boxes. */
  readonly share: number;
}

/** Minimum number of boxes that a detector can be expected to learn from and be evaluated on. */
const FEW = 10;
/** Ratio of the most to the least frequent class from which the rare class hardly affects training. */
const IMBALANCE = 100;

/** Counts the boxes and images of each class, in the order of the labels. */
export function classTable({ classes, images }: LabelTable): ClassRow[] {
  const boxes = classes.map(() => 0);
  const imageCounts = classes.map(() => 0);
  for (const { objects } of images) {
    const present = new Set<number>();
    for (const { label, crowd } of objects) {
      if (crowd === true) continue;
      boxes[label] = (boxes[label] ?? 0) + 1;
      present.add(label);
    }
    for (const label of present) imageCounts[label] = (imageCounts[label] ?? 0) + 1;
  }
  const total = boxes.reduce((sum, count) => sum + count, 0);
  return classes.map((name, i) => ({
    name,
    boxes: boxes[i]!,
    images: imageCounts[i]!,
    share: total === 0 ? 0 : boxes[i]! / total,
  }));
}

/** Number of regions of crowds, which are not trained on. */
export const crowdsIn = ({ images }: LabelTable): number =>
  images.reduce((sum, { objects }) => sum + objects.filter(({ crowd }) => crowd === true).length, 0);

/** Checks the names and the frequencies of the classes. */
export function checkClasses(table: LabelTable): Finding[] {
  const rows = classTable(table);
  if (rows.every(({ boxes }) => boxes === 0)) {
    const crowds = crowdsIn(table);
    if (crowds > 0) {
      return findingAt({
        severity: 'error',
        kind: 'class-none',
        locations: ['no image has an object that is no crowd'],
        message: `${counted(crowds, 'box of the labels is the region of a crowd', 'boxes of the labels are all regions of crowds')} (iscrowd)`,
        remedy: 'Label the objects one by one, with iscrowd 0: crowds are not trained on',
        where: 'labels',
      });
    }
    return findingAt({
      severity: 'error',
      kind: 'class-none',
      locations: ['no image has a box'],
      message: 'The labels contain no boxes',
      remedy: 'Check the format of the labels',
      where: 'labels',
    });
  }
  return [
    ...checkLabels(table),
    ...checkSpelling(rows),
    ...checkBackground(rows),
    ...checkUnused(rows),
    ...checkFrequencies(rows.filter(({ boxes }) => boxes > 0)),
  ];
}

const quoted = ({ name }: ClassRow): string => `"${name}"`;

function checkLabels({ classes, images }: LabelTable): Finding[] {
  const outside = images.flatMap(({ file, objects }) =>
    objects
      .filter(({ label }) => !(Number.isInteger(label) && label >= 0 && label < classes.length))
      .map(({ label, origin }) => `${origin ?? file}: label ${label}`),
  );
  return findingAt({
    severity: 'error',
    kind: 'class-label',
    locations: outside,
    message: `${counted(outside.length, 'box has', 'boxes have')} a label outside 0 to ${classes.length - 1}`,
    remedy: 'Number labels from 0 in the order of the class names; background is not a class',
  });
}

function checkSpelling(rows: readonly ClassRow[]): Finding[] {
  const spellings = new Map<string, string[]>();
  for (const row of rows) {
    const key = row.name
      .trim()
      .replace(/[\s_-]+/g, ' ')
      .toLowerCase();
    spellings.set(key, [...(spellings.get(key) ?? []), quoted(row)]);
  }
  const ambiguous = [...spellings.values()].filter((names) => names.length > 1);
  return findingAt({
    severity: 'error',
    kind: 'class-spelling',
    locations: ambiguous.map((names) => names.join(' and ')),
    message: `${counted(ambiguous.length, 'class name is', 'class names are')} spelled in more than one way`,
    remedy:
      'Use one spelling for each: names that differ in case, spaces or hyphens are different classes to the network',
    where: 'classes',
  });
}

function checkBackground(rows: readonly ClassRow[]): Finding[] {
  return findingAt({
    severity: 'warning',
    kind: 'class-background',
    locations: rows.filter(({ name }) => /^[\s_]*(background|bg)[\s_]*$/i.test(name)).map(quoted),
    message: 'A class is named background',
    remedy: 'Remove it: RetinaNet has no background class; everything outside the boxes is background',
    where: 'classes',
  });
}

function checkUnused(rows: readonly ClassRow[]): Finding[] {
  const unused = rows.filter(({ boxes }) => boxes === 0);
  return findingAt({
    severity: 'warning',
    kind: 'class-unused',
    locations: unused.map(quoted),
    message: `${counted(unused.length, 'class has', 'classes have')} no boxes`,
    remedy:
      'Remove unused classes from the class names, unless other data will contain them: they take time and can only cause false positives',
    where: 'classes',
  });
}

/** Checks classes that have boxes. */
function checkFrequencies(rows: readonly ClassRow[]): Finding[] {
  const few = rows.filter(({ boxes }) => boxes < FEW);
  const most = rows.reduce((a, b) => (b.boxes > a.boxes ? b : a));
  const rare = rows.filter(({ boxes }) => most.boxes > IMBALANCE * boxes);
  const described = (row: ClassRow): string =>
    `${quoted(row)}: ${counted(row.boxes, 'box', 'boxes')} (${percent(row.share)})`;
  return [
    ...findingAt({
      severity: 'warning',
      kind: 'class-few',
      locations: few.map(described),
      message: `${counted(few.length, 'class has', 'classes have')} fewer than ${FEW} boxes`,
      remedy: 'Label more objects of these classes, or merge them with similar classes: their scores are mostly noise',
      where: 'classes',
    }),
    ...findingAt({
      severity: 'warning',
      kind: 'class-imbalance',
      locations: rare.map(described),
      message: `${counted(rare.length, 'class is', 'classes are')} more than ${IMBALANCE} times rarer than ${quoted(most)} (${most.boxes} boxes)`,
      remedy:
        'Oversample images of the rare classes, and look at the scores of each class: the mean hides how poor they are',
      where: 'classes',
    }),
  ];
}
