import { checkSeed } from '../common/check.ts';
import { InputError } from '../common/errors.ts';
import { hash32 } from '../common/random.ts';
import type { Split } from './split.ts';

/** How groups of samples are split. */
export interface GroupSplitOptions {
  /** Fraction of the samples to hold out, between 0 and 1. Default 0.2. */
  readonly heldOut?: number;
  /** Default 0. */
  readonly seed?: number;
}

/**
 * The key of each id: the match of `pattern`, or its first capturing group. `/^(.*)_img\d+$/` finds the scene in
 * `AOI_2_Vegas_img12`, `/^(.*)@/` the image of a tile. Throws an Error for an id that does not match.
 */
export function groupKeys(ids: readonly string[], pattern: RegExp): string[] {
  // With the flag g or y, `exec` would continue where it stopped in the previous id.
  const plain = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
  return ids.map((id) => {
    const match = plain.exec(id);
    if (match === null) throw new InputError('groupKeys', `${pattern} matches nothing in the id ${id}`);
    return match[1] ?? match[0];
  });
}

/**
 * Splits samples so that those with the same key are on the same side: all tiles of an image, all images of a scene. Groups
 * are taken in the order of a hash of seed and key, and held out if that brings the number of held-out samples closer to
 * the requested fraction. Neither side is empty.
 *
 * @throws RangeError for a fraction that is not between 0 and 1
 * @throws Error if there is only one group
 */
export function splitGroups(keys: readonly string[], options: GroupSplitOptions = {}): Split {
  const { heldOut, seed } = checkSplit('splitGroups', options);
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  if (counts.size < 2) {
    throw new Error(
      `splitGroups: all ${keys.length} samples have the key "${keys[0]}", expected at least two keys ` +
        '(`splitBlocks` divides large images)',
    );
  }
  const held = chooseGroups(counts, heldOut, seed);
  const positions = keys.map((_, i) => i);
  return {
    train: positions.filter((i) => !held.has(keys[i]!)),
    heldOut: positions.filter((i) => held.has(keys[i]!)),
  };
}

/** Which of two or more groups, with their sizes, are held out: at least one, and never all. */
export function chooseGroups(sizes: ReadonlyMap<string, number>, heldOut: number, seed: number): Set<string> {
  const total = [...sizes.values()].reduce((a, b) => a + b, 0);
  const ranked = [...sizes.keys()].sort((a, b) => rank(seed, a) - rank(seed, b) || (a < b ? -1 : 1));
  const target = heldOut * total;
  const held = new Set<string>();
  let count = 0;
  for (const key of ranked) {
    const size = sizes.get(key)!;
    if (held.size === ranked.length - 1 || Math.abs(count + size - target) >= Math.abs(count - target)) continue;
    held.add(key);
    count += size;
  }
  if (held.size === 0) {
    // All groups are larger than twice the requested number: the smallest comes closest.
    held.add(ranked.reduce((least, key) => (sizes.get(key)! < sizes.get(least)! ? key : least)));
  }
  return held;
}

const rank = (seed: number, key: string): number => hash32('split', seed, key);

/** Options with their defaults; throws a RangeError for a fraction that leaves a side empty. */
export function checkSplit(op: string, { heldOut = 0.2, seed = 0 }: GroupSplitOptions): Required<GroupSplitOptions> {
  if (!(heldOut > 0 && heldOut < 1)) {
    throw new RangeError(`${op}: heldOut is ${heldOut}, expected a number between 0 and 1`);
  }
  checkSeed(op, seed);
  return { heldOut, seed };
}
