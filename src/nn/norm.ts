import { add, div, mul, sub } from '../autograd/ops/binary.ts';
import { isRecomputing, isRecording, needsGradient, noGrad } from '../autograd/tape.ts';
import { conv2d } from '../autograd/ops/conv2d.ts';
import { epilogueOf, type Epilogue } from '../autograd/ops/epilogue.ts';
import { layerNorm } from '../autograd/ops/layer-norm.ts';
import {
  batchNorm,
  batchNormInference,
  batchNormUpdating,
  epsOf,
  groupNorm,
  type NormOptions,
} from '../autograd/ops/normalization.ts';
import { relu, sqrt } from '../autograd/ops/unary.ts';
import { checkNumber, optionsOf } from '../common/check.ts';
import { undoAfterDryRun } from '../tensor/dry-run.ts';
import { openRecording } from '../tensor/recording.ts';
import { keep, tidy } from '../tensor/scope.ts';
import { checkShape, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkExtents, constant } from './init.ts';
import { Module, Parameter, type Layer } from './module.ts';
import type { Conv2d } from './layers.ts';

/** A normalisation that can end with the operations which follow it in a network. */
export interface NormLayer extends Module, Layer {
  /** Normalises x, then applies `after`. */
  forward(x: Tensor, after?: Epilogue): Tensor;
  /** The factors of y = scale x + shift, each [C]; null while the layer uses the statistics of its input. */
  fixed(): { readonly scale: Tensor; readonly shift: Tensor } | null;
}

/**
 * norm(conv(x)), then `after`. A fixed normalisation is a scale and a shift, which the convolution applies when it writes
 * its result. That saves a pass over the image and an activation.
 *
 * @param conv a convolution without bias
 *
 * @example
 * const conv = new Conv2d(3, 8, { kernel: 3, padding: 1, bias: false });
 * const layer = new FrozenBatchNorm2d(8);
 * console.log(convNorm(conv, layer, zeros([1, 16, 16, 3]), { relu: true }).shape); // [1, 16, 16, 8]
 */
export function convNorm(conv: Conv2d, norm: NormLayer, x: Tensor, after: Epilogue = {}): Tensor {
  return tidy(() => {
    const fixed = norm.fixed();
    const isFused = fixed !== null && conv.bias === null && !needsGradient(fixed.scale);
    if (!isFused) return norm.forward(conv.forward(x), after);
    return conv2d(x, conv.weight, fixed.shift, conv.options, { ...after, scale: fixed.scale });
  });
}

/** What a normalisation with given statistics is made of. */
interface NormTensors {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
}

/** Scale and shift of a normalisation with given statistics. They are kept until one of its tensors changes. */
class FixedFactors {
  readonly #of: NormTensors;
  readonly #eps: number;
  #kept: { readonly scale: Tensor; readonly shift: Tensor } | null = null;

  constructor(of: NormTensors, eps: number) {
    this.#of = of;
    this.#eps = eps;
  }

