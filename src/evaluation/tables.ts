import { checkChoice } from '../common/check.ts';
import type { LabelledImage, LabelledObject, LabelTable } from '../labels/types.ts';
import type { EvaluatedImage, ScoredBoxes, TrueBoxes } from './match.ts';

const MATCH_BY = ['file', 'stem'] as const;
/** Whether images of truth and predictions are the same if their paths are equal, or their names without extensions. */
export type MatchBy = (typeof MATCH_BY)[number];

/** An image with its ground truth and detections, in float64. */
export interface JoinedImage extends EvaluatedImage {
  /** Path as in the truth. */
  readonly file: string;
  readonly truthObjects: readonly LabelledObject[];
  readonly foundObjects: readonly LabelledObject[];
  /** Whether the predictions list the image. */
  readonly predicted: boolean;
}

/** A file without its folder and its last extension. */
function stemOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1).replace(/(?!^)\.[^.]*$/, '');
}

const placeOf = (object: LabelledObject, file: string): string => object.origin ?? file;

function checkObject(op: string, object: LabelledObject, file: string, classes: readonly string[]): void {
  const { box, label } = object;
  const where = `${op}: ${placeOf(object, file)}`;
  if (!box.every((value) => Number.isFinite(value)) || box[2] < box[0] || box[3] < box[1]) {
    throw new RangeError(
      `${where}: box [${box.join(', ')}], expected finite x1, y1, x2, y2 with x2 >= x1 and y2 >= y1`,
    );
  }
  if (classes[label] === undefined) {
    throw new RangeError(`${where}: label ${label}, expected 0 to ${classes.length - 1} (${classes.length} classes)`);
  }
}

/** Images by name; throws a RangeError for two of one name. */
function byName(op: string, what: string, table: LabelTable, matchBy: MatchBy): Map<string, LabelledImage> {
  const images = new Map<string, LabelledImage>();
  for (const image of table.images) {
    const name = matchBy === 'stem' ? stemOf(image.file) : image.file;
    const before = images.get(name);
    if (before !== undefined) {
      const which = before.file === image.file ? `${image.file} twice` : `${before.file} and ${image.file}`;
      throw new RangeError(`${op}: ${what} list ${which}, expected every ${matchBy} once`);
    }
    images.set(name, image);
  }
  return images;
}

function packBoxes(objects: readonly LabelledObject[]): Float64Array {
  return Float64Array.from(objects.flatMap(({ box }) => box));
}

function packTruth(op: string, { objects, file }: LabelledImage, classes: readonly string[]): TrueBoxes {
  for (const object of objects) {
    checkObject(op, object, file, classes);
    if (object.area !== undefined && !(object.area >= 0)) {
      throw new RangeError(`${op}: ${placeOf(object, file)}: area ${object.area}, expected a number >= 0`);
    }
  }
  return {
    boxes: packBoxes(objects),
    labels: Int32Array.from(objects, ({ label }) => label),
    crowd: Uint8Array.from(objects, ({ crowd }) => Number(crowd === true)),
    difficult: Uint8Array.from(objects, ({ difficult }) => Number(difficult === true)),
    areas: Float64Array.from(objects, ({ area, box }) => area ?? (box[2] - box[0]) * (box[3] - box[1])),
  };
}

function packFound(
  op: string,
  { objects, file }: LabelledImage,
  names: readonly string[],
  classes: readonly string[],
): ScoredBoxes {
  const labels = objects.map((object) => {
    checkObject(op, object, file, names);
    const where = `${op}: ${placeOf(object, file)}`;
    if (object.score === undefined) throw new RangeError(`${where}: no score, expected one for every detection`);
    if (!Number.isFinite(object.score)) {
      throw new RangeError(`${where}: score ${object.score}, expected a finite number`);
    }
    const name = names[object.label]!;
    const label = classes.indexOf(name);
    if (label === -1) {
      throw new RangeError(`${where}: class ${name} is not in the truth, which has ${classes.join(', ')}`);
    }
    return label;
  });
  return {
    boxes: packBoxes(objects),
    labels: Int32Array.from(labels),
    scores: Float64Array.from(objects, ({ score }) => score!),
  };
}

/**
 * Images of the truth, in its order, with the predictions for them. Classes are joined by name; an image that the
 * predictions do not list has no detections. Throws a RangeError, in the name of `op`, for a table that names an image or a
 * class twice, predictions for images or of classes that the truth does not have, detections without a score, and numbers
 * that are not finite or make no box.
 */
export function joinTables(op: string, truth: LabelTable, predictions: LabelTable, matchBy: MatchBy): JoinedImage[] {
  checkChoice(op, 'matchBy', matchBy, MATCH_BY);
  const { classes } = truth;
  if (classes.length === 0) throw new RangeError(`${op}: the truth has no classes, expected at least one`);
  for (const [what, table] of [
    ['the truth names', truth],
    ['the predictions name', predictions],
  ] as const) {
    const twice = table.classes.find((name, k) => table.classes.indexOf(name) < k);
    if (twice !== undefined) throw new RangeError(`${op}: ${what} class ${twice} twice, expected every class once`);
  }
  const known = byName(op, 'the truth must not', truth, matchBy);
  const found = byName(op, 'the predictions must not', predictions, matchBy);
  for (const [name, { file }] of found) {
    if (known.has(name)) continue;
    const first = truth.images[0]?.file;
    const hint = matchBy === 'file' ? '; matchBy "stem" ignores folders and extensions' : '';
    throw new RangeError(
      `${op}: predictions for ${file}, which is none of the ${truth.images.length} images of the truth` +
        `${first === undefined ? '' : ` (such as ${first})`}${hint}`,
    );
  }
  return [...known].map(([name, image]) => {
    const predicted = found.get(name);
    return {
      file: image.file,
      truth: packTruth(op, image, classes),
      detections: packFound(op, predicted ?? { ...image, objects: [] }, predictions.classes, classes),
      truthObjects: image.objects,
      foundObjects: predicted?.objects ?? [],
      predicted: predicted !== undefined,
    };
  });
}
