import { checkNumber, described } from '../../common/check.ts';
import type { Raster } from '../../imagery/raster.ts';
import type { LabelledObject } from '../../labels/types.ts';

/**
 * What an object on a map is. A `detection` was not compared with any ground truth; the others are the outcome of an
 * evaluation: a detection of an object (`hit`), an object without one (`miss`) and a detection of nothing (`false alarm`).
 */
export type MapObjectKind = (typeof KINDS)[number];
export const KINDS = ['detection', 'hit', 'miss', 'false alarm'] as const;

/**
 * A detection or, for a miss, an object of the ground truth. `score` is required, except of a miss.
 *
 * The reader of the map changes the threshold, and a hit whose score is below it is an object missed. So list each object of
 * the ground truth as a `miss`; if a detection finds it, with the score of that detection: it is then shown as missed only
 * at thresholds above. (A higher threshold never changes which of the remaining detections match, because those with higher
 * scores are matched first.)
 */
export interface MapObject extends Pick<LabelledObject, 'label' | 'box' | 'score'> {
  /** Default `detection`. */
  readonly kind?: MapObjectKind;
}

/** An image of a map, and the objects in it. */
export interface MapImage {
  /** Name that the map shows, for example the path. */
  readonly name: string;
  /** Read from top to bottom, once. It is not closed. */
  readonly raster: Raster;
  readonly objects: readonly MapObject[];
}

/** What a map shows. */
export interface MapContents {
  /** Heading of the page. */
  readonly title: string;
  /** Names of the classes; the index is the label. */
  readonly classes: readonly string[];
  /** Score threshold at first; the page has a slider. Detections below it are worth passing if there are any. */
  readonly threshold: number;
  /** Taken one after the other: a generator may open each raster when it is asked for it, and close it after that. */
  readonly images: Iterable<MapImage> | AsyncIterable<MapImage>;
}

/** Throws a RangeError for a threshold or classes that a map cannot show. */
export function checkContents(op: string, { classes, threshold }: MapContents): void {
  checkNumber(op, 'threshold', threshold, { finite: true });
  const twice = classes.find((name, i) => classes.indexOf(name) < i);
  if (twice !== undefined) throw new RangeError(`${op}: classes name ${described(twice)} twice, expected each once`);
}

/** Throws a RangeError for objects that a map cannot show. */
export function checkObjects(op: string, { name, objects }: MapImage, classes: readonly string[]): void {
  objects.forEach(({ kind = 'detection', label, box, score }, i) => {
    const where = `${op}: ${name}: object ${i}`;
    if (!KINDS.includes(kind)) {
      throw new RangeError(`${where}: kind is ${described(kind)}, expected one of ${KINDS.join(', ')}`);
    }
    if (classes[label] === undefined) {
      throw new RangeError(`${where}: label ${label}, expected 0 to ${classes.length - 1} (${classes.length} classes)`);
    }
    if (!box.every((value) => Number.isFinite(value)) || box[2] < box[0] || box[3] < box[1]) {
      throw new RangeError(
        `${where}: box [${box.join(', ')}], expected finite x1, y1, x2, y2 with x2 >= x1 and y2 >= y1`,
      );
    }
    if (score === undefined ? kind !== 'miss' : !Number.isFinite(score)) {
      throw new RangeError(`${where}: score is ${score}, expected a finite number`);
    }
  });
}