  /** New references, of the open scope. */
  get(): { readonly scale: Tensor; readonly shift: Tensor } {
    const { weight, bias, runningMean, runningVar } = this.#of;
    if (isRecording() && (needsGradient(weight) || needsGradient(bias))) return this.#compute();
    // What is kept must not belong to a recording, which computes it again whenever it runs.
    if (this.#kept === null && openRecording() !== null) return noGrad(() => this.#compute());
    if (this.#kept === null) {
      undoAfterDryRun(() => (this.#kept = null));
      const { scale, shift } = noGrad(() => tidy(() => this.#compute()));
      this.#kept = { scale: keep(scale), shift: keep(shift) };
      for (const { storage } of [weight, bias, runningMean, runningVar]) storage.addDependent(this);
    }
    const { scale, shift } = this.#kept;
    return { scale: scale.alias(scale.shape), shift: shift.alias(shift.shape) };
  }

  #compute(): { scale: Tensor; shift: Tensor } {
    const { weight, bias, runningMean, runningVar } = this.#of;
    const scale = div(weight, sqrt(add(runningVar, this.#eps)));
    return { scale, shift: sub(bias, mul(runningMean, scale)) };
  }

  dispose(): void {
    this.#kept?.scale.dispose();
    this.#kept?.shift.dispose();
    this.#kept = null;
  }
}

export interface BatchNormConfig {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Weight of the newest batch in the running statistics. Default 0.1. */
  readonly momentum?: number;
}

/**
 * Batch normalisation (Ioffe and Szegedy 2015) of [N, H, W, C] per channel. In training it uses the statistics of the
 * batch and updates the running ones (variance unbiased, as in PyTorch); in evaluation it uses the running ones.
 *
 * @example
 * const layer = new BatchNorm2d(1);
 * await flatten(layer.forward(reshape(tensor([1, 3]), [1, 1, 2, 1]))).print();
 * // Tensor(float32 [2]) [-1.0000,  1.0000]
 * await layer.runningMean.print(); // Tensor(float32 [1]) [0.2000]
 * layer.eval();
 * await flatten(layer.forward(reshape(tensor([1, 3]), [1, 1, 2, 1]))).print();
 * // Tensor(float32 [2]) [0.7628, 2.6697]
 */
export class BatchNorm2d extends Module implements NormLayer {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  readonly #eps: number;
  readonly #momentum: number;
  readonly #fixed: FixedFactors;

  constructor(channels: number, config: BatchNormConfig = {}) {
    super();
    checkExtents('BatchNorm2d', { channels });
    const { momentum, ...rest } = optionsOf('BatchNorm2d', config, { eps: 1e-5, momentum: 0.1 });
    checkNumber('BatchNorm2d', 'momentum', momentum, { min: 0, max: 1 });
    this.#eps = epsOf('BatchNorm2d', rest);
    this.weight = new Parameter(constant(1)([channels]));
    this.bias = new Parameter(constant(0)([channels]));
    this.runningMean = constant(0)([channels]);
    this.runningVar = constant(1)([channels]);
    this.#momentum = momentum;
    this.#fixed = new FixedFactors(this, this.#eps);
  }

  fixed(): { readonly scale: Tensor; readonly shift: Tensor } | null {
    return this.training ? null : this.#fixed.get();
  }

  forward(x: Tensor, after: Epilogue = {}): Tensor {
    const eps = this.#eps;
    if (!this.training) {
      return batchNormInference(x, this.weight, this.bias, this.runningMean, this.runningVar, { eps }, after);
    }
    const count = x.size / x.shape.at(-1)!;
    if (count <= 1) {
      throw new RangeError(`BatchNorm2d: [${x.shape}] has ${count} value per channel, training needs more than one`);
    }
    if (!isRecomputing()) {
      const running = { mean: this.runningMean, variance: this.runningVar, momentum: this.#momentum };
      return batchNormUpdating(x, this.weight, this.bias, running, { eps }, after);
    }
    const { y, mean, variance } = batchNorm(x, this.weight, this.bias, { eps }, after);
    mean.dispose();
    variance.dispose();
    return y;
  }
}

/**
 * Batch normalisation with fixed statistics and affine parameters, as torchvision uses it for detection.
 *
 * @example
 * const layer = new FrozenBatchNorm2d(1);
 * layer.loadStateDict(new Map([['runningMean', tensor([2])]]), { strict: false });
 * await flatten(layer.forward(reshape(tensor([1, 3]), [1, 1, 2, 1]))).print();
 * // Tensor(float32 [2]) [-1.0000,  1.0000]
 */
export class FrozenBatchNorm2d extends Module implements NormLayer {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  readonly #eps: number;
  readonly #fixed: FixedFactors;

  constructor(channels: number, options: NormOptions = {}) {
    super();
    checkExtents('FrozenBatchNorm2d', { channels });
    this.#eps = epsOf('FrozenBatchNorm2d', options);
    this.weight = constant(1)([channels]);
    this.bias = constant(0)([channels]);
    this.runningMean = constant(0)([channels]);
    this.runningVar = constant(1)([channels]);
    this.#fixed = new FixedFactors(this, this.#eps);
  }

  fixed(): { readonly scale: Tensor; readonly shift: Tensor } {
    return this.#fixed.get();
  }

  forward(x: Tensor, after: Epilogue = {}): Tensor {
    const { weight, bias, runningMean, runningVar } = this;
    return batchNormInference(x, weight, bias, runningMean, runningVar, { eps: this.#eps }, after);
  }
}

/**
 * Group normalisation (Wu and He 2018): per image, over groups of neighbouring channels.
 *
 * @example
 * const layer = new GroupNorm(2, 4);
 * await layer.forward(tensor([[1, 3, 10, 30]])).print();
 * // Tensor(float32 [1,4]) [[-1.0000,  1.0000, -1.0000,  1.0000]]
 */
export class GroupNorm extends Module implements NormLayer {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly groups: number;
  readonly #eps: number;

  constructor(groups: number, channels: number, options: NormOptions = {}) {
    super();
    checkExtents('GroupNorm', { groups, channels });
    this.#eps = epsOf('GroupNorm', options);
    if (channels % groups !== 0) {
      throw new RangeError(`GroupNorm: ${channels} channels do not divide into ${groups} groups`);
    }
    this.weight = new Parameter(constant(1)([channels]));
    this.bias = new Parameter(constant(0)([channels]));
    this.groups = groups;
  }

  fixed(): null {
    return null;
  }

  forward(x: Tensor, after: Epilogue = {}): Tensor {
    const { add: other, relu: isRectified } = epilogueOf('GroupNorm', x.shape, after);
    return tidy(() => {
      const normed = groupNorm(x, this.groups, this.weight, this.bias, { eps: this.#eps });
      const sum = other === null ? normed : add(normed, other);
      return isRectified ? relu(sum) : sum;
    });
  }
}

/**
 * Layer normalisation (Ba et al. 2016) over the last axes, with `weight` and `bias` of their shape.
 *
 * @example
 * const layer = new LayerNorm(3);
 * await layer.forward(tensor([[1, 2, 3]])).print(); // Tensor(float32 [1,3]) [[-1.2247,  0.0000,  1.2247]]
 */
export class LayerNorm extends Module implements Layer {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly normalizedShape: Shape;
  readonly #eps: number;

  /** @param normalizedShape the extents of the last axes, or of the last one */
  constructor(normalizedShape: number | Shape, options: NormOptions = {}) {
    super();
    const shape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
    checkShape('LayerNorm', shape);
    this.normalizedShape = [...shape];
    this.#eps = epsOf('LayerNorm', options);
    this.weight = new Parameter(constant(1)(this.normalizedShape));
    this.bias = new Parameter(constant(0)(this.normalizedShape));
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.normalizedShape, this.weight, this.bias, { eps: this.#eps });
  }
}
