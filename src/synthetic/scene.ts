import type { Point, Ring } from '../imagery/geometry.ts';
import { Random } from '../common/random.ts';

// A synthetic town seen from above, as a description: streets, buildings, trees, cars and what else lies around. All
// lengths are metres; x points right and y down, from the corner of the chip.

/** Forms of roofs: slopes on two sides, on four, or none. */
type RoofForm = 'gable' | 'hip' | 'flat';

/** A rectangle turned by an angle; `along` is half its extent in the direction of the angle, `across` half the other. */
export interface Block {
  readonly x: number;
  readonly y: number;
  readonly along: number;
  readonly across: number;
  readonly angle: number;
}

export interface Building {
  /** One block, or two that overlap (an L or T). */
  readonly blocks: readonly Block[];
  /** Outline of the roof, metres. */
  readonly footprint: Ring;
  readonly form: RoofForm;
  /** Reflectance of the roof, 0 to 1: red, green, blue. */
  readonly colour: Colour;
  /** Height of the eaves, which is what casts the shadow. */
  readonly height: number;
  readonly seed: number;
}

export type Colour = readonly [red: number, green: number, blue: number];

interface Tree {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly colour: Colour;
}

/** Something flat and rectangular: a drive, a pool, a court, a car park, a field. */
interface Patch extends Block {
  readonly colour: Colour;
  /** Whether it has the sheen of water, the lines of a car park, or the rows of a field. */
  readonly pattern: 'plain' | 'water' | 'bays' | 'rows' | 'court';
}

interface Car extends Block {
  readonly colour: Colour;
}

export interface Scene {
  /** Side of the square chip in metres. */
  readonly side: number;
  readonly kind: SceneKind;
  /** Direction that shadows fall, as metres of shadow per metre of height. */
  readonly shadow: Point;
  /** Street grid: angle, spacing in both directions, and where the first streets run. */
  readonly streets: Streets;
  readonly patches: readonly Patch[];
  readonly buildings: readonly Building[];
  readonly cars: readonly Car[];
  readonly trees: readonly Tree[];
  /** Share of grass against dry soil, 0 to 1. */
  readonly green: number;
  readonly seed: number;
}

export type SceneKind = 'suburb' | 'dense' | 'industry' | 'rural' | 'empty';

interface Streets {
  readonly angle: number;
  readonly spacing: number;
  readonly crossSpacing: number;
  readonly offset: number;
  readonly crossOffset: number;
  readonly halfWidth: number;
  /** Amplitude and wave length of the streets' bends. */
  readonly bend: number;
  readonly wave: number;
  /** Streets of the second direction; without them there are only parallel ones. */
  readonly crossed: boolean;
  readonly paved: boolean;
}

const roofs: readonly Colour[] = [
  [0.36, 0.17, 0.12], // tiles, red
  [0.3, 0.2, 0.15], // tiles, brown
  [0.42, 0.28, 0.2], // terracotta
  [0.24, 0.24, 0.25], // shingles, grey
  [0.13, 0.13, 0.14], // shingles, dark
  [0.4, 0.38, 0.35], // gravel
  [0.33, 0.29, 0.23], // tan
];
const flatRoofs: readonly Colour[] = [
  [0.62, 0.62, 0.6], // white membrane
  [0.42, 0.42, 0.42],
  [0.3, 0.31, 0.33], // metal
  [0.38, 0.45, 0.5], // metal, bluish
  [0.22, 0.21, 0.2], // bitumen
];
const carColours: readonly Colour[] = [
  [0.6, 0.6, 0.6],
  [0.08, 0.08, 0.09],
  [0.35, 0.36, 0.38],
  [0.4, 0.06, 0.05],
  [0.08, 0.13, 0.3],
];
const pick = <T>(random: Random, list: readonly T[]): T => list[random.int(list.length)]!;
const vary = (random: Random, colour: Colour, amount: number): Colour => {
  const light = 1 + random.uniform(-amount, amount);
  return colour.map((v) => Math.min(0.75, v * light * (1 + random.uniform(-0.06, 0.06)))) as unknown as Colour;
};

/** Direction of the sun's shadows in the whole data set: to the upper left, a late morning in the north. */
const SHADOW: Point = [-0.55, -0.75];

/** Describes a chip of `side` metres. The same seed and index give the same scene. */
export function makeScene(seed: number, index: number, side: number): Scene {
  const random = new Random('synthetic', seed, index);
  const kind = chooseKind(random);
  const streets = makeStreets(random, kind, side);
  const patches: Patch[] = [];
  const buildings: Building[] = [];
  const cars: Car[] = [];
  const trees: Tree[] = [];
  const scene = { random, kind, streets, side, patches, buildings, cars, trees };
  if (kind === 'empty') fillEmpty(scene);
  else fillBlocks(scene);
  parkCars(scene);
  plantTrees(scene);
  return {
    side,
    kind,
    streets,
    patches,
    buildings,
    cars,
    trees,
    shadow: SHADOW,
    green: random.uniform(0.25, 1),
    seed: random.bits(),
  };
}

