import { add } from '../autograd/ops/binary.ts';
import { relu } from '../autograd/ops/unary.ts';
import { upsampleNearest } from '../autograd/ops/upsample.ts';
import { constant, kaimingUniform } from '../nn/init.ts';
import { Conv2d, Sequential } from '../nn/layers.ts';
import { Module } from '../nn/module.ts';
import { tidy } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Size } from './anchors.ts';
import type { PyramidSpec } from './spec.ts';

// Feature pyramid network (Lin et al. 2017, "Feature Pyramid Networks for Object Detection"). Deep layers know what is
// in the image, shallow ones know where. A top-down path carries the deep, coarse features to the finer levels, where
// lateral 1x1 convolutions add the shallow ones. So every level has both, and there is a level for each object size.

/** The pyramid's levels P3 to P7, finest first. */
export type Pyramid = readonly [p3: Tensor, p4: Tensor, p5: Tensor, p6: Tensor, p7: Tensor];

/** Pixels of the image, along each axis, for a cell of each level. */
const STRIDES = [8, 16, 32, 64, 128];

/** Height and width of each level for an image: every halving rounds up. */
export function pyramidSizes([height, width]: Size): Size[] {
  return STRIDES.map((stride) => [Math.ceil(height / stride), Math.ceil(width / stride)]);
}

/** A convolution as torchvision initialises it here: uniform with variance 1 / fan_in, no bias at first. */
function conv(inChannels: number, outChannels: number, kernel: number, stride = 1): Conv2d {
  return new Conv2d(inChannels, outChannels, {
    kernel,
    stride,
    padding: (kernel - 1) / 2,
    init: kaimingUniform({ a: 1 }),
    biasInit: constant(0),
  });
}

/** P6 and P7: two more halvings, for large objects (Focal Loss paper, footnote 2). */
class ExtraLevels extends Module {
  readonly p6: Conv2d;
  readonly p7: Conv2d;

  constructor(inChannels: number, channels: number) {
    super();
    this.p6 = conv(inChannels, channels, 3, 2);
    this.p7 = conv(channels, channels, 3, 2);
  }
}

/**
 * Feature pyramid (Lin et al. 2017): P3 to P5 from C3 to C5 and the levels above them, P6 and P7 by strided convolutions.
 *
 * @example
 * const { pyramid } = retinaNetSpec('torchvision', { pyramid: { channels: 16 } });
 * const fpn = new FeaturePyramid([8, 16, 32], pyramid);
 * const levels = fpn.forward([zeros([1, 32, 32, 8]), zeros([1, 16, 16, 16]), zeros([1, 8, 8, 32])]);
 * console.log(levels.map(({ shape }) => shape[1])); // [32, 16, 8, 4, 2]
 */
export class FeaturePyramid extends Module {
  /** 1x1 convolutions from C3, C4, C5. */
  readonly innerBlocks: readonly Sequential[];
  /** 3x3 convolutions that reduce the aliasing of upsampling (section 3 of the paper). */
  readonly layerBlocks: readonly Sequential[];
  readonly extraBlocks: ExtraLevels;
  readonly #spec: PyramidSpec;

  /** @param inChannels channels of C3, C4 and C5 */
  constructor(inChannels: readonly [number, number, number], spec: PyramidSpec) {
    super();
    const { channels } = spec;
    this.innerBlocks = inChannels.map((count) => new Sequential(conv(count, channels, 1)));
    this.layerBlocks = inChannels.map(() => new Sequential(conv(channels, channels, 3)));
    this.extraBlocks = new ExtraLevels(spec.p6 === 'P5' ? channels : inChannels[2], channels);
    this.#spec = spec;
  }

  forward([c3, c4, c5]: readonly [Tensor, Tensor, Tensor]): Pyramid {
    return tidy(() => {
      const [inner3, inner4, inner5] = this.innerBlocks as [Sequential, Sequential, Sequential];
      const [layer3, layer4, layer5] = this.layerBlocks as [Sequential, Sequential, Sequential];
      const m5 = inner5.forward(c5);
      const m4 = add(inner4.forward(c4), upsampleTo(m5, c4));
      const m3 = add(inner3.forward(c3), upsampleTo(m4, c3));
      const p5 = layer5.forward(m5);
      const p6 = this.extraBlocks.p6.forward(this.#spec.p6 === 'P5' ? p5 : c5);
      const p7 = this.extraBlocks.p7.forward(this.#spec.reluBeforeP7 ? relu(p6) : p6);
      return [layer3.forward(m3), layer4.forward(m4), p5, p6, p7] as const;
    });
  }
}

/** Nearest-neighbour upsampling to the height and width of another map, which may be odd. */
function upsampleTo(x: Tensor, like: Tensor): Tensor {
  return upsampleNearest(x, [like.shape[1]!, like.shape[2]!]);
}
