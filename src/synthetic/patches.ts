import type { Random } from '../common/random.ts';
import { carColours, patchColours, pick, vary } from './colours.ts';
import { fromGrid } from './streets.ts';
import type { Block, Draft, Patch, Tree } from './types.ts';

/** A patch at a point of the street grid, with half extents along and across the street. */
interface GridPatch extends Pick<Patch, 'along' | 'across' | 'pattern'> {
  readonly u: number;
  readonly v: number;
}

export function addPatch({ random, streets, patches }: Draft, { u, v, along, across, pattern }: GridPatch): void {
  const [x, y] = fromGrid(streets, u, v);
  const angle = streets.angle + Math.PI / 2;
  patches.push({ x, y, along, across, angle, pattern, colour: vary(random, pick(random, patchColours[pattern]), 0.2) });
}

/** Fills a chip without buildings: woodland, a field, a car park, or bare ground. */
export function fillEmpty({ random, side, streets, patches, trees }: Draft): void {
  const choice = random.int(4);
  if (choice === 3) return;
  if (choice === 0) {
    for (let i = 0; i < (side * side) / 14; i++) {
      trees.push(makeTree(random, random.uniform(-3, side + 3), random.uniform(-3, side + 3)));
    }
    return;
  }
  const pattern = choice === 1 ? 'rows' : 'bays';
  const half = side * random.uniform(0.25, 0.6);
  const [x, y] = [side * random.uniform(0.3, 0.7), side * random.uniform(0.3, 0.7)];
  const across = half * random.uniform(0.5, 1);
  const colour = vary(random, pick(random, patchColours[pattern]), 0.2);
  patches.push({ x, y, along: half, across, angle: streets.angle, pattern, colour });
}

/** Adds cars along the streets and in the bays of car parks. */
export function parkCars(draft: Draft): void {
  const { random, kind, streets, side, patches } = draft;
  const count = { suburb: 5, dense: 12, industry: 6, rural: 1, empty: 2 }[kind];
  for (let i = 0; i < count; i++) {
    const street = Math.round(random.uniform(-2, 2));
    const lane = (random.uniform() < 0.5 ? -1 : 1) * streets.halfWidth * random.uniform(0.35, 0.75);
    const u = streets.offset + street * streets.spacing + lane;
    const [x, y] = fromGrid(streets, u, random.uniform(-side, 1.5 * side));
    addCar(draft, x, y, streets.angle + Math.PI / 2 + random.normal(0, 0.05));
  }
  for (const patch of patches) if (patch.pattern === 'bays') parkInBays(draft, patch);
}

function parkInBays(draft: Draft, { x, y, along, across, angle }: Block): void {
  const { random } = draft;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  for (let a = -along + 1.5; a < along - 1; a += 2.8) {
    for (let b = -across + 2.8; b < across - 2; b += 7) {
      if (random.uniform() > 0.45) continue;
      addCar(draft, x + a * c - b * s, y + a * s + b * c, angle + Math.PI / 2 + random.normal(0, 0.03));
    }
  }
}

function addCar({ random, side, cars }: Draft, x: number, y: number, angle: number): void {
  if (x < -3 || y < -3 || x > side + 3 || y > side + 3) return;
  const [along, across] = [random.uniform(2, 2.5), random.uniform(0.85, 1)];
  cars.push({ x, y, along, across, angle, colour: vary(random, pick(random, carColours), 0.2) });
}

function makeTree(random: Random, x: number, y: number): Tree {
  return { x, y, radius: random.uniform(1.3, 3.6), colour: vary(random, [0.09, 0.14, 0.05], 0.35) };
}

/** Adds trees in gardens and along streets; a few of them overlap the edge of a roof. */
export function plantTrees({ random, kind, side, buildings, trees }: Draft): void {
  const count = { suburb: 26, dense: 12, industry: 8, rural: 30, empty: 4 }[kind] * random.uniform(0.4, 1.3);
  const blocks = buildings.flatMap((building) => building.blocks);
  for (let i = 0; i < count; i++) {
    const tree = makeTree(random, random.uniform(0, side), random.uniform(0, side));
    if (!blocks.some((block) => isOnRoof(tree, block))) trees.push(tree);
  }
}

function isOnRoof({ x, y, radius }: Tree, block: Block): boolean {
  const [dx, dy] = [x - block.x, y - block.y];
  const a = Math.abs(dx * Math.cos(block.angle) + dy * Math.sin(block.angle));
  const b = Math.abs(-dx * Math.sin(block.angle) + dy * Math.cos(block.angle));
  return a < block.along - radius * 0.2 && b < block.across - radius * 0.2;
}