function chooseKind(random: Random): SceneKind {
  const u = random.uniform();
  if (u < 0.13) return 'empty';
  if (u < 0.26) return 'rural';
  if (u < 0.4) return 'industry';
  return u < 0.65 ? 'dense' : 'suburb';
}

function makeStreets(random: Random, kind: SceneKind, side: number): Streets {
  const spacing = { suburb: 52, dense: 44, industry: 75, rural: 120, empty: 150 }[kind] * random.uniform(0.9, 1.15);
  const crossSpacing = spacing * random.uniform(1.3, 2.2);
  return {
    angle: random.uniform(0, Math.PI),
    spacing,
    crossSpacing,
    offset: random.uniform(0, spacing),
    crossOffset: random.uniform(0, crossSpacing),
    halfWidth: kind === 'rural' ? random.uniform(1.8, 3) : random.uniform(3, 4.5),
    bend: random.uniform() < 0.5 ? random.uniform(0, 3) : 0,
    wave: random.uniform(0.8, 1.6) * side,
    crossed: kind !== 'rural' && random.uniform() < 0.7,
    paved: kind !== 'rural' || random.uniform() < 0.4,
  };
}

interface Draft {
  readonly random: Random;
  readonly kind: SceneKind;
  readonly streets: Streets;
  readonly side: number;
  readonly patches: Patch[];
  readonly buildings: Building[];
  readonly cars: Car[];
  readonly trees: Tree[];
}

/** Position in the chip of a point of the street grid: u across the streets, v along them. */
function fromGrid({ angle, bend, wave }: Streets, u: number, v: number): Point {
  const bent = u + bend * Math.sin((2 * Math.PI * v) / wave);
  return [bent * Math.cos(angle) - v * Math.sin(angle), bent * Math.sin(angle) + v * Math.cos(angle)];
}

/** Lots on both sides of every street, most of them built on. */
function fillBlocks(draft: Draft): void {
  const { random, kind, streets, side } = draft;
  const reach = side * 1.5;
  const built = { suburb: 0.85, dense: 0.93, industry: 0.75, rural: 0.3, empty: 0 }[kind];
  const first = Math.ceil((-reach - streets.offset) / streets.spacing);
  const last = Math.floor((reach - streets.offset) / streets.spacing);
  for (let street = first; street <= last; street++) {
    const u0 = streets.offset + street * streets.spacing;
    for (const hand of [-1, 1]) {
      for (let v = -reach; v < reach;) {
        const lot = lotOf(random, kind);
        const at = v + lot.frontage / 2;
        v += lot.frontage;
        const depth = streets.spacing / 2 - streets.halfWidth;
        const u = u0 + hand * (streets.halfWidth + lot.setback + lot.across);
        const crossing = streets.crossed && nearCross(streets, at) < streets.halfWidth + lot.along + 2;
        const fits = lot.setback + 2 * lot.across < depth - 1;
        if (crossing || !fits || random.uniform() > built) {
          if (random.uniform() < 0.15)
            addPatch(draft, u, at, lot.along, lot.across, random.uniform() < 0.5 ? 'court' : 'plain');
          continue;
        }
        const [x, y] = fromGrid(streets, u, at);
        const angle = streets.angle + Math.PI / 2 + random.normal(0, 0.02);
        if (x < -20 || y < -20 || x > side + 20 || y > side + 20) continue;
        addBuilding(draft, { x, y, along: lot.along, across: lot.across, angle }, hand);
        addGarden(draft, u, at, hand, lot);
      }
    }
  }
}

const nearCross = ({ crossOffset, crossSpacing }: Streets, v: number): number => {
  const distance = (((v - crossOffset) % crossSpacing) + crossSpacing) % crossSpacing;
  return Math.min(distance, crossSpacing - distance);
};

