import { clipRing, ringArea, type Ring } from '../imagery/geometry.ts';
import { renderScene } from './render.ts';
import { makeScene, type SceneKind } from './scene.ts';

/** A synthetic chip: counts of a sensor, and the outlines of the buildings in it. */
export interface SyntheticChip {
  /** 16-bit counts, three bands (red, green, blue) per pixel, row by row. */
  readonly levels: Uint16Array<ArrayBuffer>;
  /** Outline of every building in pixels, cut at the chip's edge. */
  readonly footprints: readonly Ring[];
  readonly kind: SceneKind;
}

export interface ChipOptions {
  /** Side of the chip in pixels. Default 128. */
  readonly size?: number;
  /** Size of a pixel on the ground. Default 0.5. */
  readonly metresPerPixel?: number;
}

/** Footprints of which less than this many square pixels are visible are not labelled, as in SpaceNet. */
const MIN_AREA = 20;
/**
 * Nor are those of which less than this share is visible. Chips this small cut many buildings; tools that cut large
 * images into tiles leave slivers out in the same way.
 */
const MIN_VISIBLE = 0.25;

/** Makes one chip. The same seed, index and options give the same chip on every machine. */
export function generateChip(
  seed: number,
  index: number,
  { size = 128, metresPerPixel = 0.5 }: ChipOptions = {},
): SyntheticChip {
  if (!Number.isInteger(size) || size < 16 || !(metresPerPixel > 0)) {
    throw new RangeError(
      `generateChip: size ${size} and metresPerPixel ${metresPerPixel}, expected a whole number from 16 and a length`,
    );
  }
  const scene = makeScene(seed, index, size * metresPerPixel);
  const footprints = scene.buildings.flatMap(({ footprint }) => {
    const whole = footprint.map(([x, y]) => [x / metresPerPixel, y / metresPerPixel] as const);
    const visible = clipRing(whole, size, size);
    const area = Math.abs(ringArea(visible));
    return area >= MIN_AREA && area >= MIN_VISIBLE * Math.abs(ringArea(whole)) ? [visible] : [];
  });
  return { levels: renderScene(scene, size), footprints, kind: scene.kind };
}
