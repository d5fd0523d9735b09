import { empty, type Tensor } from '../tensor/tensor.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { dropout as dropoutKernel } from './wgsl/dropout.wgsl.ts';
import { randomUniform } from './wgsl/random_uniform.wgsl.ts';

/** Fills a tensor with uniform random numbers in [0, 1), in place. See random_uniform.wgsl. */
export function philoxUniform(target: Tensor, seed: number): void {
  inSlices('rand', target.size, [], [target], (first, count, [ys]) => {
    const vectors = Math.ceil(count / 4);
    run(target.device, randomUniform, {
      op: 'rand',
      consts: { SIZE: 64 },
      bind: { y: ys! },
      params: { vectors, first: first / 4, ...keyOf(seed) },
      groups: linearGroups(target.device, vectors, 64),
    });
  });
}

/** x / (1 - p) with probability 1 - p, otherwise 0. See dropout.wgsl. */
export function dropout(x: Tensor, p: number, seed: number): Tensor {
  const y = empty(x.device, x.shape, 'float32', 'dropout');
  const threshold = Math.round(p * 2 ** 24);
  const scale = p === 1 ? 0 : 1 / (1 - p);
  inSlices('dropout', x.size, [x], [y], (first, count, [xs, ys]) => {
    const vectors = Math.ceil(count / 4);
    run(x.device, dropoutKernel, {
      op: 'dropout',
      consts: { SIZE: 64 },
      bind: { x: xs!, y: ys! },
      params: { vectors, first: first / 4, ...keyOf(seed), threshold, scale },
      groups: linearGroups(x.device, vectors, 64),
    });
  });
  return y;
}

/** The two halves of a seed. */
const keyOf = (seed: number): { keyLow: number; keyHigh: number } => ({
  keyLow: seed >>> 0,
  keyHigh: Math.floor(seed / 2 ** 32) >>> 0,
});
