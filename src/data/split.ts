import { hash32 } from '../common/random.ts';

/** Positions of the samples of both sides, in the order of the ids. */
export interface Split {
  readonly train: number[];
  readonly heldOut: number[];
}

/**
 * Splits samples by a hash of seed and id, so that a sample stays on its side when others are added or removed.
 * `heldOut` is the share held out (default 0.2): few ids deviate from it as coin tosses do. With two ids or more
 * neither side of a share strictly between 0 and 1 is empty: the id of the lowest hash is then held out, that of the
 * highest trained on.
 */
export function splitIds(ids: readonly string[], options: { heldOut?: number; seed?: number } = {}): Split {
  const { heldOut = 0.2, seed = 0 } = options;
  if (!(heldOut >= 0 && heldOut <= 1)) {
    throw new RangeError(`splitIds: heldOut is ${heldOut}, expected a share from 0 to 1`);
  }
  const hashes = ids.map((id) => hash32('split', seed, id) / 0x1_0000_0000);
  const held = hashes.map((hash) => hash < heldOut);
  if (ids.length >= 2 && heldOut > 0 && heldOut < 1) {
    const ranked = hashes.map((_, i) => i).sort((a, b) => hashes[a]! - hashes[b]!);
    held[ranked[0]!] = true;
    held[ranked[ranked.length - 1]!] = false;
  }
  const positions = ids.map((_, i) => i);
  return { train: positions.filter((i) => !held[i]), heldOut: positions.filter((i) => held[i]) };
}
