import { binary } from '../../kernels/elementwise.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { isRecording } from '../tape.ts';
import { add, differentiable, div, mul, sub, type Operand } from './binary.ts';
import { log, square } from './unary.ts';
import { where } from './where.ts';

/**
 * a to the power b, with the special values of C: pow(a, 0) and pow(1, b) are 1 even for NaN. For negative a the result is
 * NaN unless b is an integer. Exponents that are integers from -64 to 64 multiply, so that small powers are exact.
 *
 * The gradient of a is 0 where b = 0. That of b is pow(a, b) log(a): NaN for negative a, and 0 where a = 0 and b >= 0.
 *
 * @example
 * await pow(tensor([1, 2, 3]), 2).print(); // Tensor(float32 [3]) [1., 4., 9.]
 * await pow(2, tensor([-1, 0.5, 3])).print(); // Tensor(float32 [3]) [0.5000, 1.4142, 8.0000]
 */
export const pow = (a: Operand, b: Operand): Tensor =>
  differentiable(
    'pow',
    a,
    b,
    true,
    (dy, [x, z]) => (isRecording() ? baseGradient(dy, x, z) : mul(dy, binary('powGradBase', x, z))),
    (dy, [x, z]) => (isRecording() ? exponentGradient(dy, x, z) : mul(dy, binary('powGradExponent', x, z))),
  );

/** dy b pow(a, b - 1) in recorded operations. */
function baseGradient(dy: Tensor, a: Operand, b: Operand): Tensor {
  if (typeof b === 'number') return b === 0 ? mul(dy, 0) : mul(mul(dy, b), pow(a, b - 1));
  return where(b, mul(mul(dy, b), pow(a, sub(b, 1))), 0);
}

/** dy pow(a, b) log(a) in recorded operations. */
function exponentGradient(dy: Tensor, a: Operand, b: Operand): Tensor {
  const logarithm = typeof a === 'number' ? Math.log(a) : log(a);
  const isZero = typeof a === 'number' ? Number(a === 0) : binary('equal', a, 0);
  const product = mul(dy, mul(pow(a, b), logarithm));
  if (isZero === 0) return product;
  const isKnown = binary('greaterEqual', b, 0);
  return where(isZero === 1 ? isKnown : binary('logicalAnd', isZero, isKnown), 0, product);
}

/**
 * The angle of the point (x, y) in radians, from -pi to pi.
 *
 * @param y ordinate
 * @param x abscissa
 *
 * @example
 * await atan2(tensor([1, 1, -1]), tensor([1, -1, 0])).print(); // Tensor(float32 [3]) [ 0.7854,  2.3562, -1.5708]
 */
export const atan2 = (y: Operand, x: Operand): Tensor =>
  differentiable(
    'atan2',
    y,
    x,
    true,
    (d, [y, x]) => mul(d, div(x, squaredLength(y, x))),
    (d, [y, x]) => mul(mul(d, -1), div(y, squaredLength(y, x))),
  );

function squaredLength(y: Operand, x: Operand): Operand {
  const squared = (v: Operand): Operand => (typeof v === 'number' ? v * v : square(v));
  const [a, b] = [squared(y), squared(x)];
  return typeof a === 'number' && typeof b === 'number' ? a + b : add(a, b);
}
