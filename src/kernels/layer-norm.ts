import { empty, type Tensor } from '../tensor/tensor.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { layerNorm as layerNormKernel } from './wgsl/layer_norm.wgsl.ts';
import { layerNormGrad as gradientKernel } from './wgsl/layer_norm_grad.wgsl.ts';

/** Invocations per workgroup, of which each takes a row: enough that none adds a long chain. */
const sizeFor = (columns: number): number => (columns > 1024 ? 256 : 64);

/**
 * Every row of x [rows, columns] normalised, then times gamma and plus beta [columns], which may be null. See layer_norm.wgsl.
 *
 * @returns y, and the statistics [rows, 2] that the gradient needs
 */
export function layerNorm(
  op: string,
  x: Tensor,
  gamma: Tensor | null,
  beta: Tensor | null,
  eps: number,
): { y: Tensor; stats: Tensor } {
  const [rows, columns] = x.shape as [number, number];
  const y = empty(x.device, x.shape, 'float32', op);
  const stats = empty(x.device, [rows, 2], 'float32', op);
  inSlices(op, x.size === 0 ? 0 : rows, [x], [y, stats], (_, count, [xs, ys, ss]) =>
    run(x.device, layerNormKernel, {
      op,
      consts: { SIZE: sizeFor(columns), HAS_GAMMA: gamma !== null, HAS_BETA: beta !== null },
      bind: { x: xs!, gamma: gamma ?? xs!, beta: beta ?? xs!, y: ys!, stats: ss! },
      params: { rows: count, columns, eps },
      groups: linearGroups(x.device, count, 1),
    }),
  );
  return { y, stats };
}

/** The gradient of x, or `products` of dy and the normalised x, whose sum over rows is that of gamma. See layer_norm_grad.wgsl. */
export function layerNormGradient(
  op: string,
  kind: 'input' | 'products',
  x: Tensor,
  dy: Tensor,
  gamma: Tensor | null,
  stats: Tensor,
): Tensor {
  const [rows, columns] = x.shape as [number, number];
  const dx = empty(x.device, x.shape, 'float32', op);
  inSlices(op, x.size === 0 ? 0 : rows, [x, dy, stats], [dx], (_, count, [xs, dys, ss, dxs]) =>
    run(x.device, gradientKernel, {
      op,
      consts: { SIZE: sizeFor(columns), HAS_GAMMA: gamma !== null, PRODUCTS: kind === 'products' },
      bind: { x: xs!, dy: dys!, gamma: gamma ?? xs!, stats: ss!, dx: dxs! },
      params: { rows: count, columns },
      groups: linearGroups(x.device, count, 1),
    }),
  );
  return dx;
}
