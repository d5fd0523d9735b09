import { checkNumber } from '../../common/check.ts';
import { imageSize, packedBytes, rgbImage } from '../../imagery/image.ts';
import type { Sample } from '../types.ts';

/** Luma of ITU-R BT.601, as in torchvision's colour transforms. */
const LUMA = [0.299, 0.587, 0.114] as const;

const FACTOR = { min: 0, finite: true } as const;

/** Multiplies pixel values by a factor and clamps to 0..255. Throws a RangeError unless the factor is finite and >= 0. */
export function brightness(sample: Sample, factor: number): Sample {
  checkNumber('brightness', 'factor', factor, FACTOR);
  return mapValues(sample, (value) => value * factor);
}

/**
 * Moves pixel values away from (factor > 1) or towards (factor < 1) the mean grey of the image, and clamps to 0..255. Throws
 * a RangeError unless the factor is finite and >= 0.
 */
export function contrast(sample: Sample, factor: number): Sample {
  checkNumber('contrast', 'factor', factor, FACTOR);
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
  /** Hue shift as a fraction of the colour wheel. Default 0. */
  readonly hue?: number;
  /** Saturation factor: 0 gives a greyscale image. Default 1. */
  readonly saturation?: number;
  /** Factors for red, green and blue, which imitate another sensor or other haze. Default 1 each. */
  readonly gain?: readonly [red: number, green: number, blue: number];
}

/**
 * Changes hue, saturation and the gains of the channels, and clamps to 0..255. A positive hue shift goes from red to yellow.
 * Luma and greys stay, as in television: one matrix is enough, which is faster than a conversion to HSV and back. Throws a
 * RangeError for a hue that is not finite and for factors that are not finite or below 0.
 */
export function recolour(sample: Sample, change: Recolouring): Sample {
  const { hue = 0, saturation = 1, gain = [1, 1, 1] } = change;
  checkNumber('recolour', 'hue', hue, { finite: true });
  checkNumber('recolour', 'saturation', saturation, FACTOR);
  for (const factor of gain) checkNumber('recolour', 'gain', factor, FACTOR);
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

/** Scales of the colour differences B - Y and R - Y in YUV (ITU-R BT.470), in whose plane a hue shift is a rotation. */
const [U_SCALE, V_SCALE] = [0.492, 0.877];

/** Row by row: gain * (luma + saturation * rotated difference from luma). */
function colourMatrix(hue: number, saturation: number, gain: readonly number[]): number[] {
  const [cos, sin] = [Math.cos(2 * Math.PI * hue), Math.sin(2 * Math.PI * hue)];
  const differenceOf = (channel: number): number[] => LUMA.map((luma, j) => (channel === j ? 1 : 0) - luma);
  const [red, green, blue] = [differenceOf(0), differenceOf(1), differenceOf(2)];
  // Rotated by 90 degrees: V becomes U, U becomes -V; green keeps the luma.
  const redRotated = blue.map((value) => (value * U_SCALE) / V_SCALE);
  const blueRotated = red.map((value) => (-value * V_SCALE) / U_SCALE);
  const greenRotated = redRotated.map((value, j) => -(LUMA[0] * value + LUMA[2] * blueRotated[j]!) / LUMA[1]);
  const rows = [
    { straight: red, rotated: redRotated },
    { straight: green, rotated: greenRotated },
    { straight: blue, rotated: blueRotated },
  ];
  return rows.flatMap(({ straight, rotated }, i) =>
    LUMA.map((luma, j) => gain[i]! * (luma + saturation * (cos * straight[j]! + sin * rotated[j]!))),
  );
}

function mapValues(sample: Sample, map: (value: number) => number): Sample {
  const { height, width } = imageSize(sample.image);
  const table = Uint8ClampedArray.from({ length: 256 }, (_, value) => map(value));
  const bytes = packedBytes(sample.image);
  // A loop, because `map` of a typed array takes ten times as long.
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) out[i] = table[bytes[i]!]!;
  return { ...sample, image: rgbImage(height, width, out) };
}
