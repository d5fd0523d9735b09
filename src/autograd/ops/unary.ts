import { checkChoice, checkNumber, optionsOf } from '../../common/check.ts';
import { binary, checkFloat, fill, unary, unaryGrad, type UnaryOp } from '../../kernels/elementwise.ts';
import { tidy } from '../../tensor/scope.ts';
import { checkTensor, empty, type Tensor } from '../../tensor/tensor.ts';
import { isRecording, record, recordComparison } from '../tape.ts';
import { add, div, greater, less, masked, mul, sub } from './binary.ts';
import { where } from './where.ts';

/**
 * A derivative, dx = dy f'(x), in recorded operations. It is used only where it is to be differentiated again; otherwise
 * a kernel computes it in one pass. v is x or y, whichever the operation saves.
 */
type Derivative = (dy: Tensor, v: Tensor) => Tensor;

/** Records y = f(x) and saves the one of x and y from which the derivative is cheaper. */
function differentiable(
  op: UnaryOp,
  x: Tensor,
  saves: 'input' | 'output',
  derivative: Derivative,
  parameter = 0,
): Tensor {
  const y = unary(op, x, parameter);
  const backward = (dy: Tensor, [v]: readonly [Tensor]) => [
    () => (isRecording() ? derivative(dy, v) : unaryGrad(op, v, dy, parameter)),
  ];
  return record(op, y, [x], [saves === 'input' ? x : y], backward, { twice: true });
}

/** Records y = f(x) for a function made of constant pieces, whose gradient is 0. */
function constantPieces(op: UnaryOp, x: Tensor): Tensor {
  const zeros = (dy: Tensor): Tensor => {
    const dx = empty(dy.device, dy.shape, 'float32', `${op} gradient`);
    fill(dx, 0);
    return dx;
  };
  return record(op, unary(op, x), [x], [], (dy) => [() => zeros(dy)], { twice: true });
}

/** -x. */
export const neg = (x: Tensor): Tensor =>
  record('neg', unary('neg', x), [x], [], (dy) => [() => neg(dy)], { twice: true });
/** e to the power x. */
export const exp = (x: Tensor): Tensor => differentiable('exp', x, 'output', mul);
/** e to the power x, minus 1, without loss of precision near 0. */
export const expm1 = (x: Tensor): Tensor => differentiable('expm1', x, 'output', (dy, y) => mul(dy, add(y, 1)));
/** Natural logarithm; minus infinity at 0, NaN below. */
export const log = (x: Tensor): Tensor => differentiable('log', x, 'input', div);
/** Natural logarithm of 1 + x, without loss of precision near 0. */
export const log1p = (x: Tensor): Tensor => differentiable('log1p', x, 'input', (dy, x) => div(dy, add(x, 1)));
/** Square root; NaN below 0. Its gradient at 0 is infinite. */
export const sqrt = (x: Tensor): Tensor => differentiable('sqrt', x, 'output', (dy, y) => div(mul(dy, 0.5), y));
/** 1 / sqrt(x). */
export const rsqrt = (x: Tensor): Tensor =>
  differentiable('rsqrt', x, 'output', (dy, y) => mul(mul(dy, -0.5), mul(square(y), y)));
/** Absolute value; the gradient at 0 is 0. */
export const abs = (x: Tensor): Tensor => differentiable('abs', x, 'input', (dy, x) => masked(dy, unary('sign', x)));
/** x times x. */
export const square = (x: Tensor): Tensor => differentiable('square', x, 'input', (dy, x) => mul(dy, mul(x, 2)));
/** 1 / x. */
export const reciprocal = (x: Tensor): Tensor =>
  differentiable('reciprocal', x, 'output', (dy, y) => neg(mul(dy, square(y))));
/** -1, 0 or 1 by the sign of x; 0 for NaN, as in PyTorch. The gradient is 0. */
export const sign = (x: Tensor): Tensor => constantPieces('sign', x);
/** The largest integer <= x. The gradient is 0. */
export const floor = (x: Tensor): Tensor => constantPieces('floor', x);
/** The smallest integer >= x. The gradient is 0. */
export const ceil = (x: Tensor): Tensor => constantPieces('ceil', x);
/** The nearest integer; of two, the even one. The gradient is 0. */
export const round = (x: Tensor): Tensor => constantPieces('round', x);
/** x without its fraction. The gradient is 0. */
export const trunc = (x: Tensor): Tensor => constantPieces('trunc', x);

/** Sine of an angle in radians. Off by at most 1.5e-7 for every float32 number, also for the largest; NaN at infinity. */
export const sin = (x: Tensor): Tensor => differentiable('sin', x, 'input', (dy, x) => mul(dy, cos(x)));
/** Cosine of an angle in radians, as accurate as `sin`. */
export const cos = (x: Tensor): Tensor => differentiable('cos', x, 'input', (dy, x) => neg(mul(dy, sin(x))));
/** Tangent of an angle in radians. */
export const tan = (x: Tensor): Tensor => differentiable('tan', x, 'output', (dy, y) => mul(dy, add(square(y), 1)));
/** Inverse sine, from -pi / 2 to pi / 2; NaN outside [-1, 1]. */
export const asin = (x: Tensor): Tensor => differentiable('asin', x, 'input', (dy, x) => mul(dy, inverseCircle(x)));
/** Inverse cosine, from 0 to pi; NaN outside [-1, 1]. */
export const acos = (x: Tensor): Tensor =>
  differentiable('acos', x, 'input', (dy, x) => neg(mul(dy, inverseCircle(x))));
