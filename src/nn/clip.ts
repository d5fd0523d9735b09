import { add, clamp, div, less } from '../autograd/ops/binary.ts';
import { globalNorm, scaleAll } from '../autograd/ops/no-gradient.ts';
import { where } from '../autograd/ops/where.ts';
import { noGrad } from '../autograd/tape.ts';
import { checkNumber } from '../common/check.ts';
import { keep, tidy } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { distinct, type Parameter } from './module.ts';

/**
 * Scales all gradients in place so that their norm, taken as one vector, is at most `maxNorm` (Pascanu et al. 2013).
 * Nothing is read back from the GPU. Finite gradients remain finite even if others are not, so that the cause can be found.
 *
 * @returns the norm before clipping, a scalar tensor
 *
 * @example
 * const w = new Parameter(tensor([3, 4]));
 * w.grad = tensor([3, 4]);
 * const before = clipGradNorm([w], 1);
 * console.log(await before.item()); // 5
 * await w.grad.print(); // Tensor(float32 [2]) [0.6000, 0.8000]
 */
export function clipGradNorm(parameters: Iterable<Parameter>, maxNorm: number): Tensor {
  checkNumber('clipGradNorm', 'maxNorm', maxNorm, { above: 0 });
  const clipped = withGradients('clipGradNorm', parameters);
  return noGrad(() =>
    tidy(() => {
      const gradients = clipped.map(({ grad }) => grad);
      const norm = globalNorm(gradients);
      const factor = div(maxNorm, add(norm, 1e-6));
      // The smaller of the factor and 1; 1 for NaN, which `minimum` would not guarantee.
      scaleAll(gradients, where(less(factor, 1), factor, 1));
      return norm;
    }),
  );
}

/**
 * Clamps every element of every gradient to [-limit, limit].
 *
 * @example
 * const w = new Parameter(tensor([1, 2]));
 * w.grad = tensor([-5, 0.5]);
 * clipGradValue([w], 1);
 * await w.grad.print(); // Tensor(float32 [2]) [-1.0000,  0.5000]
 */
export function clipGradValue(parameters: Iterable<Parameter>, limit: number): void {
  checkNumber('clipGradValue', 'limit', limit, { above: 0 });
  noGrad(() =>
    tidy(() => {
      for (const { parameter, grad } of withGradients('clipGradValue', parameters)) {
        parameter.grad = keep(clamp(grad, -limit, limit));
        grad.dispose();
      }
    }),
  );
}

function withGradients(op: string, parameters: Iterable<Parameter>): { parameter: Parameter; grad: Tensor }[] {
  const list = distinct(op, parameters).flatMap((parameter) =>
    parameter.grad === null ? [] : [{ parameter, grad: parameter.grad }],
  );
  if (list.length === 0) throw new Error(`${op}: no parameter has a gradient; call it after backward`);
  return list;
}
