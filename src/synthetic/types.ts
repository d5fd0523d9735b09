import type { Random } from '../common/random.ts';
import type { Point, Ring } from '../imagery/geometry.ts';

// The description of a synthetic town seen from above. All lengths are in metres; x points right and y down, from the
// corner of the chip.

/** Slopes on two sides, on four, or none. */
export type RoofForm = 'gable' | 'hip' | 'flat';

/** A rotated rectangle: its centre, half its extent along the direction `angle` (radians) and half that across it. */
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
  /** Outline of the roof. */
  readonly footprint: Ring;
  readonly form: RoofForm;
  /** Reflectance of the roof, 0 to 1: red, green, blue. */
  readonly colour: Colour;
  /** Height of the eaves, which cast the shadow. */
  readonly height: number;
  readonly seed: number;
}

export type Colour = readonly [red: number, green: number, blue: number];

export interface Tree {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly colour: Colour;
}

/** A flat rectangle: a drive, a pool, a court, a car park or a field. */
export interface Patch extends Block {
  readonly colour: Colour;
  /** How it is painted: `bays` has the lines of a car park, `rows` those of a field. */
  readonly pattern: 'plain' | 'water' | 'bays' | 'rows' | 'court';
}

export interface Car extends Block {
  readonly colour: Colour;
}

export interface Scene {
  /** Side of the square chip in metres. */
  readonly side: number;
  readonly kind: SceneKind;
  /** Direction of shadows, in metres per metre of height. */
  readonly shadow: Point;
  readonly streets: Streets;
  readonly patches: readonly Patch[];
  readonly buildings: readonly Building[];
  readonly cars: readonly Car[];
  readonly trees: readonly Tree[];
  /** Fraction of grass, the rest being dry soil. */
  readonly green: number;
  readonly seed: number;
}

export type SceneKind = 'suburb' | 'dense' | 'industry' | 'rural' | 'empty';

/** A grid of streets in two directions. */
export interface Streets {
  /** Direction of the streets, in radians. */
  readonly angle: number;
  /** Distance between parallel streets in each direction. */
  readonly spacing: number;
  readonly crossSpacing: number;
  /** Position of the first street in each direction. */
  readonly offset: number;
  readonly crossOffset: number;
  readonly halfWidth: number;
  /** Amplitude and wavelength of the bends. */
  readonly bend: number;
  readonly wave: number;
  /** Whether there are streets in the second direction. */
  readonly crossed: boolean;
  readonly paved: boolean;
}

/** A scene under construction. */
export interface Draft {
  readonly random: Random;
  readonly kind: SceneKind;
  readonly streets: Streets;
  readonly side: number;
  readonly patches: Patch[];
  readonly buildings: Building[];
  readonly cars: Car[];
  readonly trees: Tree[];
}
