import { checkpoint } from '../autograd/checkpoint.ts';
import { maxPool2d } from '../autograd/ops/pool2d.ts';
import { checkChoice } from '../common/check.ts';
import { kaimingNormal } from '../nn/init.ts';
import { Conv2d, Sequential } from '../nn/layers.ts';
import { Module, type Layer } from '../nn/module.ts';
import { BatchNorm2d, FrozenBatchNorm2d, GroupNorm, convNorm, type NormLayer } from '../nn/norm.ts';
import { tidy } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { groupsOf, type BackboneSpec, type StageName } from './spec.ts';

// Deep residual networks (He et al. 2016, "Deep Residual Learning for Image Recognition"). Each block adds what it
// computes to its input, so that the signal and its gradient have a path around every convolution and a hundred layers
// can still be trained. The stages halve the image and double the channels; detection uses the last three.

/** Blocks per stage, and which kind (table 1 of the paper). */
const layouts = {
  18: { blocks: [2, 2, 2, 2], bottleneck: false },
  34: { blocks: [3, 4, 6, 3], bottleneck: false },
  50: { blocks: [3, 4, 6, 3], bottleneck: true },
  101: { blocks: [3, 4, 23, 3], bottleneck: true },
} as const;

/** Makes the normalisation for a number of channels. */
type MakeNorm = (channels: number) => NormLayer;

/** A convolution of a ResNet: without bias, because a norm follows, and with padding that keeps the size at stride 1. */
function conv(inChannels: number, outChannels: number, kernel: number, stride: number): Conv2d {
  const padding = (kernel - 1) / 2;
  const init = kaimingNormal({ mode: 'fanOut' });
  return new Conv2d(inChannels, outChannels, { kernel, stride, padding, bias: false, init });
}

/** The shortcut around a block that changes size or channels: a 1x1 convolution (option B, section 3.3). */
class Shortcut extends Sequential {
  readonly conv: Conv2d;
  readonly norm: NormLayer;

  constructor(conv: Conv2d, norm: NormLayer) {
    super(conv, norm);
    this.conv = conv;
    this.norm = norm;
  }

  override forward(x: Tensor): Tensor {
    return convNorm(this.conv, this.norm, x);
  }
}

/** The shortcut of a block, or null for the identity. */
function shortcut(inChannels: number, outChannels: number, stride: number, norm: MakeNorm): Shortcut | null {
  if (stride === 1 && inChannels === outChannels) return null;
  return new Shortcut(conv(inChannels, outChannels, 1, stride), norm(outChannels));
}

/** Two 3x3 convolutions whose result is added to the input (figure 5, left). Used by ResNet-18 and -34. */
class BasicBlock extends Module implements Layer {
  readonly conv1: Conv2d;
  readonly bn1: NormLayer;
  readonly conv2: Conv2d;
  readonly bn2: NormLayer;
  readonly downsample: Shortcut | null;

  constructor(inChannels: number, channels: number, stride: number, norm: MakeNorm) {
    super();
    this.conv1 = conv(inChannels, channels, 3, stride);
    this.bn1 = norm(channels);
    this.conv2 = conv(channels, channels, 3, 1);
    this.bn2 = norm(channels);
    this.downsample = shortcut(inChannels, channels, stride, norm);
  }

  forward(x: Tensor): Tensor {
    return tidy(() => {
      const inner = convNorm(this.conv1, this.bn1, x, { relu: true });
      return convNorm(this.conv2, this.bn2, inner, { add: this.downsample?.forward(x) ?? x, relu: true });
    });
  }
}

/** A 3x3 convolution between two 1x1 that reduce and restore the channels (figure 5, right). ResNet-50 and deeper. */
class Bottleneck extends Module implements Layer {
  readonly conv1: Conv2d;
  readonly bn1: NormLayer;
  readonly conv2: Conv2d;
  readonly bn2: NormLayer;
  readonly conv3: Conv2d;
  readonly bn3: NormLayer;
  readonly downsample: Shortcut | null;

  constructor(inChannels: number, channels: number, stride: number, norm: MakeNorm, strideOn: '3x3' | '1x1') {
    super();
    const [first, second] = strideOn === '3x3' ? [1, stride] : [stride, 1];
    this.conv1 = conv(inChannels, channels, 1, first);
    this.bn1 = norm(channels);
    this.conv2 = conv(channels, channels, 3, second);
    this.bn2 = norm(channels);
    this.conv3 = conv(channels, channels * 4, 1, 1);
    this.bn3 = norm(channels * 4);
    this.downsample = shortcut(inChannels, channels * 4, stride, norm);
  }

