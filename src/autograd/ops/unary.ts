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

/**
 * -x.
 *
 * @example
 * await neg(tensor([1, -2, 3])).print(); // Tensor(float32 [3]) [-1.,  2., -3.]
 */
export const neg = (x: Tensor): Tensor =>
  record('neg', unary('neg', x), [x], [], (dy) => [() => neg(dy)], { twice: true });
/**
 * e to the power x.
 *
 * @example
 * await exp(tensor([0, 1, -1])).print(); // Tensor(float32 [3]) [1.0000, 2.7183, 0.3679]
 */
export const exp = (x: Tensor): Tensor => differentiable('exp', x, 'output', mul);
/**
 * e to the power x, minus 1, without loss of precision near 0.
 *
 * @example
 * const x = tensor([1e-8]);
 * console.log(await expm1(x).item(), await sub(exp(x), 1).item()); // 9.99999993922529e-9 0
 */
export const expm1 = (x: Tensor): Tensor => differentiable('expm1', x, 'output', (dy, y) => mul(dy, add(y, 1)));
/**
 * Natural logarithm; minus infinity at 0, NaN below.
 *
 * @example
 * await log(tensor([1, Math.E, 0])).print(); // Tensor(float32 [3]) [  0.,   1., -inf]
 */
export const log = (x: Tensor): Tensor => differentiable('log', x, 'input', div);
/**
 * Natural logarithm of 1 + x, without loss of precision near 0.
 *
 * @example
 * const x = tensor([1e-8]);
 * console.log(await log1p(x).item(), await log(add(x, 1)).item()); // 9.99999993922529e-9 0
 */
export const log1p = (x: Tensor): Tensor => differentiable('log1p', x, 'input', (dy, x) => div(dy, add(x, 1)));
/**
 * Square root; NaN below 0. Its gradient at 0 is infinite.
 *
 * @example
 * await sqrt(tensor([4, 2, -1])).print(); // Tensor(float32 [3]) [2.0000, 1.4142,    nan]
 */
export const sqrt = (x: Tensor): Tensor => differentiable('sqrt', x, 'output', (dy, y) => div(mul(dy, 0.5), y));
/**
 * 1 / sqrt(x).
 *
 * @example
 * await rsqrt(tensor([4, 0.25])).print(); // Tensor(float32 [2]) [0.5000, 2.0000]
 */
export const rsqrt = (x: Tensor): Tensor =>
  differentiable('rsqrt', x, 'output', (dy, y) => mul(mul(dy, -0.5), mul(square(y), y)));
/**
 * Absolute value; the gradient at 0 is 0.
 *
 * @example
 * await abs(tensor([-1.5, 0, 2])).print(); // Tensor(float32 [3]) [1.5000, 0.0000, 2.0000]
 */
export const abs = (x: Tensor): Tensor => differentiable('abs', x, 'input', (dy, x) => masked(dy, unary('sign', x)));
/**
 * x times x.
 *
 * @example
 * await square(tensor([-3, 0.5])).print(); // Tensor(float32 [2]) [9.0000, 0.2500]
 */
export const square = (x: Tensor): Tensor => differentiable('square', x, 'input', (dy, x) => mul(dy, mul(x, 2)));
/**
 * 1 / x.
 *
 * @example
 * await reciprocal(tensor([2, -4])).print(); // Tensor(float32 [2]) [ 0.5000, -0.2500]
 */
export const reciprocal = (x: Tensor): Tensor =>
  differentiable('reciprocal', x, 'output', (dy, y) => neg(mul(dy, square(y))));
/**
 * -1, 0 or 1 by the sign of x; 0 for NaN, as in PyTorch. The gradient is 0.
 *
 * @example
 * await sign(tensor([-3, 0, 0.5])).print(); // Tensor(float32 [3]) [-1.,  0.,  1.]
 */
export const sign = (x: Tensor): Tensor => constantPieces('sign', x);
/**
 * The largest integer <= x. The gradient is 0.
 *
 * @example
 * await floor(tensor([-1.5, 0.5, 2])).print(); // Tensor(float32 [3]) [-2.,  0.,  2.]
 */
export const floor = (x: Tensor): Tensor => constantPieces('floor', x);
/**
 * The smallest integer >= x. The gradient is 0.
 *
 * @example
 * await ceil(tensor([-1.5, 0.5, 2])).print(); // Tensor(float32 [3]) [-1.,  1.,  2.]
 */
export const ceil = (x: Tensor): Tensor => constantPieces('ceil', x);
/**
 * The nearest integer; of two, the even one. The gradient is 0.
 *
 * @example
 * await round(tensor([0.5, 1.5, -2.4])).print(); // Tensor(float32 [3]) [ 0.,  2., -2.]
 */
