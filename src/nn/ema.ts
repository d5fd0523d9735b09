import { assign, axpbyAll } from '../autograd/ops/no-gradient.ts';
import { clone } from '../autograd/ops/shape.ts';
import { noGrad } from '../autograd/tape.ts';
import { keep } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Module } from './module.ts';

/** Options of `ExponentialMovingAverage`. */
export interface AverageOptions {
  /** Tensors of the module that do not change, for example frozen ones: their averages stay equal to them. Default none. */
  readonly constant?: ReadonlySet<Tensor>;
}

/**
 * Exponential moving average of a module's weights and buffers (Polyak averaging), which usually performs better than the
 * last weights.
 */
export class ExponentialMovingAverage {
  readonly #module: Module;
  readonly #decay: number;
  readonly #constant: ReadonlySet<Tensor>;
  readonly #averages: Map<string, Tensor>;
  /** Calls of `update` so far. Set it when resuming. */
  updates = 0;

  /** @param decay weight of the previous average, for example 0.998; lower in early steps, to forget the initial weights */
  constructor(module: Module, decay: number, { constant = new Set() }: AverageOptions = {}) {
    if (!(decay >= 0 && decay < 1)) {
      throw new RangeError(`ExponentialMovingAverage: decay is ${decay}, expected a number >= 0 and < 1`);
    }
    this.#module = module;
    this.#decay = decay;
    this.#constant = constant;
    this.#averages = new Map(
      [...module.stateDict()].map(([name, tensor]) => [name, keep(noGrad(() => clone(tensor)))]),
    );
  }

  /** Updates the averages with the current weights; call it after each step of the optimiser. */
  update(): void {
    this.updates++;
    const decay = Math.min(this.#decay, (1 + this.updates) / (10 + this.updates));
    // The average of a value with itself may differ from it by a rounding error.
    const changing = [...this.#module.stateDict()].filter(([, x]) => !this.#constant.has(x));
    const pairs = changing.map(([name, x]) => ({ x, y: this.#averages.get(name)!, alpha: 1 - decay }));
    axpbyAll(pairs, decay);
  }

  /** The averages, under the names of the module's own state. */
  stateDict(): ReadonlyMap<string, Tensor> {
    return this.#averages;
  }

  /** Swaps the module's weights with the averages; a second call swaps them back. */
  swap(): void {
    for (const [name, tensor] of this.#module.stateDict()) {
      const average = this.#averages.get(name)!;
      const before = noGrad(() => clone(tensor));
      assign(tensor, average);
      assign(average, before);
      before.dispose();
    }
  }

  dispose(): void {
    for (const tensor of this.#averages.values()) tensor.dispose();
  }
}
