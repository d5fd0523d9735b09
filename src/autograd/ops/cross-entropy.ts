import { checkInteger, checkNumber, optionsOf } from '../../common/check.ts';
import { checkFloat } from '../../kernels/elementwise.ts';
import { nllLoss as nllKernel, type NllTargets } from '../../kernels/nll-loss.ts';
import { tidy } from '../../tensor/scope.ts';
import { sameShape } from '../../tensor/shape.ts';
import { checkTensor, type Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';
import { add, div, mul } from './binary.ts';
import { sum } from './broadcast.ts';
import { checkReduction, type Reduction } from './losses.ts';
import { logSoftmax } from './softmax.ts';
import { neg } from './unary.ts';
import { where } from './where.ts';

export interface NllLossOptions {
  /** Weight of each class, float32 [K]. The mean divides by the sum of the targets' weights. Default: all 1. */
  readonly weight?: Tensor;
  /** A target whose row gives 0 and does not count in the mean. Default -100, as in PyTorch. */
  readonly ignoreIndex?: number;
  /** Default `mean`; `none` returns the loss of each row. */
  readonly reduction?: Reduction;
}

export interface CrossEntropyOptions extends NllLossOptions {
  /** Fraction of the target that is spread evenly over all classes (Szegedy et al. 2015), from 0 (default) to 1. */
  readonly labelSmoothing?: number;
}

const NLL = { weight: undefined, ignoreIndex: -100, reduction: 'mean' } as const;

/**
 * Negative log-likelihood of the target classes, for log-probabilities over the last axis (PyTorch has the classes in the
 * second one). A target that is neither a class nor `ignoreIndex` gives NaN as the loss of its row, and so as the mean, but
 * no gradient. If no row counts, the mean is NaN.
 *
 * @param logProbabilities [..., K]
 * @param targets [...] int32 classes from 0 to K - 1
 * @throws RangeError or TypeError if shapes, types or options do not fit
 *
 * @example
 * const targets = tensor([0, 2], { dtype: 'int32' });
 * await nllLoss(log(tensor([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]])), targets).print();
 * // Tensor(float32 []) 0.6931
 */
export function nllLoss(logProbabilities: Tensor, targets: Tensor, options: NllLossOptions = {}): Tensor {
  const filled = optionsOf('nllLoss', options, NLL);
  const rows = rowsOf('nllLoss', logProbabilities, targets, filled);
  return tidy(() => reduceRows('nllLoss', lossOf('nllLoss', logProbabilities, rows), rows, filled.reduction));
}

/**
 * Cross entropy of a softmax over the last axis (PyTorch has the classes in the second one). A target that is neither a class
 * nor `ignoreIndex` gives NaN as the loss of its row, and so as the mean, but no gradient. If no row counts, the mean is NaN.
 *
 * @param logits [..., K]
 * @param targets [...] int32 classes from 0 to K - 1
 * @throws RangeError or TypeError if shapes, types or options do not fit
 *
 * @example
 * const logits = tensor([[2, 0, 0], [0, 0, 2]], { requiresGrad: true });
 * const loss = crossEntropy(logits, tensor([0, 1], { dtype: 'int32' }));
 * console.log((await loss.item()).toFixed(4)); // 1.2395
 * backward(loss);
 * await logits.grad.print();
 * // Tensor(float32 [2,3])
 * // [[-0.1065,  0.0533,  0.0533],
 * //  [ 0.0533, -0.4467,  0.3935]]
 */
export function crossEntropy(logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const op = 'crossEntropy';
  const { labelSmoothing, ...rest } = optionsOf(op, options, { ...NLL, labelSmoothing: 0 });
  const rows = rowsOf(op, logits, targets, rest);
  const { reduction } = rest;
  checkNumber(op, 'labelSmoothing', labelSmoothing, { min: 0, max: 1 });
  return tidy(() => {
    const logs = logSoftmax(logits);
    const loss = lossOf(op, logs, rows);
    if (labelSmoothing === 0) return reduceRows(op, loss, rows, reduction);
    const counts = nllKernel(op, 'weights', null, { ...rows, weight: null });
    const even = neg(sum(rows.weight === null ? logs : mul(logs, rows.weight), -1));
    const smooth = mul(where(counts, even, 0), labelSmoothing / rows.classes);
    return reduceRows(op, add(mul(loss, 1 - labelSmoothing), smooth), rows, reduction);
  });
}

/** Checks the arguments of a loss. */
function rowsOf(
  op: string,
  x: Tensor,
  targets: Tensor,
  {
    weight,
    ignoreIndex,
    reduction,
  }: Required<Omit<NllLossOptions, 'weight'>> & { readonly weight: Tensor | undefined },
): NllTargets {
  checkFloat(op, x);
  checkTensor(op, 'targets', targets);
  if (weight !== undefined) checkTensor(op, 'weight', weight);
  checkReduction(op, reduction);
  checkInteger(op, 'ignoreIndex', ignoreIndex, { min: -(2 ** 31), max: 2 ** 31 - 1 });
  const classes = x.shape.at(-1);
  if (classes === undefined) throw new RangeError(`${op}: ${x} has no classes, expected [..., classes]`);
  const lead = x.shape.slice(0, -1);
  if (targets.dtype !== 'int32' || !sameShape(targets.shape, lead)) {
    throw new RangeError(`${op}: targets ${targets} do not fit [${x.shape}]: expected int32 [${lead}]`);
  }
  if (weight !== undefined && (weight.dtype !== 'float32' || !sameShape(weight.shape, [classes]))) {
    throw new RangeError(`${op}: weight ${weight} does not fit [${x.shape}]: expected float32 [${classes}]`);
  }
  return { targets, weight: weight ?? null, classes, ignored: ignoreIndex };
}

/** -w[t] x[t] for each row, [...]. */
function lossOf(op: string, x: Tensor, rows: NllTargets): Tensor {
  const { targets, weight, classes, ignored } = rows;
  const loss = nllKernel(op, 'loss', x, rows);
  const backward = (dy: Tensor, [targets, weight]: readonly [Tensor, Tensor | null]) => [
    () => lossGradient(op, dy, { targets, weight, classes, ignored }),
  ];
  return record(op, loss, [x], [targets, weight], backward, { twice: true });
}

/** The gradient of `lossOf`, which is linear, so that it is the loss's own derivative in the other direction. */
function lossGradient(op: string, dy: Tensor, rows: NllTargets): Tensor {
  const { targets, weight, classes, ignored } = rows;
  const dx = nllKernel(`${op} gradient`, 'gradient', dy, rows);
  const backward = (ddy: Tensor, [targets, weight]: readonly [Tensor, Tensor | null]) => [
    () => lossOf(op, ddy, { targets, weight, classes, ignored }),
  ];
  return record(`${op} gradient`, dx, [dy], [targets, weight], backward, { twice: true });
}

function reduceRows(op: string, loss: Tensor, rows: NllTargets, reduction: Reduction): Tensor {
  if (reduction === 'none') return loss;
  const total = sum(loss);
  return reduction === 'sum' ? total : div(total, sum(nllKernel(op, 'weights', null, rows)));
}
