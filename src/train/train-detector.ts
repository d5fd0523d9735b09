import type { RetinaNet } from '../retinanet/retinanet.ts';
import { Run } from './run.ts';
import type { TrainOptions, TrainResult } from './run-options.ts';

/**
 * Trains a detector: augmented batches, AdamW along one cycle of the learning rate (or another recipe), averaged weights
 * that are evaluated on the held-out samples; metrics, weights, charts and pictures go to `folder`. Runs are repeatable: a
 * run that was interrupted and resumed ends with the same weights, bit for bit, as one that was not (on one device).
 *
 * @throws Error when the loss is no longer a finite number, which names step, samples and parameters; the weights of the
 *   last evaluation stay
 */
export async function trainDetector(model: RetinaNet, options: TrainOptions): Promise<TrainResult> {
  const run = await Run.open(model, options);
  try {
    for (;;) {
      if (run.isEvaluationDue && !run.isInterrupted) {
        try {
          await run.evaluate();
        } catch (error) {
          // An evaluation that the signal stopped is made again when the run is resumed.
          if (!run.isInterrupted) throw error;
        }
      }
      await run.save();
      const result = run.result();
      if (result !== null) return result;
      await run.trainEpoch();
    }
  } finally {
    run.dispose();
  }
}
