import { batchNorm, batchNormInference, groupNorm } from '../autograd/ops/normalization.ts';
import { axpby } from '../autograd/ops/in-place.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { constant } from './init.ts';
import { Module, Parameter, type Layer } from './module.ts';

/** Makes the normalisation layer for a number of channels. */
export type NormLayer = (channels: number) => Module & Layer;

export interface BatchNormConfig {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Weight of the newest batch in the running statistics. Default 0.1. */
  readonly momentum?: number;
}

/**
 * Batch normalisation (Ioffe and Szegedy 2015) of [N, H, W, C] per channel. In training it uses the statistics of the
 * batch and updates the running ones (variance unbiased, as in PyTorch); in evaluation it uses the running ones.
 */
export class BatchNorm2d extends Module implements Layer {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  readonly #eps: number;
  readonly #momentum: number;

  constructor(channels: number, { eps = 1e-5, momentum = 0.1 }: BatchNormConfig = {}) {
    super();
    this.weight = new Parameter(constant(1)([channels]));
    this.bias = new Parameter(constant(0)([channels]));
    this.runningMean = constant(0)([channels]);
    this.runningVar = constant(1)([channels]);
    this.#eps = eps;
    this.#momentum = momentum;
  }

  forward(x: Tensor): Tensor {
    const eps = this.#eps;
    if (!this.training) {
      return batchNormInference(x, this.weight, this.bias, this.runningMean, this.runningVar, { eps });
    }
    const count = x.size / x.shape.at(-1)!;
    if (count <= 1) {
      throw new RangeError(`BatchNorm2d: [${x.shape}] has ${count} value per channel, training needs more than one`);
    }
    const { y, mean, variance } = batchNorm(x, this.weight, this.bias, { eps });
    const momentum = this.#momentum;
    axpby(mean, this.runningMean, momentum, 1 - momentum);
    axpby(variance, this.runningVar, (momentum * count) / (count - 1), 1 - momentum);
    mean.dispose();
    variance.dispose();
    return y;
  }
}

/** Batch normalisation whose statistics and affine parameters are all fixed, as torchvision uses it for detection. */
export class FrozenBatchNorm2d extends Module implements Layer {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  readonly #eps: number;

  constructor(channels: number, { eps = 1e-5 }: { readonly eps?: number } = {}) {
    super();
    this.weight = constant(1)([channels]);
    this.bias = constant(0)([channels]);
    this.runningMean = constant(0)([channels]);
    this.runningVar = constant(1)([channels]);
    this.#eps = eps;
  }

  forward(x: Tensor): Tensor {
    return batchNormInference(x, this.weight, this.bias, this.runningMean, this.runningVar, { eps: this.#eps });
  }
}

/** Group normalisation (Wu and He 2018): per image, over groups of neighbouring channels. */
export class GroupNorm extends Module implements Layer {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly groups: number;
  readonly #eps: number;

  constructor(groups: number, channels: number, { eps = 1e-5 }: { readonly eps?: number } = {}) {
    super();
    if (channels % groups !== 0) {
      throw new RangeError(`GroupNorm: ${channels} channels do not divide into ${groups} groups`);
    }
    this.weight = new Parameter(constant(1)([channels]));
    this.bias = new Parameter(constant(0)([channels]));
    this.groups = groups;
    this.#eps = eps;
  }

  forward(x: Tensor): Tensor {
    return groupNorm(x, this.groups, this.weight, this.bias, { eps: this.#eps });
  }
}
