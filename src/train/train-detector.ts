import { batches } from '../data/loader.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import { saveCheckpoint } from '../weights/node/checkpoint.ts';
import { saveDetector } from '../detector/detector.ts';
import { evaluateDetector, type EvaluateOptions } from '../detector/evaluate.ts';
import { chooseSamples, hardnessOf, samplesWithoutObjects } from './hard-negatives.ts';
import { checkFinite, type RunningStep } from './check-finite.ts';
import { readingFor } from './reading.ts';
import { resumeRun, type Progress } from './progress.ts';
import { scalarsOf, type EvaluationRecord, type StepRecord } from './run-folder.ts';
import { indicesOfEpoch } from './sampler.ts';
import { openEventFile } from './tensorboard.ts';
import { decidingSettings, planRun, type TrainOptions, type TrainResult } from './train-options.ts';
import { readLosses, Trainer } from './trainer.ts';

/**
 * Trains a detector: augmented batches, AdamW along one cycle of the learning rate (or another recipe), averaged weights
 * that are evaluated on the held-out samples; metrics, charts, pictures and weights go to a run folder. Runs are
 * repeatable: a run that was interrupted and resumed ends with the same weights, bit for bit, as one that was not (on one
 * device).
 *
 * @throws Error when the loss is no longer a finite number, which names step, samples and parameters; the weights of the
 *   last evaluation stay
 */
export async function trainDetector(model: RetinaNet, options: TrainOptions): Promise<TrainResult> {
  const { folder, dataset, split, sampler, signal } = options;
  const plan = planRun(model, options);
  const reading = readingFor('trainDetector', options);
  const { stepImages, stepsPerEpoch, totalSteps, seed } = plan;
  const interrupted = (): boolean => signal?.aborted === true;
  if (options.resume !== true && folder.isUsed) {
    throw new Error(`trainDetector: ${folder.path} holds a run already; resume it, or choose another folder`);
  }
  const trainer = new Trainer(model, { ...options, totalSteps });
  try {
    const settings = decidingSettings(options, plan);
    let progress: Progress = { settings, steps: 0, best: null, evaluated: 0, worse: 0, sampler: null };
    if (options.resume === true) progress = resumeRun(trainer, folder, progress, sampler);
    folder.writeEnvironment(model.parameters()[0]!.device.adapter);
    const empty = plan.hardNegatives > 0 ? await samplesWithoutObjects(dataset, split.train) : [];
    if (plan.hardNegatives > 0 && empty.length === 0) {
      throw new RangeError(
        'trainDetector: hardNegatives needs samples to train on that have no objects: there are none',
      );
    }
    const events = options.tensorboard === true ? openEventFile(folder.path, trainer.steps) : null;
    const log = (record: StepRecord | EvaluationRecord): void => {
      folder.append(record);
      events?.scalars(record.step, scalarsOf(record));
    };

    /** The weights and everything else, as after `trainer.steps` steps. */
    const save = async (): Promise<void> => {
      progress.steps = trainer.steps;
      progress.sampler = sampler?.state() ?? null;
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
        tile: options.tile ?? null,
      });
    };

    /** Scores the averaged weights on the held-out samples; keeps them if they are the best so far. */
    const evaluate = async (): Promise<void> => {
      const stopping: EvaluateOptions = signal === undefined ? {} : { signal };
      const { evaluation, images, hardness } = await trainer.withAverage(async () => {
        const found = await evaluateDetector(model, dataset, split.heldOut, {
          ...stopping,
          ...(options.onEvaluationProgress === undefined ? {} : { onProgress: options.onEvaluationProgress }),
        });
        if (plan.hardNegatives === 0) return { ...found, hardness: null };
        const chosen = chooseSamples(empty, plan.hardNegatives, seed, trainer.steps);
        return { ...found, hardness: await hardnessOf(model, dataset, chosen, stopping) };
      });
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
        ...(hardness === null ? {} : { hardness: [...hardness.values()].reduce((a, b) => a + b, 0) / hardness.size }),
      };
      const value = monitored(record);
      const isBest = progress.best === null || value > monitored(progress.best);
      progress.evaluated = trainer.steps;
      progress.worse = isBest ? 0 : progress.worse + 1;
      if (hardness !== null) sampler?.harden?.(hardness);
      log(record);
      if (isBest) {
        progress.best = record;
        await saveWeights('best');
        await folder.writeResults(dataset, evaluation, images);
      }
      options.onEvaluation?.(record, isBest);
    };
    const monitored = ({ f1, averagePrecision }: EvaluationRecord): number => {
      if (plan.monitor === 'f1') return f1;
      if (averagePrecision !== null) return averagePrecision;
      throw new Error('trainDetector: monitor is "ap", which is not defined: the held-out samples have no objects');
    };

    /** Steps to the end of the epoch, or until the signal. */
    const trainEpoch = async (): Promise<void> => {
      const epoch = Math.floor(trainer.steps / stepsPerEpoch);
      const order = sampler === undefined ? split.train : indicesOfEpoch(sampler, epoch, split.train);
      const [start, first] = [performance.now(), trainer.steps];
      let last: RunningStep | null = null;
      /** Logs the step before, whose numbers the GPU has by the time that the next gradients are queued. */
      const report = async (): Promise<void> => {
        if (last === null) return;
        const { step, numbers, learningRate, waitSeconds } = last;
        const losses = await numbers;
        await checkFinite(losses, last, trainer, folder);
        last = null;
        const seconds = (performance.now() - start) / 1000;
        const imagesPerSecond = Number(((stepImages * (step - first)) / seconds).toPrecision(4));
        const record: StepRecord = {
          kind: 'step',
          step,
          epoch,
          ...losses,
          learningRate,
          imagesPerSecond,
          waitSeconds: Number(waitSeconds.toPrecision(3)),
        };
        log(record);
        options.onStep?.(record, totalSteps);
      };
      let asked = performance.now();
      for await (const { samples } of batches(dataset, order, {
        batchSize: stepImages,
        seed,
        epoch,
        start: trainer.steps % stepsPerEpoch,
        shuffle: sampler === undefined,
        dropLast: order.length >= stepImages,
        ...reading,
      })) {
        const waitSeconds = (performance.now() - asked) / 1000;
        const { learningRate } = trainer;
        const numbers = readLosses(trainer.gradients(samples));
        // A failure is reported when its turn comes; until then it must not count as unhandled.
        numbers.catch(() => undefined);
        try {
          await report();
        } catch (error) {
          await Promise.allSettled([numbers]);
          throw error;
        }
        trainer.update();
        last = { step: trainer.steps, numbers, learningRate, waitSeconds, ids: samples.map(({ id }) => id) };
        asked = performance.now();
        if (interrupted()) break;
      }
      await report();
    };
    const isDue = (): boolean =>
      trainer.steps > progress.evaluated &&
      (trainer.steps === totalSteps || trainer.steps % (plan.evaluateEvery * stepsPerEpoch) === 0);
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
      if (progress.worse >= plan.patience) return { end: 'early', ...end };
      await trainEpoch();
    }
  } finally {
    trainer.dispose();
  }
}
