import type { RetinaNet } from '../retinanet/retinanet.ts';
import { DeviceLostError, GpuOutOfMemoryError } from '../tensor/errors.ts';
import { withMemoryAdvice } from './memory-advice.ts';
import { Recovery, type Loss } from './recovery.ts';
import { Run } from './run.ts';
import type { TrainOptions, TrainResult } from './run-options.ts';

/**
 * Trains a detector with augmentation, AdamW, a one-cycle schedule (or another recipe) and averaged weights, which are
 * evaluated on the held-out samples. Metrics, weights, charts and pictures are written to `folder`. Runs are
 * reproducible: on the same device, a run that was interrupted and resumed ends with the same weights, bit for bit, as
 * an uninterrupted one.
 *
 * The state is saved after each epoch, after every `saveMinutes` within one, and before the run ends with an error, for
 * example because a sample cannot be read.
 *
 * If the device is lost (`DeviceLostError`), a new one is opened, the model moves there, and the run goes on from the last
 * saved state, after a warning to `onWarning`. The steps since then are computed again, for which `onStep` is called again; the
 * result is the same, bit for bit, on the same adapter. A `folder` in memory works as well. To end a run, abort the signal.
 *
 * @throws DivergedError if the loss, the weights or the detections are no longer finite; the message names the step and, if
 *   the loss is concerned, its samples and the parameters. The last good state is kept
 * @throws DeviceLostError if the device is lost a second time before the run has gone beyond the step of the first loss, or if
 *   no other can be opened. The last state is kept
 * @throws GpuOutOfMemoryError if a step does not fit into the memory; the message lists what is held and what to lower
 * @throws InputError if `folder` holds a run and `resume` is false, if another process trains in it, and if it cannot be written
 */
export async function trainDetector(model: RetinaNet, options: TrainOptions): Promise<TrainResult> {
  const recovery = await Recovery.begin(model, options);
  for (let { resume = false } = options; ; resume = true) {
    const reached = await trainUntilLoss(model, { ...options, resume });
    if ('end' in reached) return reached;
    await recovery.recover(reached);
  }
}

/** Trains until the run ends, or the device is lost. */
async function trainUntilLoss(model: RetinaNet, options: TrainOptions): Promise<TrainResult | Loss> {
  let run: Run | null = null;
  try {
    run = await Run.open(model, options);
    for (;;) {
      if (run.isEvaluationDue && !run.isInterrupted) await run.evaluate();
      const result = run.result();
      if (result !== null || run.isEvaluated) await run.save();
      else await run.saveLater();
      if (result !== null) return result;
      await run.trainEpoch();
    }
  } catch (error) {
    // The other processes cannot go back to the last state; the run is started again and resumed.
    if (error instanceof DeviceLostError && options.replicas === undefined)
      return { error, steps: run?.steps ?? 0, saved: run?.savedSteps ?? 0 };
    await run?.rescue(error);
    throw error instanceof GpuOutOfMemoryError ? withMemoryAdvice(error, model, options) : error;
  } finally {
    run?.dispose();
  }
}
