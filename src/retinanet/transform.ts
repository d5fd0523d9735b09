import { div, mul, sub } from '../autograd/ops/binary.ts';
import { concat, pad, slice } from '../autograd/ops/shape.ts';
import { upsampleBilinear } from '../autograd/ops/upsample.ts';
import { noGrad } from '../autograd/tape.ts';
import type { ByteImage } from '../imagery/types.ts';
import { tensor } from '../tensor/create.ts';
import { pack } from '../tensor/host.ts';
import type { Device } from '../tensor/device.ts';
import { tidy } from '../tensor/scope.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Size } from './anchors.ts';
import type { TransformSpec } from './spec.ts';
import type { Target } from './targets.ts';

// From images of any size to one batch: normalise the colours, resize the shorter side to the size used in training, and
// pad with zeros (the mean colour) to a common size that is a multiple of the strides.

/**
 * An image: bytes on the host [H, W, C], or a float tensor [H, W, C] with values from 0 to 1. C is `inputChannels`; three channels
 * are red, green and blue.
 */
export type ImageInput = ByteImage | Tensor;

/** A batch for the network, and the sizes that map its pixels back to those of the images. */
export interface ImageBatch {
  /** [N, H, W, C] */
  readonly images: Tensor;
  /** Size of each image before resizing. */
  readonly originalSizes: readonly Size[];
  /** Size of each image in the batch, without padding. */
  readonly sizes: readonly Size[];
}

/**
 * The size to which an image is resized.
 *
 * @example
 * console.log(resizedSize([480, 640], presets.torchvision.transform)); // [800, 1066]
 */
export function resizedSize([height, width]: Size, { minSize, maxSize, rounding }: TransformSpec): Size {
  if (minSize === null) return [height, width];
  const { fround } = Math;
  const short = Math.min(height, width);
  const long = Math.max(height, width);
  if (rounding === 'floor-float32') {
    // torchvision 0.14 computes the scale in float32, and PyTorch divides a number by a tensor by multiplying with the
    // reciprocal; so some sides come out one pixel shorter than minSize (427 x 640 becomes 799 x 1199).
    const scale = Math.min(fround(fround(1 / short) * minSize), fround(fround(1 / long) * maxSize));
    return [Math.floor(height * scale), Math.floor(width * scale)];
  }
  const scale = Math.min(minSize / short, maxSize / long);
  return [Math.floor(height * scale + 0.5), Math.floor(width * scale + 0.5)];
}

/** Throws a RangeError unless there are a mean and a standard deviation for each channel, in an order that they can have. */
export function checkTransform({ mean, std, channels }: TransformSpec): void {
  const isDeviation = std.every((value) => value > 0 && Number.isFinite(value));
  if (mean.length === 0 || mean.length !== std.length || !mean.every(Number.isFinite) || !isDeviation) {
    const found = `mean [${mean.join(', ')}] and std [${std.join(', ')}]`;
    throw new RangeError(`RetinaNet: ${found}, expected one finite number for each channel, std > 0`);
  }
  if (channels === 'bgr' && mean.length !== 3) {
    throw new RangeError(`RetinaNet: channels is bgr for ${mean.length} channels, expected rgb unless there are three`);
  }
}

/**
 * Normalises, resizes, pads and joins images. It has no gradient.
 *
 * @example
 * const { transform } = retinaNetSpec('torchvision', { transform: { minSize: 50, maxSize: 100 } });
 * const { images, sizes } = transformImages(defaultDevice(), [zeros([100, 200, 3])], transform);
 * console.log(images.shape, sizes); // [1, 64, 128, 3] [[50, 100]]
 */
