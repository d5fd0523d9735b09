import type { Random } from '../common/random.ts';
import type { Colour, Patch } from './types.ts';

export const roofs: readonly Colour[] = [
  [0.36, 0.17, 0.12], // tiles, red
  [0.3, 0.2, 0.15], // tiles, brown
  [0.42, 0.28, 0.2], // terracotta
  [0.24, 0.24, 0.25], // shingles, grey
  [0.13, 0.13, 0.14], // shingles, dark
  [0.4, 0.38, 0.35], // gravel
  [0.33, 0.29, 0.23], // tan
];
export const flatRoofs: readonly Colour[] = [
  [0.62, 0.62, 0.6], // white membrane
  [0.42, 0.42, 0.42],
  [0.3, 0.31, 0.33], // metal
  [0.38, 0.45, 0.5], // metal, bluish
  [0.22, 0.21, 0.2], // bitumen
];
export const carColours: readonly Colour[] = [
  [0.6, 0.6, 0.6],
  [0.08, 0.08, 0.09],
  [0.35, 0.36, 0.38],
  [0.4, 0.06, 0.05],
  [0.08, 0.13, 0.3],
];

export const patchColours: Readonly<Record<Patch['pattern'], readonly Colour[]>> = {
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

export const pick = <T>(random: Random, list: readonly T[]): T => list[random.int(list.length)]!;

/** A colour with another brightness, by up to a fraction `amount`, and slightly another hue. */
export function vary(random: Random, [red, green, blue]: Colour, amount: number): Colour {
  const light = 1 + random.uniform(-amount, amount);
  const channel = (value: number): number => Math.min(0.75, value * light * (1 + random.uniform(-0.06, 0.06)));
  return [channel(red), channel(green), channel(blue)];
}
