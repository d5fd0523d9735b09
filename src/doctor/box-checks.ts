import type { Box } from '../imagery/geometry.ts';
import type { LabelledObject, LabelProblem } from '../labels/types.ts';
import { findingAt, placeOf, type Finding, type Inventory, type Item, isFootprint } from './types.ts';
import { visibleBox, isProper, sizeOf } from '../detector/visible-box.ts';
import { counted, percent } from '../common/check.ts';

/** Pixels by which a box may reach beyond its image: some tools count from 1, or to the last pixel's far edge. */
const SLACK = 1;
/** Sides below this many pixels hold hardly anything to recognise. */
const TINY = 4;
/** Share of the image's sides from which a box says no more than that the image shows something. */
const WHOLE = 0.95;
/** IoU above which two boxes of one class are the same box drawn twice. */
const SAME = 0.98;
/** IoU above which boxes of two classes are about one object. */
const SAME_OBJECT = 0.9;
/** Share of boxes that lie wrong from which another reading of the numbers is tried. */
const SUSPICIOUS = 0.05;
/** Fewer boxes than this are slips, not another reading. */
const FEW = 3;

/** An object with its image; `width` and `height` in pixels. */
interface Placed {
  readonly item: Item;
  readonly object: LabelledObject;
  readonly width: number;
  readonly height: number;
}

/** A box without an area, and where it is; null where the numbers are not known. */
interface Broken {
  readonly box: Box | null;
  readonly text: string;
}

const isInverted = ({ box }: Broken): boolean => box !== null && (box[2] < box[0] || box[3] < box[1]);

/** Checks boxes against their images and against each other, and for misread coordinates. */
export function checkBoxes({ items }: Inventory, problems: readonly LabelProblem[] = []): Finding[] {
  const all = items.flatMap((item) => item.image.objects.map((object) => ({ item, object })));
  const placed: Placed[] = all.flatMap(({ item, object }) => {
    const size = sizeOf(item);
    return size === null ? [] : [{ item, object, ...size }];
  });
  const proper = placed.filter(({ object }) => isProper(object.box));
  const named = ({ item, object }: Pick<Placed, 'item' | 'object'>): string => placeOf(item.image, object);

  const degenerate = all.filter(({ object }) => !isProper(object.box));
  // The reader may have reported a box and kept it.
  const known = new Set(degenerate.map(({ object }) => object.origin));
  const reported = problems.filter(({ kind, origin }) => kind === 'degenerate' && !known.has(origin));
  const broken: Broken[] = [
    ...degenerate.map((place) => ({ box: place.object.box, text: named(place) })),
    ...reported.map(({ origin, reason, box = null }) => ({ box, text: `${origin}: ${reason}` })),
  ];
  const inverted = checkInverted(items, proper, broken);
  // One cause is told once.
  const others = inverted.length === 0 ? broken : broken.filter((one) => !isInverted(one));
  const outside = proper.filter((place) => isOutside(place) && !isFootprint(place.item, place.object));
  const cut = proper.filter(
    (place) => !isOutside(place) && !isInside(place, place.object.box) && !isFootprint(place.item, place.object),
  );
  // Tiles of a map come with outlines that reach beyond them; that most lie elsewhere is another matter.
  const footprints = proper.filter(({ item, object }) => isFootprint(item, object));
  const strays = footprints.filter(isOutside);
  const tiny = proper.filter(({ item, object }) => {
    const box = visibleBox(item, object);
    return box !== null && Math.min(box[2] - box[0], box[3] - box[1]) < TINY;
  });
  const whole = proper.filter(
    ({ object: { box }, width, height }) => box[2] - box[0] >= WHOLE * width && box[3] - box[1] >= WHOLE * height,
  );
  return [
    ...checkReadings(placed),
    ...inverted,
    ...findingAt(
      'error',
      'box-degenerate',
      others.map(({ text }) => text),
      `${counted(others.length, 'box has', 'boxes have')} no width or no height, or coordinates that are not finite`,
      'Remove or redraw them: the logarithm of their sides is not finite, so training refuses them',
    ),
    ...findingAt(
      'error',
      'box-outside',
      outside.map(named),
      `${outside.length} of ${all.length} boxes outside their image`,
      'Check that labels and images belong together; such boxes are dropped, so their objects become background',
    ),
    ...findingAt(
      2 * strays.length > footprints.length ? 'error' : 'note',
      'footprint-outside',
      strays.map(named),
      `${strays.length} of ${footprints.length} outlines in map coordinates outside their image`,
      'Check the coordinate systems, and that labels and images belong together; a few from beyond the edge do no harm',
    ),
    ...findingAt(
      'warning',
      'box-partly-outside',
      cut.map(named),
      `${cut.length} of ${all.length} boxes reach more than ${SLACK} pixel beyond their image`,
      'They are clipped; many of them mean another size of the images or another order of the coordinates',
    ),
    ...findingAt(
      'warning',
      'box-tiny',
      tiny.map(named),
      `${tiny.length} of ${all.length} boxes (${percent(tiny.length / Math.max(1, all.length))}) with a side below ${TINY} pixels`,
      'Use imagery of a higher resolution, or leave them out: there is little in them to recognise',
    ),
    ...findingAt(
      'warning',
      'box-whole-image',
      whole.map(named),
      `${counted(whole.length, 'box is', 'boxes are')} as large as the image`,
      'Look whether they are labels of whole images, or made by a tool for images without boxes',
    ),
    ...checkPairs(items),
  ];
}

