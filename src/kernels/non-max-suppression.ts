import { empty, type Tensor } from '../tensor/tensor.ts';
import { run } from './run.ts';
import { argsort } from './sort.ts';
import { nonMaxSuppression as nonMaxSuppressionKernel } from './wgsl/non_max_suppression.wgsl.ts';

const SIZE = 256;

export interface SuppressionRule {
  /** [N] int32, or null if all boxes are of one class. */
  readonly classes: Tensor | null;
  readonly iouThreshold: number;
  /** Null if every score will do. */
  readonly scoreThreshold: number | null;
  readonly maxOutputs: number;
}

/** Picks boxes [N, 4] by their scores [N]. See non_max_suppression.wgsl. */
export function nonMaxSuppression(
  op: string,
  boxes: Tensor,
  scores: Tensor,
  { classes, iouThreshold, scoreThreshold, maxOutputs }: SuppressionRule,
): { readonly indices: Tensor<'int32'>; readonly count: Tensor<'int32'> } {
  const { device } = boxes;
  const order = argsort(op, scores, 0, true, scores.size);
  const indices = empty(device, [maxOutputs], 'int32', op);
  const count = empty(device, [1], 'int32', op);
  run(device, nonMaxSuppressionKernel, {
    op,
    consts: { SIZE, CLASSES: classes !== null, THRESHOLD: scoreThreshold !== null },
    bind: { boxes, scores, classes: classes ?? scores, order, picks: indices, count },
    params: {
      boxes: scores.size,
      maximum: maxOutputs,
      limit: floor32(iouThreshold),
      threshold: floor32(scoreThreshold ?? 0),
    },
    groups: [1],
  });
  return { indices, count };
}

const words = new Float32Array(1);
const bits = new Int32Array(words.buffer);

/** The largest float32 that is not above a number: a float32 is above one exactly if it is above the other. */
function floor32(value: number): number {
  words[0] = value;
  // The next float32 towards -Infinity has the next lower bits, or the next higher ones if it is negative.
  if (words[0] > value) bits[0]! += words[0] > 0 ? -1 : 1;
  return words[0];
}
