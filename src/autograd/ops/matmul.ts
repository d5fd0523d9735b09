import { matmulForward } from '../../kernels/matmul.ts';
import { sumTo } from '../../kernels/reduce.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';

/**
 * Matrix product of a [..., M, K] and b [..., K, N]; leading axes broadcast. With y = a b, da = dy b^T and db = a^T dy.
 *
 * @returns [..., M, N]
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  const [aShape, bShape] = [a.shape, b.shape];
  return record('matmul', matmulForward(a, b), [a, b], [a, b], (dy, [a, b]) => [
    () => sumTo(matmulForward(dy, b, { transposeB: true }), aShape),
    () => sumTo(matmulForward(a, dy, { transposeA: true }), bShape),
  ]);
}