export const round = (x: Tensor): Tensor => constantPieces('round', x);
/**
 * x without its fraction. The gradient is 0.
 *
 * @example
 * await trunc(tensor([-1.7, 1.7])).print(); // Tensor(float32 [2]) [-1.,  1.]
 */
export const trunc = (x: Tensor): Tensor => constantPieces('trunc', x);

/**
 * Sine of an angle in radians. Off by at most 1.5e-7 for every float32 number, also for the largest; NaN at infinity.
 *
 * @example
 * await sin(tensor([0, Math.PI / 6, Math.PI / 2])).print(); // Tensor(float32 [3]) [0.0000, 0.5000, 1.0000]
 */
export const sin = (x: Tensor): Tensor => differentiable('sin', x, 'input', (dy, x) => mul(dy, cos(x)));
/**
 * Cosine of an angle in radians, as accurate as `sin`.
 *
 * @example
 * await cos(tensor([0, Math.PI / 3, Math.PI])).print(); // Tensor(float32 [3]) [ 1.0000,  0.5000, -1.0000]
 */
export const cos = (x: Tensor): Tensor => differentiable('cos', x, 'input', (dy, x) => neg(mul(dy, sin(x))));
/**
 * Tangent of an angle in radians.
 *
 * @example
 * await tan(tensor([0, Math.PI / 4])).print(); // Tensor(float32 [2]) [0.0000, 1.0000]
 */
export const tan = (x: Tensor): Tensor => differentiable('tan', x, 'output', (dy, y) => mul(dy, add(square(y), 1)));
/**
 * Inverse sine, from -pi / 2 to pi / 2; NaN outside [-1, 1].
 *
 * @example
 * await asin(tensor([-1, 0.5, 2])).print(); // Tensor(float32 [3]) [-1.5708,  0.5236,     nan]
 */
export const asin = (x: Tensor): Tensor => differentiable('asin', x, 'input', (dy, x) => mul(dy, inverseCircle(x)));
/**
 * Inverse cosine, from 0 to pi; NaN outside [-1, 1].
 *
 * @example
 * await acos(tensor([-1, 0.5, 2])).print(); // Tensor(float32 [3]) [3.1416, 1.0472,    nan]
 */
export const acos = (x: Tensor): Tensor =>
  differentiable('acos', x, 'input', (dy, x) => neg(mul(dy, inverseCircle(x))));
/**
 * Inverse tangent, from -pi / 2 to pi / 2.
 *
 * @example
 * await atan(tensor([0, 1, Infinity])).print(); // Tensor(float32 [3]) [0.0000, 0.7854, 1.5708]
 */
export const atan = (x: Tensor): Tensor => differentiable('atan', x, 'input', (dy, x) => div(dy, add(square(x), 1)));
/**
 * Hyperbolic sine.
 *
 * @example
 * await sinh(tensor([0, 1])).print(); // Tensor(float32 [2]) [0.0000, 1.1752]
 */
export const sinh = (x: Tensor): Tensor => differentiable('sinh', x, 'input', (dy, x) => mul(dy, cosh(x)));
/**
 * Hyperbolic cosine.
 *
 * @example
 * await cosh(tensor([0, 1])).print(); // Tensor(float32 [2]) [1.0000, 1.5431]
 */
export const cosh = (x: Tensor): Tensor => differentiable('cosh', x, 'input', (dy, x) => mul(dy, sinh(x)));
/**
 * Hyperbolic tangent.
 *
 * @example
 * await tanh(tensor([-10, 0, 0.5])).print(); // Tensor(float32 [3]) [-1.0000,  0.0000,  0.4621]
 */
export const tanh = (x: Tensor): Tensor => differentiable('tanh', x, 'output', (dy, y) => mul(dy, sub(1, square(y))));
/**
 * Error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.
 *
 * @example
 * await erf(tensor([0, 0.5, 3])).print(); // Tensor(float32 [3]) [0.0000, 0.5205, 1.0000]
 */
export const erf = (x: Tensor): Tensor =>
  differentiable('erf', x, 'input', (dy, x) => mul(dy, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))));

const inverseCircle = (x: Tensor): Tensor => rsqrt(sub(1, square(x)));

/**
 * 1 / (1 + exp(-x)), without overflow for any x.
 *
 * @example
 * await sigmoid(tensor([-100, 0, 2])).print(); // Tensor(float32 [3]) [0.0000, 0.5000, 0.8808]
 */
export const sigmoid = (x: Tensor): Tensor =>
  differentiable('sigmoid', x, 'output', (dy, y) => mul(dy, mul(y, sub(1, y))));
