import { assign, axpbyAll } from '../autograd/ops/no-gradient.ts';
import { clone } from '../autograd/ops/shape.ts';
import { noGrad } from '../autograd/tape.ts';
import { checkNumber, described, optionsOf } from '../common/check.ts';
import { changeHost } from '../tensor/dry-run.ts';
import { keep } from '../tensor/scope.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Storage, Tensor } from '../tensor/tensor.ts';
import { Module } from './module.ts';

/** Options of `ExponentialMovingAverage`. */
export interface AverageOptions {
  /** Tensors of the module that do not change, for example frozen ones: their averages stay equal to them. Default none. */
  readonly constant?: ReadonlySet<Tensor>;
}

/**
 * Exponential moving average of a module's weights and buffers (Polyak averaging), which usually performs better than the
 * last weights.
 *
 * @example
 * const layer = new Linear(1, 1, { bias: false });
 * layer.loadStateDict(new Map([['weight', tensor([[0]])]]));
 * const average = new ExponentialMovingAverage(layer, 0.9);
 * write(layer.weight, [1]);
 * average.update();
 * const smooth = await average.stateDict().get('weight').item();
 * console.log(smooth > 0 && smooth < 1); // true
 */
export class ExponentialMovingAverage {
  readonly #module: Module;
  readonly #decay: number;
  readonly #constant: ReadonlySet<Tensor>;
  readonly #averages: Map<string, Tensor>;
  /** Calls of `update` so far. Set it when resuming. */
  updates = 0;

  /** @param decay weight of the previous average, for example 0.998; lower in early steps, to forget the initial weights */
  constructor(module: Module, decay: number, options: AverageOptions = {}) {
    if (!(module instanceof Module)) {
      throw new TypeError(`ExponentialMovingAverage: module is ${described(module)}, expected a Module`);
    }
    checkNumber('ExponentialMovingAverage', 'decay', decay, { min: 0, below: 1 });
    const { constant } = optionsOf('ExponentialMovingAverage', options, { constant: new Set<Tensor>() });
    if (!(constant instanceof Set)) {
      throw new TypeError(`ExponentialMovingAverage: constant is ${described(constant)}, expected a Set of tensors`);
    }
    this.#module = module;
    this.#decay = decay;
    this.#constant = constant;
    // Names of the same memory share an average, too.
    const copies = new Map<Storage, Tensor>();
    const averageOf = (tensor: Tensor): Tensor => {
      const copy = copies.get(tensor.storage);
      if (copy !== undefined) return copy.alias(tensor.shape, false);
      const average = keep(noGrad(() => clone(tensor)));
      average.storage.buffer.use = 'averages';
      copies.set(tensor.storage, average);
      return average;
    };
    this.#averages = new Map([...module.stateDict()].map(([name, tensor]) => [name, averageOf(tensor)]));
  }

  /** Updates the averages with the current weights; call it after each step of the optimiser. Integers are copied. */
  update(): void {
    const pairs = this.#pairs();
    changeHost(
      () => this.updates++,
      () => this.updates--,
    );
    const decay = (): number => Math.min(this.#decay, (1 + this.updates) / (10 + this.updates));
    // The average of a value with itself may differ from it by a rounding error.
    const changing = pairs.filter(({ x }) => !this.#constant.has(x));
    const floats = changing.filter(({ x }) => x.dtype === 'float32');
    axpbyAll(
      floats.map(({ x, average }) => ({ x, y: average, alpha: () => 1 - decay() })),
      decay,
    );
    for (const { x, average } of changing) if (x.dtype !== 'float32') assign(average, x);
  }

  /** The averages, under the names of the module's own state. */
  stateDict(): ReadonlyMap<string, Tensor> {
    return this.#averages;
  }

  /** Swaps the module's weights with the averages; a second call swaps them back. */
  swap(): void {
    for (const { x, average } of this.#pairs()) {
      const before = noGrad(() => clone(x));
      assign(x, average);
      assign(average, before);
      before.dispose();
    }
  }

  /** Each tensor of the module once, also if it has several names, with its average. */
  #pairs(): { x: Tensor; average: Tensor }[] {
    const state = this.#module.stateDict();
    const differing = [...state, ...this.#averages].find(
      ([name]) => !sameShape(state.get(name)?.shape ?? [-1], this.#averages.get(name)?.shape ?? [-1]),
    );
    if (differing !== undefined) {
      throw new Error(`ExponentialMovingAverage: ${differing[0]} was added to the module, removed or replaced since`);
    }
    const pairs = new Map([...state].map(([name, x]) => [x.storage, { x, average: this.#averages.get(name)! }]));
    return [...pairs.values()];
  }

  dispose(): void {
    for (const tensor of this.#averages.values()) tensor.dispose();
  }
}
