import type { Random } from '../common/random.ts';
import type { Point, Ring } from '../imagery/geometry.ts';
import { flatRoofs, pick, roofs, vary } from './colours.ts';
import { addPatch } from './patches.ts';
import { distanceToCrossing, fromGrid } from './streets.ts';
import type { Block, Draft, RoofForm, SceneKind } from './types.ts';

/** Fraction of the lots with a building. */
const BUILT: Readonly<Record<SceneKind, number>> = { suburb: 0.85, dense: 0.93, industry: 0.75, rural: 0.3, empty: 0 };

/** Fills the lots on both sides of every street, most of them with buildings. */
export function fillBlocks(draft: Draft): void {
  const { streets, side } = draft;
  const reach = side * 1.5;
  const first = Math.ceil((-reach - streets.offset) / streets.spacing);
  const last = Math.floor((reach - streets.offset) / streets.spacing);
  for (let street = first; street <= last; street++) {
    for (const hand of [-1, 1] as const) fillSide(draft, street, hand, reach);
  }
}

/** Fills the lots on one side of a street from -reach to reach; `hand` is the side, -1 or 1. */
function fillSide(draft: Draft, street: number, hand: -1 | 1, reach: number): void {
  const { random, kind, streets } = draft;
  const middle = streets.offset + street * streets.spacing;
  for (let v = -reach; v < reach;) {
    const lot = lotOf(random, kind);
    const at = v + lot.frontage / 2;
    v += lot.frontage;
    fillLot(draft, lot, { u: middle + hand * (streets.halfWidth + lot.setback + lot.across), v: at, hand });
  }
}

/** Where a building goes: in the street grid, and on which side of the street. */
interface Site {
  readonly u: number;
  readonly v: number;
  readonly hand: -1 | 1;
}

function fillLot(draft: Draft, lot: Lot, site: Site): void {
  const { random, kind, streets, side } = draft;
  const { along, across } = lot;
  const depth = streets.spacing / 2 - streets.halfWidth;
  const crossing = streets.crossed && distanceToCrossing(streets, site.v) < streets.halfWidth + along + 2;
  const fits = lot.setback + 2 * across < depth - 1;
  if (crossing || !fits || random.uniform() > BUILT[kind]) {
    if (random.uniform() >= 0.15) return;
    addPatch(draft, { ...site, along, across, pattern: random.uniform() < 0.5 ? 'court' : 'plain' });
    return;
  }
  const [x, y] = fromGrid(streets, site.u, site.v);
  const angle = streets.angle + Math.PI / 2 + random.normal(0, 0.02);
  if (x < -20 || y < -20 || x > side + 20 || y > side + 20) return;
  addBuilding(draft, { x, y, along, across, angle }, site.hand);
  addGarden(draft, lot, site);
}

interface Lot {
  /** Width of the lot along the street. */
  readonly frontage: number;
  /** Distance of the building from the street. */
  readonly setback: number;
  /** Half of the building's extent along the street, and away from it. */
  readonly along: number;
  readonly across: number;
}

function lotOf(random: Random, kind: SceneKind): Lot {
  if (kind === 'industry') {
    const along = random.uniform(6, 11);
    return {
      frontage: 2 * along + random.uniform(5, 14),
      setback: random.uniform(5, 10),
      along,
      across: random.uniform(6, 11),
    };
  }
  const along = kind === 'dense' ? random.uniform(3.6, 6) : random.uniform(4.5, 8);
  const gap = kind === 'dense' ? random.uniform(1.5, 4) : random.uniform(4, 9);
  const across = random.uniform(3.6, 6);
  return {
    frontage: 2 * along + gap,
    setback: kind === 'dense' ? random.uniform(2, 5) : random.uniform(4, 8),
    along,
    across,
  };
}

