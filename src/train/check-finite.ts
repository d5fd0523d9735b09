import type { RunStore } from './run-store.ts';
import type { StepLosses, Trainer } from './trainer.ts';

/** A step whose numbers are being read. */
export interface RunningStep {
  /** Steps taken with it. */
  readonly step: number;
  readonly numbers: Promise<StepLosses>;
  readonly learningRate: number;
  /** Seconds that the step waited for its samples. */
  readonly waitSeconds: number;
  /** Ids of its samples. */
  readonly ids: readonly string[];
}

/** Ids that an error lists. */
const MAX_IDS = 16;

/**
 * Ends a run whose numbers are not finite any more: everything after it would be lost.
 *
 * @throws Error that says which loss and which parameters broke, in which step, on which samples, and what helps
 */
export async function checkFinite(
  { loss, classification, boxRegression, gradientNorm }: StepLosses,
  { step, learningRate, ids }: RunningStep,
  trainer: Trainer,
  folder: RunStore,
): Promise<void> {
  if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return;
  // Gradients that are finite stay so when they are clipped (see clipGradNorm): only the others break their parameters.
  const broken = await trainer.brokenParameters();
  const [nearest] = broken;
  const isBackbone = nearest?.startsWith('backbone.body.') === true;
  const samples =
    ids.length > MAX_IDS ? `${ids.slice(0, MAX_IDS).join(', ')} and ${ids.length - MAX_IDS} more` : ids.join(', ');
  const kept = folder.hasState ? `${folder.path} keeps the weights of the last epoch` : 'nothing was saved before';
  throw new Error(
    `trainDetector: step ${step}: the loss is ${loss} (classification ${classification}, boxes ${boxRegression}) and ` +
      `the norm of the gradients ${gradientNorm}: training diverged, at learning rate ${learningRate}.\n` +
      (nearest === undefined
        ? '  All parameters are still finite numbers: the values grew too large on the way to the loss.\n'
        : `  ${broken.length} parameters are not finite numbers; the nearest to the loss is ${nearest}, ` +
          `in the group of the ${isBackbone ? 'backbone' : 'pyramid and heads'}.\n`) +
      `  Samples of the step: ${samples}.\n` +
      `  Lower the learning rate (findLearningRate measures one), lengthen the warm-up, or clip gradients to a smaller norm; ` +
      `check boxes and images of these samples. ${kept}`,
  );
}
