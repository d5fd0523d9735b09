import { checkNumber, described, optionsOf } from '../../common/check.ts';
import { cumsum as cumsumKernel } from '../../kernels/cumsum.ts';
import { binary, checkFloat, fill } from '../../kernels/elementwise.ts';
import { reduce, reducedShape, type Axes } from '../../kernels/reduce.ts';
import type { DType } from '../../tensor/dtype.ts';
import { tidy } from '../../tensor/scope.ts';
import { normalizeAxis, sizeOf } from '../../tensor/shape.ts';
import { checkTensor, empty, type Tensor } from '../../tensor/tensor.ts';
import { noGrad, record } from '../tape.ts';
import { separate } from './axes.ts';
import { add, div, equal, mul, sub } from './binary.ts';
import { checkReduction, sum, type ReduceOptions } from './broadcast.ts';
import { cast } from './cast.ts';
import { max } from './reduce.ts';
import { concat, reshape, slice } from './shape.ts';
import { abs, exp, isFinite, log, sqrt, square } from './unary.ts';
import { where } from './where.ts';

// Reductions that are composed of others, and sums along an axis that keep it.

/** Number of elements that a reduction takes together. */
const countOf = (op: string, x: Tensor, axes: Axes): number =>
  sizeOf(reducedShape(op, x.shape, axes).axes.map((axis) => x.shape[axis]!));

export interface VarianceOptions extends ReduceOptions {
  /** The sum of squares is divided by the number of elements minus this (Bessel's correction). Default 1. */
  readonly correction?: number;
}

/**
 * Variance over some axes, or over all: the sum of squared distances from the mean, divided by n - correction. As in
 * PyTorch's var, it is NaN for one element with the default correction, and for none.
 *
 * @example
 * const x = tensor([1, 2, 3, 4]);
 * console.log(await variance(x, 0, { correction: 0 }).item()); // 1.25
 * await variance(x).print(); // Tensor(float32 []) 1.6667
 */
export function variance(x: Tensor, axes?: Axes, options: VarianceOptions = {}): Tensor {
  return varianceOf('variance', x, axes, options);
}

function varianceOf(op: string, x: Tensor, axes: Axes, options: VarianceOptions): Tensor {
  checkTensor(op, 'x', x);
  const { correction, keepDims } = optionsOf(op, options, { correction: 1, keepDims: false });
  checkFloat(op, x);
  checkNumber(op, 'correction', correction, { finite: true });
  const count = countOf(op, x, axes);
  const { kept } = reducedShape(op, x.shape, axes);
  const average = (x: Tensor): Tensor => div(sum(x, axes, { keepDims: true }), Math.max(count, 1));
  const distance = (x: Tensor): Tensor => {
    const distances = sub(x, average(x));
    // The average of these is what the mean was rounded by. Without it, equal elements are at distance 0.
    const error = average(distances);
    return sub(distances, where(isFinite(error), error, 0));
  };
  const y = noGrad(() =>
    tidy(() => div(sum(square(distance(x)), axes, { keepDims }), Math.max(count - correction, 0))),
  );
  // Not through the mean, as in PyTorch: its part is 0, but would be NaN where an element is infinite.
  const backward = (dy: Tensor, [x]: readonly [Tensor]) => [
    () => mul(mul(reshape(dy, kept), 2 / (count - correction)), distance(x)),
  ];
  return record(op, y, [x], [x], backward, { twice: true });
}

/**
 * Square root of `variance`. The gradient of equal elements is 0, as in PyTorch.
 *
 * @example
 * await std(tensor([1, 2, 3, 4])).print(); // Tensor(float32 []) 1.2910
 */
export function std(x: Tensor, axes?: Axes, options: VarianceOptions = {}): Tensor {
  return tidy(() => root(varianceOf('std', x, axes, options)));
}

/** The square root, with gradient 0 at 0. */
function root(x: Tensor): Tensor {
  const isZero = equal(x, 0);
  return where(isZero, 0, sqrt(where(isZero, 1, x)));
}

export interface NormOptions extends ReduceOptions {
  /** 2 for the Euclidean norm, 1 for the sum of magnitudes, Infinity for the largest magnitude. Default 2. */
  readonly p?: number;
}

/**
 * Norm of the vectors along some axes, or of all elements. The gradient of the Euclidean norm at 0 is 0, as in PyTorch.
 *
 * @example
 * const x = tensor([[3, 4], [-6, 8]]);
 * await norm(x, 1).print(); // Tensor(float32 [2]) [ 5., 10.]
 * await norm(x, 1, { p: 1 }).print(); // Tensor(float32 [2]) [ 7., 14.]
 */
export function norm(x: Tensor, axes?: Axes, options: NormOptions = {}): Tensor {
  checkTensor('norm', 'x', x);
  const { p, keepDims } = optionsOf('norm', options, { p: 2, keepDims: false });
  checkFloat('norm', x);
  if (p !== 1 && p !== 2 && p !== Infinity) {
    throw new RangeError(`norm: p is ${described(p)}, expected one of 1, 2, Infinity`);
  }
  const { axes: list } = reducedShape('norm', x.shape, axes);
  if (p === Infinity && countOf('norm', x, axes) === 0) {
    throw new RangeError(`norm: [${x.shape}] has no elements along axes [${list}]`);
  }
  return tidy(() => {
    if (p === 2) return root(sum(square(x), axes, { keepDims }));
    return p === 1 ? sum(abs(x), axes, { keepDims }) : max(abs(x), axes, { keepDims });
  });
}

