import { softmax } from '../autograd/ops/softmax.ts';
import { elu, gelu, hardSwish, leakyRelu, relu, sigmoid, silu, tanh } from '../autograd/ops/unary.ts';
import { checkChoice, checkNumber, optionsOf } from '../common/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Module, type Layer } from './module.ts';

/**
 * max(x, 0).
 *
 * @example
 * await new ReLU().forward(tensor([-1, 2])).print(); // Tensor(float32 [2]) [0., 2.]
 */
export class ReLU extends Module implements Layer {
  forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/**
 * Gaussian error linear unit; see `gelu`.
 *
 * @example
 * await new GELU().forward(tensor([-1, 2])).print(); // Tensor(float32 [2]) [-0.1587,  1.9545]
 */
export class GELU extends Module implements Layer {
  readonly approximate: 'none' | 'tanh';
  constructor(options: { readonly approximate?: 'none' | 'tanh' } = {}) {
    super();
    const { approximate } = optionsOf('GELU', options, { approximate: 'none' });
    checkChoice('GELU', 'approximate', approximate, ['none', 'tanh']);
    this.approximate = approximate;
  }
  forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate });
  }
}

/**
 * x sigmoid(x).
 *
 * @example
 * await new SiLU().forward(tensor([-1, 2])).print(); // Tensor(float32 [2]) [-0.2689,  1.7616]
 */
export class SiLU extends Module implements Layer {
  forward(x: Tensor): Tensor {
    return silu(x);
  }
}

/**
 * x where x >= 0, otherwise slope x.
 *
 * @example
 * await new LeakyReLU(0.1).forward(tensor([-1, 2])).print(); // Tensor(float32 [2]) [-0.1000,  2.0000]
 */
export class LeakyReLU extends Module implements Layer {
  readonly slope: number;
  /** @param slope factor on negative elements, default 0.01 */
  constructor(slope = 0.01) {
    super();
    checkNumber('LeakyReLU', 'slope', slope, { finite: true });
    this.slope = slope;
  }
  forward(x: Tensor): Tensor {
    return leakyRelu(x, { slope: this.slope });
  }
}

/**
 * x where x > 0, otherwise alpha (exp(x) - 1).
 *
 * @example
 * await new ELU().forward(tensor([-1, 2])).print(); // Tensor(float32 [2]) [-0.6321,  2.0000]
 */
export class ELU extends Module implements Layer {
  readonly alpha: number;
  /** @param alpha minus the limit of very negative elements, default 1 */
  constructor(alpha = 1) {
    super();
    checkNumber('ELU', 'alpha', alpha, { finite: true });
    this.alpha = alpha;
  }
  forward(x: Tensor): Tensor {
    return elu(x, { alpha: this.alpha });
  }
}

/**
 * x times min(max(x + 3, 0), 6) / 6.
 *
 * @example
 * await new Hardswish().forward(tensor([-1, 2])).print(); // Tensor(float32 [2]) [-0.3333,  1.6667]
 */
export class Hardswish extends Module implements Layer {
  forward(x: Tensor): Tensor {
    return hardSwish(x);
  }
}

/**
 * 1 / (1 + exp(-x)).
 *
 * @example
 * await new Sigmoid().forward(tensor([-1, 2])).print(); // Tensor(float32 [2]) [0.2689, 0.8808]
 */
export class Sigmoid extends Module implements Layer {
  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

/**
 * Hyperbolic tangent.
 *
 * @example
 * await new Tanh().forward(tensor([-1, 2])).print(); // Tensor(float32 [2]) [-0.7616,  0.9640]
 */
export class Tanh extends Module implements Layer {
  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/**
 * Softmax along an axis.
 *
 * @example
 * await new Softmax().forward(tensor([1, 2, 3])).print(); // Tensor(float32 [3]) [0.0900, 0.2447, 0.6652]
 */
export class Softmax extends Module implements Layer {
  readonly axis: number;
  /** @param axis default the last */
  constructor(axis = -1) {
    super();
    this.axis = axis;
  }
  forward(x: Tensor): Tensor {
    return softmax(x, this.axis);
  }
}
