import { DivergedError, InputError, NotFiniteError, RunError } from '../common/errors.ts';
import { defined } from '../common/check.ts';
import { batches, type BatchOptions } from '../data/loader.ts';
import type { Sample } from '../data/types.ts';
import { evaluateDetector, type EvaluateOptions } from '../detector/evaluate.ts';
import type { Evaluation } from '../evaluation/detection-metrics.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkFinite, diverged, type RunningStep } from './check-finite.ts';
import { chooseSamples, difficultyOf, samplesWithoutObjects } from './hard-negatives.ts';
import { openProgress } from './open-progress.ts';
import type { Progress } from './progress.ts';
import { readingFor } from './reading.ts';
import { planRun, type RunPlan, type TrainOptions, type TrainResult } from './run-options.ts';
import type { EvaluationRecord } from './run-store.ts';
import { failStep, isShared } from './replicas.ts';
import { indicesOfEpoch } from './sampler.ts';
import { evaluateShared } from './shared-evaluation.ts';
import { StepClock } from './step-clock.ts';
import { readLosses, Trainer } from './trainer.ts';

/**
 * One training run: a trainer and its progress. `trainDetector` alternates between evaluating, saving and training an
 * epoch. `save` writes the complete state after any step, so a resumed run continues bit for bit.
 */
export class Run {
  readonly #options: TrainOptions;
  readonly #plan: RunPlan;
  readonly #reading: Partial<BatchOptions>;
  readonly #trainer: Trainer;
  /** Whether the kernels of a step are compiled. */
  #isWarm = false;
  readonly #progress: Progress;
  /** Training samples without objects: the candidates for hard-negative mining. */
  readonly #empty: readonly number[];
  /** Steps of the newest saved state, and when it was saved by a clock that is never set back. */
  #saved: { steps: number; time: number };
  readonly #clock = new StepClock();
  /** Writes a state whose weights have not been proved good: the loss of the next step does that. */
  #unproved: (() => void) | null = null;
  /** With replicas: whether all have learnt that one of them is to stop. */
  #isStopping = false;
  readonly #release: () => void;

  private constructor(
    options: TrainOptions,
    plan: RunPlan,
    trainer: Trainer,
    { reading, progress, empty, release }: Opened,
  ) {
    this.#options = options;
    this.#plan = plan;
    this.#reading = reading;
    this.#trainer = trainer;
    this.#progress = progress;
    this.#empty = empty;
    this.#saved = { steps: progress.steps, time: performance.now() };
    this.#release = release;
  }

  /** Checks the options, reserves the folder, and starts a new run or restores the run to resume. */
  static async open(model: RetinaNet, options: TrainOptions): Promise<Run> {
    const plan = planRun(model, options);
    const reading = readingFor('trainDetector', options);
    const release = options.folder.acquire();
    let trainer: Trainer | null = null;
    try {
      if (options.resume !== true && options.folder.isUsed) {
        throw new InputError(
          'trainDetector',
          `${options.folder.path} holds a run already; resume it, or choose another folder`,
        );
      }
      trainer = new Trainer(model, { ...options, totalSteps: plan.totalSteps });
      const progress = await openProgress(trainer, options, plan);
      return new Run(options, plan, trainer, { reading, progress, empty: await emptySamples(options, plan), release });
    } catch (error) {
      trainer?.dispose();
      release();
      throw error;
    }
  }

  /** Steps taken. */
  get steps(): number {
    return this.#trainer.steps;
  }

  /** Steps of the newest saved state; 0 if there is none. */
  get savedSteps(): number {
    return this.#saved.steps;
  }

  /** Whether the signal was aborted: of any process that takes part, as soon as all know of it. */
  get isInterrupted(): boolean {
    return this.#options.replicas === undefined ? this.#isAborted : this.#isStopping;
  }

