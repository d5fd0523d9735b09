import { isProper } from '../detector/visible-box.ts';
import type { Box } from '../imagery/geometry.ts';
import type { LabelledObject } from '../labels/types.ts';
import { describeObject, MAX_EXAMPLES, sizeOf, type Finding, type Item } from './types.ts';

// Coordinates that were read in another way than they were written: another order, another unit, sizes for corners.

/** Pixels by which a box may extend beyond its image: some tools count from 1, or to the far edge of the last pixel. */
export const SLACK = 1;
/** Fraction of misfitting boxes above which other readings of the coordinates are tried. */
const SUSPICIOUS = 0.05;
/** Fewer misfitting boxes than this are mistakes, not another reading. */
const FEW = 3;

/** An object with its image, whose size in pixels is known. */
export interface PlacedObject {
  readonly item: Item;
  readonly object: LabelledObject;
  readonly width: number;
  readonly height: number;
}

/** A box without an area, and where it is; null if its coordinates are not known. */
export interface BrokenBox {
  readonly box: Box | null;
  readonly text: string;
}

interface MisreadBoxes extends Pick<Finding, 'kind' | 'message' | 'remedy'> {
  readonly all: readonly string[];
}

/** What the four numbers are when they are read in another way. */
type Reading = (box: Box) => Box;
const asWritten: Reading = (box) => box;
const swappedAxes: Reading = ([x1, y1, x2, y2]) => [y1, x1, y2, x2];
/** Corners that were read as x, y, width, height. */
const sizeAsCorner: Reading = ([x1, y1, x2, y2]) => [x1, y1, x2 - x1, y2 - y1];
/** Sizes that were read as corners. */
const cornerAsSize: Reading = ([x1, y1, w, h]) => [x1, y1, x1 + w, y1 + h];

export const isInverted = ({ box }: BrokenBox): boolean => box !== null && (box[2] < box[0] || box[3] < box[1]);

export const isOutside = ({ object: { box }, width, height }: PlacedObject): boolean =>
  box[0] >= width || box[1] >= height || box[2] <= 0 || box[3] <= 0;

/** Whether a box lies in an image, up to `SLACK`. */
export const isInside = ({ width, height }: Pick<PlacedObject, 'width' | 'height'>, box: Box): boolean =>
  box[0] >= -SLACK && box[1] >= -SLACK && box[2] <= width + SLACK && box[3] <= height + SLACK;

/** Objects whose boxes do not fit into their image when they are read in a certain way. */
const misfitting = (placed: readonly PlacedObject[], read: Reading): PlacedObject[] =>
  placed.filter((one) => !isProper(read(one.object.box)) || !isInside(one, read(one.object.box)));

/** Boxes with x2 < x1 or y2 < y1: sizes that were read as corners, or corners in the wrong order. */
export function checkInverted(
  items: readonly Item[],
  proper: readonly PlacedObject[],
  broken: readonly BrokenBox[],
): Finding[] {
  const inverted = broken.filter(isInverted);
  const count = inverted.length;
  if (count < FEW || count <= SUSPICIOUS * (proper.length + broken.length)) return [];
  const all = inverted.map(({ text }) => text);
  // The image of a box that the reader dropped is not known: the largest image stands for it.
  const sizes = items.map(sizeOf).filter((size) => size !== null);
  const width = sizes.reduce((most, size) => Math.max(most, size.width), 0);
  const height = sizes.reduce((most, size) => Math.max(most, size.height), 0);
  const read = inverted.map(({ box }) => cornerAsSize(box!));
  const fitting = read.filter((box) => isProper(box) && isInside({ width, height }, box));
  if (fitting.length >= 0.95 * count && misfitting(proper, cornerAsSize).length <= 0.05 * proper.length) {
    return misread({
      kind: 'box-size-as-corners',
      message: `${count} boxes have x2 < x1 or y2 < y1, and fit as x, y, width, height, as do the others: the last two numbers are a size, not a corner`,
      remedy: 'Convert the sizes to corners: add x and y to the last two numbers',
      all,
    });
  }
  return misread({
    kind: 'box-inverted',
    message: `${count} boxes have x2 < x1 or y2 < y1: their corners are in another order`,
    remedy: 'Write the smaller x and the smaller y first',
    all,
  });
}

/** Whether the coordinates make more sense when they are read in another way. */
export function checkReadings(placed: readonly PlacedObject[]): Finding[] {
  for (const check of [checkNormalised, checkSwappedAxes, checkCornersAsSize]) {
    const found = check(placed);
    if (found.length > 0) return found;
  }
  return [];
}

function checkNormalised(placed: readonly PlacedObject[]): Finding[] {
  const proper = placed.filter(({ object }) => isProper(object.box));
  const isFractional = ({ object: { box }, width, height }: PlacedObject): boolean =>
    box.every((value) => value >= 0 && value <= 1) && Math.min(width, height) > 16;
  if (proper.length === 0 || !proper.every(isFractional)) return [];
  return misread({
    kind: 'box-normalised',
    message: 'All coordinates are between 0 and 1: they are fractions of the image size, but were read as pixels',
    remedy: 'Multiply them by the width and height of the image, or name the format that has fractions (YOLO)',
    all: proper.map(describe),
  });
}

function checkSwappedAxes(placed: readonly PlacedObject[]): Finding[] {
  // An image on its side explains the same, and is found by its orientation.
  const upright = placed.filter(({ item }) => item.facts.orientation < 5);
  // Boxes that extend beyond the lower edge fit when swapped, too; boxes with swapped axes lie entirely beyond it.
  const wrong = misfitting(upright, asWritten);
  const outside = upright.filter((one) => isProper(one.object.box) && isOutside(one)).length;
  if (4 * outside < wrong.length || !explains(upright, swappedAxes)) return [];
  return misread({
    kind: 'box-swapped-axes',
    message: `${wrong.length} of ${upright.length} boxes do not fit their images, but would with x and y swapped`,
    remedy: 'Swap the columns: x (to the right) comes before y (down)',
    all: wrong.map(describe),
  });
}

function checkCornersAsSize(placed: readonly PlacedObject[]): Finding[] {
  if (!explains(placed, sizeAsCorner)) return [];
  const wrong = misfitting(placed, asWritten);
  return misread({
    kind: 'box-corners-as-size',
    message: `${wrong.length} of ${placed.length} boxes do not fit their images, but would if their last two numbers were a corner, not width and height`,
    remedy: 'Read the boxes as x1, y1, x2, y2; in a COCO file, subtract the first corner from the second',
    all: wrong.map(describe),
  });
}

const describe = ({ item, object }: PlacedObject): string => describeObject(item.image, object);

/** Whether many boxes misfit as they are written, and hardly any when they are read in another way. */
function explains(placed: readonly PlacedObject[], read: Reading): boolean {
  const count = misfitting(placed, asWritten).length;
  return count >= FEW && count > SUSPICIOUS * placed.length && misfitting(placed, read).length <= count / 10;
}

/** A finding about how all boxes were read; `all` are those that show it. */
function misread({ kind, message, remedy, all }: MisreadBoxes): Finding[] {
  const examples = all.slice(0, MAX_EXAMPLES);
  return [{ severity: 'error', kind, where: 'labels', message, remedy, count: all.length, examples }];
}
