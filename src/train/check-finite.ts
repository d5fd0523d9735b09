import { RunError } from '../common/errors.ts';
import { counted } from '../common/check.ts';
import type { RunStore } from './run-store.ts';
import type { StepLosses, Trainer } from './trainer.ts';

/** A step whose losses have not been read from the GPU yet. */
export interface RunningStep {
  /** Number of the step, from 1. */
  readonly step: number;
  readonly numbers: Promise<StepLosses>;
  readonly learningRate: number;
  /** Seconds that the step waited for its samples. */
  readonly waitSeconds: number;
  /** Ids of its samples. */
  readonly ids: readonly string[];
}

/** Maximum number of sample ids in an error. */
const MAX_IDS = 16;

/**
 * Throws if the loss or the gradients of a step are not finite, because training cannot recover from that.
 *
 * @throws Error that names the step, its losses, its samples and the parameters that are not finite, and suggests
 *   remedies
 */
export async function checkFinite(
  { loss, classification, boxRegression, gradientNorm }: StepLosses,
  { step, learningRate, ids }: RunningStep,
  trainer: Trainer,
  folder: RunStore,
): Promise<void> {
  if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return;
  // Clipping keeps finite gradients finite (see clipGradNorm), so only the other gradients have broken their
  // parameters.
  const broken = await trainer.brokenParameters();
  const [nearest] = broken;
  const isBackbone = nearest?.startsWith('backbone.body.') === true;
  const samples =
    ids.length > MAX_IDS ? `${ids.slice(0, MAX_IDS).join(', ')} and ${ids.length - MAX_IDS} more` : ids.join(', ');
  const kept = folder.hasState ? `${folder.path} has the weights of the last epoch` : 'No weights have been saved';
  throw new RunError(
    'trainDetector',
    `training diverged in step ${step} at learning rate ${learningRate}: the loss is ${loss} ` +
      `(classification ${classification}, boxes ${boxRegression}), the norm of the gradients is ${gradientNorm}.\n` +
      (nearest === undefined
        ? '  All parameters are finite: activations or gradients overflowed.\n'
        : `  ${counted(broken.length, 'parameter is', 'parameters are')} not finite; the closest to the loss is ` +
          `${nearest}, in the ${isBackbone ? 'backbone' : 'pyramid or heads'}.\n`) +
      `  Samples of the step: ${samples}.\n` +
      `  Lower the learning rate (findLearningRate suggests one), lengthen the warm-up, or clip gradients to a smaller norm; ` +
      `check the images and boxes of these samples. ${kept}`,
  );
}
