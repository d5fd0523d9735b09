import { binary, checkFloat, unary } from '../../kernels/elementwise.ts';
import { reduce } from '../../kernels/reduce.ts';
import { tidy } from '../../tensor/scope.ts';
import { normalizeAxis } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';
import { mul, sub } from './binary.ts';
import { sum } from './broadcast.ts';
import { exp } from './unary.ts';

/** x minus its largest element along the axis, so that no exponential overflows. */
function shifted(op: string, x: Tensor, axis: number): { values: Tensor; axis: number } {
  checkFloat(op, x);
  const at = normalizeAxis(op, axis, x.shape.length);
  if (x.size === 0) return { values: x.alias(x.shape), axis: at };
  return { values: binary('sub', x, reduce('max', x, at, true)), axis: at };
}

/**
 * exp(x) / sum of exp(x) along an axis (default the last), for values of any size.
 *
 * @example
 * await softmax(tensor([[1, 2, 3], [1000, 1000, 1000]])).print();
 * // Tensor(float32 [2,3])
 * // [[0.0900, 0.2447, 0.6652],
 * //  [0.3333, 0.3333, 0.3333]]
 */
export function softmax(x: Tensor, axis = -1): Tensor {
  const y = tidy(() => {
    const { values, axis: at } = shifted('softmax', x, axis);
    const e = unary('exp', values);
    return binary('div', e, reduce('sum', e, at, true));
  });
  const backward = (dy: Tensor, [y]: readonly [Tensor]) => [
    () => mul(y, sub(dy, sum(mul(dy, y), axis, { keepDims: true }))),
  ];
  return record('softmax', y, [x], [y], backward, { twice: true });
}

/**
 * Logarithm of softmax along an axis (default the last), without the loss of precision of taking it afterwards.
 *
 * @example
 * await logSoftmax(tensor([0, 0, 100])).print(); // Tensor(float32 [3]) [-100., -100.,    0.]
 */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  const y = tidy(() => {
    const { values, axis: at } = shifted('logSoftmax', x, axis);
    return binary('sub', values, unary('log', reduce('sum', unary('exp', values), at, true)));
  });
  const backward = (dy: Tensor, [y]: readonly [Tensor]) => [
    () => sub(dy, mul(exp(y), sum(dy, axis, { keepDims: true }))),
  ];
  return record('logSoftmax', y, [x], [y], backward, { twice: true });
}
