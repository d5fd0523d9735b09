import type { LabelTable } from '../labels/types.ts';
import { objectsOf } from '../data/annotation-table.ts';
import type { Annotations, Detections } from '../imagery/types.ts';
import type { Dataset } from '../data/types.ts';
import type { ImageResult } from './evaluate.ts';

// From the typed arrays of a detector to tables, which `judge` and the label formats take.

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

/** Detections with a score of at least a threshold, which is rounded to float32 as scores are. */
export function atLeast({ boxes, labels, scores }: Detections, threshold: number): Detections {
  const kept = [...scores.keys()].filter((k) => scores[k]! >= Math.fround(threshold));
  return {
    boxes: Float32Array.from(kept.flatMap((k) => [...boxes.subarray(4 * k, 4 * k + 4)])),
    labels: Int32Array.from(kept, (k) => labels[k]!),
    scores: Float32Array.from(kept, (k) => scores[k]!),
  };
}
