import { checkInteger, checkNumber, checkSeed } from '../common/check.ts';
import { clipRing, ringArea, type Ring } from '../imagery/geometry.ts';
import { renderScene } from './render.ts';
import { makeScene } from './scene.ts';
import type { SceneKind } from './types.ts';

/** A synthetic aerial image (chip), and the outlines of its buildings. */
export interface SyntheticChip {
  /** 16-bit levels of red, green and blue, interleaved, in row-major order. */
  readonly levels: Uint16Array<ArrayBuffer>;
  /** Outline of every building in pixels, clipped to the chip. */
  readonly footprints: readonly Ring[];
  readonly kind: SceneKind;
}

export interface ChipOptions {
  /** Side of the chip in pixels. Default 128. */
  readonly size?: number;
  /** Size of a pixel on the ground in metres. Default 0.5. */
  readonly metresPerPixel?: number;
}

/** Minimum visible area of a labelled footprint in square pixels, as in SpaceNet. */
const MIN_AREA = 20;
/**
 * Minimum visible fraction of a labelled footprint. The edges of small chips truncate many buildings; tools that cut large
 * images into tiles drop slivers in the same way.
 */
const MIN_VISIBLE = 0.25;

/**
 * Generates a chip. The same seed, index and options give the same chip on every machine. Throws a RangeError unless `size`
 * is an integer >= 16 and `metresPerPixel` > 0.
 */
export function generateChip(
  seed: number,
  index: number,
  { size = 128, metresPerPixel = 0.5 }: ChipOptions = {},
): SyntheticChip {
  checkSeed('generateChip', seed);
  checkInteger('generateChip', 'size', size, { min: 16 });
  checkNumber('generateChip', 'metresPerPixel', metresPerPixel, { above: 0 });
  const scene = makeScene(seed, index, size * metresPerPixel);
  const footprints = scene.buildings.flatMap(({ footprint }) => {
    const outline = footprint.map(([x, y]) => [x / metresPerPixel, y / metresPerPixel] as const);
    const visible = clipRing(outline, size, size);
    const area = Math.abs(ringArea(visible));
    return area >= MIN_AREA && area >= MIN_VISIBLE * Math.abs(ringArea(outline)) ? [visible] : [];
  });
  return { levels: renderScene(scene, size), footprints, kind: scene.kind };
}
