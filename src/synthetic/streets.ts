import type { Random } from '../common/random.ts';
import type { Point } from '../imagery/geometry.ts';
import type { SceneKind, Streets } from './types.ts';

/** Draws the street grid of a chip of `side` metres. */
export function makeStreets(random: Random, kind: SceneKind, side: number): Streets {
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

/** The position in the chip of a point of the street grid: u across the streets, v along them. */
export function fromGrid({ angle, bend, wave }: Streets, u: number, v: number): Point {
  const bent = u + bend * Math.sin((2 * Math.PI * v) / wave);
  return [bent * Math.cos(angle) - v * Math.sin(angle), bent * Math.sin(angle) + v * Math.cos(angle)];
}

/** Distance along a street to the nearest crossing street. */
export const distanceToCrossing = ({ crossOffset, crossSpacing }: Streets, v: number): number => {
  const past = (((v - crossOffset) % crossSpacing) + crossSpacing) % crossSpacing;
  return Math.min(past, crossSpacing - past);
};
