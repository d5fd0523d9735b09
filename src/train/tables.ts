import type { Box } from '../data/geometry.ts';
import type { LabelledObject, LabelTable } from '../data/labels/types.ts';
import type { Annotations, Dataset } from '../data/types.ts';
import type { Detections } from '../index.ts';
import type { ImageResult } from './evaluate.ts';

// Between what a detector works with (typed arrays) and tables, which are judged and written.

/**
 * Boxes as objects of a table, with their scores where there are some. Detections of which nothing lies inside the image
 * are left out: clipping makes them lines, which overlap no object and which no label file can hold.
 */
export function objectsOf(found: Annotations & { readonly scores?: Float32Array }): LabelledObject[] {
  const { boxes, labels, scores } = found;
  return Array.from(labels, (label, i) => ({
    label,
    box: [...boxes.subarray(4 * i, 4 * i + 4)] as unknown as Box,
    ...(scores === undefined ? {} : { score: scores[i]! }),
  })).filter(({ box: [x1, y1, x2, y2] }) => scores === undefined || (x2 > x1 && y2 > y1));
}

/** Truth and detections of evaluated images as two tables; the ids of the data set stand for the files. */
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

/** Detections whose score is at least a threshold, which is rounded to float32 as scores are. */
export function atLeast({ boxes, labels, scores }: Detections, threshold: number): Detections {
  const kept = [...scores.keys()].filter((k) => scores[k]! >= Math.fround(threshold));
  return {
    boxes: Float32Array.from(kept.flatMap((k) => [...boxes.subarray(4 * k, 4 * k + 4)])),
    labels: Int32Array.from(kept, (k) => labels[k]!),
    scores: Float32Array.from(kept, (k) => scores[k]!),
  };
}
