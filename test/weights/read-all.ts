import type { HostTensor } from '../../src/nn/module.ts';
import { openWeights } from '../../src/weights/open-weights.ts';

/** All tensors of a file of weights. */
export async function readAll(bytes: Uint8Array, name: string): Promise<Map<string, HostTensor>> {
  const tensors = new Map<string, HostTensor>();
  for (const [key, tensor] of (await openWeights(bytes, name)).tensors) tensors.set(key, await tensor.read());
  return tensors;
}
