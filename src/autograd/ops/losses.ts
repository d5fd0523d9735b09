import { checkChoice, checkNumber, optionsOf } from '../../common/check.ts';
import { focalLoss } from '../../kernels/focal-loss.ts';
import { checkFloat } from '../../kernels/elementwise.ts';
import { tidy } from '../../tensor/scope.ts';
import { broadcastShapes, sameShape } from '../../tensor/shape.ts';
import { checkTensor, type Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';
import { add, div, maximum, minimum, mul, smoothL1, sub, type Operand } from './binary.ts';
import { sum } from './broadcast.ts';
import { mean } from './reduce.ts';
import { reshape, slice } from './shape.ts';
import { abs, neg, softplus, square } from './unary.ts';

/** How the losses of all elements become one number. */
export type Reduction = 'none' | 'sum' | 'mean';

/** Options of a loss of two tensors. */
export interface LossOptions {
  /** Default `mean`; `none` returns the loss of each element. The mean of no elements is NaN. */
  readonly reduction?: Reduction;
}

export function checkReduction(op: string, reduction: Reduction): void {
  checkChoice(op, 'reduction', reduction, ['none', 'sum', 'mean']);
}

function reduced(loss: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return loss;
  if (reduction === 'sum') return sum(loss);
  return loss.size > 0 ? mean(loss) : mul(sum(loss), NaN);
}

/** The loss of each pair of elements of two float32 tensors of one shape, reduced. Nothing else that it makes is left. */
function pairLoss(op: string, a: Tensor, b: Tensor, reduction: Reduction, loss: () => Tensor): Tensor {
  checkFloat(op, a, b);
  checkReduction(op, reduction);
  if (!sameShape(a.shape, b.shape)) {
    throw new RangeError(`${op}: shapes [${a.shape}] and [${b.shape}] differ, expected the same shape`);
  }
  return tidy(() => reduced(loss(), reduction));
}

const MEAN = { reduction: 'mean' } as const;

/**
 * Squared differences of two tensors of one shape.
 *
 * @throws RangeError or TypeError if shapes, types or options do not fit; so do all losses below
 *
 * @example
 * console.log(await mseLoss(tensor([1, 2]), tensor([2, 4])).item()); // 2.5
 */
export function mseLoss(a: Tensor, b: Tensor, options: LossOptions = {}): Tensor {
  const { reduction } = optionsOf('mseLoss', options, MEAN);
  return pairLoss('mseLoss', a, b, reduction, () => square(sub(a, b)));
}

/**
 * Absolute differences of two tensors of one shape.
 *
 * @example
 * console.log(await l1Loss(tensor([1, 2]), tensor([2, 4])).item()); // 1.5
 */
export function l1Loss(a: Tensor, b: Tensor, options: LossOptions = {}): Tensor {
  const { reduction } = optionsOf('l1Loss', options, MEAN);
  return pairLoss('l1Loss', a, b, reduction, () => abs(sub(a, b)));
}

/**
 * Smooth L1 loss (Girshick, Fast R-CNN, equation 3) of two tensors of one shape: 0.5 d^2 / beta where |d| < beta, otherwise
 * |d| - 0.5 beta.
 *
 * @param options.beta difference at which the loss changes from quadratic to linear, >= 0; default 1
 *
 * @example
 * await smoothL1Loss(tensor([0.5, 3]), zeros([2]), { reduction: 'none' }).print();
 * // Tensor(float32 [2]) [0.1250, 2.5000]
 */
export function smoothL1Loss(a: Tensor, b: Tensor, options: LossOptions & { readonly beta?: number } = {}): Tensor {
  const { reduction, beta } = optionsOf('smoothL1Loss', options, { ...MEAN, beta: 1 });
  checkNumber('smoothL1Loss', 'beta', beta, { min: 0, finite: true });
  return pairLoss('smoothL1Loss', a, b, reduction, () => smoothL1(a, b, { beta }));
}

/**
 * Huber loss (Huber 1964) of two tensors of one shape: 0.5 d^2 where |d| < delta, otherwise delta (|d| - 0.5 delta).
 *
 * @param options.delta difference at which the loss changes from quadratic to linear, > 0; default 1
 *
 * @example
 * await huberLoss(tensor([0.5, 3]), zeros([2]), { delta: 2, reduction: 'none' }).print();
 * // Tensor(float32 [2]) [0.1250, 4.0000]
 */
export function huberLoss(a: Tensor, b: Tensor, options: LossOptions & { readonly delta?: number } = {}): Tensor {
  const { reduction, delta } = optionsOf('huberLoss', options, { ...MEAN, delta: 1 });
  checkNumber('huberLoss', 'delta', delta, { above: 0, below: Infinity });
  return pairLoss('huberLoss', a, b, reduction, () => mul(smoothL1(a, b, { beta: delta }), delta));
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
 * @param targets [...] int32: the class from 0 to K - 1, -1 for background (BACKGROUND), or -2 to ignore the row (IGNORED). Any
 *   other target, which is only known on the GPU, gives NaN and no gradient
 * @returns [..., K]
 *
 * @example
 * const logits = tensor([[2, -2], [-2, -2], [0, 0]]);
 * const targets = tensor([0, BACKGROUND, IGNORED], { dtype: 'int32' });
 * await sigmoidFocalLoss(logits, targets).print();
 * // Tensor(float32 [3,2])
 * // [[0.0005, 0.0014],
 * //  [0.0014, 0.0014],
 * //  [0.0000, 0.0000]]
 */
export function sigmoidFocalLoss(logits: Tensor, targets: Tensor, options: FocalLossOptions = {}): Tensor {
  checkFloat('sigmoidFocalLoss', logits);
  checkTensor('sigmoidFocalLoss', 'targets', targets);
  const { alpha, gamma } = optionsOf('sigmoidFocalLoss', options, { alpha: 0.25, gamma: 2 });
  checkNumber('sigmoidFocalLoss', 'alpha', alpha, { max: 1, finite: true });
  checkNumber('sigmoidFocalLoss', 'gamma', gamma, { min: 0, finite: true });
  if (logits.shape.length === 0) throw new RangeError('sigmoidFocalLoss: [] has no classes, expected [..., classes]');
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

export interface BceOptions extends LossOptions {
  /** Factor on the loss of the positive part, for example negatives / positives; broadcast to the logits. Default 1. */
  readonly posWeight?: Operand;
  /** Factor on the loss of each element, broadcast to the logits. Default 1. */
  readonly weight?: Operand;
}

/**
 * Binary cross entropy of logits x against probabilities y of the same shape, stable for any logit:
 *
 *     posWeight y log(1 + exp(-x)) + (1 - y) log(1 + exp(x))
 *
 * @example
 * const loss = bceWithLogits(tensor([2, -3]), tensor([1, 0]), { reduction: 'none' });
 * await loss.print(); // Tensor(float32 [2]) [0.1269, 0.0486]
 */
export function bceWithLogits(logits: Tensor, targets: Tensor, options: BceOptions = {}): Tensor {
  const op = 'bceWithLogits';
  const { reduction, posWeight, weight } = optionsOf(op, options, { ...MEAN, posWeight: 1, weight: 1 });
  checkFloat(op, logits);
  checkFactor(op, 'posWeight', posWeight, logits);
  checkFactor(op, 'weight', weight, logits);
  const times = (x: Tensor, factor: Operand): Tensor => (factor === 1 ? x : mul(x, factor));
  return pairLoss(op, logits, targets, reduction, () => {
    const positive = mul(times(targets, posWeight), softplus(neg(logits)));
    return times(add(positive, mul(sub(1, targets), softplus(logits))), weight);
  });
}

/** Throws unless a factor is a finite number, or a float32 tensor that broadcasts to x. */
function checkFactor(op: string, name: string, factor: Operand, x: Tensor): void {
  if (typeof factor === 'number') {
    checkNumber(op, name, factor, { finite: true });
    return;
  }
  checkFloat(op, factor);
  if (!sameShape(broadcastShapes(op, factor.shape, x.shape), x.shape)) {
    throw new RangeError(`${op}: ${name} [${factor.shape}] does not broadcast to [${x.shape}]`);
  }
}

/**
 * Generalised IoU loss (Rezatofighi et al. 2019), 1 - GIoU, of pairs of boxes. The eps is torchvision's.
 *
 * @param a [..., 4]: x1, y1, x2, y2
 * @param b the same shape
 * @returns [...]
 *
 * @example
 * const a = tensor([[0, 0, 10, 10], [0, 0, 10, 10]]);
 * const b = tensor([[0, 0, 10, 10], [20, 0, 30, 10]]);
 * await giouLoss(a, b).print(); // Tensor(float32 [2]) [0.0000, 1.3333]
 */
export function giouLoss(a: Tensor, b: Tensor, options: { readonly eps?: number } = {}): Tensor {
  checkFloat('giouLoss', a, b);
  const { eps } = optionsOf('giouLoss', options, { eps: 1e-7 });
  checkNumber('giouLoss', 'eps', eps, { min: 0, finite: true });
  if (!sameShape(a.shape, b.shape) || a.shape.at(-1) !== 4) {
    throw new RangeError(`giouLoss: boxes [${a.shape}] and [${b.shape}] do not fit: expected two of [..., 4]`);
  }
  return tidy(() => {
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
  });
}

/** The four coordinates of boxes [..., 4], each [...]. */
export function corners(boxes: Tensor): [Tensor, Tensor, Tensor, Tensor] {
  const lead = boxes.shape.slice(0, -1);
  const pick = (i: number): Tensor => {
    const starts = [...lead.map(() => 0), i];
    return tidy(() => reshape(slice(boxes, starts, [...lead, 1]), lead));
  };
  return [pick(0), pick(1), pick(2), pick(3)];
}
