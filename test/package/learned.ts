import * as assert from 'uvu/assert';
import type { Fit } from './consumer/fit.ts';

/** Fails unless the program of consumer/fit.ts learned and gave back its memory. Reports the adapter and the losses. */
export function assertLearned({ adapter, losses, tensors }: Fit): void {
  const [first = Number.NaN, last = Number.NaN] = [losses[0], losses.at(-1)];
  console.log(`# trained on ${adapter}: loss ${first.toFixed(4)} -> ${last.toFixed(4)} in ${losses.length} steps`);
  assert.ok(last < first / 4, `the loss went from ${first} to ${last}`);
  assert.is(tensors[1], tensors[0], 'tensors left behind by a step');
}
