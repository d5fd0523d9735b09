import { AnomalyError, detectAnomaly } from '../autograd/anomaly.ts';
import { assign, globalNorm } from '../autograd/ops/no-gradient.ts';
import { checkInteger } from '../common/check.ts';
import type { Sample } from '../data/types.ts';
import { add, mul } from '../autograd/ops/binary.ts';
import { backward, noGrad, type BackwardOptions } from '../autograd/tape.ts';
import { warmup, type WarmupOptions } from '../autograd/warmup.ts';
import { clipGradNorm } from '../nn/clip.ts';
import { clone, concat, reshape } from '../autograd/ops/shape.ts';
import { ExponentialMovingAverage } from '../nn/ema.ts';
import { Parameter, readStateDict, type HostTensor } from '../nn/module.ts';
import { Scheduler } from '../nn/schedule.ts';
import { sum } from '../autograd/ops/broadcast.ts';
import { keep, tidy } from '../tensor/scope.ts';
import type { AdamW, SGD } from '../nn/optim.ts';
import { Recorded } from '../nn/recorded.ts';
import type { RetinaNet, TrainingBatch } from '../retinanet/retinanet.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { freezeBackbone, type FrozenParts } from './freeze.ts';
import { makeOptimizer, makeSchedule, resolveTrainSettings, type RecipeOptions } from './recipe.ts';
import { failStep, failureOf, FLAGS, ReplicaError, type Replicas, type ReplicaSum } from './replicas.ts';
import { freezeSetting } from './settings.ts';

/** How a model is trained. Settings of the whole run (`epochs`, `patience` and others) are ignored. */
export interface TrainerOptions extends RecipeOptions {
  /** Number of steps of the whole run: the length of the learning-rate schedule. */
  readonly totalSteps: number;
  /** Number of backbone stages that are not trained, from 0 (none, default) to 5 (all): see `freezeBackbone`. */
  readonly freeze?: number;
}

/** Losses and statistics of one step. */
export interface StepLosses {
  readonly loss: number;
  readonly classification: number;
  readonly boxRegression: number;
  /** Norm of all gradients before clipping. */
  readonly gradientNorm: number;
  /** Foreground anchors per image, on which the box loss is computed. */
  readonly positives: number;
}

/** Number of losses and statistics that `gradients` computes before the norm. */
const LOSSES = 4;