/**
 * Logarithm of the sum of exponentials over some axes, or over all, without overflow. It is -Infinity over no elements and
 * where all are -Infinity, which then get gradient 0.
 *
 * @example
 * await logSumExp(tensor([1000, 1000])).print(); // Tensor(float32 []) 1000.6932
 */
export function logSumExp(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const keepDims = checkReduction('logSumExp', x, options);
  checkFloat('logSumExp', x);
  const isEmpty = countOf('logSumExp', x, axes) === 0;
  return tidy(() => {
    // Where to shift x to does not change the result, so that no gradient flows through the shift.
    const shift = noGrad(() => {
      if (isEmpty) return 0;
      const largest = max(x, axes, { keepDims: true });
      return where(isFinite(largest), largest, 0);
    });
    const total = sum(exp(sub(x, shift)), axes, { keepDims: true });
    const isZero = equal(total, 0);
    const y = where(isZero, -Infinity, add(log(where(isZero, 1, total)), shift));
    return keepDims ? y : reshape(y, reducedShape('logSumExp', x.shape, axes).dropped);
  });
}

/**
 * Product over some axes, or over all; 1 over no elements. Pairs are multiplied, then pairs of products, and so on, so that
 * the gradient is right where elements are 0. The product of bools is int32.
 *
 * @example
 * await prod(tensor([[1, 2], [3, 4]]), 1).print(); // Tensor(float32 [2]) [ 2., 12.]
 */
export function prod(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const keepDims = checkReduction('prod', x, options);
  const { kept, dropped, axes: list } = reducedShape('prod', x.shape, axes);
  return tidy(() => {
    let y: Tensor = x.dtype === 'bool' ? cast(x, 'int32') : x;
    if (list.length === x.shape.length) y = reshape(y, [x.size]);
    for (const axis of list.length === x.shape.length ? [0] : list) y = prodAlong(y, axis);
    return separate(reshape(y, keepDims ? kept : dropped), [x]);
  });
}

function prodAlong(x: Tensor, axis: number): Tensor {
  const part = (y: Tensor, start: number, count: number): Tensor =>
    slice(
      y,
      y.shape.map((_, d) => (d === axis ? start : 0)),
      y.shape.map((extent, d) => (d === axis ? count : extent)),
    );
  let y = x;
  for (let count = x.shape[axis]!; count > 1; count = y.shape[axis]!) {
    const half = count >> 1;
    const products = mul(part(y, 0, half), part(y, half, half));
    y = count % 2 === 0 ? products : concat([products, part(y, count - 1, 1)], axis);
  }
  return x.shape[axis] === 0 ? add(sum(x, axis, { keepDims: true }), 1) : y;
}

/**
 * Sums of the elements up to and including each one along an axis. Blocks of 64 are added in order, each starting with the
 * sum of those before it. The sums of bools are int32.
 *
 * @example
 * await cumsum(tensor([1, 2, 3, 4]), 0).print(); // Tensor(float32 [4]) [ 1.,  3.,  6., 10.]
 */
export function cumsum<D extends DType>(x: Tensor<D>, axis: number): Tensor<D extends 'bool' ? 'int32' : D> {
  checkTensor('cumsum', 'x', x);
  const at = normalizeAxis('cumsum', axis, x.shape.length);
  const sums = x.dtype === 'bool' ? tidy(() => running(cast(x, 'int32'), at, false)) : running(x, at, false);
  return sums as Tensor<D extends 'bool' ? 'int32' : D>;
}

/** Cumulative sums from the start, or in reverse from the end; each is the derivative of the other. */
function running(x: Tensor, axis: number, reverse: boolean): Tensor {
  const backward = (dy: Tensor) => [() => running(dy, axis, !reverse)];
  return record('cumsum', cumsumKernel('cumsum', x, axis, reverse), [x], [], backward, { twice: true });
}

/**
 * Whether any element along some axes, or of all, is not 0, as bool; false over no elements. A NaN is not 0.
 *
 * @example
 * await any(tensor([[0, 1], [0, 0]]), 1).print(); // Tensor(bool [2]) [ true, false]
 */
export const any = (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor<'bool'> =>
  truth('any', x, axes, options);

/**
 * Whether all elements along some axes, or all of x, are not 0, as bool; true over no elements. A NaN is not 0.
 *
 * @example
 * await all(tensor([[1, 2], [3, 0]]), 1).print(); // Tensor(bool [2]) [ true, false]
 */
export const all = (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor<'bool'> =>
  truth('all', x, axes, options);

function truth(op: 'any' | 'all', x: Tensor, axes: Axes, options: ReduceOptions): Tensor<'bool'> {
  const keepDims = checkReduction(op, x, options);
  const { kept, dropped } = reducedShape(op, x.shape, axes);
  if (countOf(op, x, axes) === 0) {
    const y = empty(x.device, keepDims ? kept : dropped, 'bool', op);
    fill(y, op === 'all' ? 1 : 0);
    return y;
  }
  return tidy(() => {
    const isSet = x.dtype === 'bool' ? x : binary('notEqual', x, 0);
    return reduce(op === 'any' ? 'max' : 'min', isSet, axes, keepDims) as Tensor<'bool'>;
  });
}
