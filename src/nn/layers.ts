import { flatten } from '../autograd/ops/axes.ts';
import { add } from '../autograd/ops/binary.ts';
import { CONV, conv2d, type Conv2dOptions, type ConvEpilogue } from '../autograd/ops/conv2d.ts';
import { dropout } from '../autograd/ops/dropout.ts';
import { gather } from '../autograd/ops/gather.ts';
import { matmul } from '../autograd/ops/matmul.ts';
import {
  adaptiveAvgPool2d,
  avgPool2d,
  maxPool2d,
  type AvgPoolOptions,
  type PoolOptions,
} from '../autograd/ops/pool2d.ts';
import { reshape } from '../autograd/ops/shape.ts';
import { upsampleBilinear, upsampleNearest } from '../autograd/ops/upsample.ts';
import { checkChoice, checkFunction, checkNumber, optionsOf, pairOf } from '../common/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkGroups, CONV_LAYER, convParameters, type ConvConfig } from './conv.ts';
import { checkExtents, kaimingUniform, normal, uniform, type Initializer } from './init.ts';
import { Module, Parameter, type Layer } from './module.ts';

export interface Conv2dConfig extends Conv2dOptions, ConvConfig {
  /** Height and width of the filter. */
  readonly kernel: number | readonly [number, number];
  /** Whether to apply ReLU in the same pass, instead of by a layer after it. Default false. */
  readonly relu?: boolean;
}

/**
 * Convolution of [N, H, W, inChannels] to [N, P, Q, outChannels]; `weight` is [R, S, in / groups, out], `bias` is [out].
 *
 * @example
 * const layer = new Conv2d(3, 16, { kernel: 3, stride: 2, padding: 1 });
 * console.log(layer.forward(zeros([1, 64, 64, 3])).shape, layer.weight.shape); // [1, 32, 32, 16] [3, 3, 3, 16]
 */
export class Conv2d extends Module implements Layer {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly options: Conv2dOptions;
  readonly relu: boolean;

  constructor(inChannels: number, outChannels: number, config: Conv2dConfig) {
    super();
    const defaults = { ...CONV, ...CONV_LAYER, relu: false };
    const { kernel, bias, init, biasInit, relu, ...options } = optionsOf('Conv2d', config, defaults);
    const { groups } = options;
    checkGroups('Conv2d', inChannels, outChannels, groups);
    const filter = [...pairOf('Conv2d', 'kernel', kernel, 1), inChannels / groups, outChannels];
    const parameters = convParameters('Conv2d', filter, outChannels, { bias, init, biasInit });
    this.weight = parameters.weight;
    this.bias = parameters.bias;
    this.options = options;
    this.relu = relu;
  }

  /** @param after what follows in the same pass; ReLU also if the layer has it */
  forward(x: Tensor, after: ConvEpilogue = {}): Tensor {
    return conv2d(x, this.weight, this.bias, this.options, { relu: this.relu, ...after });
  }
}

/**
 * x W + b for x [..., in]; `weight` is [in, out], `bias` is [out].
 *
 * @example
 * const layer = new Linear(2, 1);
 * layer.loadStateDict(new Map([['weight', tensor([[2], [3]])], ['bias', tensor([1])]]));
 * await layer.forward(tensor([[10, 100]])).print(); // Tensor(float32 [1,1]) [[321.]]
 */
export class Linear extends Module implements Layer {
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, options: { readonly bias?: boolean } = {}) {
    super();
    checkExtents('Linear', { inFeatures, outFeatures });
    const { bias } = optionsOf('Linear', options, { bias: true });
    const bound = 1 / Math.sqrt(inFeatures);
    this.weight = new Parameter(kaimingUniform({ a: Math.sqrt(5) })([inFeatures, outFeatures]));
    this.bias = bias ? new Parameter(uniform(-bound, bound)([outFeatures])) : null;
  }

  forward(x: Tensor): Tensor {
    const y = matmul(x, this.weight);
    return this.bias === null ? y : add(y, this.bias);
  }
}

/**
 * A table of vectors, one for each of `count` symbols: `weight` [count, features], normal at first, as in PyTorch. An index
 * out of range, which is only known on the GPU, gives NaN.
 *
 * @example
 * const table = new Embedding(3, 2, { init: () => tensor([[1, 2], [3, 4], [5, 6]]) });
 * await table.forward(tensor([2, 0], { dtype: 'int32' })).print();
 * // Tensor(float32 [2,2])
 * // [[5., 6.],
 * //  [1., 2.]]
 */
export class Embedding extends Module implements Layer {
  readonly weight: Parameter;

  /** @param init initial table. Default: the standard normal distribution */
  constructor(count: number, features: number, options: { readonly init?: Initializer } = {}) {
    super();
    checkExtents('Embedding', { count, features });
    const { init } = optionsOf('Embedding', options, { init: normal(0, 1) });
    checkFunction('Embedding', 'init', init);
    this.weight = new Parameter(init([count, features]));
  }