  get #isAborted(): boolean {
    return this.#options.signal?.aborted === true;
  }

  /** Whether this process writes files. */
  get #isWriter(): boolean {
    return (this.#options.replicas?.rank ?? 0) === 0;
  }

  /** Whether an evaluation follows the steps taken so far. */
  get isEvaluationDue(): boolean {
    const { steps } = this.#trainer;
    const { totalSteps, stepsPerEpoch, settings } = this.#plan;
    const isEnd = steps === totalSteps || steps % (settings.evaluateEvery * stepsPerEpoch) === 0;
    return steps > this.#progress.lastEvaluatedStep && isEnd;
  }

  /** The result if the run has ended; otherwise null. */
  result(): TrainResult | null {
    const { steps } = this.#trainer;
    const { totalSteps, settings } = this.#plan;
    const reached = { steps, totalSteps, best: this.#progress.best };
    if (this.isInterrupted) return { end: 'interrupted', ...reached };
    if (steps === totalSteps) return { end: 'finished', ...reached };
    if (settings.patience !== null && this.#progress.evaluationsSinceBest >= settings.patience) {
      return { end: 'early', ...reached };
    }
    return null;
  }

  /** Trains until the end of the epoch, or until the signal is aborted. */
  async trainEpoch(): Promise<void> {
    const { dataset, split, sampler, replicas } = this.#options;
    const { settings, stepImages, stepsPerEpoch } = this.#plan;
    const trainer = this.#trainer;
    const start = trainer.steps;
    const epoch = Math.floor(start / stepsPerEpoch);
    const order = sampler === undefined ? split.train : indicesOfEpoch(sampler, epoch, split.train);
    this.#clock.restart();
    let running: RunningStep | null = null;
    let asked = performance.now();
    /** Steps whose gradients are those of all processes. */
    let summed = start;
    const logRunning = async (): Promise<void> => {
      const step = running;
      running = null;
      if (step === null) return;
      await this.#log(step, epoch);
      this.#unproved?.();
      this.#unproved = null;
    };
    try {
      for await (const { samples } of batches(dataset, order, {
        batchSize: stepImages,
        seed: settings.seed,
        epoch,
        start: start % stepsPerEpoch,
        shuffle: sampler === undefined,
        dropLast: order.length >= stepImages,
        ...defined({ part: replicas }),
        ...this.#reading,
      })) {
        const waitSeconds = (performance.now() - asked) / 1000;
        if (!this.#isWarm) await trainer.warmup(samples);
        this.#isWarm = true;
        const { learningRate } = trainer;
        const numbers = readLosses(replicas === undefined ? trainer.gradients(samples) : await this.#share(samples));
        summed++;
        // #log reports a failure later; until then it must not count as an unhandled rejection.
        numbers.catch(() => undefined);
        try {
          // Reads the losses of the previous step while the GPU computes these gradients.
          await logRunning();
        } catch (error) {
          await Promise.allSettled([numbers]);
          throw error;
        }
        trainer.keepWeights();
        trainer.update();
        running = { step: trainer.steps, numbers, learningRate, waitSeconds, samples };
        if (this.isInterrupted) break;
        if (this.#isSaveDue) {
          await logRunning();
          await this.saveLater();
        }
        asked = performance.now();
      }
    } catch (error) {
      if (summed === start || summed % stepsPerEpoch !== 0) await this.#tellOthers(error as Error);
      throw error;
    } finally {
      // Also after a sample that cannot be read, so that the records are complete when `rescue` saves.
      await logRunning();
    }
  }

  /** Tells the other processes, which wait for this one in the next step, of an error that they do not know of. */
  async #tellOthers(error: Error): Promise<void> {
    const { replicas } = this.#options;
    if (replicas === undefined || isShared(error) || this.#isStopping) return;
    // Whatever happens here, the error is the one to report.
    await failStep(this.#trainer.beginSum(replicas), replicas, error).catch(() => undefined);
  }

  /** The gradients of a step of all processes. */
  async #share(samples: readonly Sample[]): Promise<Tensor> {
    const { numbers, isStopping } = await this.#trainer.sharedGradients(samples, this.#options.replicas!, {
      images: this.#plan.stepImages,
      isStopping: this.#isAborted,
    });
    this.#isStopping = isStopping;
    return numbers;
  }

  /** Whether the state is saved within the epoch. */
  get #isSaveDue(): boolean {
    const { saveMinutes } = this.#plan.settings;
    return saveMinutes !== null && performance.now() - this.#saved.time >= saveMinutes * 60_000;
  }

  /** Waits for the losses of a step, checks that they are finite, and records them. */
  async #log(step: RunningStep, epoch: number): Promise<void> {
    const losses = await step.numbers;
    await checkFinite(losses, step, this.#trainer, this.#saved.steps, this.#options.folder);
    const record = {
      kind: 'step' as const,
      step: step.step,
      epoch,
      ...losses,
      learningRate: step.learningRate,
      imagesPerSecond: Number((this.#plan.stepImages / this.#clock.step()).toPrecision(4)),
      waitSeconds: Number(step.waitSeconds.toPrecision(3)),
    };
    this.#options.folder.append(record);
    const trainer = this.#trainer;
    await this.#options.onStep?.(record, this.#plan.totalSteps, (use) => trainer.withAverage(() => use(trainer.model)));
  }

  /** Evaluates the averaged weights on the held-out samples, and saves them if they are the best so far. */
  async evaluate(): Promise<void> {
    const { folder, dataset, sampler, onEvaluation } = this.#options;
    const found = await this.#trainer.withAverage(() => this.#detect());
    // An evaluation that the signal aborted is repeated when the run is resumed.
    if (found === null) return;
    const { evaluation, images, difficulty } = found;
    const record = this.#recordOf(evaluation, difficulty);
    const progress = this.#progress;
    const value = this.#monitored(record);
    const isBest = progress.best === null || value > this.#monitored(progress.best);
    // Before the progress names them: if they cannot be written, a resumed run repeats the evaluation.
    if (isBest && this.#isWriter) (await this.#prepareWeights('best', record))();
    progress.lastEvaluatedStep = this.#trainer.steps;
    progress.evaluationsSinceBest = isBest ? 0 : progress.evaluationsSinceBest + 1;
    if (isBest) progress.best = record;
    if (difficulty !== null) sampler?.setDifficulty?.(difficulty);
    folder.append(record);
    if (isBest && this.#isWriter) await folder.saveResults(dataset, evaluation, images);
    onEvaluation?.(record, isBest, images);
  }

  /**
   * Runs the detector on the held-out samples and, for hard-negative mining, on some training samples without objects.
   * Null if the signal aborted it.
   */
  async #detect() {
    try {
      const found = await this.#detectAll();
      this.#isStopping ||= found === null;
      return found;
    } catch (error) {
      if (this.isInterrupted) return null;
      if (!(error instanceof NotFiniteError)) throw error;
      const { steps } = this.#trainer;
      const { learningRate } = this.#plan.settings;
      const what = `by step ${steps} (peak learning rate ${learningRate}): the network gives NaN for held-out images`;
      throw diverged(steps, what, this.#saved.steps, this.#options.folder);
    }
  }

  async #detectAll() {
    const { dataset, split, signal, replicas, onEvaluationProgress } = this.#options;
    const model = this.#trainer.model;
    const stopping: EvaluateOptions = defined({ signal });
    const onProgress = onEvaluationProgress;
    const options = { ...stopping, ...defined({ onProgress, tile: this.#options.tile }) };
    const run = (indices: readonly number[], options: EvaluateOptions) =>
      replicas === undefined
        ? evaluateDetector(model, dataset, indices, options)
        : evaluateShared(replicas, model, dataset, indices, options);
    const found = await run(split.heldOut, options);
    if (found === null) return null;
    if (this.#plan.hardNegatives === 0) return { ...found, difficulty: null };
    const { seed } = this.#plan.settings;
    const chosen = chooseSamples(this.#empty, this.#plan.hardNegatives, seed, this.#trainer.steps);
    const mined = await run(chosen, stopping);
    return mined === null ? null : { ...found, difficulty: difficultyOf(mined.images) };
  }

  #recordOf(evaluation: Evaluation, difficulty: ReadonlyMap<number, number> | null): EvaluationRecord {
    const { f1, precision, recall, threshold } = evaluation.best;
    return {
      kind: 'evaluation',
      step: this.#trainer.steps,
      epoch: this.#trainer.steps / this.#plan.stepsPerEpoch,
      // Not defined without objects, and then the run ends.
      f1: f1 ?? 0,
      precision: precision ?? 0,
      recall: recall ?? 0,
      threshold,
      averagePrecision: evaluation.meanAveragePrecision,
      images: evaluation.images,
      truths: evaluation.truths,
      ...defined({ hardness: difficulty === null ? undefined : meanOf([...difficulty.values()]) }),
    };
  }

  /** The value of the metric that decides which weights are best. */
  #monitored({ f1, averagePrecision, truths }: EvaluationRecord): number {
    const { monitor } = this.#plan.settings;
    if (truths > 0 && averagePrecision !== null) return monitor === 'f1' ? f1 : averagePrecision;
    throw new RunError(
      'trainDetector',
      `monitor is "${monitor}", which is not defined: the held-out samples have no objects`,
    );
  }

  /** Whether the last weights have been evaluated, which proves that they are not broken. */
  get isEvaluated(): boolean {
    return this.#progress.lastEvaluatedStep === this.#trainer.steps;
  }

  /** Saves the last weights and everything needed to resume. Does nothing before the first step. */
  async save(): Promise<void> {
    this.#unproved = null;
    const write = await this.#prepareState();
    write?.();
  }

  /**
   * Like `save`, but writes when the loss of the next step is finite: weights can be finite and broken, and the last good state
   * is worth more. Does nothing if the state is saved.
   */
  async saveLater(): Promise<void> {
    if (this.#saved.steps !== this.#trainer.steps) this.#unproved = await this.#prepareState();
  }

  /** Reads the state from the GPU. Returns what writes it; null before the first step. Throws if weights are not finite. */
  async #prepareState(): Promise<(() => void) | null> {
    const { steps } = this.#trainer;
    if (steps === 0 || !this.#isWriter) return null;
    const { folder, sampler } = this.#options;
    const snapshot = await this.#trainer.snapshot();
    const broken = [...snapshot].find(
      ([name, { data }]) => !name.startsWith('optimizer.') && !data.every((value) => Number.isFinite(value)),
    );
    if (broken !== undefined) {
      throw diverged(steps, `by step ${steps}: ${broken[0]} is not finite`, this.#saved.steps, folder);
    }
    this.#progress.steps = steps;
    this.#progress.sampler = sampler?.state() ?? null;
    const progress = JSON.stringify(this.#progress);
    const writeWeights = await this.#prepareWeights('last', this.#progress.best);
    this.#saved.time = performance.now();
    return () => {
      // Before the state, which says that everything until then is saved.
      writeWeights();
      folder.saveState(snapshot, { progress });
      this.#saved.steps = steps;
    };
  }

  /** Saves what can be saved before the run ends with an error, and warns how it goes on. */
  async rescue(error: unknown): Promise<void> {
    const { steps } = this.#trainer;
    if (error instanceof DivergedError || steps === 0) return;
    // The error that ends the run is the one to report, whatever prevents saving.
    // A step that failed half-way is not saved.
    if (this.#saved.steps !== steps && this.#trainer.isWhole) await this.save().catch(() => undefined);
    const { path, hasState } = this.#options.folder;
    const kept = hasState ? `${path} holds its state of step ${this.#saved.steps}: resume it` : 'Start it again';
    this.#plan.onWarning(
      `The run stops at step ${steps} of ${this.#plan.totalSteps}. ${kept} when the cause of the error is removed.`,
    );
  }

  /** Reads the averaged weights from the GPU. Returns what writes them, with the threshold of an evaluation. */
  async #prepareWeights(which: 'best' | 'last', best: EvaluationRecord | null): Promise<() => void> {
    const { folder, dataset, decoding = dataset.decoding ?? {}, tile = null } = this.#options;
    const { spec } = this.#trainer.model;
    const weights = await this.#trainer.averagedWeights();
    const scoreThreshold = best?.threshold ?? spec.postprocess.scoreThreshold;
    return () =>
      folder.saveDetector(which, weights, { classes: dataset.classes, spec, scoreThreshold, decoding, tile });
  }

  dispose(): void {
    this.#trainer.dispose();
    this.#release();
  }
}

/** What `Run.open` found. */
interface Opened {
  readonly reading: Partial<BatchOptions>;
  readonly progress: Progress;
  readonly empty: readonly number[];
  readonly release: () => void;
}

/** The training samples without objects, if the run mines hard negatives. */
async function emptySamples({ dataset, split }: TrainOptions, { hardNegatives }: RunPlan): Promise<number[]> {
  if (hardNegatives === 0) return [];
  const empty = await samplesWithoutObjects(dataset, split.train);
  if (empty.length > 0) return empty;
  throw new RunError('trainDetector', 'hardNegatives needs training samples without objects: there are none');
}

const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
