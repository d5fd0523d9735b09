import {
  AdamW,
  backward,
  clipGradNorm,
  concat,
  ExponentialMovingAverage,
  oneCycle,
  readStateDict,
  reshape,
  Scheduler,
  tidy,
  type HostTensor,
  type RetinaNet,
  type Tensor,
} from '../index.ts';
import type { Sample } from '../data/types.ts';

/** How weights are changed. */
export interface TrainerOptions {
  /** Steps of the whole run, over which the learning rate rises and falls. */
  readonly totalSteps: number;
  /** Peak of the learning rate. Default 3e-3, for training a small network from scratch. */
  readonly learningRate?: number;
  /** Share of the steps in which the learning rate rises. Default 0.2. */
  readonly warmup?: number;
  /** Decay of filters and matrices (AdamW); biases and norms are left out, as is usual. Default 0.01. */
  readonly weightDecay?: number;
  /** Largest norm of all gradients together. Default 5. */
  readonly clipNorm?: number;
  /** Weight of the past in the averaged weights, which are those that are evaluated and saved. Default 0.99. */
  readonly averageDecay?: number;
}

/** Numbers of one step, read from the GPU. */
export interface StepLosses {
  readonly loss: number;
  readonly classification: number;
  readonly boxRegression: number;
  /** Norm of all gradients before clipping. */
  readonly gradientNorm: number;
}

/** A model with all that changes while it trains: optimiser, learning rate, averaged weights and number of steps. */
export class Trainer {
  readonly model: RetinaNet;
  readonly #clipNorm: number;
  readonly #optimizer: AdamW;
  readonly #scheduler: Scheduler;
  readonly #average: ExponentialMovingAverage;

  constructor(model: RetinaNet, options: TrainerOptions) {
    const { totalSteps, learningRate = 3e-3, warmup = 0.2, weightDecay = 0.01 } = options;
    const trained = model.parameters().filter((parameter) => parameter.requiresGrad);
    this.model = model;
    this.#clipNorm = options.clipNorm ?? 5;
    this.#optimizer = new AdamW(
      [
        { parameters: trained.filter(({ shape }) => shape.length > 1) },
        { parameters: trained.filter(({ shape }) => shape.length <= 1), weightDecay: 0 },
      ],
      { lr: learningRate, weightDecay },
    );
    this.#scheduler = new Scheduler(this.#optimizer, oneCycle({ steps: totalSteps, pctStart: warmup }));
    this.#average = new ExponentialMovingAverage(model, options.averageDecay ?? 0.99);
  }

  /** Steps taken. */
  get steps(): number {
    return this.#scheduler.steps;
  }

  /** Learning rate of the next step. */
  get learningRate(): number {
    return this.#optimizer.groups[0]!.lr;
  }

  /**
   * One step on a batch. The GPU's work is only queued; the tensor [4] that comes back, for `readLosses`, holds the
   * step's numbers once it is done.
   */
  step(samples: readonly Sample[]): Tensor {
    this.model.train();
    const numbers = tidy(() => {
      const losses = this.model.losses(
        samples.map(({ image }) => image),
        samples,
      );
      backward(losses.total);
      const norm = clipGradNorm(this.model.parameters(), this.#clipNorm);
      this.#optimizer.step();
      this.#optimizer.zeroGrad();
      this.#average.update();
      const scalars = [losses.total, losses.classification, losses.boxRegression, norm];
      return concat(
        scalars.map((scalar) => reshape(scalar, [1])),
        0,
      );
    });
    this.#scheduler.step();
    return numbers;
  }

  /** Runs something with the averaged weights, in evaluation mode. */
  async withAverage<T>(run: () => Promise<T>): Promise<T> {
    this.#average.swap();
    this.model.eval();
    try {
      return await run();
    } finally {
      this.#average.swap();
    }
  }

  /** The averaged weights. */
  averagedWeights(): Promise<Map<string, HostTensor>> {
    return readStateDict(this.#average.stateDict());
  }

  /** Everything that going on needs, under the prefixes `model.`, `average.` and `optimizer.`. */
  async snapshot(): Promise<Map<string, HostTensor>> {
    const parts = {
      model: this.model.stateDict(),
      average: this.#average.stateDict(),
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
    // The averages stand in for the weights for a moment, so that their names and shapes are checked too.
    this.model.loadStateDict(part('average.'));
    this.#average.swap();
    this.model.loadStateDict(part('model.'));
    this.#optimizer.loadStateDict(part('optimizer.'));
    this.#average.updates = steps;
    this.#scheduler.steps = steps;
    this.#scheduler.apply();
  }

  /** Frees everything but the model. */
  dispose(): void {
    this.#optimizer.dispose();
    this.#average.dispose();
  }
}

/** Waits for the numbers of a step and frees their tensor. */
export async function readLosses(numbers: Tensor): Promise<StepLosses> {
  try {
    const [loss, classification, boxRegression, gradientNorm] = (await numbers.data()) as Float32Array;
    return {
      loss: loss!,
      classification: classification!,
      boxRegression: boxRegression!,
      gradientNorm: gradientNorm!,
    };
  } finally {
    numbers.dispose();
  }
}
