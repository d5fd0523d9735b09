import type { LabelledImage, LabelledObject, LabelTable } from '../labels/types.ts';
import { describeSample, type Dataset } from './types.ts';
import type { Annotations } from '../imagery/types.ts';

/**
 * Boxes as objects of a table, with their scores if they have any. Detections that lie outside the image are left out:
 * clipping makes them lines, which overlap no object and which label files cannot represent.
 */
export function objectsOf(found: Annotations & { readonly scores?: Float32Array }): LabelledObject[] {
  const { boxes, labels, scores } = found;
  return Array.from(labels, (label, i) => ({
    label,
    box: [boxes[4 * i]!, boxes[4 * i + 1]!, boxes[4 * i + 2]!, boxes[4 * i + 3]!] as const,
    ...(scores === undefined ? {} : { score: scores[i]! }),
  })).filter(({ box: [x1, y1, x2, y2] }) => scores === undefined || (x2 > x1 && y2 > y1));
}

/**
 * The true boxes of a data set, or of the samples at `indices`, as a table with the ids as file names. Images are decoded
 * only where `describeSample` has to.
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
