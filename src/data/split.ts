import { checkNumber, checkSeed } from '../common/check.ts';
import { hash32 } from '../common/random.ts';

/** Positions of the training and the held-out samples, in the order of the ids. */
export interface Split {
  readonly train: number[];
  readonly heldOut: number[];
}

/** Fewer held-out samples than this are too few to leave their number to chance. */
const FEW = 5;

/**
 * Splits samples by a hash of seed and id, so that a sample stays on its side when others are added or removed. `heldOut`
 * is the expected fraction held out (default 0.2), from which few samples deviate as coin tosses do; but of few samples not
 * fewer than the rounded fraction, up to 5, are held out, those with the lowest hashes. With two or more ids and a fraction
 * strictly between 0 and 1, neither side is empty. Throws a RangeError for a fraction outside 0 to 1.
 */
export function splitIds(ids: readonly string[], options: { heldOut?: number; seed?: number } = {}): Split {
  const { heldOut = 0.2, seed = 0 } = options;
  checkNumber('splitIds', 'heldOut', heldOut, { min: 0, max: 1 });
  checkSeed('splitIds', seed);
  const hashes = ids.map((id) => hash32('split', seed, id) / 0x1_0000_0000);
  const held = hashes.map((hash) => hash < heldOut);
  if (ids.length >= 2 && heldOut > 0 && heldOut < 1) {
    const ranked = hashes.map((_, i) => i).sort((a, b) => hashes[a]! - hashes[b]!);
    const least = Math.max(1, Math.min(FEW, Math.round(heldOut * ids.length)));
    for (const i of ranked.slice(0, least)) held[i] = true;
    held[ranked[ranked.length - 1]!] = false;
  }
  const positions = ids.map((_, i) => i);
  return { train: positions.filter((i) => !held[i]), heldOut: positions.filter((i) => held[i]) };
}