/** Inverse tangent, from -pi / 2 to pi / 2. */
export const atan = (x: Tensor): Tensor => differentiable('atan', x, 'input', (dy, x) => div(dy, add(square(x), 1)));
/** Hyperbolic sine. */
export const sinh = (x: Tensor): Tensor => differentiable('sinh', x, 'input', (dy, x) => mul(dy, cosh(x)));
/** Hyperbolic cosine. */
export const cosh = (x: Tensor): Tensor => differentiable('cosh', x, 'input', (dy, x) => mul(dy, sinh(x)));
/** Hyperbolic tangent. */
export const tanh = (x: Tensor): Tensor => differentiable('tanh', x, 'output', (dy, y) => mul(dy, sub(1, square(y))));
/** Error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x. */
export const erf = (x: Tensor): Tensor =>
  differentiable('erf', x, 'input', (dy, x) => mul(dy, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))));

const inverseCircle = (x: Tensor): Tensor => rsqrt(sub(1, square(x)));

/** 1 / (1 + exp(-x)), without overflow for any x. */
export const sigmoid = (x: Tensor): Tensor =>
  differentiable('sigmoid', x, 'output', (dy, y) => mul(dy, mul(y, sub(1, y))));
/** max(x, 0); a NaN stays a NaN, and the gradient at 0 is 0. */
export const relu = (x: Tensor): Tensor => differentiable('relu', x, 'output', (dy, y) => masked(dy, unary('sign', y)));
/** log(1 + exp(x)), without overflow, and precise for very negative x. */
export const softplus = (x: Tensor): Tensor => differentiable('softplus', x, 'input', (dy, x) => mul(dy, sigmoid(x)));

/**
 * Gaussian error linear unit (Hendrycks and Gimpel 2016): x times the standard normal distribution function of x.
 *
 * @param options.approximate `none` (the default) for the exact function by `erf`, `tanh` for the paper's approximation
 */
export function gelu(x: Tensor, options: { readonly approximate?: 'none' | 'tanh' } = {}): Tensor {
  checkFloat('gelu', x);
  const { approximate } = optionsOf('gelu', options, { approximate: 'none' });
  checkChoice('gelu', 'approximate', approximate, ['none', 'tanh']);
  if (approximate === 'tanh') return differentiable('geluTanh', x, 'input', geluTanhDerivative);
  return differentiable('gelu', x, 'input', (dy, x) => {
    const distribution = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
    const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return mul(dy, add(distribution, mul(x, density)));
  });
}

const geluTanhDerivative: Derivative = (dy, x) => {
  const scale = Math.sqrt(2 / Math.PI);
  const t = tanh(mul(add(x, mul(mul(square(x), x), 0.044715)), scale));
  const slope = mul(add(mul(square(x), 3 * 0.044715), 1), scale);
  return mul(dy, mul(add(add(t, 1), mul(mul(x, sub(1, square(t))), slope)), 0.5));
};

/** x sigmoid(x), also called swish (Elfwing et al. 2017, Ramachandran et al. 2017). */
export const silu = (x: Tensor): Tensor =>
  differentiable('silu', x, 'input', (dy, x) => {
    const s = sigmoid(x);
    return mul(dy, mul(s, add(mul(x, sub(1, s)), 1)));
  });

/**
 * Leaky ReLU (Maas et al. 2013): x where x > 0, otherwise slope x. The gradient at 0 is the slope.
 *
 * @param options.slope default 0.01
 */
export function leakyRelu(x: Tensor, options: { readonly slope?: number } = {}): Tensor {
  const { slope } = optionsOf('leakyRelu', options, { slope: 0.01 });
  checkNumber('leakyRelu', 'slope', slope);
  const derivative: Derivative = (dy, x) => where(greater(x, 0), dy, mul(dy, slope));
  return differentiable('leakyRelu', x, 'input', derivative, slope);
}

/**
 * Exponential linear unit (Clevert et al. 2015): x where x > 0, otherwise alpha (exp(x) - 1).
 *
 * @param options.alpha default 1
 */
export function elu(x: Tensor, options: { readonly alpha?: number } = {}): Tensor {
  const { alpha } = optionsOf('elu', options, { alpha: 1 });
  checkNumber('elu', 'alpha', alpha);
  const derivative: Derivative = (dy, x) => where(greater(x, 0), dy, mul(mul(dy, alpha), exp(x)));
  return differentiable('elu', x, 'input', derivative, alpha);
}

/** x times the ReLU6 of x + 3, divided by 6 (Howard et al. 2019, MobileNetV3). */
export const hardSwish = (x: Tensor): Tensor =>
  differentiable('hardSwish', x, 'input', (dy, x) => {
    const inside = mul(dy, add(div(x, 3), 0.5));
    return where(less(x, -3), 0, where(greater(x, 3), dy, inside));
  });

/** Where x is neither NaN nor infinite, as bool. */
export const isFinite = (x: Tensor): Tensor<'bool'> => magnitude('isFinite', 'less', x);

/** Where x is infinite, as bool. */
export const isInfinite = (x: Tensor): Tensor<'bool'> => magnitude('isInfinite', 'equal', x);

/** Compares |x| with infinity. Integers are finite. */
function magnitude(op: string, relation: 'less' | 'equal', x: Tensor): Tensor<'bool'> {
  checkTensor(op, 'x', x);
  recordComparison(x);
  if (x.dtype !== 'float32') return binary(relation === 'less' ? 'equal' : 'notEqual', x, x) as Tensor<'bool'>;
  return tidy(() => binary(relation, unary('abs', x), Infinity) as Tensor<'bool'>);
}
