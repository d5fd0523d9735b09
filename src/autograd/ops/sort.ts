import { checkInteger, optionsOf } from '../../common/check.ts';
import { argsort as argsortKernel } from '../../kernels/sort.ts';
import type { DType } from '../../tensor/dtype.ts';
import { normalizeAxis } from '../../tensor/shape.ts';
import { recordComparison } from '../tape.ts';
import { checkTensor, type Tensor } from '../../tensor/tensor.ts';
import { takeAlong } from './gather.ts';

export interface SortOptions {
  /** Largest first. Equal elements keep their order all the same. Default false. */
  readonly descending?: boolean;
}

/** Elements in order, with the positions along the axis that they had. */
export interface Sorted<D extends DType = DType> {
  readonly values: Tensor<D>;
  readonly indices: Tensor<'int32'>;
}

/**
 * Sorts along an axis (default the last). Equal elements keep their order (a stable sort); a NaN counts as larger than any
 * number, as in PyTorch, and -0 equals 0. Gradients flow through the values.
 *
 * For n elements along the axis, each takes part in about log2(n / 32) passes of log2(n) steps.
 *
 * @returns values and their former positions, int32, both of x's shape
 *
 * @example
 * const { values, indices } = sort(tensor([3, 1, 2]), -1, { descending: true });
 * await values.print(); // Tensor(float32 [3]) [3., 2., 1.]
 * await indices.print(); // Tensor(int32 [3]) [0, 2, 1]
 */
export function sort<D extends DType>(x: Tensor<D>, axis = -1, options: SortOptions = {}): Sorted<D> {
  const indices = order('sort', x, axis, options);
  return { values: takeAlong('sort', x, indices, axis, true), indices };
}

/**
 * The positions along an axis (default the last), int32, that `sort` gives: `takeAlongAxis` with them sorts x.
 *
 * @example
 * await argsort(tensor([3, 1, 2])).print(); // Tensor(int32 [3]) [1, 2, 0]
 */
export function argsort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor<'int32'> {
  return order('argsort', x, axis, options);
}

function order(op: string, x: Tensor, axis: number, options: SortOptions): Tensor<'int32'> {
  checkTensor(op, 'x', x);
  const { descending } = optionsOf(op, options, { descending: false });
  const at = normalizeAxis(op, axis, x.shape.length);
  recordComparison(x);
  return argsortKernel(op, x, at, descending, x.shape[at]!);
}

export interface TopKOptions {
  /** Default the last. */
  readonly axis?: number;
  /** False for the k smallest elements, in ascending order. Default true. */
  readonly largest?: boolean;
}

/**
 * The k largest elements along an axis in descending order, or the k smallest in ascending order; the first of equals comes
 * first, and a NaN counts as larger than any number. Gradients flow through the values. Costs what `sort` does for rows of
 * k elements, besides reading x.
 *
 * @returns values and their positions along the axis, int32; the axis has extent k
 *
 * @example
 * const { values, indices } = topK(tensor([3, 9, 1, 7]), 2);
 * await values.print(); // Tensor(float32 [2]) [9., 7.]
 * await indices.print(); // Tensor(int32 [2]) [1, 3]
 */
export function topK<D extends DType>(x: Tensor<D>, k: number, options: TopKOptions = {}): Sorted<D> {
  checkTensor('topK', 'x', x);
  const { axis, largest } = optionsOf('topK', options, { axis: -1, largest: true });
  const at = normalizeAxis('topK', axis, x.shape.length);
  checkInteger('topK', 'k', k, { min: 0, max: x.shape[at]! });
  const indices = argsortKernel('topK', x, at, largest, k);
  return { values: takeAlong('topK', x, indices, at, true), indices };
}
