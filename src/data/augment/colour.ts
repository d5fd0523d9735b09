import { checkNumber } from '../../common/check.ts';
import { byteImage, imageShape, packedBytes } from '../../imagery/image.ts';
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
 * Moves pixel values away from (factor > 1) or towards (factor < 1) the mean grey of the image, and clamps to 0..255. The
 * grey of a pixel is the luma of its three channels, or the mean of any other number of channels. Throws a RangeError unless
 * the factor is finite and >= 0.
 */
export function contrast(sample: Sample, factor: number): Sample {
  checkNumber('contrast', 'factor', factor, FACTOR);
  const bytes = packedBytes(sample.image);
  const mean = imageShape(sample.image).channels === 3 ? meanLuma(bytes) : meanOf(bytes, 0, bytes.length);
  return mapValues(sample, (value) => mean + (value - mean) * factor);
}

/** The mean luma of RGB bytes; 0 without any. */
function meanLuma(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 3) {
    sum += LUMA[0] * bytes[i]! + LUMA[1] * bytes[i + 1]! + LUMA[2] * bytes[i + 2]!;
  }
  return bytes.length === 0 ? 0 : sum / (bytes.length / 3);
}

/** The mean of some bytes; 0 without any. */
function meanOf(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum += bytes[i]!;
  return sum / Math.max(1, end - start);
}

/** What `recolour` changes. */
export interface Recolouring {
  /** Hue shift as a fraction of the colour wheel, of images of three channels only. Default 0. */
  readonly hue?: number;
  /** Saturation factor: 0 gives a greyscale image. Default 1. */
  readonly saturation?: number;
  /** A factor for each channel, which imitates another sensor or other haze. Default 1 each. */
  readonly gain?: readonly number[];
}

/**
 * Changes hue, saturation and the gains of the channels, and clamps to 0..255. A positive hue shift goes from red to yellow.
 * Luma and greys stay, as in television: one matrix is enough, which is faster than a conversion to HSV and back. In images
 * of other than three channels, saturation is the factor on the distance from the mean of the pixel's channels. Throws a
 * RangeError for a hue that is not finite, or not 0 for other than three channels, for factors that are not finite or below
 * 0, and for gains of another number than the channels.
 */
export function recolour(sample: Sample, change: Recolouring): Sample {
  const shape = imageShape(sample.image);
  const { channels } = shape;
  const { hue = 0, saturation = 1, gain = new Array<number>(channels).fill(1) } = change;
  checkNumber('recolour', 'hue', hue, { finite: true });
  checkNumber('recolour', 'saturation', saturation, FACTOR);
  for (const factor of gain) checkNumber('recolour', 'gain', factor, FACTOR);
  if (gain.length !== channels) {
    throw new RangeError(`recolour: gain has ${gain.length} factors, expected ${channels}, one for each channel`);
  }
  if (hue !== 0 && channels !== 3) {
    throw new RangeError(`recolour: hue is ${hue} for ${channels} channels, expected 0 unless there are three`);
  }
  if (hue === 0 && saturation === 1 && gain.every((factor) => factor === 1)) return sample;
  const bytes = packedBytes(sample.image);
  const out = channels === 3 ? mixColours(bytes, hue, saturation, gain) : mixChannels(bytes, saturation, gain);
  return { ...sample, image: byteImage(shape, new Uint8Array(out.buffer)) };
}

/** `recolour` of bytes of any number of channels, one for each gain. */
function mixChannels(bytes: Uint8Array, saturation: number, gain: readonly number[]): Uint8ClampedArray {
  const out = new Uint8ClampedArray(bytes.length);
  for (let i = 0; i < bytes.length; i += gain.length) {
    const grey = meanOf(bytes, i, i + gain.length);
    for (let c = 0; c < gain.length; c++) out[i + c] = gain[c]! * (grey + saturation * (bytes[i + c]! - grey));
  }
  return out;
}

/** `recolour` of RGB bytes. */
function mixColours(bytes: Uint8Array, hue: number, saturation: number, gain: readonly number[]): Uint8ClampedArray {
  const [rr = 0, rg = 0, rb = 0, gr = 0, gg = 0, gb = 0, br = 0, bg = 0, bb = 0] = colourMatrix(hue, saturation, gain);
  const out = new Uint8ClampedArray(bytes.length);
  for (let i = 0; i < bytes.length; i += 3) {
    const [r, g, b] = [bytes[i]!, bytes[i + 1]!, bytes[i + 2]!];
    out[i] = rr * r + rg * g + rb * b;
    out[i + 1] = gr * r + gg * g + gb * b;
    out[i + 2] = br * r + bg * g + bb * b;
  }
  return out;
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
  const table = Uint8ClampedArray.from({ length: 256 }, (_, value) => map(value));
  const bytes = packedBytes(sample.image);
  // A loop, because `map` of a typed array takes ten times as long.
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) out[i] = table[bytes[i]!]!;
  return { ...sample, image: byteImage(imageShape(sample.image), out) };
}
