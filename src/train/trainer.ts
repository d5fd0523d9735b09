import { globalNorm } from '../autograd/ops/no-gradient.ts';
import { checkInteger } from '../common/check.ts';
import type { Sample } from '../data/types.ts';
import { add, mul } from '../autograd/ops/binary.ts';
import { backward } from '../autograd/tape.ts';
import { clipGradNorm } from '../nn/clip.ts';
import { concat, reshape } from '../autograd/ops/shape.ts';
import { ExponentialMovingAverage } from '../nn/ema.ts';
import { readStateDict, type HostTensor } from '../nn/module.ts';
import { Scheduler } from '../nn/schedule.ts';
import { sum } from '../autograd/ops/reduce.ts';
import { tidy } from '../tensor/scope.ts';
import type { AdamW, SGD } from '../nn/optim.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { freezeBackbone, type FrozenParts } from './freeze.ts';
import { makeOptimizer, makeSchedule, resolveTrainSettings, type RecipeOptions } from './recipe.ts';
import { freezeSetting } from './settings.ts';

/** How a model is trained. Of the settings, those of the whole run (`epochs`, `patience` and others) are not used here. */
export interface TrainerOptions extends RecipeOptions {
  /** Steps of the whole run, over which the learning rate rises and falls. */
  readonly totalSteps: number;
  /** Stages of the backbone that are not trained, from 0 (none, default) to 5 (all): see `freezeBackbone`. */
  readonly freeze?: number;
}

/** Numbers of one step, read from the GPU. */
export interface StepLosses {
  readonly loss: number;
  readonly classification: number;
  readonly boxRegression: number;
  /** Norm of all gradients before clipping. */
  readonly gradientNorm: number;
  /** Foreground anchors per image: what the loss of boxes learns from. */
  readonly positives: number;
}

/** A model with all that changes while it trains: optimiser, learning rate, averaged weights and number of steps. */
export class Trainer {
  readonly model: RetinaNet;
  readonly #clipNorm: number | null;
  readonly #accumulate: number;
  readonly #frozen: FrozenParts;
  readonly #optimizer: AdamW | SGD;
  readonly #scheduler: Scheduler;
  readonly #average: ExponentialMovingAverage | null;