/** A model with its training state: optimizer, learning rate, averaged weights and number of steps. */
export class Trainer {
  readonly model: RetinaNet;
  readonly #clipNorm: number | null;
  readonly #accumulate: number;
  readonly #frozen: FrozenParts;
  readonly #optimizer: AdamW | SGD;
  readonly #scheduler: Scheduler;
  readonly #average: ExponentialMovingAverage | null;
  #isWhole = true;
  /** Rows for the boxes of an image. They only grow, so that a recorded step fits most batches. */
  #rows = 16;
  /** Losses and clipped gradients of one batch. */
  readonly #compute: Recorded<[Tensor, Tensor, Tensor, Tensor], { numbers: Tensor; gradients: (Tensor | null)[] }>;
  /** The update of weights and averages with these gradients. */
  readonly #apply: Recorded<[], null>;
  /** Copies of the trained weights before the last update, for `examine`. */
  readonly #before = new Map<Tensor, Tensor>();

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
    const recorded = { modules: [model], maximum: 1 };
    this.#compute = new Recorded((images, boxes, classes, counts) => {
      const losses = this.#accumulateGradients({ images, boxes, classes, counts }, 1, {});
      return { numbers: this.#withNorm(losses), gradients: this.#takeGradients() };
    }, recorded);
    this.#apply = new Recorded(() => {
      this.#optimizer.step();
      this.#average?.update();
      return null;
    }, recorded);
  }

  /** Whether the state is that after a whole step: false if an error, such as no memory, came in the middle of an update. */
  get isWhole(): boolean {
    return this.#isWhole;
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
   * Takes one step on a batch. Only queues the work of the GPU; the returned tensor holds the losses of the step, for
   * `readLosses`.
   */
  step(samples: readonly Sample[]): Tensor {
    const numbers = this.gradients(samples);
    this.update();
    return numbers;
  }

  /** Compiles what a step on such a batch launches, in parallel, and changes nothing. See `warmup`. */
  async warmup(samples: readonly Sample[], options: WarmupOptions = {}): Promise<void> {
    await warmup(() => this.step(samples), options);
  }

  /** The first half of `step`: computes the gradients of a batch and clips them. Returns the losses of the step. */
  gradients(samples: readonly Sample[]): Tensor {
    // Gradients of several batches are added eagerly: recordings would hold the activations of more than one.
    if (samples.length > this.#batchSize(samples.length))
      return tidy(() => this.#withNorm(this.#addGradients(samples)));
    return tidy(() => {
      const { images, boxes, classes, counts } = this.#upload(samples);
      const { numbers, gradients } = this.#compute.run(images, boxes, classes, counts);
      this.model.parameters().forEach((parameter, i) => {
        const gradient = gradients[i]!;
        parameter.grad = gradient === null ? null : keep(gradient);
      });
      return numbers;
    });
  }

  /** Samples that are processed together, of those of a step: as many as one process would take, or all if there are fewer. */
  #batchSize(images: number): number {
    return Math.ceil(images / this.#accumulate);
  }

  /** A batch on the GPU. Its tensors rarely change in shape, because recorded steps are for one. */
  #upload(samples: readonly Sample[]): TrainingBatch {
    if (samples.length === 0) throw new RangeError('trainer: a step needs at least one sample');
    this.#frozen.train();
    const most = Math.max(...samples.map(({ labels }) => labels.length));
    while (this.#rows < most) this.#rows *= 2;
    return this.model.batch(
      samples.map(({ image }) => image),
      samples,
      this.#rows,
    );
  }

  /** Takes the gradients away from the parameters. */
  #takeGradients(): (Tensor | null)[] {
    return this.model.parameters().map((parameter) => {
      const { grad } = parameter;
      parameter.grad = null;
      return grad;
    });
  }

  /**
   * Like `gradients` for the part of a batch that this process has: gradients, losses and statistics of norms become those of all
   * processes, each of which counts by its number of samples. Resolves to the losses of the step, and whether a process wants to stop
   * after it.
   *
   * @param step.images number of samples of all processes, of which each has at least one
   * @param step.isStopping whether this process wants to stop
   * @throws ReplicaError if another process has failed in this step, or if the processes have another number of samples
   */
  async sharedGradients(
    samples: readonly Sample[],
    replicas: Replicas,
    { images, isStopping }: { readonly images: number; readonly isStopping: boolean },
  ): Promise<{ readonly numbers: Tensor; readonly isStopping: boolean }> {
    const targets = this.#shared();
    const slots = new Map(targets.map((tensor, slot) => [tensor, slot]));
    const sum = this.beginSum(replicas);
    let losses: Tensor | null = null;
    try {
      losses = tidy(() => {
        const onGradient = (leaf: Tensor): void => sum.add(slots.get(leaf)!, leaf.grad!);
        const own = this.#addGradients(samples, { images, onGradient });
        const fraction = samples.length / images;
        for (const buffer of this.#statistics()) sum.add(slots.get(buffer)!, mul(buffer, fraction));
        sum.add(targets.length, own);
        return own;
      });
    } catch (error) {
      this.discardGradients();
      await failStep(sum, replicas, error as Error);
      throw error;
    }
    try {
      const gradients = targets.map((tensor) => (tensor instanceof Parameter ? tensor.grad! : tensor));
      const flags = [isStopping ? 1 : 0, 0, samples.length];
      const [stopping, failed, count] = await sum.finish(flags, [...gradients, losses]);
      if (failed! > 0) throw await failureOf(replicas);
      if (count !== images)
        throw new ReplicaError('trainer', `the processes have ${count} samples in this step, expected ${images}`);
      return { numbers: tidy(() => this.#withNorm(losses)), isStopping: stopping! > 0 };
    } catch (error) {
      this.discardGradients();
      throw error;
    } finally {
      losses.dispose();
    }
  }

  /** Begins the sum of a step, for `sharedGradients` or to fail. */
  beginSum(replicas: Replicas): ReplicaSum {
    return replicas.beginSum(
      this.model.parameters()[0]!.device,
      [...this.#shared().map(({ size }) => size), LOSSES],
      FLAGS,
    );
  }

  /** What processes sum, in the order in which a step computes it: gradients from the loss on, and statistics of norms. */
  #shared(): (Parameter | Tensor)[] {
    return [
      ...this.model
        .parameters()
        .filter(({ requiresGrad }) => requiresGrad)
        .reverse(),
      ...this.#statistics(),
    ];
  }

  /** Buffers of the model that a step changes. */
  #statistics(): Tensor[] {
    return [...this.model.namedBuffers()].flatMap(([, buffer]) => (this.#frozen.tensors.has(buffer) ? [] : [buffer]));
  }

  #addGradients(
    samples: readonly Sample[],
    { images = samples.length, ...options }: { readonly images?: number } & Pick<BackwardOptions, 'onGradient'> = {},
  ): Tensor {
    const size = this.#batchSize(images);
    return tidy(() => {
      let sums: Tensor | null = null;
      for (let first = 0; sums === null || first < samples.length; first += size) {
        const part = samples.slice(first, first + size);
        const isLast = first + size >= samples.length;
        const numbers = this.#accumulateGradients(this.#upload(part), part.length / images, isLast ? options : {});
        sums = sums === null ? numbers : add(sums, numbers);
      }
      return sums;
    });
  }

  /** Clips the gradients, and adds their norm to the losses. */
  #withNorm(losses: Tensor): Tensor {
    return concat([losses, reshape(this.#clip(), [1])], 0);
  }

  /** The second half of `step`: updates the weights, their average and the learning rate. */
  update(): void {
    this.#atOnce(() => {
      this.#apply.run();
      this.discardGradients();
      this.#scheduler.step();
    });
  }

  /** Copies the trained weights before an update, on the GPU, so that `examine` can repeat its step. */
  keepWeights(): void {
    for (const parameter of this.model.parameters()) {
      if (!parameter.requiresGrad) continue;
      const copy = this.#before.get(parameter);
      if (copy === undefined) this.#before.set(parameter, keep(noGrad(() => clone(parameter))));
      else assign(copy, parameter);
    }
  }

  /**
   * Repeats the step on a batch with the weights that `keepWeights` copied, which the model has from then on, and finds its
   * first operation with values that are not finite. Null if there is none, as when only the norm of the gradients overflows.
   */
  async examine(samples: readonly Sample[]): Promise<AnomalyError | null> {
    for (const [parameter, copy] of this.#before) assign(parameter, copy);
    this.discardGradients();
    try {
      await detectAnomaly(() => this.gradients(samples).dispose(), { names: this.model.namedParameters() });
      return null;
    } catch (error) {
      if (error instanceof AnomalyError) return error;
      throw error;
    } finally {
      this.discardGradients();
    }
  }

  /** Frees the gradients without using them. */
  discardGradients(): void {
    this.#optimizer.zeroGrad();
  }

  /**
   * Accumulates the gradients of part of a batch. Returns total loss, classification loss, box loss and foreground
   * anchors per image, weighted by the fraction.
   */
  #accumulateGradients(batch: TrainingBatch, fraction: number, options: Pick<BackwardOptions, 'onGradient'>): Tensor {
    return tidy(() => {
      const { total, classification, boxRegression, foreground } = this.model.batchLosses(batch);
      backward(fraction === 1 ? total : mul(total, fraction), options);
      return noGrad(() => {
        const positives = mul(sum(foreground), 1 / batch.images.shape[0]!);
        const scalars = [total, classification, boxRegression, positives].map((scalar) => reshape(scalar, [1]));
        const numbers = concat(scalars, 0);
        return fraction === 1 ? numbers : mul(numbers, fraction);
      });
    });
  }

  /** Clips the gradients. Returns their norm before clipping. */
  #clip(): Tensor {
    if (this.#clipNorm !== null) return clipGradNorm(this.model.parameters(), this.#clipNorm);
    return globalNorm(this.model.parameters().flatMap(({ grad }) => (grad === null ? [] : [grad])));
  }

  /**
   * Names of the parameters with values that are not finite. Gradients flow backwards from the loss, and so does the
   * order: the first is closest to the cause. Reads all weights.
   */
  async brokenParameters(): Promise<string[]> {
    const broken: string[] = [];
    for (const [name, parameter] of this.model.namedParameters()) {
      const values = await parameter.data();
      if (!values.every(Number.isFinite)) broken.unshift(name);
    }
    return broken;
  }

  /**
   * Calls a function while the model has the averaged weights (without averaging, the last ones) and is in evaluation
   * mode.
   */
  async withAverage<T>(run: () => Promise<T>): Promise<T> {
    this.#forgetRecordings(); // Their memory is free for what runs.
    this.#atOnce(() => this.#average?.swap());
    this.model.eval();
    try {
      return await run();
    } finally {
      this.#atOnce(() => this.#average?.swap());
    }
  }

  #forgetRecordings(): void {
    this.#compute.dispose();
    this.#apply.dispose();
  }

  /** A change of the state that is wrong when it is not made as a whole. */
  #atOnce(change: () => void): void {
    this.#isWhole = false;
    change();
    this.#isWhole = true;
  }

  /** The averaged weights; without averaging, the last ones. */
  averagedWeights(): Promise<Map<string, HostTensor>> {
    return readStateDict((this.#average ?? this.model).stateDict());
  }

  /** Everything needed to resume, under the prefixes `model.`, `average.` and `optimizer.`. */
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

  /** Restores a snapshot that was taken after `steps` steps. */
  restore(snapshot: ReadonlyMap<string, HostTensor>, steps: number): void {
    const part = (prefix: string): Map<string, HostTensor> =>
      new Map(
        [...snapshot].flatMap(([name, value]) =>
          name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
        ),
      );
    if (this.#average !== null) {
      // Loads the averages into the model first, so that their names and shapes are checked too.
      this.model.loadStateDict(part('average.'));
      this.#average.swap();
      this.#average.updates = steps;
    }
    this.model.loadStateDict(part('model.'));
    this.#optimizer.loadStateDict(part('optimizer.'));
    this.#scheduler.steps = steps;
    this.#scheduler.apply();
  }

  /** Frees everything except the model, and unfreezes the stages that the trainer froze. */
  dispose(): void {
    this.discardGradients();
    this.#forgetRecordings();
    this.#optimizer.dispose();
    this.#average?.dispose();
    this.#frozen.release();
    for (const copy of this.#before.values()) copy.dispose();
  }
}

/** Reads the losses of a step, and frees their tensor. */
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
