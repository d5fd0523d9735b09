import { empty, type Tensor } from '../tensor/tensor.ts';
import type { Device } from '../tensor/device.ts';
import { linearGroups, run } from './run.ts';
import { fmaChain } from './wgsl/fma_chain.wgsl.ts';

const SIZE = 64;
const STEPS = 256;

/** Runs multiply-adds and nothing else: the compute roof of the roofline model. Returns the result and the operations. */
export function fmaRoofline(device: Device, invocations: number): { readonly y: Tensor; readonly flops: number } {
  const y = empty(device, [invocations * 4], 'float32', 'fma roofline');
  run(device, fmaChain, {
    op: 'fma roofline',
    consts: { STEPS, SIZE },
    bind: { y },
    params: { invocations, a: 0.5, b: 1 },
    groups: linearGroups(device, invocations, SIZE),
  });
  return { y, flops: invocations * STEPS * 3 * 4 * 2 };
}
