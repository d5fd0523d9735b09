import { readStateDict } from '../nn/module.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';

/**
 * Calls `work`, and restores the weights, statistics and mode of a model afterwards, bit for bit. The copy is on the host, so
 * that `work` has all of the GPU's memory.
 */
export async function leftUnchanged<T>(model: RetinaNet, work: () => Promise<T>): Promise<T> {
  const before = await readStateDict(model.stateDict());
  const wasTraining = model.training;
  try {
    return await work();
  } finally {
    model.loadStateDict(before);
    model.train(wasTraining);
  }
}