function addBuilding(draft: Draft, main: Block, hand: number): void {
  const { random, kind, buildings } = draft;
  const industrial = kind === 'industry';
  const form: RoofForm = industrial || random.uniform() < 0.15 ? 'flat' : random.uniform() < 0.5 ? 'gable' : 'hip';
  const colour = vary(random, form === 'flat' ? pick(random, flatRoofs) : pick(random, roofs), 0.3);
  const blocks = [main];
  if (random.uniform() < (industrial ? 0.3 : 0.35) && main.along > 5) blocks.push(wing(random, main, hand));
  buildings.push({
    blocks,
    footprint: outline(blocks),
    form,
    colour,
    height: industrial ? random.uniform(5, 9) : random.uniform(3, 6.5),
    seed: random.bits(),
  });
}

/** A second block that extends the main one away from the street, at an end (L) or in the middle (T). */
function wing(random: Random, main: Block, hand: number): Block {
  const along = main.along * random.uniform(0.3, 0.48);
  const out = random.uniform(1.8, 4);
  const shift = random.uniform() < 0.3 ? 0 : (random.uniform() < 0.5 ? -1 : 1) * (main.along - along);
  // It extends from the main block's axis to `out` beyond its edge. The across axis is the angle plus 90 degrees.
  const depth = (main.across + out) / 2;
  const away = -hand * depth;
  return {
    x: main.x + shift * Math.cos(main.angle) - away * Math.sin(main.angle),
    y: main.y + shift * Math.sin(main.angle) + away * Math.cos(main.angle),
    along,
    across: depth,
    angle: main.angle,
  };
}

/** Corner of a block; `a` and `b` are -1 or 1. */
const corner = ({ x, y, along, across, angle }: Block, a: number, b: number): Point => [
  x + a * along * Math.cos(angle) - b * across * Math.sin(angle),
  y + a * along * Math.sin(angle) + b * across * Math.cos(angle),
];

/** Outline of one block, or of a main block with a wing. */
function outline([main, wing]: readonly Block[]): Ring {
  if (main === undefined) return [];
  if (wing === undefined) return [corner(main, -1, -1), corner(main, 1, -1), corner(main, 1, 1), corner(main, -1, 1)];
  // In the main block's frame, the wing crosses the side `s` of the main block between `low` and `high`.
  const [dx, dy] = [wing.x - main.x, wing.y - main.y];
  const shift = dx * Math.cos(main.angle) + dy * Math.sin(main.angle);
  const away = -dx * Math.sin(main.angle) + dy * Math.cos(main.angle);
  const s = Math.sign(away);
  const far = Math.abs(away) + wing.across;
  const [low, high] = [Math.max(shift - wing.along, -main.along), Math.min(shift + wing.along, main.along)];
  const place = (a: number, b: number): Point => [
    main.x + a * Math.cos(main.angle) - b * s * Math.sin(main.angle),
    main.y + a * Math.sin(main.angle) + b * s * Math.cos(main.angle),
  ];
  const ring: Point[] = [place(-main.along, -main.across), place(main.along, -main.across)];
  if (high < main.along - 0.05) ring.push(place(main.along, main.across), place(high, main.across));
  ring.push(place(high, far), place(low, far));
  if (low > -main.along + 0.05) ring.push(place(low, main.across), place(-main.along, main.across));
  return ring;
}

/** A drive to the street, and sometimes a pool or a court behind the house. */
function addGarden(draft: Draft, lot: Lot, { u, v, hand }: Site): void {
  const { random, kind } = draft;
  const behind = u + hand * (lot.across + random.uniform(4, 7));
  if (kind === 'industry') {
    if (random.uniform() < 0.7) {
      addPatch(draft, { u: u - hand * (lot.across + 5), v, along: lot.along, across: 4, pattern: 'bays' });
    }
  } else if (random.uniform() < 0.6) {
    const reach = (lot.setback + lot.across) / 2;
    addPatch(draft, { u: u - hand * reach, v: v + lot.along * 0.7, along: 1.4, across: reach, pattern: 'plain' });
  }
  if (kind === 'suburb' && random.uniform() < 0.22) {
    const [along, across] = [random.uniform(2, 4), random.uniform(1.5, 2.5)];
    addPatch(draft, { u: behind, v, along, across, pattern: 'water' });
  }
  if (random.uniform() < 0.08) addPatch(draft, { u: behind, v, along: 2, across: 1.6, pattern: 'plain' });
}
