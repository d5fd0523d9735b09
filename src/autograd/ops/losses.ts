import { focalLoss } from '../../kernels/focal-loss.ts';
import { checkFloat, fill } from '../../kernels/elementwise.ts';
import { sameShape } from '../../tensor/shape.ts';
import { empty, type Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';
import { add, div, equal, maximum, minimum, mul, sub } from './binary.ts';
import { mean, sum } from './reduce.ts';
import { reshape, slice } from './shape.ts';
import { logSoftmax } from './softmax.ts';
import { neg, softplus } from './unary.ts';
import { where } from './where.ts';

/** How the losses of all elements become one number. */
export type Reduction = 'none' | 'sum' | 'mean';

function reduced(loss: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return loss;
  return reduction === 'sum' ? sum(loss) : mean(loss);
}

export interface FocalLossOptions {
  /** Weight of the target class; that of the others is 1 - alpha. Negative: no weighting. Default 0.25. */
  readonly alpha?: number;
  /** How strongly well-classified elements are down-weighted. Default 2; 0 gives the binary cross entropy. */
  readonly gamma?: number;
}

/**
 * Focal loss (Lin et al. 2017) of independent sigmoid classifiers, element by element.
 *
 * @param logits [..., K]
 * @param targets [...] int32: the class from 0 to K - 1, -1 for background (BACKGROUND), or -2 to ignore the row (IGNORED)
 * @returns [..., K]
 */
export function sigmoidFocalLoss(
  logits: Tensor,
  targets: Tensor,
  { alpha = 0.25, gamma = 2 }: FocalLossOptions = {},
): Tensor {
  checkFloat('sigmoidFocalLoss', logits);
  if (targets.dtype !== 'int32' || !sameShape(targets.shape, logits.shape.slice(0, -1))) {
    throw new RangeError(
      `sigmoidFocalLoss: targets ${targets} do not fit logits [${logits.shape}]: expected int32 [${logits.shape.slice(0, -1)}]`,
    );
  }
  const loss = focalLoss(logits, targets, alpha, gamma, null);
  return record('sigmoidFocalLoss', loss, [logits], [logits, targets], (dy, [logits, targets]) => [
    () => focalLoss(logits, targets, alpha, gamma, dy),
  ]);
}

/** Binary cross entropy of logits against probabilities of the same shape, stable for any logit. Default: the mean. */
export function bceWithLogits(
  logits: Tensor,
  targets: Tensor,
  { reduction = 'mean' }: { readonly reduction?: Reduction } = {},
): Tensor {
  return reduced(sub(softplus(logits), mul(logits, targets)), reduction);
}

/**
 * Cross entropy of a softmax over the last axis.
 *
 * @param logits [..., K]
 * @param targets [...] int32 classes from 0 to K - 1
 * @param options.reduction default `mean`
 */
export function crossEntropy(
  logits: Tensor,
  targets: Tensor,
  { reduction = 'mean' }: { readonly reduction?: Reduction } = {},
): Tensor {
  const lead = logits.shape.slice(0, -1);
  if (targets.dtype !== 'int32' || !sameShape(targets.shape, lead)) {
    throw new RangeError(
      `crossEntropy: targets ${targets} do not fit logits [${logits.shape}]: expected int32 [${lead}]`,
    );
  }
  const classes = empty(logits.device, [logits.shape.at(-1)!], 'int32', 'crossEntropy');
  fill(classes, 0, 1);
  const chosen = equal(reshape(targets, [...lead, 1]), classes);
  return reduced(neg(sum(where(chosen, logSoftmax(logits), 0), -1)), reduction);
}

/**
 * Generalised IoU loss (Rezatofighi et al. 2019), 1 - GIoU, of pairs of boxes. The eps is torchvision's.
 *
 * @param a [..., 4]: x1, y1, x2, y2
 * @param b the same shape
 * @returns [...]
 */
export function giouLoss(a: Tensor, b: Tensor, { eps = 1e-7 }: { readonly eps?: number } = {}): Tensor {
  if (!sameShape(a.shape, b.shape) || a.shape.at(-1) !== 4) {
    throw new RangeError(`giouLoss: boxes [${a.shape}] and [${b.shape}] do not fit: expected two of [..., 4]`);
  }
  const [ax1, ay1, ax2, ay2] = corners(a);
  const [bx1, by1, bx2, by2] = corners(b);
  const width = sub(minimum(ax2, bx2), maximum(ax1, bx1));
  const height = sub(minimum(ay2, by2), maximum(ay1, by1));
  const intersection = mul(maximum(width, 0), maximum(height, 0));
  const union = sub(add(mul(sub(ax2, ax1), sub(ay2, ay1)), mul(sub(bx2, bx1), sub(by2, by1))), intersection);
  const hull = mul(sub(maximum(ax2, bx2), minimum(ax1, bx1)), sub(maximum(ay2, by2), minimum(ay1, by1)));
  const iou = div(intersection, add(union, eps));
  const giou = sub(iou, div(sub(hull, union), add(hull, eps)));
  return sub(1, giou);
}

/** The four coordinates of boxes [..., 4], each [...]. */
export function corners(boxes: Tensor): [Tensor, Tensor, Tensor, Tensor] {
  const lead = boxes.shape.slice(0, -1);
  const pick = (i: number): Tensor => {
    const starts = [...lead.map(() => 0), i];
    return reshape(slice(boxes, starts, [...lead, 1]), lead);
  };
  return [pick(0), pick(1), pick(2), pick(3)];
}
