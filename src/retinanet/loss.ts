import { div, greaterEqual, maximum, mul, smoothL1 } from '../autograd/ops/binary.ts';
import { giouLoss, sigmoidFocalLoss } from '../autograd/ops/losses.ts';
import { sum } from '../autograd/ops/broadcast.ts';
import { cast } from '../autograd/ops/cast.ts';
import { mean } from '../autograd/ops/reduce.ts';
import { axpby } from '../autograd/ops/no-gradient.ts';
import { isRecomputing } from '../autograd/tape.ts';
import { constant } from '../nn/init.ts';
import { Module } from '../nn/module.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { decodeBoxes } from './box-coder.ts';
import type { HeadOutput } from './heads.ts';
import type { Assignment } from './matching-gpu.ts';
import type { BoxCoderSpec, LossSpec } from './spec.ts';

// What training minimises: the error of the scores (focal loss, over all anchors except ignored ones) plus the error of the
// boxes (over foreground anchors only), both per foreground anchor.

/** The two parts of the loss, scalars, and the counts that normalise them. */
export interface RetinaNetLosses {
  readonly classification: Tensor;
  readonly boxRegression: Tensor;
  /** Foreground anchors of each image, [N]. */
  readonly foreground: Tensor;
}

/** Detectron2's moving average of the number of foreground anchors: its start and decay. */
const EMA_START = 100;
const EMA_DECAY = 0.9;

/**
 * Focal loss of the scores and the box loss of the foreground anchors, each divided as the spec says (`LossSpec.normalizer`).
 *
 * @example
 * const { loss: settings, matcher, boxCoder } = presets.torchvision;
 * const anchors = tensor([[0, 0, 10, 10], [50, 50, 60, 60]]);
 * const target = { boxes: Float32Array.of(0, 0, 10, 10), labels: Int32Array.of(0) };
 * const output = { logits: tensor([[[3], [-3]]]), deltas: zeros([1, 2, 4]) };
 * const assignment = assignTargets(anchors, [target], 1, matcher, boxCoder);
 * const losses = new RetinaNetLoss(settings, boxCoder).forward(output, anchors, assignment);
 * console.log((await losses.classification.item()).toFixed(4), await losses.boxRegression.item()); // 0.0001 0
 */
export class RetinaNetLoss extends Module {
  /** Moving average of the number of foreground anchors in a batch, if the spec uses one. */
  readonly normalizer: Tensor | null;
  readonly #loss: LossSpec;
  readonly #coder: BoxCoderSpec;

  constructor(loss: LossSpec, coder: BoxCoderSpec) {
    super();
    this.normalizer = loss.normalizer === 'ema' ? constant(EMA_START)([]) : null;
    this.#loss = loss;
    this.#coder = coder;
  }

  /** @param anchors [A, 4] */
  forward({ logits, deltas }: HeadOutput, anchors: Tensor, assignment: Omit<Assignment, 'matches'>): RetinaNetLosses {
    // Focal loss: sum over anchors and classes of each image.
    const { device } = logits;
    const { alpha, gamma } = this.#loss;
    const focal = device.during('focal loss', () =>
      sum(sigmoidFocalLoss(logits, assignment.labels, { alpha, gamma }), [1, 2]),
    );

    // Box loss: sum over the foreground anchors of each image.
    const foreground = cast(greaterEqual(assignment.labels, 0), 'float32');
    const count = sum(foreground, 1);
    const boxes = device.during('box loss', () => sum(mul(this.#boxLoss(deltas, anchors, assignment), foreground), 1));

    if (this.normalizer !== null && this.training && !isRecomputing())
      axpby(maximum(sum(count), 1), this.normalizer, 1 - EMA_DECAY, EMA_DECAY);
    return {
      classification: this.#normalize(focal, count),
      boxRegression: this.#normalize(boxes, count),
      foreground: count,
    };
  }

  /** Distance of each prediction from its target, [N, A]; undefined where the anchor is not foreground. */
  #boxLoss(deltas: Tensor, anchors: Tensor, assignment: Omit<Assignment, 'matches'>): Tensor {
    const { box, beta } = this.#loss;
    if (box === 'giou') return giouLoss(decodeBoxes(deltas, anchors, this.#coder), assignment.boxes);
    return sum(smoothL1(deltas, assignment.deltas, { beta: box === 'l1' ? 0 : beta }), -1);
  }

  /** @param perImage sums [N], `count` foreground anchors [N] */
  #normalize(perImage: Tensor, count: Tensor): Tensor {
    const atLeastOne = maximum(count, 1);
    switch (this.#loss.normalizer) {
      case 'image':
        return mean(div(perImage, atLeastOne));
      case 'batch':
        return div(sum(perImage), sum(atLeastOne));
      case 'ema':
        return div(sum(perImage), this.normalizer!);
    }
  }
}
