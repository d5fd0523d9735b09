import { reshape } from '../autograd/ops/shape.ts';
import { constant, normal } from '../nn/init.ts';
import { ReLU } from '../nn/activations.ts';
import { Conv2d, Sequential } from '../nn/layers.ts';
import { Module, type Layer } from '../nn/module.ts';
import { GroupNorm } from '../nn/norm.ts';
import { tidy } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Size } from './anchors.ts';
import { Atlas } from './atlas.ts';
import { PerSize } from './per-size.ts';
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

/** Runs a tower on all levels at once. */
function runTower(tower: Sequential, atlas: Atlas, image: Tensor): Tensor {
  return (tower.layers as readonly Sequential[]).reduce((x, { layers: [conv, ...norm] }) => {
    if (norm.length === 0) return (conv as Conv2d).forward(x, { clear: atlas.gaps });
    // Statistics are those of each level.
    const levels = atlas.levels(conv!.forward(x));
    return atlas.assemble(levels.map((level) => new Sequential(...norm).forward(level)));
  }, image);
}

/**
 * The results of a subnet for every anchor.
 *
 * @param width numbers per anchor
 * @returns [N, A, width], levels finest first, rows, columns, then the anchors of a cell
 */
function perAnchor(atlas: Atlas, image: Tensor, width: number): Tensor {
  return reshape(atlas.cells(image), [image.shape[0]!, -1, width]);
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

  /**
   * Logits [N, A, classes].
   *
   * @param image the levels of the pyramid in the atlas
   */
  forward(atlas: Atlas, image: Tensor): Tensor {
    return tidy(() => perAnchor(atlas, this.clsLogits.forward(runTower(this.conv, atlas, image)), this.classes));
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

  /**
   * Offsets [N, A, 4]: dx, dy, dw, dh.
   *
   * @param image the levels of the pyramid in the atlas
   */
  forward(atlas: Atlas, image: Tensor): Tensor {
    return tidy(() => perAnchor(atlas, this.bboxReg.forward(runTower(this.conv, atlas, image)), 4));
  }
}

/** The predictions of the two subnets for every anchor. */
export interface HeadOutput {
  /** [N, A, classes] */
  readonly logits: Tensor;
  /** [N, A, 4] */
  readonly deltas: Tensor;
}

/**
 * The two subnets, for scores and for boxes, whose weights all levels of the pyramid share.
 *
 * @example
 * const { head } = retinaNetSpec('torchvision', { head: { channels: 16, convs: 1 } });
 * const { logits, deltas } = new RetinaNetHead(16, 9, 2, head).forward([zeros([1, 4, 4, 16]), zeros([1, 2, 2, 16])]);
 * console.log(logits.shape, deltas.shape); // [1, 180, 2] [1, 180, 4]
 * console.log((await max(sigmoid(logits)).item()).toFixed(2)); // 0.01
 */
export class RetinaNetHead extends Module {
  readonly classificationHead: ClassificationHead;
  readonly regressionHead: RegressionHead;
  readonly #atlases = new PerSize<Atlas>();

  constructor(inChannels: number, anchorsPerCell: number, classes: number, spec: HeadSpec) {
    super();
    this.classificationHead = new ClassificationHead(inChannels, anchorsPerCell, classes, spec);
    this.regressionHead = new RegressionHead(inChannels, anchorsPerCell, spec);
  }

  /** @param levels of the pyramid, finest first, [N, H, W, C] each */
  forward(levels: readonly Tensor[]): HeadOutput {
    return tidy(() => {
      const { device } = levels[0]!;
      const sizes = levels.map(({ shape }): Size => [shape[1]!, shape[2]!]);
      const atlas = this.#atlases.of(sizes.join(), () => new Atlas(device, sizes));
      const image = atlas.assemble(levels);
      return {
        logits: this.classificationHead.forward(atlas, image),
        deltas: this.regressionHead.forward(atlas, image),
      };
    });
  }

  protected override freeCaches(): void {
    this.#atlases.dispose();
  }
}
