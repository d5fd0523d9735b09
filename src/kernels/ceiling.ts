import { empty, type Tensor } from '../tensor/tensor.ts';
import type { Device } from '../tensor/device.ts';
import { linearGroups, run } from './run.ts';
import { fmaChain } from './wgsl/fma_chain.wgsl.ts';

const SIZE = 64;
const STEPS = 256;

/** Runs multiply-adds and nothing else. Returns its result and how many operations it did. */
export function fmaCeiling(device: Device, invocations: number): { readonly y: Tensor; readonly flops: number } {
  const y = empty(device, [invocations * 4], 'float32', 'fma ceiling');
  run(device, fmaChain, {
    op: 'fma ceiling',
    consts: { STEPS, SIZE },
    bind: { y },
    params: { invocations, a: 0.5, b: 1 },
    groups: linearGroups(device, invocations, SIZE),
  });
  return { y, flops: invocations * STEPS * 3 * 4 * 2 };
}
