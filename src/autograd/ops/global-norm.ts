import { unary } from '../../kernels/elementwise.ts';
import { sumOfSquares } from '../../kernels/reduce.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** Euclidean norm of one or more tensors taken as one vector, a scalar. It has no gradient. */
export function globalNorm(tensors: readonly Tensor[]): Tensor {
  const sum = sumOfSquares('globalNorm', tensors);
  const norm = unary('sqrt', sum);
  sum.dispose();
  return norm;
}