/**
 * max(x, 0); a NaN stays a NaN, and the gradient at 0 is 0.
 *
 * @example
 * const x = tensor([-1, 0, 2], { requiresGrad: true });
 * const y = relu(x);
 * await y.print(); // Tensor(float32 [3]) [0., 0., 2.]
 * backward(sum(y));
 * await x.grad.print(); // Tensor(float32 [3]) [0., 0., 1.]
 */
export const relu = (x: Tensor): Tensor => differentiable('relu', x, 'output', (dy, y) => masked(dy, unary('sign', y)));
/**
 * log(1 + exp(x)), without overflow, and precise for very negative x.
 *
 * @example
 * await softplus(tensor([-1, 0, 20])).print(); // Tensor(float32 [3]) [ 0.3133,  0.6931, 20.0000]
 */
export const softplus = (x: Tensor): Tensor => differentiable('softplus', x, 'input', (dy, x) => mul(dy, sigmoid(x)));

/**
 * Gaussian error linear unit (Hendrycks and Gimpel 2016): x times the standard normal distribution function of x.
 *
 * @param options.approximate `none` (the default) for the exact function by `erf`, `tanh` for the paper's approximation
 *
 * @example
 * const x = tensor([-1, 0, 2]);
 * await gelu(x).print(); // Tensor(float32 [3]) [-0.1587,  0.0000,  1.9545]
 * await gelu(x, { approximate: 'tanh' }).print(); // Tensor(float32 [3]) [-0.1588,  0.0000,  1.9546]
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

/**
 * x sigmoid(x), also called swish (Elfwing et al. 2017, Ramachandran et al. 2017).
 *
 * @example
 * await silu(tensor([-1, 0, 2])).print(); // Tensor(float32 [3]) [-0.2689,  0.0000,  1.7616]
 */
export const silu = (x: Tensor): Tensor =>
  differentiable('silu', x, 'input', (dy, x) => {
    const s = sigmoid(x);
    return mul(dy, mul(s, add(mul(x, sub(1, s)), 1)));
  });

/**
 * Leaky ReLU (Maas et al. 2013): x where x > 0, otherwise slope x. The gradient at 0 is the slope.
 *
 * @param options.slope default 0.01
 *
 * @example
 * await leakyRelu(tensor([-1, 0, 2]), { slope: 0.1 }).print(); // Tensor(float32 [3]) [-0.1000,  0.0000,  2.0000]
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
 *
 * @example
 * await elu(tensor([-1, 0, 2])).print(); // Tensor(float32 [3]) [-0.6321,  0.0000,  2.0000]
 */
export function elu(x: Tensor, options: { readonly alpha?: number } = {}): Tensor {
  const { alpha } = optionsOf('elu', options, { alpha: 1 });
  checkNumber('elu', 'alpha', alpha);
  const derivative: Derivative = (dy, x) => where(greater(x, 0), dy, mul(mul(dy, alpha), exp(x)));
  return differentiable('elu', x, 'input', derivative, alpha);
}

/**
 * x times the ReLU6 of x + 3, divided by 6 (Howard et al. 2019, MobileNetV3).
 *
 * @example
 * await hardSwish(tensor([-1, 1, 4])).print(); // Tensor(float32 [3]) [-0.3333,  0.6667,  4.0000]
 */
export const hardSwish = (x: Tensor): Tensor =>
  differentiable('hardSwish', x, 'input', (dy, x) => {
    const inside = mul(dy, add(div(x, 3), 0.5));
    return where(less(x, -3), 0, where(greater(x, 3), dy, inside));
  });

/**
 * Where x is neither NaN nor infinite, as bool.
 *
 * @example
 * await isFinite(tensor([1, NaN, -Infinity])).print(); // Tensor(bool [3]) [ true, false, false]
 */
export const isFinite = (x: Tensor): Tensor<'bool'> => magnitude('isFinite', 'less', x);

/**
 * Where x is infinite, as bool.
 *
 * @example
 * await isInfinite(tensor([1, NaN, -Infinity])).print(); // Tensor(bool [3]) [false, false,  true]
 */
export const isInfinite = (x: Tensor): Tensor<'bool'> => magnitude('isInfinite', 'equal', x);

/** Compares |x| with infinity. Integers are finite. */
function magnitude(op: string, relation: 'less' | 'equal', x: Tensor): Tensor<'bool'> {
  checkTensor(op, 'x', x);
  recordComparison(x);
  if (x.dtype !== 'float32') return binary(relation === 'less' ? 'equal' : 'notEqual', x, x) as Tensor<'bool'>;
  return tidy(() => binary(relation, unary('abs', x), Infinity) as Tensor<'bool'>);
}
