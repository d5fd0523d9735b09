import type { RetinaNet } from '../retinanet/retinanet.ts';
import { Run } from './run.ts';
import type { TrainOptions, TrainResult } from './run-options.ts';

/**
 * Trains a detector with augmentation, AdamW, a one-cycle schedule (or another recipe) and averaged weights, which are
 * evaluated on the held-out samples. Metrics, weights, charts and pictures are written to `folder`. Runs are
 * reproducible: on the same device, a run that was interrupted and resumed ends with the same weights, bit for bit, as
 * an uninterrupted one.
 *
 * @throws Error if the loss is no longer finite; the message names the step, its samples and the parameters. The
 *   weights of the last evaluation are kept
 */
export async function trainDetector(model: RetinaNet, options: TrainOptions): Promise<TrainResult> {
  const run = await Run.open(model, options);
  try {
    for (;;) {
      if (run.isEvaluationDue && !run.isInterrupted) await run.evaluate();
      await run.save();
      const result = run.result();
      if (result !== null) return result;
      await run.trainEpoch();
    }
  } finally {
    run.dispose();
  }
}
