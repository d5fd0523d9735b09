import { unary, unaryGrad, type UnaryOp } from '../../kernels/elementwise.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';

/** Records y = f(x), saving the one of x and y from which the derivative is cheaper. */
function differentiable(op: UnaryOp, x: Tensor, saves: 'input' | 'output' | 'nothing'): Tensor {
  const y = unary(op, x);
  if (saves === 'nothing') return record(op, y, [x], [], (dy) => [() => unary(op, dy)]);
  return record(op, y, [x], [saves === 'input' ? x : y], (dy, [v]) => [() => unaryGrad(op, v!, dy)]);
}

/** -x. */
export const neg = (x: Tensor): Tensor => differentiable('neg', x, 'nothing');
/** e to the power x. */
export const exp = (x: Tensor): Tensor => differentiable('exp', x, 'output');
/** Natural logarithm; minus infinity at 0, NaN below. */
export const log = (x: Tensor): Tensor => differentiable('log', x, 'input');
/** Square root. Its gradient at 0 is infinite. */
export const sqrt = (x: Tensor): Tensor => differentiable('sqrt', x, 'output');
/** Absolute value; the gradient at 0 is 0. */
export const abs = (x: Tensor): Tensor => differentiable('abs', x, 'input');
/** x times x. */
export const square = (x: Tensor): Tensor => differentiable('square', x, 'input');
/** 1 / (1 + exp(-x)), without overflow for any x. */
export const sigmoid = (x: Tensor): Tensor => differentiable('sigmoid', x, 'output');
/** max(x, 0); a NaN stays a NaN, and the gradient at 0 is 0. */
export const relu = (x: Tensor): Tensor => differentiable('relu', x, 'output');
/** log(1 + exp(x)), without overflow, and precise for very negative x. */
export const softplus = (x: Tensor): Tensor => differentiable('softplus', x, 'input');
/** 1 / x. */
export const reciprocal = (x: Tensor): Tensor => differentiable('reciprocal', x, 'output');
/** Hyperbolic tangent. */
export const tanh = (x: Tensor): Tensor => differentiable('tanh', x, 'output');