  /** @param indices int32 [...] from 0 to count - 1; the result is [..., features] */
  forward(indices: Tensor): Tensor {
    return gather(this.weight, indices);
  }
}

/**
 * Drops elements in training (see `dropout`), each time others, in the order that `manualSeed` decides; otherwise x.
 *
 * @example
 * const layer = new Dropout(0.5);
 * await layer.eval().forward(tensor([1, 2])).print(); // Tensor(float32 [2]) [1., 2.]
 */
export class Dropout extends Module implements Layer {
  readonly p: number;
  /** @param p probability that an element becomes 0, default 0.5 */
  constructor(p = 0.5) {
    super();
    checkNumber('Dropout', 'p', p, { min: 0, max: 1 });
    this.p = p;
  }
  forward(x: Tensor): Tensor {
    return this.training ? dropout(x, { p: this.p }) : reshape(x, x.shape);
  }
}

/**
 * x itself, where a layer is expected.
 *
 * @example
 * await new Identity().forward(tensor([1, 2])).print(); // Tensor(float32 [2]) [1., 2.]
 */
export class Identity extends Module implements Layer {
  forward(x: Tensor): Tensor {
    return reshape(x, x.shape);
  }
}

/**
 * All axes after the first as one: [N, H, W, C] becomes [N, H W C]. Channels are last, so that weights of PyTorch, which
 * flattens channels first, need another order.
 *
 * @example
 * console.log(new Flatten().forward(zeros([2, 4, 4, 8])).shape); // [2, 128]
 */
export class Flatten extends Module implements Layer {
  forward(x: Tensor): Tensor {
    return flatten(x, 1);
  }
}

/**
 * Largest value of each window.
 *
 * @example
 * const layer = new MaxPool2d({ kernel: 3, stride: 2, padding: 1 });
 * console.log(layer.forward(zeros([1, 8, 8, 4])).shape); // [1, 4, 4, 4]
 */
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

/**
 * Mean of each window.
 *
 * @example
 * const layer = new AvgPool2d({ kernel: 2, stride: 2 });
 * await flatten(layer.forward(reshape(arange(0, 4), [1, 2, 2, 1]))).print(); // Tensor(float32 [1]) [1.5000]
 */
export class AvgPool2d extends Module implements Layer {
  readonly options: AvgPoolOptions;
  constructor(options: AvgPoolOptions) {
    super();
    this.options = options;
  }
  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.options);
  }
}

/**
 * Means of as many windows as wanted, whatever the size of the image: [N, H, W, C] to [N, height, width, C].
 *
 * @example
 * const layer = new AdaptiveAvgPool2d(1);
 * await flatten(layer.forward(reshape(arange(0, 4), [1, 2, 2, 1]))).print(); // Tensor(float32 [1]) [1.5000]
 */
export class AdaptiveAvgPool2d extends Module implements Layer {
  readonly size: number | readonly [height: number, width: number];
  constructor(size: number | readonly [height: number, width: number]) {
    super();
    this.size = size;
  }
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.size);
  }
}

/**
 * Resizes [N, H, W, C] by a factor; the size is rounded down, as in PyTorch.
 *
 * @example
 * const layer = new Upsample(2);
 * await flatten(layer.forward(reshape(tensor([1, 2]), [1, 1, 2, 1]))).print();
 * // Tensor(float32 [8]) [1., 1., 2., 2., 1., 1., 2., 2.]
 */
export class Upsample extends Module implements Layer {
  readonly scale: number;
  readonly mode: 'nearest' | 'bilinear';
  constructor(scale: number, options: { readonly mode?: 'nearest' | 'bilinear' } = {}) {
    super();
    const { mode } = optionsOf('Upsample', options, { mode: 'nearest' });
    checkNumber('Upsample', 'scale', scale, { above: 0 });
    checkChoice('Upsample', 'mode', mode, ['nearest', 'bilinear']);
    this.scale = scale;
    this.mode = mode;
  }
  forward(x: Tensor): Tensor {
    const size = [Math.floor(x.shape[1]! * this.scale), Math.floor(x.shape[2]! * this.scale)] as const;
    return this.mode === 'nearest' ? upsampleNearest(x, size) : upsampleBilinear(x, size);
  }
}

/**
 * Runs layers in sequence. Their names are their positions: `0.weight`.
 *
 * @example
 * const net = new Sequential(new Linear(2, 3, { bias: false }), new ReLU());
 * net.layers[0].loadStateDict(new Map([['weight', tensor([[1, -1, 0], [0, 0, 2]])]]));
 * await net.forward(tensor([[1, 2]])).print(); // Tensor(float32 [1,3]) [[1., 0., 4.]]
 */
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
