import { boxIou } from '../imagery/boxes.ts';
import type { Box } from '../imagery/geometry.ts';
import { boundsOnMap } from '../imagery/georeference.ts';
import { hammingDistance } from './difference-hash.ts';
import { findingAt, type Finding, type Item } from './types.ts';
import { counted, percent } from '../common/check.ts';
import { isProper } from '../detector/visible-box.ts';

/** Bits in which the difference hashes of one picture, saved twice, may differ. */
const ALIKE_BITS = 4;
/** Share of the smaller image's area from which an overlap is more than neighbours that touch. */
const OVERLAP = 0.01;
/** Share of boxes of both images that must match for near-duplicates; flat images have equal hashes by chance. */
const MATCHING = 0.8;

/**
 * Looks for images on both sides of a split that show the same: scores on held-out images are then too good, and the
 * best epoch is chosen by what was learnt by heart.
 */
export function checkLeakage(train: readonly Item[], heldOut: readonly Item[]): Finding[] {
  const same: string[] = [];
  const hashes = new Map(train.flatMap(({ facts }) => (facts.hash === '' ? [] : [[facts.hash, facts.file] as const])));
  for (const { facts } of heldOut) {
    const twin = hashes.get(facts.hash);
    if (twin !== undefined) same.push(`${facts.file} = ${twin}`);
  }
  const alike = nearDuplicates(train, heldOut);
  const overlapping = overlaps(train, heldOut);
  const scenes = sharedScenes(train, heldOut);
  const remedy = 'Split by scene or region, so that both sides show different places';
  const seen = new Set(overlapping.map(({ file }) => file));
  return [
    ...findingAt(
      'error',
      'leak-identical',
      same,
      `${same.length} of ${heldOut.length} held-out images also trained on, byte for byte`,
      'Remove the copies',
    ),
    ...findingAt(
      'error',
      'leak-near-duplicate',
      alike,
      `${counted(alike.length, 'pair', 'pairs')} across the split with the same look and the same boxes`,
      'Remove the copies (resized or saved again), or keep them on one side',
    ),
    ...findingAt(
      'error',
      'leak-overlap',
      overlapping.map(({ text }) => text),
      `${seen.size} of ${heldOut.length} held-out images (${percent(seen.size / Math.max(1, heldOut.length))}) on ground that is also trained on`,
      remedy,
    ),
    ...findingAt(
      'warning',
      'leak-scene',
      scenes,
      `Tiles of ${counted(scenes.length, 'scene', 'scenes')} on both sides of the split`,
      remedy,
    ),
  ];
}

function nearDuplicates(train: readonly Item[], heldOut: readonly Item[]): string[] {
  const places: string[] = [];
  const withHash = (items: readonly Item[]): Item[] =>
    items.filter(({ image, facts }) => facts.difference !== null && image.objects.length > 0);
  const known = withHash(train);
  for (const b of withHash(heldOut)) {
    for (const a of known) {
      if (a.facts.hash === b.facts.hash) continue;
      const distance = hammingDistance(a.facts.difference as [number, number], b.facts.difference as [number, number]);
      if (distance <= ALIKE_BITS && boxesMatch(a, b)) places.push(`${b.facts.file} ~ ${a.facts.file}`);
    }
  }
  return places;
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

/** Held-out images whose bounds intersect those of an image of the other side in the same coordinate system. */
function overlaps(train: readonly Item[], heldOut: readonly Item[]): { file: string; text: string }[] {
  const withBounds = (items: readonly Item[]): { item: Item; bounds: Box }[] =>
    items
      .flatMap((item) => {
        const bounds = boundsOf(item);
        return bounds === null ? [] : [{ item, bounds }];
      })
      .sort((a, b) => a.bounds[0] - b.bounds[0]);
  const area = ([x1, y1, x2, y2]: Box): number => (x2 - x1) * (y2 - y1);
  const known = withBounds(train);
  const found: { file: string; text: string }[] = [];
  for (const { item, bounds } of withBounds(heldOut)) {
    for (const other of known) {
      if (other.bounds[0] >= bounds[2]) break;
      if (other.item.facts.epsg !== item.facts.epsg || other.item.facts.hash === item.facts.hash) continue;
      const width = Math.min(bounds[2], other.bounds[2]) - Math.max(bounds[0], other.bounds[0]);
      const height = Math.min(bounds[3], other.bounds[3]) - Math.max(bounds[1], other.bounds[1]);
      const share = (width * height) / Math.min(area(bounds), area(other.bounds));
      if (!(width > 0 && height > 0 && share > OVERLAP)) continue;
      const { file } = item.facts;
      found.push({ file, text: `${file} overlaps ${other.item.facts.file} by ${percent(share)}` });
    }
  }
  return found;
}

/**
 * Scenes with tiles on both sides. Tiles are named after their scene and place in it, two numbers at the end
 * (`P0001__1024__512`, `scene-7_3_4`); a scene is one that has at least two.
 */
function sharedScenes(train: readonly Item[], heldOut: readonly Item[]): string[] {
  const sceneOf = ({ facts }: Item): string | null =>
    /^(.+?)[^0-9A-Za-z/]+\d+[^0-9A-Za-z/]+\d+\.[^./]+$/.exec(facts.file)?.[1] ?? null;
  const count = (items: readonly Item[]): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const item of items) {
      const scene = sceneOf(item);
      if (scene !== null) counts.set(scene, (counts.get(scene) ?? 0) + 1);
    }
    return counts;
  };
  const [left, right] = [count(train), count(heldOut)];
  return [...right]
    .filter(([scene]) => left.has(scene))
    .map(([scene, tiles]) => `${scene}: ${left.get(scene)} tiles trained on, ${tiles} held out`)
    .sort();
}
