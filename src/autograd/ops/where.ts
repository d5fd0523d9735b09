import { gatherStrided } from '../../kernels/copy.ts';
import { fill, where as whereKernel } from '../../kernels/elementwise.ts';
import { tidy } from '../../tensor/scope.ts';
import { broadcastShapes, broadcastStrides, sameShape, type Shape } from '../../tensor/shape.ts';
import { checkTensor, empty, type Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';
import { sumTo } from './broadcast.ts';

/**
 * a where the condition's element is not 0, otherwise b, with broadcasting; a and b may be numbers. The gradient of the
 * one that is not chosen is 0.
 *
 * @example
 * const x = tensor([-1, 0, 2]);
 * await where(greater(x, 0), x, mul(x, 0.1)).print(); // Tensor(float32 [3]) [-0.1000,  0.0000,  2.0000]
 */
export function where(condition: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  checkTensor('where', 'the condition', condition);
  for (const value of [a, b]) {
    if (typeof value !== 'number') checkTensor('where', 'a choice', value, 'a tensor or a number');
  }
  const like = typeof a === 'number' ? (typeof b === 'number' ? null : b) : a;
  const dtype = like?.dtype ?? 'float32';
  if (typeof a !== 'number' && typeof b !== 'number' && a.dtype !== b.dtype) {
    throw new TypeError(`where: ${a} and ${b} have different types; convert one with cast()`);
  }
  const [aShape, bShape] = [a, b].map((v): Shape => (typeof v === 'number' ? [] : v.shape)) as [Shape, Shape];
  const shape = broadcastShapes('where', broadcastShapes('where', condition.shape, aShape), bShape);
  const stretched = (t: Tensor): Tensor =>
    sameShape(t.shape, shape)
      ? t
      : gatherStrided('where', t, { start: 0, strides: broadcastStrides(t.shape, shape) }, shape);
  const whole = (v: Tensor | number): Tensor => {
    if (typeof v !== 'number') return stretched(v);
    const t = empty(condition.device, shape, dtype, 'where');
    fill(t, v, 0, 'where');
    return t;
  };
  const y = tidy(() => whereKernel(stretched(condition), whole(a), whole(b)));
  const tensorOf = (v: Tensor | number): Tensor | null => (typeof v === 'number' ? null : v);
  const backward = (dy: Tensor, [c]: readonly [Tensor]) => [
    null,
    () => sumTo(where(c, dy, 0), aShape),
    () => sumTo(where(c, 0, dy), bShape),
  ];
  return record('where', y, [condition, tensorOf(a), tensorOf(b)], [condition], backward, { twice: true });
}
