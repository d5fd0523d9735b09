import { boxIou } from '../imagery/boxes.ts';
import { counted, percent } from '../common/check.ts';
import { isProper, visibleBox } from '../detector/visible-box.ts';
import type { LabelledObject, LabelProblem } from '../labels/types.ts';
import {
  checkInverted,
  checkReadings,
  isInside,
  isInverted,
  isOutside,
  SLACK,
  type BrokenBox,
  type PlacedObject,
} from './box-readings.ts';
import {
  describeObject,
  findingAt,
  isFootprint,
  sizedImage,
  sizeOf,
  type Finding,
  type Inventory,
  type Item,
} from './types.ts';

/** Sides below this many pixels leave hardly anything to recognise. */
const TINY = 4;
/** Fraction of the image's sides above which a box carries no location information. */
const WHOLE = 0.95;
/** IoU above which two boxes of one class are the same box labelled twice. */
const SAME = 0.98;
/** IoU above which boxes of two classes belong to one object. */
const SAME_OBJECT = 0.9;

/**
 * Checks boxes against their images and against each other, and for coordinates that were read in another way than they
 * were written. `problems` are those that the reader of the labels reported.
 */
export function checkBoxes({ items }: Inventory, problems: readonly LabelProblem[] = []): Finding[] {
  const all = items.flatMap((item) => item.image.objects.map((object) => ({ item, object })));
  const placed = all.flatMap(({ item, object }): PlacedObject[] => {
    const size = sizeOf(item);
    return size === null ? [] : [{ item, object, ...size }];
  });
  const proper = placed.filter(({ object }) => isProper(object.box));
  const broken = brokenBoxes(all, problems);
  const inverted = checkInverted(items, proper, broken);
  return [
    ...checkReadings(placed),
    ...inverted,
    // Each cause is reported once.
    ...checkDegenerate(inverted.length === 0 ? broken : broken.filter((one) => !isInverted(one))),
    ...checkOutside(proper, all.length),
    ...checkFootprints(proper),
    ...checkPartlyOutside(proper, all.length),
    ...checkTiny(proper, all.length),
    ...checkWholeImage(proper),
    ...checkPairs(items),
  ];
}

const describe = ({ item, object }: Pick<PlacedObject, 'item' | 'object'>): string =>
  describeObject(item.image, object);

/** Boxes without an area: those in the labels, and those that the reader reported and dropped. */
function brokenBoxes(
  all: readonly Pick<PlacedObject, 'item' | 'object'>[],
  problems: readonly LabelProblem[],
): BrokenBox[] {
  const kept = all.filter(({ object }) => !isProper(object.box));
  // The reader may have reported a box and kept it.
  const known = new Set(kept.map(({ object }) => object.origin));
  const dropped = problems.filter(({ kind, origin }) => kind === 'degenerate' && !known.has(origin));
  return [
    ...kept.map((placed) => ({ box: placed.object.box, text: describe(placed) })),
    ...dropped.map(({ origin, reason, box = null }) => ({ box, text: `${origin}: ${reason}` })),
  ];
}

function checkDegenerate(broken: readonly BrokenBox[]): Finding[] {
  return findingAt({
    severity: 'error',
    kind: 'box-degenerate',
    locations: broken.map(({ text }) => text),
    message: `${counted(broken.length, 'box has', 'boxes have')} a width or height <= 0, or coordinates that are not finite`,
    remedy: 'Remove or redraw them: training rejects such boxes, because the logarithm of their sides is not finite',
  });
}

function checkOutside(proper: readonly PlacedObject[], total: number): Finding[] {
  const outside = proper.filter((placed) => isOutside(placed) && !isFootprint(placed.item, placed.object));
  return findingAt({
    severity: 'error',
    kind: 'box-outside',
    locations: outside.map(describe),
    message: `${counted(outside.length, `of ${total} boxes lies`, `of ${total} boxes lie`)} entirely outside the image`,
    remedy:
      'Check that the labels belong to these images: boxes outside are dropped, so that their objects are trained as background',
  });
}

/** Tiles of a map come with outlines that extend beyond them; if most lie elsewhere, the labels belong elsewhere. */
function checkFootprints(proper: readonly PlacedObject[]): Finding[] {
  const footprints = proper.filter(({ item, object }) => isFootprint(item, object));
  const outside = footprints.filter(isOutside);
  const total = footprints.length;
  return findingAt({
    severity: 2 * outside.length > total ? 'error' : 'note',
    kind: 'footprint-outside',
    locations: outside.map(describe),
    message: `${counted(outside.length, `of ${total} outlines in map coordinates lies`, `of ${total} outlines in map coordinates lie`)} outside the image`,
    remedy:
      'Check that labels and images belong together and use the same coordinate system; a few outlines from beyond the edge are harmless',
  });
}

