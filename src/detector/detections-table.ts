import type { LabelTable } from '../labels/types.ts';
import { objectsOf } from '../data/annotation-table.ts';
import type { Annotations, Detections } from '../imagery/types.ts';
import type { Dataset } from '../data/types.ts';
import type { ImageResult } from './evaluate.ts';

// Converts the typed arrays of a detector to label tables, for `judge` and the label formats.

/** Ground truth and detections of evaluated images as two tables, with the ids of the data set as file names. */
export function tablesOf(
  dataset: Pick<Dataset, 'classes' | 'ids'>,
  images: readonly ImageResult[],
): { readonly truth: LabelTable; readonly predictions: LabelTable } {
  const table = (of: (image: ImageResult) => Annotations & { readonly scores?: Float32Array }): LabelTable => ({
    classes: dataset.classes,
    images: images.map((image) => ({
      file: dataset.ids[image.index]!,
      width: null,
      height: null,
      objects: objectsOf(of(image)),
    })),
  });
  return { truth: table(({ truth }) => truth), predictions: table(({ detections }) => detections) };
}

/** The detections whose score is at least `threshold`, which is rounded to float32 like the scores. */
export function atLeast(
  { boxes, labels, scores, omitted = new Float32Array() }: Detections,
  threshold: number,
): Detections {
  const least = Math.fround(threshold);
  const kept = [...scores.keys()].filter((k) => scores[k]! >= least);
  const left = omitted.filter((score) => score >= least);
  return {
    boxes: Float32Array.from(kept.flatMap((k) => [...boxes.subarray(4 * k, 4 * k + 4)])),
    labels: Int32Array.from(kept, (k) => labels[k]!),
    scores: Float32Array.from(kept, (k) => scores[k]!),
    ...(left.length === 0 ? {} : { omitted: left }),
  };
}

/** Number of images of which detections with a score of at least `threshold` were omitted. */
export const omittedImages = (images: readonly Detections[], threshold: number): number =>
  images.filter(({ omitted }) => omitted?.some((score) => score >= Math.fround(threshold)) === true).length;
