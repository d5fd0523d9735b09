import type { Tensor } from '../tensor/tensor.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { randomUniform } from './wgsl/random_uniform.wgsl.ts';

/** Fills a tensor with uniform random numbers in [0, 1), in place. See random_uniform.wgsl. */
export function philoxUniform(target: Tensor, seed: number): void {
  inSlices('rand', target.size, [], [target], (first, count, [ys]) => {
    const vectors = Math.ceil(count / 4);
    run(target.device, randomUniform, {
      op: 'rand',
      consts: { SIZE: 64 },
      bind: { y: ys! },
      params: { vectors, first: first / 4, keyLow: seed >>> 0, keyHigh: Math.floor(seed / 2 ** 32) >>> 0 },
      groups: linearGroups(target.device, vectors, 64),
    });
  });
}
