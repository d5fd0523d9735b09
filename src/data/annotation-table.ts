import type { Box } from '../imagery/geometry.ts';
import type { LabelledImage, LabelledObject, LabelTable } from '../labels/types.ts';
import { describeSample, type Dataset } from './types.ts';
import type { Annotations } from '../imagery/types.ts';

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

/**
 * The true boxes of a data set, or of the samples at some positions, as a table: the ids stand for the files. Images are
 * decoded only where they must be.
 */
export async function tableOf(
  dataset: Dataset,
  indices: readonly number[] = [...dataset.ids.keys()],
): Promise<LabelTable> {
  const images: LabelledImage[] = [];
  for (const index of indices) {
    const { id, width, height, ...annotations } = await describeSample(dataset, index);
    images.push({ file: id, width, height, objects: objectsOf(annotations) });
  }
  return { classes: [...dataset.classes], images };
}
