import { where as whereKernel, fill } from '../../kernels/elementwise.ts';
import { sumTo } from '../../kernels/reduce.ts';
import { broadcastShapes, type Shape } from '../../tensor/shape.ts';
import { empty, type Tensor } from '../../tensor/tensor.ts';
import { noGrad, record } from '../tape.ts';
import { broadcastTo } from './shape.ts';
import type { Operand } from './binary.ts';
import { tidy } from '../../tensor/scope.ts';

/** a where the condition's element is not 0, otherwise b, with broadcasting; a and b may be numbers. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const like = typeof a === 'number' ? (typeof b === 'number' ? null : b) : a;
  const dtype = like?.dtype ?? 'float32';
  if (typeof a !== 'number' && typeof b !== 'number' && a.dtype !== b.dtype) {
    throw new TypeError(`where: ${a} and ${b} have different types; convert one with cast()`);
  }
  const [aShape, bShape] = [a, b].map((v): Shape => (typeof v === 'number' ? [] : v.shape)) as [Shape, Shape];
  const shape = broadcastShapes('where', broadcastShapes('where', condition.shape, aShape), bShape);
  const filled = (value: number, s: Shape): Tensor => {
    const t = empty(condition.device, s, dtype, 'where');
    fill(t, value);
    return t;
  };
  const select = (c: Tensor, x: Operand, z: Operand): Tensor =>
    noGrad(() =>
      tidy(() => {
        const full = (v: Operand): Tensor => (typeof v === 'number' ? filled(v, shape) : broadcastTo(v, shape));
        return whereKernel(broadcastTo(c, shape), full(x), full(z));
      }),
    );
  const tensorOf = (v: Operand): Tensor | null => (typeof v === 'number' ? null : v);
  return record('where', select(condition, a, b), [condition, tensorOf(a), tensorOf(b)], [condition], (dy, [c]) => [
    null,
    () => sumTo(select(c, dy, 0), aShape),
    () => sumTo(select(c, 0, dy), bShape),
  ]);
}