export function transformImages(device: Device, inputs: readonly ImageInput[], spec: TransformSpec): ImageBatch {
  if (inputs.length === 0) throw new RangeError('transform: expected at least one image');
  const channels = spec.mean.length;
  inputs.forEach(({ shape }, i) => {
    if (shape.length !== 3 || shape[2] !== channels || shape[0] === 0 || shape[1] === 0) {
      throw new RangeError(`transform: image ${i} is [${shape}], expected [H, W, ${channels}]`);
    }
  });
  const originalSizes = inputs.map(({ shape }): Size => [shape[0]!, shape[1]!]);
  const sizes = originalSizes.map((size) => resizedSize(size, spec));
  sizes.forEach((size, i) => {
    if (size.includes(0)) {
      throw new RangeError(
        `transform: image ${i} is [${inputs[i]!.shape}], too narrow for sides from ${spec.minSize} to ${spec.maxSize}: ` +
          `it would become [${size}]`,
      );
    }
  });
  const padded = [0, 1].map((axis) => {
    const largest = Math.max(...sizes.map((size) => size[axis]!));
    return Math.ceil(largest / spec.padMultiple) * spec.padMultiple;
  }) as [number, number];
  const images = noGrad(() =>
    tidy(() => {
      // Statistics and pixels are both in the network's channel order.
      const mean = tensor([...spec.mean], { device });
      const std = tensor([...spec.std], { device });
      // Images of the same size are processed as one batch from the start.
      const alike = originalSizes.every((size) => sameShape(size, originalSizes[0]!));
      const groups = alike ? [inputs] : inputs.map((input) => [input]);
      const ready = groups.map((group, i) => {
        const colours = div(sub(joined(group.map((input) => floats(device, input, spec))), mean), std);
        const [height, width] = sizes[i]!;
        const resized = sameShape(sizes[i]!, originalSizes[i]!) ? colours : upsampleBilinear(colours, [height, width]);
        if (height === padded[0] && width === padded[1]) return resized;
        return pad(resized, [
          [0, 0],
          [0, padded[0] - height],
          [0, padded[1] - width],
          [0, 0],
        ]);
      });
      return joined(ready);
    }),
  );
  return { images, originalSizes, sizes };
}

/** One tensor of several along the first axis. */
const joined = (parts: readonly Tensor[]): Tensor => (parts.length === 1 ? parts[0]! : concat(parts, 0));

/** An image as [1, H, W, 3] floats in the network's channel order and range. */
function floats(device: Device, input: ImageInput, { channels, white }: TransformSpec): Tensor {
  const bgr = channels === 'bgr';
  const shape = [1, ...input.shape];
  if (!('stride' in input)) {
    const ordered = bgr ? reversedChannels(input) : input;
    return (white === 1 ? ordered : mul(ordered, white)).alias(shape);
  }
  const values = pack(bgr ? input.step(1, 1, -1) : input, new Float32Array(input.size));
  if (white === 1) for (let i = 0; i < values.length; i++) values[i] = values[i]! / 255;
  return tensor(values, { device, shape });
}

function reversedChannels(x: Tensor): Tensor {
  const [height, width] = x.shape as [number, number];
  const channel = (c: number): Tensor => slice(x, [0, 0, c], [height, width, 1]);
  return concat([channel(2), channel(1), channel(0)], 2);
}

/** Converts boxes from pixels of the original images to pixels of the batch. */
export function transformTargets(targets: readonly Target[], batch: ImageBatch): Target[] {
  if (targets.length !== batch.sizes.length) {
    throw new RangeError(`transform: ${targets.length} targets do not fit ${batch.sizes.length} images`);
  }
  return targets.map(({ boxes, labels }, n) => ({
    labels,
    boxes: scaleBoxes(boxes, batch.originalSizes[n]!, batch.sizes[n]!),
  }));
}

/** Converts boxes of an image of size `before` to pixels of the image resized to `after`. */
export function scaleBoxes(boxes: Float32Array, before: Size, after: Size): Float32Array {
  const { fround } = Math;
  const ratioY = fround(fround(after[0]) / fround(before[0]));
  const ratioX = fround(fround(after[1]) / fround(before[1]));
  return boxes.map((value, i) => value * (i % 2 === 0 ? ratioX : ratioY));
}
