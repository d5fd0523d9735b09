import { imageSize, packedBytes, rgbImage } from '../../imagery/image.ts';
import type { Sample } from '../types.ts';

/** Luma of ITU-R BT.601, as in torchvision's colour changes. */
const LUMA = [0.299, 0.587, 0.114] as const;

/** Multiplies pixel values by a factor and clamps to 0..255. */
export function brightness(sample: Sample, factor: number): Sample {
  checkFactor('brightness', 'factor', factor);
  return mapValues(sample, (value) => value * factor);
}

/**
 * Moves pixel values away from (factor > 1) or towards (factor < 1) the mean grey of the image, and clamps to 0..255.
 */
export function contrast(sample: Sample, factor: number): Sample {
  checkFactor('contrast', 'factor', factor);
  const bytes = packedBytes(sample.image);
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 3) {
    sum += LUMA[0] * bytes[i]! + LUMA[1] * bytes[i + 1]! + LUMA[2] * bytes[i + 2]!;
  }
  const mean = bytes.length === 0 ? 0 : sum / (bytes.length / 3);
  return mapValues(sample, (value) => mean + (value - mean) * factor);
}

/** What `recolour` changes. */
export interface Recolouring {
  /** Turn of the hue: 1 is once around the circle. Default 0. */
  readonly hue?: number;
  /** Factor on the distance from grey: 0 gives a grey image. Default 1. */
  readonly saturation?: number;
  /** Factors on red, green and blue, as of another sensor or another haze. Default 1 each. */
  readonly gain?: readonly [red: number, green: number, blue: number];
}

/**
 * Changes hue, saturation and the gains of the channels, and clamps to 0..255. A positive turn goes from red to
 * yellow. It keeps luma and greys, as in television: then one matrix does it all, which is quicker than going through HSV.
 */
export function recolour(sample: Sample, change: Recolouring): Sample {
  const { hue = 0, saturation = 1, gain = [1, 1, 1] } = change;
  if (!Number.isFinite(hue)) throw new RangeError(`recolour: hue is ${hue}, expected a finite number`);
  checkFactor('recolour', 'saturation', saturation);
  for (const factor of gain) checkFactor('recolour', 'gain', factor);
  if (hue === 0 && saturation === 1 && gain.every((factor) => factor === 1)) return sample;
  const { height, width } = imageSize(sample.image);
  const [rr = 0, rg = 0, rb = 0, gr = 0, gg = 0, gb = 0, br = 0, bg = 0, bb = 0] = colourMatrix(hue, saturation, gain);
  const bytes = packedBytes(sample.image);
  const out = new Uint8ClampedArray(bytes.length);
  for (let i = 0; i < bytes.length; i += 3) {
    const [r, g, b] = [bytes[i]!, bytes[i + 1]!, bytes[i + 2]!];
    out[i] = rr * r + rg * g + rb * b;
    out[i + 1] = gr * r + gg * g + gb * b;
    out[i + 2] = br * r + bg * g + bb * b;
  }
  return { ...sample, image: rgbImage(height, width, new Uint8Array(out.buffer)) };
}

/** Scales of the colour differences B - Y and R - Y in YUV (ITU-R BT.470), in whose plane the hue turns. */
const [U_SCALE, V_SCALE] = [0.492, 0.877];

/** Row by row: gain * (luma + saturation * turned difference from luma). */
function colourMatrix(hue: number, saturation: number, gain: readonly number[]): number[] {
  const [cos, sin] = [Math.cos(2 * Math.PI * hue), Math.sin(2 * Math.PI * hue)];
  const difference = LUMA.map((_, i) => LUMA.map((luma, j) => (i === j ? 1 : 0) - luma));
  const [red, , blue] = difference as [number[], number[], number[]];
  // A quarter turn: V becomes U, U becomes -V; what green gets keeps the luma.
  const redTurned = blue.map((value) => (value * U_SCALE) / V_SCALE);
  const blueTurned = red.map((value) => (-value * V_SCALE) / U_SCALE);
  const greenTurned = redTurned.map((value, j) => -(LUMA[0] * value + LUMA[2] * blueTurned[j]!) / LUMA[1]);
  return [redTurned, greenTurned, blueTurned].flatMap((row, i) =>
    row.map((turned, j) => {
      const change = cos * difference[i]![j]! + sin * turned;
      return gain[i]! * ((LUMA[j] as number) + saturation * change);
    }),
  );
}

function mapValues(sample: Sample, map: (value: number) => number): Sample {
  const { height, width } = imageSize(sample.image);
  const table = Uint8ClampedArray.from({ length: 256 }, (_, value) => map(value));
  const bytes = packedBytes(sample.image);
  // A loop: `map` of a typed array takes ten times as long.
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) out[i] = table[bytes[i]!]!;
  return { ...sample, image: rgbImage(height, width, out) };
}

function checkFactor(op: string, name: string, factor: number): void {
  if (!(factor >= 0 && factor < Infinity)) throw new RangeError(`${op}: ${name} is ${factor}, expected >= 0`);
}
