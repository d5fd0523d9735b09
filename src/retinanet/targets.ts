import { checkInteger } from '../common/check.ts';

/** Objects of one image, in pixels of the image that the network sees. */
export interface Target {
  /** Four numbers per box: x1, y1, x2, y2. */
  readonly boxes: Float32Array;
  /** Class of each box, from 0. */
  readonly labels: Int32Array;
}

/**
 * Throws a RangeError unless every box of image `n` has a positive area and every label is a class. A degenerate box makes
 * the loss NaN, and a wrong label trains the wrong class: neither may pass.
 */
export function checkTarget({ boxes, labels }: Target, n: number, classes: number): void {
  if (boxes.length !== labels.length * 4) {
    throw new RangeError(`targets of image ${n}: ${boxes.length} coordinates do not fit ${labels.length} labels`);
  }
  labels.forEach((label, i) => {
    const [x1, y1, x2, y2] = boxes.subarray(i * 4, i * 4 + 4) as unknown as [number, number, number, number];
    if (!(x2 > x1 && y2 > y1 && Number.isFinite(x1 + y1 + x2 + y2))) {
      throw new RangeError(
        `targets of image ${n}: box ${i} [${x1}, ${y1}, ${x2}, ${y2}] is not x1, y1, x2, y2 with a positive size`,
      );
    }
    checkInteger(`targets of image ${n}`, `label of box ${i}`, label, { min: 0, max: classes - 1 });
  });
}