function checkPartlyOutside(proper: readonly PlacedObject[], total: number): Finding[] {
  const clipped = proper.filter(
    (placed) => !isOutside(placed) && !isInside(placed, placed.object.box) && !isFootprint(placed.item, placed.object),
  );
  return findingAt({
    severity: 'warning',
    kind: 'box-partly-outside',
    locations: clipped.map(describe),
    message: `${counted(clipped.length, `of ${total} boxes extends`, `of ${total} boxes extend`)} more than ${SLACK} pixel beyond the image`,
    remedy:
      'If there are many, check the size of the images and the order of the coordinates; training clips such boxes',
  });
}

function checkTiny(proper: readonly PlacedObject[], total: number): Finding[] {
  const tiny = proper.filter(({ item, object }) => {
    const box = visibleBox(sizedImage(item), object);
    return box !== null && Math.min(box[2] - box[0], box[3] - box[1]) < TINY;
  });
  const of = `of ${total} boxes (${percent(tiny.length / Math.max(1, total))})`;
  return findingAt({
    severity: 'warning',
    kind: 'box-tiny',
    locations: tiny.map(describe),
    message: `${counted(tiny.length, `${of} has`, `${of} have`)} a side shorter than ${TINY} pixels`,
    remedy:
      'Use imagery of higher resolution, or remove these boxes: they contain too few pixels to recognise an object',
  });
}

function checkWholeImage(proper: readonly PlacedObject[]): Finding[] {
  const whole = proper.filter(
    ({ object: { box }, width, height }) => box[2] - box[0] >= WHOLE * width && box[3] - box[1] >= WHOLE * height,
  );
  return findingAt({
    severity: 'warning',
    kind: 'box-whole-image',
    locations: whole.map(describe),
    message: `${counted(whole.length, 'box is', 'boxes are')} as large as the image`,
    remedy:
      'Check whether these are labels of whole images, or placeholders that a tool wrote for images without boxes',
  });
}

/** Boxes labelled twice, and objects with boxes of two classes. */
function checkPairs(items: readonly Item[]): Finding[] {
  const duplicates: string[] = [];
  const ambiguous: string[] = [];
  for (const { image } of items) {
    const objects = image.objects.filter(({ box, crowd }) => crowd !== true && isProper(box));
    for (const [a, b, iou] of alikePairs(objects, SAME_OBJECT)) {
      if (a.label !== b.label) ambiguous.push(`${describeObject(image, a)} has labels ${a.label} and ${b.label}`);
      else if (iou > SAME) duplicates.push(describeObject(image, a));
    }
  }
  return [
    ...findingAt({
      severity: 'warning',
      kind: 'box-duplicate',
      locations: duplicates,
      message: `${counted(duplicates.length, 'box is', 'boxes are')} labelled twice (same class, IoU > ${SAME})`,
      remedy: 'Remove the duplicates: a detection matches only one box of a pair, so that the other counts as missed',
    }),
    ...findingAt({
      severity: 'warning',
      kind: 'box-two-classes',
      locations: ambiguous,
      message: `${counted(ambiguous.length, 'object has', 'objects have')} boxes of two classes (IoU > ${SAME_OBJECT})`,
      remedy: 'Keep one class for each object: an anchor is trained on only one of the two boxes, chosen arbitrarily',
    }),
  ];
}

/** Pairs of objects with an IoU above a threshold, found by a sweep along x. */
function* alikePairs(
  objects: readonly LabelledObject[],
  threshold: number,
): Generator<[LabelledObject, LabelledObject, number]> {
  const sorted = [...objects].sort((a, b) => a.box[0] - b.box[0]);
  for (const [i, a] of sorted.entries()) {
    // The overlap is at most the width of `a` less the distance of the left edges, and at least `threshold` of it.
    const last = a.box[0] + (1 - threshold) * (a.box[2] - a.box[0]);
    for (let j = i + 1; j < sorted.length; j++) {
      const b = sorted[j]!;
      if (b.box[0] > last) break;
      const iou = boxIou(a.box, 0, b.box, 0);
      if (iou > threshold) yield [a, b, iou];
    }
  }
}
