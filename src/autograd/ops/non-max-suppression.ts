import { checkInteger, checkNumber, optionsOf } from '../../common/check.ts';
import { checkFloat } from '../../kernels/elementwise.ts';
import { nonMaxSuppression as nonMaxSuppressionKernel } from '../../kernels/non-max-suppression.ts';
import { tidy } from '../../tensor/scope.ts';
import { checkTensor, type Tensor } from '../../tensor/tensor.ts';

export interface SuppressionOptions {
  /** A box is dropped if its intersection over union with a picked box is above this. From 0 to 1, default 0.5. */
  readonly iouThreshold?: number;
  /** Scores must be above this. Default: every score will do. */
  readonly scoreThreshold?: number;
  /** [N] int32: the class of each box. Boxes of different classes leave each other alone. Default: all are of one class. */
  readonly classes?: Tensor;
  /** Number of boxes that are picked at most. */
  readonly maxOutputs: number;
}

/**
 * Greedy non-maximum suppression on the GPU: from the highest score down (equal scores in the order given), a box is picked
 * unless it overlaps a picked box too much. The picks are those of torchvision's nms, and with `classes` batched_nms, computed
 * in float32; boxes and scores that contain NaN are never picked. Nothing is read back: the result has a fixed size.
 *
 * For n boxes it takes as many steps as a sort of the scores, and n / 256 steps for each pick.
 *
 * @param boxes [N, 4] float32: x1, y1, x2, y2
 * @param scores [N] float32
 * @returns `indices` [maxOutputs] int32: positions of the picked boxes, highest score first, then -1; `count` [1] int32: how
 *   many are picked. `gather(boxes, indices)` gives NaN in the rows that are left over.
 *
 * @example
 * const boxes = tensor([[0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30]]);
 * const scores = tensor([0.6, 0.9, 0.7]);
 * const { indices, count } = nonMaxSuppression(boxes, scores, { maxOutputs: 3 });
 * await indices.print(); // Tensor(int32 [3]) [ 1,  2, -1]
 * console.log(await count.item()); // 2
 */
export function nonMaxSuppression(
  boxes: Tensor,
  scores: Tensor,
  options: SuppressionOptions,
): { indices: Tensor<'int32'>; count: Tensor<'int32'> } {
  const op = 'nonMaxSuppression';
  checkTensor(op, 'boxes', boxes);
  checkTensor(op, 'scores', scores);
  const { iouThreshold, scoreThreshold, classes, maxOutputs } = optionsOf(op, options, {
    iouThreshold: 0.5,
    scoreThreshold: undefined,
    classes: undefined,
    maxOutputs: undefined,
  });
  if (classes !== undefined) checkTensor(op, 'classes', classes);
  checkFloat(op, boxes, scores);
  const [n] = boxes.shape;
  if (boxes.shape.length !== 2 || boxes.shape[1] !== 4) {
    throw new RangeError(`${op}: boxes [${boxes.shape}], expected [N, 4]`);
  }
  for (const [name, t] of [
    ['scores', scores],
    ['classes', classes ?? scores],
  ] as const) {
    if (t.shape.length !== 1 || t.shape[0] !== n) {
      throw new RangeError(`${op}: ${name} [${t.shape}], expected [${n}] for boxes [${boxes.shape}]`);
    }
  }
  if (classes !== undefined && classes.dtype !== 'int32') {
    throw new TypeError(`${op}: classes ${classes} must be int32; convert them with cast()`);
  }
  checkNumber(op, 'iouThreshold', iouThreshold, { min: 0, max: 1 });
  if (scoreThreshold !== undefined) checkNumber(op, 'scoreThreshold', scoreThreshold);
  checkInteger(op, 'maxOutputs', maxOutputs, { min: 0 });
  const rule = { iouThreshold, scoreThreshold: scoreThreshold ?? null, classes: classes ?? null, maxOutputs };
  return tidy(() => nonMaxSuppressionKernel(op, boxes, scores, rule));
}
