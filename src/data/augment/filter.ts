import { checkInteger, checkNumber } from '../../common/check.ts';
import { byteImage, imageShape, packedBytes } from '../../imagery/image.ts';
import { Random } from '../../common/random.ts';
import type { Sample } from '../types.ts';

/**
 * Weights of a Gaussian blur of standard deviation `sigma` in pixels, cut off at three standard deviations; they sum to 1.
 * Throws a RangeError unless `sigma` is from 0 to 20: for a wider blur this method is too slow.
 */
export function gaussianKernel(sigma: number): number[] {
  checkNumber('gaussianKernel', 'sigma', sigma, { min: 0, max: 20 });
  const radius = Math.ceil(3 * sigma);
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    radius === 0 ? 1 : Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  );
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

/** Weights of the mean over `side` pixels. Throws a RangeError unless `side` is an odd number from 1 to 99. */
export function boxKernel(side: number): number[] {
  checkInteger('boxKernel', 'side', side, { min: 1, max: 99 });
  if (side % 2 === 0) throw new RangeError(`boxKernel: side is ${side}, expected an odd number`);
  return new Array<number>(side).fill(1 / side);
}

/**
 * Blurs an image with the same kernel along rows and columns; edge pixels are repeated beyond the edge. Boxes stay. Throws
 * a RangeError for an even number of weights and for weights that are not finite.
 */
export function blur(sample: Sample, kernel: readonly number[]): Sample {
  if (kernel.length % 2 !== 1 || !kernel.every(Number.isFinite)) {
    throw new RangeError(`blur: kernel is [${kernel.join(', ')}], expected an odd number of finite weights`);
  }
  if (kernel.length === 1 && kernel[0] === 1) return sample;
  const shape = imageShape(sample.image);
  const { height, width, channels } = shape;
  const bytes = packedBytes(sample.image);
  const radius = (kernel.length - 1) / 2;
  const line = width * channels;
  // Not rounded between the two passes.
  const across = new Float32Array(bytes.length);
  const out = new Uint8ClampedArray(bytes.length);
  for (let y = 0; y < height; y++) {
    const start = y * line;
    for (let k = -radius; k <= radius; k++) {
      const weight = kernel[k + radius]!;
      for (let x = 0; x < Math.min(-k, width); x++)
        addPixel(bytes, start, across, start + x * channels, weight, channels);
      const end = Math.min(width, width - k);
      for (let i = start + Math.max(0, -k) * channels; i < start + end * channels; i++) {
        across[i] = across[i]! + weight * bytes[i + k * channels]!;
      }
      const last = start + line - channels;
      for (let x = Math.max(0, width - k); x < width; x++)
        addPixel(bytes, last, across, start + x * channels, weight, channels);
    }
  }
  const sums = new Float32Array(line);
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (let k = -radius; k <= radius; k++) {
      const weight = kernel[k + radius]!;
      const start = Math.min(Math.max(y + k, 0), height - 1) * line;
      for (let i = 0; i < line; i++) sums[i] = sums[i]! + weight * across[start + i]!;
    }
    out.set(sums, y * line);
  }
  return { ...sample, image: byteImage(shape, new Uint8Array(out.buffer)) };
}

function addPixel(
  source: Uint8Array,
  from: number,
  sums: Float32Array,
  to: number,
  weight: number,
  channels: number,
): void {
  for (let c = 0; c < channels; c++) sums[to + c] = sums[to + c]! + weight * source[from + c]!;
}

/**
 * Adds Gaussian noise with mean 0 and the standard `deviation`, of 255, to every value and clamps. Boxes stay. Throws a
 * RangeError unless the deviation is from 0 to 255.
 */
export function noise(sample: Sample, deviation: number, random: Random): Sample {
  checkNumber('noise', 'deviation', deviation, { min: 0, max: 255 });
  if (deviation === 0) return sample;
  const bytes = packedBytes(sample.image);
  normals ??= makeNormals();
  const out = new Uint8ClampedArray(bytes.length);
  let bits = 0;
  for (let i = 0; i < bytes.length; i++) {
    // 32 random bits choose two numbers.
    bits = i % 2 === 0 ? random.bits() : bits >>> 16;
    out[i] = bytes[i]! + deviation * normals[bits & 0xffff]!;
  }
  return { ...sample, image: byteImage(imageShape(sample.image), new Uint8Array(out.buffer)) };
}

let normals: Float32Array | null = null;

/**
 * 65536 numbers of the standard normal distribution to draw from: a logarithm and a cosine for every value of an image
 * would take longer than decoding it.
 */
function makeNormals(): Float32Array {
  const random = new Random('normals');
  const table = new Float32Array(65_536);
  for (let i = 0; i < table.length; i += 2) {
    table[i] = random.normal();
    table[i + 1] = -table[i]!;
  }
  const variance = table.reduce((sum, value) => sum + value * value, 0) / table.length;
  return table.map((value) => value / Math.sqrt(variance));
}
