import type { RetinaNet } from '../retinanet/retinanet.ts';
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
 * @throws DivergedError if the loss, the weights or the detections are no longer finite; the message names the step and, if
 *   the loss is concerned, its samples and the parameters. The last good state is kept
 * @throws InputError if `folder` holds a run and `resume` is false, if another process trains in it, and if it cannot be written
 */
export async function trainDetector(model: RetinaNet, options: TrainOptions): Promise<TrainResult> {
  const run = await Run.open(model, options);
  try {
    for (;;) {
      if (run.isEvaluationDue && !run.isInterrupted) await run.evaluate();
      const result = run.result();
      if (result !== null || run.isEvaluated) await run.save();
      else await run.saveLater();
      if (result !== null) return result;
      await run.trainEpoch();
    }
  } catch (error) {
    await run.rescue(error);
    throw error;
  } finally {
    run.dispose();
  }
}
