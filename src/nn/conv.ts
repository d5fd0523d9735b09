import { conv1d, type Conv1dOptions } from '../autograd/ops/conv1d.ts';
import { convTranspose2d, type ConvTranspose2dOptions } from '../autograd/ops/conv-transpose2d.ts';
import { CONV } from '../autograd/ops/conv2d.ts';
import { checkFunction, optionsOf, pairOf } from '../common/check.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkExtents, fans, kaimingUniform, uniform, type Initializer } from './init.ts';
import { Module, Parameter, type Layer } from './module.ts';

/** What the layers of convolutions have in common. */
export interface ConvConfig {
  /** Whether to add a bias. Default true. */
  readonly bias?: boolean;
  /** Initial filter. Default: PyTorch's, uniform within 1 / sqrt(fan_in). */
  readonly init?: Initializer;
  /** Initial bias. Default: PyTorch's, uniform within 1 / sqrt(fan_in). */
  readonly biasInit?: Initializer;
}

/** Defaults of the options that layers of convolutions have besides those of the operation. */
export const CONV_LAYER = {
  kernel: undefined,
  bias: true,
  init: kaimingUniform({ a: Math.sqrt(5) }),
  biasInit: undefined,
};

/** The parameters of the layer `layer` with a filter of `shape` and `outChannels` results. */
export function convParameters(
  layer: string,
  shape: Shape,
  outChannels: number,
  config: Required<Omit<ConvConfig, 'biasInit'>> & { readonly biasInit: Initializer | undefined },
): { readonly weight: Parameter; readonly bias: Parameter | null } {
  const bound = 1 / Math.sqrt(fans(shape).fanIn);
  const { bias, init, biasInit = uniform(-bound, bound) } = config;
  checkFunction(layer, 'init', init);
  checkFunction(layer, 'biasInit', biasInit);
  const weight = new Parameter(init(shape));
  return { weight, bias: bias ? new Parameter(biasInit([outChannels])) : null };
}

/** Throws a RangeError unless the channels are integers >= 1 that the groups divide. */
export function checkGroups(layer: string, inChannels: number, outChannels: number, groups: number): void {
  checkExtents(layer, { inChannels, outChannels, groups });
  if (inChannels % groups === 0 && outChannels % groups === 0) return;
  throw new RangeError(`${layer}: ${inChannels} and ${outChannels} channels do not divide into ${groups} groups`);
}

export interface ConvTranspose2dConfig extends ConvTranspose2dOptions, ConvConfig {
  /** Height and width of the filter. */
  readonly kernel: number | readonly [number, number];
}

/**
 * Transposed convolution of [N, H, W, inChannels] to [N, P, Q, outChannels], which enlarges images. `weight` is
 * [R, S, out / groups, in], `bias` is [out].
 *
 * @example
 * const layer = new ConvTranspose2d(8, 4, { kernel: 2, stride: 2 });
 * console.log(layer.forward(zeros([1, 16, 16, 8])).shape, layer.weight.shape); // [1, 32, 32, 4] [2, 2, 4, 8]
 */
export class ConvTranspose2d extends Module implements Layer {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly options: ConvTranspose2dOptions;

  constructor(inChannels: number, outChannels: number, config: ConvTranspose2dConfig) {
    super();
    const defaults = { ...CONV, ...CONV_LAYER, outputPadding: 0 };
    const { kernel, bias, init, biasInit, ...options } = optionsOf('ConvTranspose2d', config, defaults);
    const { groups } = options;
    checkGroups('ConvTranspose2d', inChannels, outChannels, groups);
    const filter = [...pairOf('ConvTranspose2d', 'kernel', kernel, 1), outChannels / groups, inChannels];
    const parameters = convParameters('ConvTranspose2d', filter, outChannels, { bias, init, biasInit });
    this.weight = parameters.weight;
    this.bias = parameters.bias;
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.bias, this.options);
  }
}

export interface Conv1dConfig extends Conv1dOptions, ConvConfig {
  /** Length of the filter. */
  readonly kernel: number;
}

/**
 * Convolution of sequences [N, L, inChannels] to [N, P, outChannels]; `weight` is [R, in / groups, out], `bias` is [out].
 *
 * @example
 * const layer = new Conv1d(2, 4, { kernel: 3, padding: 'same' });
 * console.log(layer.forward(zeros([1, 10, 2])).shape, layer.weight.shape); // [1, 10, 4] [3, 2, 4]
 */
export class Conv1d extends Module implements Layer {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly options: Conv1dOptions;

  constructor(inChannels: number, outChannels: number, config: Conv1dConfig) {
    super();
    const filled = optionsOf('Conv1d', config, { ...CONV, ...CONV_LAYER });
    const { kernel, bias, init, biasInit, ...options } = filled;
    const { groups } = options;
    checkGroups('Conv1d', inChannels, outChannels, groups);
    checkExtents('Conv1d', { kernel });
    const filter = [kernel, inChannels / groups, outChannels];
    const parameters = convParameters('Conv1d', filter, outChannels, { bias, init, biasInit });
    this.weight = parameters.weight;
    this.bias = parameters.bias;
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return conv1d(x, this.weight, this.bias, this.options);
  }
}
