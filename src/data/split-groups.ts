import { hash32 } from '../common/random.ts';
import type { Split } from './split.ts';

/** How groups of samples are shared out. */
export interface GroupSplitOptions {
  /** Share of the samples to hold out, above 0 and below 1. Default 0.2. */
  readonly heldOut?: number;
  /** Default 0. */
  readonly seed?: number;
}

/**
 * The key of each id: what `pattern` matches, or its first group in brackets, such as `/^(.*)_img\d+$/` for the scene in
 * `AOI_2_Vegas_img12`, and `/^(.*)@/` for the image of a tile. Throws an Error for an id that does not match.
 */
export function groupKeys(ids: readonly string[], pattern: RegExp): string[] {
  // A pattern with the flag g or y would go on where it stopped in the id before.
  const plain = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
  return ids.map((id) => {
    const match = plain.exec(id);
    if (match === null) throw new Error(`groupKeys: ${pattern} matches nothing in the id ${id}`);
    return match[1] ?? match[0];
  });
}

/**
 * Splits samples so that those with the same key stand on the same side: all tiles of an image, all images of a scene.
 * Groups are held out in the order of a hash of seed and key, as long as each brings the number of samples held out
 * closer to the share asked for. Neither side is empty. Throws an Error where there is but one group.
 */
export function splitGroups(keys: readonly string[], options: GroupSplitOptions = {}): Split {
  const { heldOut, seed } = checkShare('splitGroups', options);
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  if (counts.size < 2) {
    throw new Error(
      `splitGroups: all ${keys.length} samples have the key "${keys[0]}": nothing can be held out from it, expected two ` +
        'keys or more (`splitBlocks` divides large images)',
    );
  }
  const held = chooseGroups(counts, heldOut, seed);
  const positions = keys.map((_, i) => i);
  return {
    train: positions.filter((i) => !held.has(keys[i]!)),
    heldOut: positions.filter((i) => held.has(keys[i]!)),
  };
}

/** Which of two or more groups, given with their sizes, are held out; never none and never all. */
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
    // All groups are larger than twice the share: the smallest comes closest.
    held.add(ranked.reduce((least, key) => (sizes.get(key)! < sizes.get(least)! ? key : least)));
  }
  return held;
}

const rank = (seed: number, key: string): number => hash32('split', seed, key);

/** Options with their defaults; throws a RangeError for a share that leaves a side empty. */
export function checkShare(op: string, { heldOut = 0.2, seed = 0 }: GroupSplitOptions): Required<GroupSplitOptions> {
  if (!(heldOut > 0 && heldOut < 1)) {
    throw new RangeError(`${op}: heldOut is ${heldOut}, expected a share above 0 and below 1`);
  }
  return { heldOut, seed };
}
