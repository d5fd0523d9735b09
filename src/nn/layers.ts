import { add } from '../autograd/ops/binary.ts';
import { conv2d, type Conv2dOptions } from '../autograd/ops/conv2d.ts';
import { matmul } from '../autograd/ops/matmul.ts';
import { maxPool2d, type PoolOptions } from '../autograd/ops/pool2d.ts';
import { relu } from '../autograd/ops/unary.ts';
import { upsampleBilinear, upsampleNearest } from '../autograd/ops/upsample.ts';
import { checkNumber } from '../common/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { kaimingUniform, uniform, type Initializer } from './init.ts';
import { Module, Parameter, type Layer } from './module.ts';

export interface Conv2dConfig extends Conv2dOptions {
  /** Height and width of the filter. */
  readonly kernel: number | readonly [number, number];
  /** Whether to add a bias. Default true. */
  readonly bias?: boolean;
  /** Initial filter. Default: PyTorch's, uniform within 1 / sqrt(fan_in). */
  readonly init?: Initializer;
  /** Initial bias. Default: PyTorch's, uniform within 1 / sqrt(fan_in). */
  readonly biasInit?: Initializer;
  /** Whether to apply ReLU in the same pass, instead of by a layer after it. Default false. */
  readonly relu?: boolean;
}

/** Convolution of [N, H, W, inChannels] to [N, P, Q, outChannels]; `weight` is [R, S, in, out], `bias` is [out]. */
export class Conv2d extends Module implements Layer {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly options: Conv2dOptions;
  readonly relu: boolean;

  constructor(inChannels: number, outChannels: number, config: Conv2dConfig) {
    super();
    const {
      kernel,
      bias = true,
      init = kaimingUniform({ a: Math.sqrt(5) }),
      biasInit,
      relu = false,
      ...options
    } = config;
    const [r, s] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    const bound = 1 / Math.sqrt(r * s * inChannels);
    this.weight = new Parameter(init([r, s, inChannels, outChannels]));
    this.bias = bias ? new Parameter((biasInit ?? uniform(-bound, bound))([outChannels])) : null;
    this.options = options;
    this.relu = relu;
  }

  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, this.bias, this.options, { relu: this.relu });
  }
}

/** x W + b for x [..., in]; `weight` is [in, out], `bias` is [out]. */
export class Linear extends Module implements Layer {
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, { bias = true }: { readonly bias?: boolean } = {}) {
    super();
    const bound = 1 / Math.sqrt(inFeatures);
    this.weight = new Parameter(kaimingUniform({ a: Math.sqrt(5) })([inFeatures, outFeatures]));
    this.bias = bias ? new Parameter(uniform(-bound, bound)([outFeatures])) : null;
  }

  forward(x: Tensor): Tensor {
    const y = matmul(x, this.weight);
    return this.bias === null ? y : add(y, this.bias);
  }
}

/** max(x, 0). */
export class ReLU extends Module implements Layer {
  forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/** Largest value of each window. */
export class MaxPool2d extends Module implements Layer {
  readonly options: PoolOptions;
  constructor(options: PoolOptions) {
    super();
    this.options = options;
  }
  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.options);
  }
}

/** Resizes [N, H, W, C] by a factor; the size is rounded down, as in PyTorch. */
export class Upsample extends Module implements Layer {
  readonly scale: number;
  readonly mode: 'nearest' | 'bilinear';
  constructor(scale: number, { mode = 'nearest' }: { readonly mode?: 'nearest' | 'bilinear' } = {}) {
    super();
    checkNumber('Upsample', 'scale', scale, { above: 0 });
    this.scale = scale;
    this.mode = mode;
  }
  forward(x: Tensor): Tensor {
    const size = [Math.floor(x.shape[1]! * this.scale), Math.floor(x.shape[2]! * this.scale)] as const;
    return this.mode === 'nearest' ? upsampleNearest(x, size) : upsampleBilinear(x, size);
  }
}

/** Runs layers in sequence. Their names are their positions: `0.weight`. */
export class Sequential extends Module implements Layer {
  readonly layers: readonly (Module & Layer)[];

  constructor(...layers: (Module & Layer)[]) {
    super();
    this.layers = layers;
  }

  override *namedChildren(): Generator<[string, Module]> {
    for (const [i, layer] of this.layers.entries()) yield [`${i}`, layer];
  }

  forward(x: Tensor): Tensor {
    return this.layers.reduce((value, layer) => layer.forward(value), x);
  }
}
