import type { Box } from './geometry.ts';
import type { LabelTable } from './labels/types.ts';
import { describeSample } from './types.ts';
import type { Dataset } from './types.ts';

/** The true boxes of a data set as a table: the ids stand for the files. Images are decoded only where they must be. */
export async function tableOf(dataset: Dataset): Promise<LabelTable> {
  const images: LabelTable['images'][number][] = [];
  for (let i = 0; i < dataset.ids.length; i++) {
    const { id, width, height, boxes, labels } = await describeSample(dataset, i);
    const objects = Array.from(labels, (label, k) => ({
      label,
      box: [...boxes.subarray(k * 4, k * 4 + 4)] as unknown as Box,
    }));
    images.push({ file: id, width, height, objects });
  }
  return { classes: [...dataset.classes], images };
}