const isOutside = ({ object: { box }, width, height }: Placed): boolean =>
  box[0] >= width || box[1] >= height || box[2] <= 0 || box[3] <= 0;

const isInside = ({ width, height }: Pick<Placed, 'width' | 'height'>, box: Box): boolean =>
  box[0] >= -SLACK && box[1] >= -SLACK && box[2] <= width + SLACK && box[3] <= height + SLACK;

/** A finding about how all boxes were read. */
const misread = (
  kind: string,
  message: string,
  remedy: string,
  count: number,
  examples: readonly string[],
): Finding[] => [{ severity: 'error', kind, where: 'labels', message, remedy, count, examples }];

/** Boxes that do not lie in their image when `read` takes the numbers. */
const misfitting = (places: readonly Placed[], read: (box: Box) => Box): Placed[] =>
  places.filter((place) => !isProper(read(place.object.box)) || !isInside(place, read(place.object.box)));

const misfits = (places: readonly Placed[], read: (box: Box) => Box): number => misfitting(places, read).length;

/** Boxes that end before they begin: sizes that were read as corners, or corners in the other order. */
function checkInverted(items: readonly Item[], proper: readonly Placed[], broken: readonly Broken[]): Finding[] {
  const found = broken.filter(isInverted);
  const inverted = found.map(({ box }) => box!);
  if (inverted.length < FEW || inverted.length <= SUSPICIOUS * (proper.length + broken.length)) return [];
  // Of boxes that the reader dropped, the image is not known: the largest one stands for it.
  const sizes = items.map(sizeOf).filter((size) => size !== null);
  const width = sizes.reduce((most, size) => Math.max(most, size.width), 0);
  const height = sizes.reduce((most, size) => Math.max(most, size.height), 0);
  const asSize = ([x1, y1, w, h]: Box): Box => [x1, y1, x1 + w, y1 + h];
  const fitting = inverted.filter((box) => isProper(asSize(box)) && isInside({ width, height }, asSize(box)));
  const examples = found.slice(0, 5).map(({ text }) => text);
  if (fitting.length >= 0.95 * inverted.length && misfits(proper, asSize) <= 0.05 * proper.length) {
    return misread(
      'box-size-as-corners',
      `${inverted.length} boxes end before they begin, and fit as x, y, width, height, as the others do: the last two numbers are a size, not a corner`,
      'Add x and y to the last two numbers',
      inverted.length,
      examples,
    );
  }
  return misread(
    'box-inverted',
    `${inverted.length} boxes end before they begin: their corners come in another order`,
    'Write the smaller x and the smaller y first',
    inverted.length,
    examples,
  );
}