  constructor(model: RetinaNet, options: TrainerOptions) {
    const { totalSteps, freeze = freezeSetting.default } = options;
    checkInteger('trainer', 'totalSteps', totalSteps, { min: 1 });
    const { clipNorm, averageDecay, accumulate } = resolveTrainSettings('trainer', options);
    const schedule = makeSchedule(totalSteps, options);
    this.model = model;
    this.#clipNorm = clipNorm;
    this.#accumulate = accumulate;
    this.#frozen = freezeBackbone(model, freeze);
    try {
      this.#optimizer = makeOptimizer(model, options);
      this.#scheduler = new Scheduler(this.#optimizer, schedule);
      this.#average =
        averageDecay === null
          ? null
          : new ExponentialMovingAverage(model, averageDecay, { constant: this.#frozen.tensors });
    } catch (error) {
      this.#frozen.release();
      throw error;
    }
  }

  /** Steps taken. */
  get steps(): number {
    return this.#scheduler.steps;
  }

  /** Learning rate of the next step, for pyramid and heads. */
  get learningRate(): number {
    return this.#optimizer.groups[0]!.lr;
  }

  /**
   * One step on a batch. The GPU's work is only queued; the tensor that comes back, for `readLosses`, holds the step's
   * numbers once it is done.
   */
  step(samples: readonly Sample[]): Tensor {
    const numbers = this.gradients(samples);
    this.update();
    return numbers;
  }

  /** The first half of `step`: computes the gradients of a batch and clips them. Returns the step's numbers. */
  gradients(samples: readonly Sample[]): Tensor {
    if (samples.length === 0) throw new RangeError('trainer: a step needs at least one sample');
    this.#frozen.train();
    const size = Math.ceil(samples.length / this.#accumulate);
    return tidy(() => {
      let sums: Tensor | null = null;
      for (let first = 0; first < samples.length; first += size) {
        const part = samples.slice(first, first + size);
        const numbers = this.#accumulateGradients(part, part.length / samples.length);
        sums = sums === null ? numbers : add(sums, numbers);
      }
      return concat([sums!, reshape(this.#clip(), [1])], 0);
    });
  }

  /** The second half of `step`: changes the weights by the gradients, and takes them into the average. */
  update(): void {
    this.#optimizer.step();
    this.discardGradients();
    this.#average?.update();
    this.#scheduler.step();
  }

  /** Frees gradients that are not to be used. */
  discardGradients(): void {
    this.#optimizer.zeroGrad();
  }

  /** Adds the gradients of a part of a batch. Returns total, classification, boxes and foreground, weighted by its fraction. */
  #accumulateGradients(samples: readonly Sample[], fraction: number): Tensor {
    return tidy(() => {
      const { total, classification, boxRegression, foreground } = this.model.losses(
        samples.map(({ image }) => image),
        samples,
      );
      backward(fraction === 1 ? total : mul(total, fraction));
      const scalars = [total, classification, boxRegression, mul(sum(foreground), 1 / samples.length)];
      const numbers = concat(
        scalars.map((scalar) => reshape(scalar, [1])),
        0,
      );
      return fraction === 1 ? numbers : mul(numbers, fraction);
    });
  }

  /** Clips the gradients; returns their norm before. */
  #clip(): Tensor {
    if (this.#clipNorm !== null) return clipGradNorm(this.model.parameters(), this.#clipNorm);
    return globalNorm(this.model.parameters().flatMap(({ grad }) => (grad === null ? [] : [grad])));
  }

  /**
   * Names of the parameters that hold values that are not finite numbers, from the loss backwards: gradients come that
   * way, so that the first is nearest to the cause. Reads all weights.
   */
  async brokenParameters(): Promise<string[]> {
    const broken: string[] = [];
    for (const [name, parameter] of this.model.namedParameters()) {
      const values = await parameter.data();
      if (!values.every(Number.isFinite)) broken.unshift(name);
    }
    return broken;
  }

  /** Runs something with the averaged weights (the last ones where none are kept), in evaluation mode. */
  async withAverage<T>(run: () => Promise<T>): Promise<T> {
    this.#average?.swap();
    this.model.eval();
    try {
      return await run();
    } finally {
      this.#average?.swap();
    }
  }

  /** The averaged weights, or the last ones where none are kept. */
  averagedWeights(): Promise<Map<string, HostTensor>> {
    return readStateDict((this.#average ?? this.model).stateDict());
  }

  /** Everything that going on needs, under the prefixes `model.`, `average.` and `optimizer.`. */
  async snapshot(): Promise<Map<string, HostTensor>> {
    const parts = {
      model: this.model.stateDict(),
      average: this.#average?.stateDict() ?? new Map<string, Tensor>(),
      optimizer: this.#optimizer.stateDict(),
    };
    const all = new Map<string, HostTensor>();
    for (const [part, state] of Object.entries(parts)) {
      for (const [name, value] of await readStateDict(state)) all.set(`${part}.${name}`, value);
    }
    return all;
  }

  /** Goes back to a snapshot taken after `steps` steps. */
  restore(snapshot: ReadonlyMap<string, HostTensor>, steps: number): void {
    const part = (prefix: string): Map<string, HostTensor> =>
      new Map(
        [...snapshot].flatMap(([name, value]) =>
          name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
        ),
      );
    if (this.#average !== null) {
      // The averages stand in for the weights for a moment, so that their names and shapes are checked too.
      this.model.loadStateDict(part('average.'));
      this.#average.swap();
      this.#average.updates = steps;
    }
    this.model.loadStateDict(part('model.'));
    this.#optimizer.loadStateDict(part('optimizer.'));
    this.#scheduler.steps = steps;
    this.#scheduler.apply();
  }

  /** Frees everything but the model, whose frozen stages can be trained again. */
  dispose(): void {
    this.discardGradients();
    this.#optimizer.dispose();
    this.#average?.dispose();
    this.#frozen.release();
  }
}

/** Waits for the numbers of a step and frees their tensor. */
export async function readLosses(numbers: Tensor): Promise<StepLosses> {
  try {
    const [loss, classification, boxRegression, positives, gradientNorm] = (await numbers.data()) as Float32Array;
    return {
      loss: loss!,
      classification: classification!,
      boxRegression: boxRegression!,
      gradientNorm: gradientNorm!,
      positives: positives!,
    };
  } finally {
    numbers.dispose();
  }
}
