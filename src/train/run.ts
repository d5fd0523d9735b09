import { InputError, RunError } from '../common/errors.ts';
import { defined } from '../common/check.ts';
import { batches, type BatchOptions } from '../data/loader.ts';
import { evaluateDetector, type EvaluateOptions } from '../detector/evaluate.ts';
import type { Evaluation } from '../evaluation/detection-metrics.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import { checkFinite, type RunningStep } from './check-finite.ts';
import { chooseSamples, difficultyOf, samplesWithoutObjects } from './hard-negatives.ts';
import { resumeRun, type Progress } from './progress.ts';
import { readingFor } from './reading.ts';
import { planRun, resumeFingerprint, type RunPlan, type TrainOptions, type TrainResult } from './run-options.ts';
import type { EvaluationRecord } from './run-store.ts';
import { indicesOfEpoch } from './sampler.ts';
import { readLosses, Trainer } from './trainer.ts';

/**
 * One training run: a trainer and its progress. `trainDetector` alternates between evaluating, saving and training an
 * epoch. `save` writes the complete state, so a resumed run continues bit for bit.
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

  private constructor(
    options: TrainOptions,
    plan: RunPlan,
    trainer: Trainer,
    { reading, progress, empty }: { reading: Partial<BatchOptions>; progress: Progress; empty: readonly number[] },
  ) {
    this.#options = options;
    this.#plan = plan;
    this.#reading = reading;
    this.#trainer = trainer;
    this.#progress = progress;
    this.#empty = empty;
  }

  /** Checks the options and starts a new run, or restores the run to resume. */
  static async open(model: RetinaNet, options: TrainOptions): Promise<Run> {
    const { folder, dataset, split, sampler, resume = false } = options;
    const plan = planRun(model, options);
    const reading = readingFor('trainDetector', options);
    if (!resume && folder.isUsed) {
      throw new InputError('trainDetector', `${folder.path} holds a run already; resume it, or choose another folder`);
    }
    const trainer = new Trainer(model, { ...options, totalSteps: plan.totalSteps });
    try {
      const settings = await resumeFingerprint(model, options, plan);
      const fresh: Progress = {
        settings,
        steps: 0,
        best: null,
        lastEvaluatedStep: 0,
        evaluationsSinceBest: 0,
        sampler: null,
      };
      const progress = resume ? resumeRun(trainer, folder, fresh, sampler) : fresh;
      const { tensorboard } = plan.settings;
      folder.begin(model.parameters()[0]!.device.adapter, { steps: trainer.steps, tensorboard });
      const empty = plan.hardNegatives > 0 ? await samplesWithoutObjects(dataset, split.train) : [];
      if (plan.hardNegatives > 0 && empty.length === 0) {
        throw new RunError('trainDetector', 'hardNegatives needs training samples without objects: there are none');
      }
      return new Run(options, plan, trainer, { reading, progress, empty });
    } catch (error) {
      trainer.dispose();
      throw error;
    }
  }

  get isInterrupted(): boolean {
    return this.#options.signal?.aborted === true;
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
    const { dataset, split, sampler } = this.#options;
    const { settings, stepImages, stepsPerEpoch } = this.#plan;
    const trainer = this.#trainer;
    const epoch = Math.floor(trainer.steps / stepsPerEpoch);
    const order = sampler === undefined ? split.train : indicesOfEpoch(sampler, epoch, split.train);
    const clock = { start: performance.now(), first: trainer.steps, epoch };
    let running: RunningStep | null = null;
    let asked = performance.now();
    for await (const { samples } of batches(dataset, order, {
      batchSize: stepImages,
      seed: settings.seed,
      epoch,
      start: trainer.steps % stepsPerEpoch,
      shuffle: sampler === undefined,
      dropLast: order.length >= stepImages,
      ...this.#reading,
    })) {
      const waitSeconds = (performance.now() - asked) / 1000;
      if (!this.#isWarm) await trainer.warmup(samples);
      this.#isWarm = true;
      const { learningRate } = trainer;
      const numbers = readLosses(trainer.gradients(samples));
      // #log reports a failure later; until then it must not count as an unhandled rejection.
      numbers.catch(() => undefined);
      try {
        // Reads the losses of the previous step while the GPU computes these gradients.
        if (running !== null) await this.#log(running, clock);
      } catch (error) {
        await Promise.allSettled([numbers]);
        throw error;
      }
      trainer.update();
      running = { step: trainer.steps, numbers, learningRate, waitSeconds, ids: samples.map(({ id }) => id) };
      asked = performance.now();
      if (this.isInterrupted) break;
    }
    if (running !== null) await this.#log(running, clock);
  }

  /** Waits for the losses of a step, checks that they are finite, and records them. */
  async #log(step: RunningStep, clock: { start: number; first: number; epoch: number }): Promise<void> {
    const losses = await step.numbers;
    await checkFinite(losses, step, this.#trainer, this.#options.folder);
    const seconds = (performance.now() - clock.start) / 1000;
    const record = {
      kind: 'step' as const,
      step: step.step,
      epoch: clock.epoch,
      ...losses,
      learningRate: step.learningRate,
      imagesPerSecond: Number(((this.#plan.stepImages * (step.step - clock.first)) / seconds).toPrecision(4)),
      waitSeconds: Number(step.waitSeconds.toPrecision(3)),
    };
    this.#options.folder.append(record);
    this.#options.onStep?.(record, this.#plan.totalSteps);
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
    progress.lastEvaluatedStep = this.#trainer.steps;
    progress.evaluationsSinceBest = isBest ? 0 : progress.evaluationsSinceBest + 1;
    if (difficulty !== null) sampler?.setDifficulty?.(difficulty);
    folder.append(record);
    if (isBest) {
      progress.best = record;
      await this.#saveWeights('best');
      await folder.saveResults(dataset, evaluation, images);
    }
    onEvaluation?.(record, isBest);
  }

  /**
   * Runs the detector on the held-out samples and, for hard-negative mining, on some training samples without objects.
   * Null if the signal aborted it.
   */
  async #detect() {
    try {
      return await this.#detectAll();
    } catch (error) {
      if (this.isInterrupted) return null;
      throw error;
    }
  }

  async #detectAll() {
    const { dataset, split, signal, onEvaluationProgress } = this.#options;
    const model = this.#trainer.model;
    const stopping: EvaluateOptions = defined({ signal });
    const onProgress = onEvaluationProgress;
    const options = { ...stopping, ...defined({ onProgress, tile: this.#options.tile }) };
    const found = await evaluateDetector(model, dataset, split.heldOut, options);
    if (this.#plan.hardNegatives === 0) return { ...found, difficulty: null };
    const { seed } = this.#plan.settings;
    const chosen = chooseSamples(this.#empty, this.#plan.hardNegatives, seed, this.#trainer.steps);
    return { ...found, difficulty: await difficultyOf(model, dataset, chosen, stopping) };
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

  /** Saves the last weights and everything needed to resume. Does nothing before the first step. */
  async save(): Promise<void> {
    if (this.#trainer.steps === 0) return;
    this.#progress.steps = this.#trainer.steps;
    this.#progress.sampler = this.#options.sampler?.state() ?? null;
    const metadata = { progress: JSON.stringify(this.#progress) };
    this.#options.folder.saveState(await this.#trainer.snapshot(), metadata);
    await this.#saveWeights('last');
  }

  async #saveWeights(which: 'best' | 'last'): Promise<void> {
    const { folder, dataset, decoding = dataset.decoding ?? {}, tile = null } = this.#options;
    const { spec } = this.#trainer.model;
    folder.saveDetector(which, await this.#trainer.averagedWeights(), {
      classes: dataset.classes,
      spec,
      scoreThreshold: this.#progress.best?.threshold ?? spec.postprocess.scoreThreshold,
      decoding,
      tile,
    });
  }

  dispose(): void {
    this.#trainer.dispose();
  }
}

const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