/** Whether the coordinates make more sense when they are read in another way. */
function checkReadings(placed: readonly Placed[]): Finding[] {
  const proper = placed.filter(({ object }) => isProper(object.box));
  const isSmall = ({ object: { box }, width, height }: Placed): boolean =>
    box.every((value) => value >= 0 && value <= 1) && Math.min(width, height) > 16;
  const places = (some: readonly Placed[]): string[] =>
    some.slice(0, 5).map(({ item, object }) => placeOf(item.image, object));
  if (proper.length > 0 && proper.every(isSmall)) {
    return misread(
      'box-normalised',
      'All coordinates lie between 0 and 1: they are shares of the image, read as pixels',
      'Multiply them by width and height, or name the format that has shares (YOLO)',
      proper.length,
      places(proper),
    );
  }
  const explains = (all: readonly Placed[], read: (box: Box) => Box): boolean => {
    const now = misfits(all, (box) => box);
    return now >= FEW && now > SUSPICIOUS * all.length && misfits(all, read) <= now / 10;
  };
  // An image on its side explains the same, and is found by its orientation.
  const upright = placed.filter(({ item }) => item.facts.orientation < 5);
  // Boxes that reach over the lower edge fit when exchanged, too: exchanged ones lie beyond it altogether.
  const astray = misfitting(upright, (box) => box);
  const beyond = upright.filter((place) => isProper(place.object.box) && isOutside(place)).length;
  if (4 * beyond >= astray.length && explains(upright, ([x1, y1, x2, y2]) => [y1, x1, y2, x2])) {
    return misread(
      'box-swapped-axes',
      `${astray.length} of ${upright.length} boxes do not fit their images, but do with x and y exchanged`,
      'Exchange the columns: x is to the right, y down (rows come second)',
      astray.length,
      places(astray),
    );
  }
  const wrong = misfitting(placed, (box) => box);
  if (explains(placed, ([x1, y1, x2, y2]) => [x1, y1, x2 - x1, y2 - y1])) {
    return misread(
      'box-corners-as-size',
      `${wrong.length} of ${placed.length} boxes do not fit their images, but do when their last two numbers are a corner, not width and height`,
      'Read them as x1, y1, x2, y2; in a COCO file, subtract the first corner from the second',
      wrong.length,
      places(wrong),
    );
  }
  return [];
}

/** Boxes drawn twice, and boxes of two classes on one object. */
function checkPairs(items: readonly Item[]): Finding[] {
  const twice: string[] = [];
  const torn: string[] = [];
  for (const { image } of items) {
    const objects = image.objects.filter(({ box, crowd }) => crowd !== true && isProper(box));
    for (const [a, b, iou] of alikePairs(objects, SAME_OBJECT)) {
      if (a.label !== b.label) torn.push(`${placeOf(image, a)} has labels ${a.label} and ${b.label}`);
      else if (iou > SAME) twice.push(placeOf(image, a));
    }
  }
  return [
    ...findingAt(
      'warning',
      'box-duplicate',
      twice,
      `${counted(twice.length, 'box is', 'boxes are')} drawn twice (same class, IoU above ${SAME})`,
      'Remove the copies: one of each pair can only count as missed',
    ),
    ...findingAt(
      'warning',
      'box-two-classes',
      torn,
      `${counted(torn.length, 'pair of boxes gives', 'pairs of boxes give')} one object two classes (IoU above ${SAME_OBJECT})`,
      'Decide for one class: an anchor learns one box only, and which of the two is chance',
    ),
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
      const iou = iouOf(a.box, b.box);
      if (iou > threshold) yield [a, b, iou];
    }
  }
}

/** Intersection over union of two boxes, 0 where they do not overlap. */
export function iouOf(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (!(width > 0 && height > 0)) return 0;
  const both = width * height;
  return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both);
}
