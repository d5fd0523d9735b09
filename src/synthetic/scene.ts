import { Random } from '../common/random.ts';
import type { Point } from '../imagery/geometry.ts';
import { fillBlocks } from './buildings.ts';
import { fillEmpty, parkCars, plantTrees } from './patches.ts';
import { makeStreets } from './streets.ts';
import type { Draft, Scene, SceneKind } from './types.ts';

/** Direction of all shadows in the data set: to the upper left, as late in the morning in the north. */
const SHADOW: Point = [-0.55, -0.75];

/** Describes a chip of `side` metres. The same seed and index give the same scene. */
export function makeScene(seed: number, index: number, side: number): Scene {
  const random = new Random('synthetic', seed, index);
  const kind = chooseKind(random);
  const streets = makeStreets(random, kind, side);
  const draft: Draft = { random, kind, streets, side, patches: [], buildings: [], cars: [], trees: [] };
  if (kind === 'empty') fillEmpty(draft);
  else fillBlocks(draft);
  parkCars(draft);
  plantTrees(draft);
  const { patches, buildings, cars, trees } = draft;
  const green = random.uniform(0.25, 1);
  return { side, kind, streets, patches, buildings, cars, trees, shadow: SHADOW, green, seed: random.bits() };
}

function chooseKind(random: Random): SceneKind {
  const u = random.uniform();
  if (u < 0.13) return 'empty';
  if (u < 0.26) return 'rural';
  if (u < 0.4) return 'industry';
  return u < 0.65 ? 'dense' : 'suburb';
}
