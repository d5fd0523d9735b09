import { batches } from '../data/loader.ts';
import { augment, type AugmentOptions } from '../data/augment.ts';
import type { Split } from '../data/split.ts';
import type { Dataset } from '../data/types.ts';
import type { RetinaNet, Tensor } from '../index.ts';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { saveDetector, type DetectorDescription } from './detector.ts';
import { evaluateDetector } from './evaluate.ts';
import { type EvaluationRecord, type RunFolder, type StepRecord } from './run-folder.ts';
import { readLosses, Trainer, type StepLosses, type TrainerOptions } from './trainer.ts';

/** A training run. */
export interface TrainOptions extends Omit<TrainerOptions, 'totalSteps'> {
  /** Where everything is written. Not used before, unless the run is resumed. */
  readonly folder: RunFolder;
  readonly dataset: Dataset;
  /** Which samples are trained on, and which are held out for evaluation. */
  readonly split: Split;
  /** How images are read, kept with the weights. Default: nothing special. */
  readonly reading?: DetectorDescription['reading'];
  readonly epochs: number;
  /** Default 4. */
  readonly batchSize?: number;
  /** Seed of order and augmentation. Default 1. (`manualSeed` sets that of the weights.) */
  readonly seed?: number;
  /** Null trains on the images as they are. Default: all of `AugmentOptions`. */
  readonly augment?: AugmentOptions | null;
  /** Epochs between evaluations; there is one after the last epoch in any case. Default 1. */
  readonly evaluateEvery?: number;
  /** Evaluations in a row without a better F1 after which the run ends early. Default Infinity. */
  readonly patience?: number;
  /** Goes on from the last state in `folder`, or from the start where there is none. Default false. */
  readonly resume?: boolean;
  /** When aborted, the step in progress is finished and everything saved. */
  readonly signal?: AbortSignal;
  /** Called for each step, once its numbers are there. */
  readonly onStep?: (record: StepRecord, totalSteps: number) => void;
  /** Called while an evaluation runs. */
  readonly onEvaluationProgress?: (done: number, total: number) => void;
  readonly onEvaluation?: (record: EvaluationRecord, best: boolean) => void;
}

/** How a run ended. */
export interface TrainResult {
  readonly end: 'finished' | 'early' | 'interrupted';
  readonly steps: number;
  readonly totalSteps: number;
  /** The evaluation with the highest F1, whose weights are in best.safetensors; null before the first one. */
  readonly best: EvaluationRecord | null;
}

/** What is remembered beside the tensors. */
interface Progress {
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  steps: number;
  best: EvaluationRecord | null;
  /** Step of the last evaluation. */
  evaluated: number;
  /** Evaluations since the best. */
  worse: number;
}

/**
 * Trains a detector: augmented batches, AdamW along one cycle of the learning rate, averaged weights that are evaluated
 * on the held-out samples; metrics, charts, pictures and weights go to a run folder. Runs are repeatable: a run that was
 * interrupted and resumed ends with the same weights, bit for bit, as one that was not (on one device).
 *
 * @throws Error when the loss is no longer a finite number; the weights of the last evaluation stay
 */