  forward(x: Tensor): Tensor {
    return tidy(() => {
      const narrow = convNorm(this.conv1, this.bn1, x, { relu: true });
      const inner = convNorm(this.conv2, this.bn2, narrow, { relu: true });
      return convNorm(this.conv3, this.bn3, inner, { add: this.downsample?.forward(x) ?? x, relu: true });
    });
  }
}

/** The blocks between two changes of size. */
class Stage extends Sequential {
  /** Whether each block keeps only its input for backward. */
  readonly isCheckpointed: boolean;

  constructor(blocks: readonly (BasicBlock | Bottleneck)[], isCheckpointed: boolean) {
    super(...blocks);
    this.isCheckpointed = isCheckpointed;
  }

  override forward(x: Tensor): Tensor {
    if (!this.isCheckpointed) return super.forward(x);
    // Block by block: with one checkpoint for all, backward would hold the activations of all blocks at once.
    return tidy(() => this.layers.reduce((value, block) => checkpoint((v) => block.forward(v), [value]), x));
  }
}

const stageNames: readonly StageName[] = ['layer1', 'layer2', 'layer3', 'layer4'];

/**
 * The convolutional part of a ResNet. Names of parameters are torchvision's, in camel case.
 *
 * @example
 * const { backbone } = retinaNetSpec('torchvision', { backbone: { depth: 18, width: 8 } });
 * const features = new ResNet(backbone).forward(zeros([1, 64, 64, 3]));
 * console.log(features.map(({ shape }) => shape)); // [[1, 8, 8, 16], [1, 4, 4, 32], [1, 2, 2, 64]]
 */
export class ResNet extends Module {
  readonly conv1: Conv2d;
  readonly bn1: NormLayer;
  readonly layer1: Stage;
  readonly layer2: Stage;
  readonly layer3: Stage;
  readonly layer4: Stage;
  /** Channels of C3, C4 and C5. */
  readonly outChannels: readonly [number, number, number];

  /** @param channels of the images */
  constructor(
    { depth, width, norm: kind, normEps: eps, bottleneckStride, checkpoint = false }: BackboneSpec,
    channels = 3,
  ) {
    super();
    checkChoice('ResNet', 'depth', `${depth}`, Object.keys(layouts));
    const checkpointed: readonly string[] =
      typeof checkpoint === 'boolean' ? (checkpoint ? stageNames : []) : checkpoint;
    for (const name of checkpointed) checkChoice('ResNet', 'a stage in checkpoint', name, stageNames);
    const { blocks, bottleneck } = layouts[depth];
    const expansion = bottleneck ? 4 : 1;
    const norm: MakeNorm = (features) => {
      if (kind === 'group') return new GroupNorm(groupsOf(features), features, { eps });
      return kind === 'batch' ? new BatchNorm2d(features, { eps }) : new FrozenBatchNorm2d(features, { eps });
    };
    this.conv1 = conv(channels, width, 7, 2);
    this.bn1 = norm(width);
    let inChannels = width;
    const stage = (name: StageName, features: number, count: number, stride: number): Stage => {
      const list = Array.from({ length: count }, (_, i) => {
        const blockStride = i === 0 ? stride : 1;
        const block = bottleneck
          ? new Bottleneck(inChannels, features, blockStride, norm, bottleneckStride)
          : new BasicBlock(inChannels, features, blockStride, norm);
        inChannels = features * expansion;
        return block;
      });
      return new Stage(list, checkpointed.includes(name));
    };
    this.layer1 = stage('layer1', width, blocks[0], 1);
    this.layer2 = stage('layer2', width * 2, blocks[1], 2);
    this.layer3 = stage('layer3', width * 4, blocks[2], 2);
    this.layer4 = stage('layer4', width * 8, blocks[3], 2);
    this.outChannels = [width * 2 * expansion, width * 4 * expansion, width * 8 * expansion];
  }

  /**
   * @param x [N, H, W, C], normalised
   * @returns C3, C4 and C5, at strides 8, 16 and 32
   */
  forward(x: Tensor): [c3: Tensor, c4: Tensor, c5: Tensor] {
    return tidy(() => {
      const stem = convNorm(this.conv1, this.bn1, x, { relu: true });
      const c2 = this.layer1.forward(maxPool2d(stem, { kernel: 3, stride: 2, padding: 1 }));
      const c3 = this.layer2.forward(c2);
      const c4 = this.layer3.forward(c3);
      return [c3, c4, this.layer4.forward(c4)];
    });
  }
}