interface Lot {
  readonly frontage: number;
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

/** A second block that stands out of the main one on the side away from the street, at an end (L) or the middle (T). */
function wing(random: Random, main: Block, hand: number): Block {
  const along = main.along * random.uniform(0.3, 0.48);
  const out = random.uniform(1.8, 4);
  const shift = random.uniform() < 0.3 ? 0 : (random.uniform() < 0.5 ? -1 : 1) * (main.along - along);
  // It reaches from the main block's axis to `out` beyond its edge. The across axis points away from the angle by 90°.
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
  // In the main block's frame: the wing leaves through its across side `s` between `low` and `high`.
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

/** A drive to the street, and behind the house sometimes a pool or a court. */
function addGarden(draft: Draft, u: number, v: number, hand: number, lot: Lot): void {
  const { random, kind } = draft;
  const behind = u + hand * (lot.across + random.uniform(4, 7));
  if (kind === 'industry') {
    if (random.uniform() < 0.7) addPatch(draft, u - hand * (lot.across + 5), v, lot.along, 4, 'bays');
  } else if (random.uniform() < 0.6) {
    const reach = (lot.setback + lot.across) / 2;
    addPatch(draft, u - hand * reach, v + lot.along * 0.7, 1.4, reach, 'plain');
  }
  if (kind === 'suburb' && random.uniform() < 0.22)
    addPatch(draft, behind, v, random.uniform(2, 4), random.uniform(1.5, 2.5), 'water');
  if (random.uniform() < 0.08) addPatch(draft, behind, v, 2, 1.6, 'plain');
}

const patchColours: Readonly<Record<Patch['pattern'], readonly Colour[]>> = {
  plain: [
    [0.36, 0.35, 0.33],
    [0.28, 0.28, 0.28],
    [0.4, 0.36, 0.3],
  ],
  water: [
    [0.08, 0.32, 0.42],
    [0.1, 0.26, 0.34],
  ],
  bays: [
    [0.2, 0.2, 0.21],
    [0.25, 0.25, 0.25],
  ],
  rows: [
    [0.2, 0.22, 0.09],
    [0.34, 0.28, 0.17],
    [0.26, 0.29, 0.12],
  ],
  court: [
    [0.35, 0.17, 0.12],
    [0.14, 0.28, 0.2],
    [0.3, 0.3, 0.32],
  ],
};

/** Adds a patch around a point of the street grid: half extents along and across the street. */
function addPatch(draft: Draft, u: number, v: number, along: number, across: number, pattern: Patch['pattern']): void {
  const { random, streets, patches } = draft;
  const [x, y] = fromGrid(streets, u, v);
  const angle = streets.angle + Math.PI / 2;
  patches.push({ x, y, along, across, angle, pattern, colour: vary(random, pick(random, patchColours[pattern]), 0.2) });
}

/** Fields, woodland, a car park or a plaza: everything that is not a building. */
function fillEmpty(draft: Draft): void {
  const { random, side, patches, trees } = draft;
  const what = random.int(4);
  if (what === 0) {
    for (let i = 0; i < (side * side) / 14; i++)
      trees.push(tree(random, random.uniform(-3, side + 3), random.uniform(-3, side + 3)));
  } else if (what === 3) {
    return; // Bare ground.
  } else {
    const pattern = what === 1 ? 'rows' : 'bays';
    const angle = draft.streets.angle;
    const half = side * random.uniform(0.25, 0.6);
    const [x, y] = [side * random.uniform(0.3, 0.7), side * random.uniform(0.3, 0.7)];
    patches.push({
      x,
      y,
      along: half,
      across: half * random.uniform(0.5, 1),
      angle,
      pattern,
      colour: vary(random, pick(random, patchColours[pattern]), 0.2),
    });
  }
}

/** Cars along the streets and in the bays of car parks. */
function parkCars({ random, kind, streets, side, patches, cars }: Draft): void {
  const add = (x: number, y: number, angle: number): void => {
    if (x < -3 || y < -3 || x > side + 3 || y > side + 3) return;
    cars.push({
      x,
      y,
      along: random.uniform(2, 2.5),
      across: random.uniform(0.85, 1),
      angle,
      colour: vary(random, pick(random, carColours), 0.2),
    });
  };
  const many = { suburb: 5, dense: 12, industry: 6, rural: 1, empty: 2 }[kind];
  for (let i = 0; i < many; i++) {
    const street = Math.round(random.uniform(-2, 2));
    const lane = (random.uniform() < 0.5 ? -1 : 1) * streets.halfWidth * random.uniform(0.35, 0.75);
    const [x, y] = fromGrid(
      streets,
      streets.offset + street * streets.spacing + lane,
      random.uniform(-side, 1.5 * side),
    );
    add(x, y, streets.angle + Math.PI / 2 + random.normal(0, 0.05));
  }
  for (const patch of patches) {
    if (patch.pattern !== 'bays') continue;
    for (let a = -patch.along + 1.5; a < patch.along - 1; a += 2.8) {
      for (let b = -patch.across + 2.8; b < patch.across - 2; b += 7) {
        if (random.uniform() > 0.45) continue;
        const [c, s] = [Math.cos(patch.angle), Math.sin(patch.angle)];
        add(patch.x + a * c - b * s, patch.y + a * s + b * c, patch.angle + Math.PI / 2 + random.normal(0, 0.03));
      }
    }
  }
}

function tree(random: Random, x: number, y: number): Tree {
  return { x, y, radius: random.uniform(1.3, 3.6), colour: vary(random, [0.09, 0.14, 0.05], 0.35) };
}

/** Trees in gardens and along streets; a few of them hang over a roof's edge. */
function plantTrees({ random, kind, side, buildings, trees }: Draft): void {
  const many = { suburb: 26, dense: 12, industry: 8, rural: 30, empty: 4 }[kind] * random.uniform(0.4, 1.3);
  for (let i = 0; i < many; i++) {
    const candidate = tree(random, random.uniform(0, side), random.uniform(0, side));
    const covered = buildings.some(({ blocks }) =>
      blocks.some((block) => {
        const [dx, dy] = [candidate.x - block.x, candidate.y - block.y];
        const a = Math.abs(dx * Math.cos(block.angle) + dy * Math.sin(block.angle));
        const b = Math.abs(-dx * Math.sin(block.angle) + dy * Math.cos(block.angle));
        return a < block.along - candidate.radius * 0.2 && b < block.across - candidate.radius * 0.2;
      }),
    );
    if (!covered) trees.push(candidate);
  }
}
