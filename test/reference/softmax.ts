import type { Ref } from './array.ts';
import { map, zip } from './elementwise.ts';
import { max, sum } from './reduce.ts';

/** x - log(sum(exp(x))) along an axis; the largest element is subtracted first to avoid overflow. */
export function logSoftmax(x: Ref, axis = -1): Ref {
  if (x.data.length === 0) return x;
  const shifted = zip(x, max(x, axis, true), (v, top) => v - top);
  const logTotal = map(sum(map(shifted, Math.exp), axis, true), Math.log);
  return zip(shifted, logTotal, (v, total) => v - total);
}

/** exp(x) / sum(exp(x)) along an axis. */
export const softmax = (x: Ref, axis = -1): Ref => map(logSoftmax(x, axis), Math.exp);
