import { concat, reshape } from '../autograd/ops/shape.ts';
import { constant, normal } from '../nn/init.ts';
import { ReLU } from '../nn/activations.ts';
import { Conv2d, Sequential } from '../nn/layers.ts';
import { Module, type Layer } from '../nn/module.ts';
import { GroupNorm } from '../nn/norm.ts';
import { tidy } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { HeadSpec } from './spec.ts';

// The two subnets (Focal Loss paper, section 4): small fully convolutional networks that run on every pyramid level with the
// same weights. For each anchor of a cell, one predicts a score per class, the other the four offsets from the anchor to the
// object.

const gaussian = normal(0, 0.01);

/** A 3x3 convolution of the subnets: weights from N(0, 0.01), bias 0 (section 4.1). */
function conv(inChannels: number, outChannels: number, { bias = 0, relu = false } = {}): Conv2d {
  return new Conv2d(inChannels, outChannels, { kernel: 3, padding: 1, init: gaussian, biasInit: constant(bias), relu });
}

/** The convolutions of a subnet before the last one. */
function tower(inChannels: number, { channels, convs, normGroups }: HeadSpec): Sequential {
  const layers = Array.from({ length: convs }, (_, i): Module & Layer => {
    const from = i === 0 ? inChannels : channels;
    if (normGroups === null) return new Sequential(conv(from, channels, { relu: true }));
    const plain = new Conv2d(from, channels, { kernel: 3, padding: 1, bias: false, init: gaussian });
    return new Sequential(plain, new GroupNorm(normGroups, channels), new ReLU());
  });
  return new Sequential(...layers);
}

/**
 * Runs a subnet on every level and concatenates the results anchor by anchor.
 *
 * @param width numbers per anchor
 * @returns [N, A, width], levels finest first, rows, columns, then the anchors of a cell
 */
function overLevels(levels: readonly Tensor[], width: number, subnet: (level: Tensor) => Tensor): Tensor {
  return tidy(() =>
    concat(
      levels.map((level) => tidy(() => reshape(subnet(level), [level.shape[0]!, -1, width]))),
      1,
    ),
  );
}

export class ClassificationHead extends Module {
  readonly conv: Sequential;
  readonly clsLogits: Conv2d;
  readonly classes: number;

  constructor(inChannels: number, anchorsPerCell: number, classes: number, spec: HeadSpec) {
    super();
    this.conv = tower(inChannels, spec);
    // With the prior, an untrained network predicts background nearly everywhere, which is nearly always right. Otherwise
    // the loss of the many easy negatives would dominate the first steps (section 3.3).
    const bias = -Math.log((1 - spec.prior) / spec.prior);
    this.clsLogits = conv(spec.channels, anchorsPerCell * classes, { bias });
    this.classes = classes;
  }

  /** Logits [N, A, classes]. */
  forward(levels: readonly Tensor[]): Tensor {
    return overLevels(levels, this.classes, (level) => this.clsLogits.forward(this.conv.forward(level)));
  }
}

export class RegressionHead extends Module {
  readonly conv: Sequential;
  readonly bboxReg: Conv2d;

  constructor(inChannels: number, anchorsPerCell: number, spec: HeadSpec) {
    super();
    this.conv = tower(inChannels, spec);
    this.bboxReg = conv(spec.channels, anchorsPerCell * 4);
  }

  /** Offsets [N, A, 4]: dx, dy, dw, dh. */
  forward(levels: readonly Tensor[]): Tensor {
    return overLevels(levels, 4, (level) => this.bboxReg.forward(this.conv.forward(level)));
  }
}

/** The predictions of the two subnets for every anchor. */
export interface HeadOutput {
  /** [N, A, classes] */
  readonly logits: Tensor;
  /** [N, A, 4] */
  readonly deltas: Tensor;
}

export class RetinaNetHead extends Module {
  readonly classificationHead: ClassificationHead;
  readonly regressionHead: RegressionHead;

  constructor(inChannels: number, anchorsPerCell: number, classes: number, spec: HeadSpec) {
    super();
    this.classificationHead = new ClassificationHead(inChannels, anchorsPerCell, classes, spec);
    this.regressionHead = new RegressionHead(inChannels, anchorsPerCell, spec);
  }

  forward(levels: readonly Tensor[]): HeadOutput {
    return { logits: this.classificationHead.forward(levels), deltas: this.regressionHead.forward(levels) };
  }
}
