import { boxIou } from '../imagery/boxes.ts';
import { counted, percent } from '../common/check.ts';
import { isProper } from '../detector/visible-box.ts';
import type { Box } from '../imagery/geometry.ts';
import { boundsOnMap } from '../imagery/georeference.ts';
import { hammingDistance } from './difference-hash.ts';
import { findingAt, type Finding, type ImageFacts, type Item } from './types.ts';

/** Bits in which the difference hashes of one picture, saved twice, may differ. */
const ALIKE_BITS = 4;
/** Fraction of the smaller image's area above which an overlap is more than neighbours that touch. */
const OVERLAP = 0.01;
/** Fraction of the boxes of both images that must match for near-duplicates; flat images have equal hashes by chance. */
const MATCHING = 0.8;

const SPLIT_REMEDY = 'Split by scene or region, so that training and held-out images show different places';

/**
 * Looks for images that show the same on both sides of a split: scores on held-out images are then too high, and the epoch
 * that is chosen as the best is the one that memorised most.
 */
export function checkLeakage(train: readonly Item[], heldOut: readonly Item[]): Finding[] {
  const total = heldOut.length;
  const identical = identicalFiles(train, heldOut);
  const alike = nearDuplicates(train, heldOut);
  const overlapping = overlaps(train, heldOut);
  const overlapped = new Set(overlapping.map(({ file }) => file)).size;
  const of = `of ${total} held-out images (${percent(overlapped / Math.max(1, total))})`;
  const scenes = sharedScenes(train, heldOut);
  return [
    ...findingAt({
      severity: 'error',
      kind: 'leak-identical',
      locations: identical,
      message: `${counted(identical.length, `of ${total} held-out images is`, `of ${total} held-out images are`)} byte-identical to a training image`,
      remedy: 'Remove the duplicates',
    }),
    ...findingAt({
      severity: 'error',
      kind: 'leak-near-duplicate',
      locations: alike,
      message: `${counted(alike.length, 'pair of a training and a held-out image looks', 'pairs of a training and a held-out image look')} the same, with the same boxes`,
      remedy: 'Remove the copies, which were resized or encoded again, or keep each pair on one side of the split',
    }),
    ...findingAt({
      severity: 'error',
      kind: 'leak-overlap',
      locations: overlapping.map(({ text }) => text),
      message: `${counted(overlapped, `${of} overlaps`, `${of} overlap`)} training images on the ground`,
      remedy: SPLIT_REMEDY,
    }),
    ...findingAt({
      severity: 'warning',
      kind: 'leak-scene',
      locations: scenes,
      message: `${counted(scenes.length, 'scene has', 'scenes have')} tiles on both sides of the split`,
      remedy: SPLIT_REMEDY,
    }),
  ];
}

function identicalFiles(train: readonly Item[], heldOut: readonly Item[]): string[] {
  const known = new Map(train.flatMap(({ facts }) => (facts.hash === '' ? [] : [[facts.hash, facts.file] as const])));
  return heldOut.flatMap(({ facts }) => {
    const twin = known.get(facts.hash);
    return twin === undefined ? [] : [`${facts.file} = ${twin}`];
  });
}

function nearDuplicates(train: readonly Item[], heldOut: readonly Item[]): string[] {
  interface Hashed {
    readonly item: Item;
    readonly difference: NonNullable<ImageFacts['difference']>;
  }
  const hashed = (items: readonly Item[]): Hashed[] =>
    items.flatMap((item) => {
      const { difference } = item.facts;
      return difference === null || item.image.objects.length === 0 ? [] : [{ item, difference }];
    });
  const known = hashed(train);
  return hashed(heldOut).flatMap((b) =>
    known
      .filter(
        (a) =>
          a.item.facts.hash !== b.item.facts.hash &&
          hammingDistance(a.difference, b.difference) <= ALIKE_BITS &&
          boxesMatch(a.item, b.item),
      )
      .map((a) => `${b.item.facts.file} ~ ${a.item.facts.file}`),
  );
}

/** Whether two images have the same boxes, relative to their sizes. */
function boxesMatch(a: Item, b: Item): boolean {
  const relative = ({ image, facts: { size } }: Item): Box[] => {
    const { width, height } = size ?? { width: 1, height: 1 };
    return image.objects.flatMap(({ box: [x1, y1, x2, y2] }): Box[] => {
      const box: Box = [x1 / width, y1 / height, x2 / width, y2 / height];
      return isProper(box) ? [box] : [];
    });
  };
  const [left, right] = [relative(a), relative(b)];
  const most = Math.max(left.length, right.length);
  const matched = left.filter((box) => right.some((other) => boxIou(box, 0, other, 0) >= 0.5)).length;
  return most > 0 && Math.min(matched, right.length) >= MATCHING * most;
}

/** Upright bounds of an image on the map. */
function boundsOf({ facts: { affine, size } }: Item): Box | null {
  return affine === null || size === null ? null : boundsOnMap(affine, size.width, size.height);
}

/** Held-out images that overlap a training image in the same coordinate system. */
function overlaps(train: readonly Item[], heldOut: readonly Item[]): { file: string; text: string }[] {
  const withBounds = (items: readonly Item[]): { item: Item; bounds: Box }[] =>
    items
      .flatMap((item) => {
        const bounds = boundsOf(item);
        return bounds === null ? [] : [{ item, bounds }];
      })
      .sort((a, b) => a.bounds[0] - b.bounds[0]);
  const known = withBounds(train);
  const found: { file: string; text: string }[] = [];
  for (const { item, bounds } of withBounds(heldOut)) {
    const { file, epsg, hash } = item.facts;
    for (const other of known) {
      // Sorted by their left edges: all others lie further right.
      if (other.bounds[0] >= bounds[2]) break;
      if (other.item.facts.epsg !== epsg || other.item.facts.hash === hash) continue;
      const fraction = overlapFraction(bounds, other.bounds);
      if (fraction <= OVERLAP) continue;
      found.push({ file, text: `${file} overlaps ${other.item.facts.file} by ${percent(fraction)}` });
    }
  }
  return found;
}

/** The overlap of two boxes as a fraction of the smaller one. */
function overlapFraction(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (!(width > 0 && height > 0)) return 0;
  const area = ([x1, y1, x2, y2]: Box): number => (x2 - x1) * (y2 - y1);
  return (width * height) / Math.min(area(a), area(b));
}

/**
 * Scenes with tiles on both sides. A tile is named after its scene and its position in it, two numbers at the end
 * (`P0001__1024__512`, `scene-7_3_4`).
 */
function sharedScenes(train: readonly Item[], heldOut: readonly Item[]): string[] {
  const sceneOf = ({ facts }: Item): string | null =>
    /^(.+?)[^0-9A-Za-z/]+\d+[^0-9A-Za-z/]+\d+\.[^./]+$/.exec(facts.file)?.[1] ?? null;
  const tilesByScene = (items: readonly Item[]): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const item of items) {
      const scene = sceneOf(item);
      if (scene !== null) counts.set(scene, (counts.get(scene) ?? 0) + 1);
    }
    return counts;
  };
  const trained = tilesByScene(train);
  return [...tilesByScene(heldOut)]
    .flatMap(([scene, tiles]) => {
      const count = trained.get(scene);
      return count === undefined
        ? []
        : [`${scene}: ${counted(count, 'tile', 'tiles')} for training, ${tiles} held out`];
    })
    .sort();
}
