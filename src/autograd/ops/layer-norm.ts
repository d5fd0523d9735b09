import { checkFloat } from '../../kernels/elementwise.ts';
import { layerNorm as layerNormKernel, layerNormGradient } from '../../kernels/layer-norm.ts';
import { reduce } from '../../kernels/reduce.ts';
import { checkShape, sameShape, sizeOf, type Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { isRecording, record } from '../tape.ts';
import { add, mul, sub } from './binary.ts';
import { sumTo } from './broadcast.ts';
import { epsOf, type NormOptions } from './normalization.ts';
import { mean } from './reduce.ts';
import { rsqrt, square } from './unary.ts';

/**
 * Layer normalisation (Ba et al. 2016): y = gamma (x - mean) / sqrt(variance + eps) + beta, with the mean and variance over
 * the last axes of x.
 *
 * @param x [..., ...normalizedShape]
 * @param normalizedShape the extents of the last axes, or of the last one
 * @param gamma of normalizedShape; null: 1
 * @param beta of normalizedShape; null: 0
 * @param options.eps added to the variance. Default 1e-5
 * @throws RangeError or TypeError if shapes, types or options do not fit
 *
 * @example
 * await layerNorm(tensor([[1, 2, 3], [10, 20, 30]]), 3).print();
 * // Tensor(float32 [2,3])
 * // [[-1.2247,  0.0000,  1.2247],
 * //  [-1.2247,  0.0000,  1.2247]]
 */
export function layerNorm(
  x: Tensor,
  normalizedShape: number | Shape,
  gamma: Tensor | null = null,
  beta: Tensor | null = null,
  options: NormOptions = {},
): Tensor {
  const op = 'layerNorm';
  const shape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
  check(x, shape, gamma, beta);
  const eps = epsOf(op, options);
  const columns = sizeOf(shape);
  const flat = [columns === 0 ? 0 : x.size / columns, columns];
  const rows = x.alias(flat);
  const { y: normalized, stats } = layerNormKernel(op, rows, gamma, beta, eps);
  const y = normalized.alias(x.shape);
  record(
    op,
    y,
    [x, gamma, beta],
    [x, gamma, stats],
    (dy, [x, gamma, stats]) => {
      if (isRecording()) return recordedGradients(dy, x, gamma, shape, eps);
      const gradient = (kind: 'input' | 'products'): Tensor =>
        layerNormGradient(`${op} gradient`, kind, x.alias(flat), dy.alias(flat), gamma, stats);
      return [
        () => gradient('input').alias(x.shape),
        () => reduce('sum', gradient('products'), 0).alias(shape),
        () => reduce('sum', dy.alias(flat), 0).alias(shape),
      ];
    },
    { twice: true },
  );
  for (const used of [rows, normalized, stats]) used.dispose();
  return y;
}

/** The gradients in recorded operations, which have derivatives, too. */
function recordedGradients(dy: Tensor, x: Tensor, gamma: Tensor | null, shape: Shape, eps: number): (() => Tensor)[] {
  const axes = shape.map((_, i) => -1 - i);
  const average = (t: Tensor): Tensor => mean(t, axes, { keepDims: true });
  const centred = sub(x, average(x));
  const inverse = rsqrt(add(average(square(centred)), eps));
  const n = mul(centred, inverse);
  const g = gamma === null ? dy : mul(dy, gamma);
  return [
    () => mul(inverse, sub(sub(g, average(g)), mul(n, average(mul(g, n))))),
    () => sumTo(mul(dy, n), shape),
    () => sumTo(dy, shape),
  ];
}

function check(x: Tensor, shape: Shape, gamma: Tensor | null, beta: Tensor | null): void {
  const op = 'layerNorm';
  checkFloat(op, x);
  checkShape(op, shape);
  if (shape.length === 0 || !sameShape(x.shape.slice(-shape.length), shape)) {
    throw new RangeError(`${op}: the last axes of [${x.shape}] are not normalizedShape [${shape}]`);
  }
  for (const [name, t] of [
    ['gamma', gamma],
    ['beta', beta],
  ] as const) {
    if (t === null) continue;
    checkFloat(op, t);
    if (!sameShape(t.shape, shape))
      throw new RangeError(`${op}: ${name} [${t.shape}] is not of normalizedShape [${shape}]`);
  }
}
