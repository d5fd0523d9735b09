import { cocoIous, cocoMaxDetections, matchCoco, RIGHT, WRONG, type CocoClass } from './coco-match.ts';
import type { EvaluatedImage } from './match.ts';
import { linspace, pairwiseMean } from './numpy.ts';
import { checkImages } from './pool.ts';

/** COCO's metrics; each is null where there is no object of its kind (pycocotools prints -1). */
export interface CocoMetrics {
  /** Average precision, the mean over the IoU thresholds 0.50, 0.55, .. 0.95 and the classes. */
  readonly ap: number | null;
  /** At IoU 0.50. */
  readonly ap50: number | null;
  /** At IoU 0.75. */
  readonly ap75: number | null;
  /** Of objects of at most 32^2 square pixels. */
  readonly apSmall: number | null;
  /** Of objects of 32^2 to 96^2 square pixels. */
  readonly apMedium: number | null;
  /** Of objects of at least 96^2 square pixels. */
  readonly apLarge: number | null;
  /** Average recall with the highest-scoring detection of each class in an image, the mean over IoU thresholds and classes. */
  readonly ar1: number | null;
  /** With the 10 highest-scoring detections. */
  readonly ar10: number | null;
  /** With the 100 highest-scoring detections. */
  readonly ar100: number | null;
  readonly arSmall: number | null;
  readonly arMedium: number | null;
  readonly arLarge: number | null;
  /** In the order of the classes. */
  readonly perClass: readonly CocoClassMetrics[];
  /** Detections that were left out because their image has 100 higher-scoring ones of their class. */
  readonly leftOut: number;
}

/** COCO's average precision of one class; null without objects of it. */
export interface CocoClassMetrics {
  readonly name: string;
  readonly ap: number | null;
  readonly ap50: number | null;
  readonly ap75: number | null;
}

/** Recall values at which precision is sampled, rounded as in pycocotools: `np.linspace(0, 1, 101)`. */
export const cocoRecalls: Float64Array = linspace(0, 1, 101);

/** Precision at `cocoRecalls` for each IoU threshold, one after the other, and the recall reached at each. */
interface Accumulated {
  readonly precision: Float64Array;
  readonly recall: Float64Array;
}

/** A class in range `a` of areas, with at most `maxDetections` detections per image; null without objects. */
function accumulate(column: CocoClass, a: number, maxDetections: number): Accumulated | null {
  const objects = column.objects[a]!.reduce((sum, n) => sum + n, 0);
  if (objects === 0) return null;
  const precision = new Float64Array(cocoIous.length * cocoRecalls.length);
  const recall = new Float64Array(cocoIous.length);
  const used = Array.from(column.rank.keys()).filter((k) => column.rank[k]! < maxDetections);
  cocoIous.forEach((_, t) => {
    const states = column.states[a]![t]!;
    const recalls = new Float64Array(used.length);
    const envelope = new Float64Array(used.length);
    let [right, wrong] = [0, 0];
    used.forEach((k, i) => {
      if (states[k] === RIGHT) right++;
      else if (states[k] === WRONG) wrong++;
      recalls[i] = right / objects;
      envelope[i] = right / (wrong + right + Number.EPSILON);
    });
    for (let i = used.length - 1; i > 0; i--) {
      if (envelope[i]! > envelope[i - 1]!) envelope[i - 1] = envelope[i]!;
    }
    recall[t] = recalls.at(-1) ?? 0;
    let i = 0;
    cocoRecalls.forEach((least, r) => {
      while (i < used.length && recalls[i]! < least) i++;
      precision[t * cocoRecalls.length + r] = envelope[i] ?? 0;
    });
  });
  return { precision, recall };
}

/** The mean over thresholds from `from` to `to` and over classes, added in the order of pycocotools' arrays. */
function averagePrecision(classes: readonly (Accumulated | null)[], from = 0, to = cocoIous.length): number | null {
  const present = classes.filter((entry) => entry !== null);
  const size = cocoRecalls.length;
  const cells = Array.from({ length: (to - from) * size }, (_, cell) => from * size + cell);
  return pairwiseMean(Float64Array.from(cells.flatMap((cell) => present.map((entry) => entry.precision[cell]!))));
}

function averageRecall(classes: readonly (Accumulated | null)[]): number | null {
  const present = classes.filter((entry) => entry !== null);
  return pairwiseMean(Float64Array.from([...cocoIous.keys()].flatMap((t) => present.map((entry) => entry.recall[t]!))));
}

/**
 * COCO's detection metrics for boxes, equal to those of pycocotools (COCOeval, `iouType` 'bbox', default parameters) to
 * the last digit, provided that images come in the order of their ids, which decides between equal scores.
 *
 * The rules differ from those of `evaluateDetections`: the 100 highest-scoring detections of a class in an image count;
 * equal scores enter the curve one by one; size classes are decided by `TrueBoxes.areas`, and detections of objects outside
 * a size class are ignored. See `matchDetections` for the matching. Difficult objects are treated like COCOeval's `ignore`;
 * COCO's own files have crowds only.
 *
 * @throws RangeError for arrays that do not fit together, numbers that are not finite and labels outside the classes
 */
export function cocoMetrics(
  images: readonly EvaluatedImage[],
  options: { readonly classes: readonly string[] },
): CocoMetrics {
  checkImages('cocoMetrics', images, options.classes.length);
  return summarizeCoco(images, options.classes, matchCoco(images, options.classes.length));
}

/** The metrics of images that `matchCoco` has matched. */
export function summarizeCoco(
  images: readonly EvaluatedImage[],
  classes: readonly string[],
  columns: readonly CocoClass[],
): CocoMetrics {
  const at = (a: number, most = cocoMaxDetections) => columns.map((column) => accumulate(column, a, most));
  const [all, small, medium, large] = [at(0), at(1), at(2), at(3)];
  const detections = images.reduce((sum, image) => sum + image.detections.labels.length, 0);
  return {
    ap: averagePrecision(all),
    ap50: averagePrecision(all, 0, 1),
    ap75: averagePrecision(all, 5, 6),
    apSmall: averagePrecision(small),
    apMedium: averagePrecision(medium),
    apLarge: averagePrecision(large),
    ar1: averageRecall(at(0, 1)),
    ar10: averageRecall(at(0, 10)),
    ar100: averageRecall(all),
    arSmall: averageRecall(small),
    arMedium: averageRecall(medium),
    arLarge: averageRecall(large),
    perClass: classes.map((name, label) => {
      const entry = [all[label] ?? null];
      return {
        name,
        ap: averagePrecision(entry),
        ap50: averagePrecision(entry, 0, 1),
        ap75: averagePrecision(entry, 5, 6),
      };
    }),
    leftOut: detections - columns.reduce((sum, column) => sum + column.image.length, 0),
  };
}