export async function trainDetector(model: RetinaNet, options: TrainOptions): Promise<TrainResult> {
  const { folder, dataset, split, epochs, batchSize = 4, seed = 1, evaluateEvery = 1, signal } = options;
  const interrupted = (): boolean => signal?.aborted === true;
  for (const [name, value] of Object.entries({ epochs, batchSize, evaluateEvery })) {
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`trainDetector: ${name} is ${value}, expected a whole number from 1`);
  }
  for (const [side, list] of Object.entries(split) as [string, readonly number[]][]) {
    if (list.length === 0) throw new RangeError(`trainDetector: the split has no ${side} samples`);
  }
  if (dataset.classes.length !== model.classes) {
    throw new RangeError(
      `trainDetector: the model has ${model.classes} classes, the data set ${dataset.classes.length} (${dataset.classes.join(', ')})`,
    );
  }
  // A last batch that is not full would weigh each of its images more; it is left out where it is not the only one.
  const stepsPerEpoch = Math.max(1, Math.floor(split.train.length / batchSize));
  const totalSteps = epochs * stepsPerEpoch;
  if (options.resume !== true && folder.isUsed) {
    throw new Error(`trainDetector: ${folder.path} holds a run already; resume it, or choose another folder`);
  }
  const trainer = new Trainer(model, { ...options, totalSteps });
  try {
    let progress: Progress = { totalSteps, stepsPerEpoch, steps: 0, best: null, evaluated: 0, worse: 0 };
    if (options.resume === true) progress = resume(trainer, folder, progress);

    /** The weights and everything else, as after `trainer.steps` steps. */
    const save = async (): Promise<void> => {
      progress.steps = trainer.steps;
      saveCheckpoint(folder.file('state'), await trainer.snapshot(), { progress: JSON.stringify(progress) });
      await saveWeights('last');
      folder.writeLossChart();
    };
    const saveWeights = async (name: 'best' | 'last'): Promise<void> => {
      saveDetector(folder.file(name), await trainer.averagedWeights(), {
        classes: dataset.classes,
        spec: model.spec,
        scoreThreshold: progress.best?.threshold ?? model.spec.postprocess.scoreThreshold,
        reading: options.reading ?? {},
      });
    };

    /** Scores the averaged weights on the held-out samples; keeps them if they are the best so far. */
    const evaluate = async (): Promise<void> => {
      const { evaluation, images } = await trainer.withAverage(() =>
        evaluateDetector(model, dataset, split.heldOut, {
          ...(signal === undefined ? {} : { signal }),
          ...(options.onEvaluationProgress === undefined ? {} : { onProgress: options.onEvaluationProgress }),
        }),
      );
      const { f1, precision, recall, threshold } = evaluation.best;
      const record: EvaluationRecord = {
        kind: 'evaluation',
        step: trainer.steps,
        epoch: trainer.steps / stepsPerEpoch,
        f1,
        precision,
        recall,
        threshold,
        averagePrecision: evaluation.meanAveragePrecision,
        images: evaluation.images,
        truths: evaluation.truths,
      };
      const isBest = progress.best === null || f1 > progress.best.f1;
      progress.evaluated = trainer.steps;
      progress.worse = isBest ? 0 : progress.worse + 1;
      if (isBest) {
        progress.best = record;
        await saveWeights('best');
        await folder.writeResults(dataset, evaluation, images);
      }
      folder.append(record);
      options.onEvaluation?.(record, isBest);
    };

    /** Steps to the end of the epoch, or until the signal. */
    const trainEpoch = async (): Promise<void> => {
      const epoch = Math.floor(trainer.steps / stepsPerEpoch);
      const changes = options.augment === undefined ? {} : options.augment;
      let pending: { numbers: Tensor; learningRate: number; step: number } | null = null;
      const [start, first] = [performance.now(), trainer.steps];
      const report = async (): Promise<void> => {
        if (pending === null) return;
        const { numbers, learningRate, step } = pending;
        pending = null;
        const losses = await readLosses(numbers);
        checkFinite(losses, step, folder);
        const seconds = (performance.now() - start) / 1000;
        const imagesPerSecond = Number(((batchSize * (step - first)) / seconds).toPrecision(4));
        const record: StepRecord = { kind: 'step', step, epoch, ...losses, learningRate, imagesPerSecond };
        folder.append(record);
        options.onStep?.(record, totalSteps);
      };
      for await (const { samples } of batches(dataset, split.train, {
        batchSize,
        seed,
        epoch,
        start: trainer.steps % stepsPerEpoch,
        dropLast: split.train.length >= batchSize,
        ...(changes === null ? {} : { augment: (sample, random) => augment(sample, changes, random) }),
      })) {
        const { learningRate } = trainer;
        const numbers = trainer.step(samples);
        // The numbers of the step before are awaited while the GPU has this one to do.
        await report();
        pending = { numbers, learningRate, step: trainer.steps };
        if (interrupted()) break;
      }
      await report();
    };

    const isDue = (): boolean =>
      trainer.steps > progress.evaluated &&
      (trainer.steps === totalSteps || trainer.steps % (evaluateEvery * stepsPerEpoch) === 0);
    for (;;) {
      if (isDue() && !interrupted()) {
        try {
          await evaluate();
        } catch (error) {
          if (!interrupted()) throw error;
        }
      }
      if (trainer.steps > 0) await save();
      const { best } = progress;
      const end = { steps: trainer.steps, totalSteps, best };
      if (interrupted()) return { end: 'interrupted', ...end };
      if (trainer.steps === totalSteps) return { end: 'finished', ...end };
      if (progress.worse >= (options.patience ?? Infinity)) return { end: 'early', ...end };
      await trainEpoch();
    }
  } finally {
    trainer.dispose();
  }
}

/** Brings the trainer to where the run in the folder was. `fresh` is what a new run of the same settings starts with. */
function resume(trainer: Trainer, folder: RunFolder, fresh: Progress): Progress {
  if (!folder.hasState) {
    folder.restoreMetrics(0);
    return fresh;
  }
  const { tensors, metadata } = loadCheckpoint(folder.file('state'));
  const progress = JSON.parse(metadata['progress'] ?? '{}') as Progress;
  for (const name of ['totalSteps', 'stepsPerEpoch'] as const) {
    if (progress[name] !== fresh[name]) {
      throw new Error(
        `trainDetector: the run in ${folder.path} has ${progress[name]} ${name}, these settings have ${fresh[name]}: ` +
          'resume with the same data, batch size and number of epochs',
      );
    }
  }
  trainer.restore(tensors, progress.steps);
  folder.restoreMetrics(progress.steps);
  return progress;
}

function checkFinite({ loss, gradientNorm }: StepLosses, step: number, folder: RunFolder): void {
  if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return;
  throw new Error(
    `trainDetector: step ${step}: the loss is ${loss} and the norm of the gradients ${gradientNorm}: training diverged. ` +
      `Lower the learning rate or check the boxes and images; ${folder.path} keeps the weights of the last epoch`,
  );
}
