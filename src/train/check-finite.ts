import type { AnomalyError } from '../autograd/anomaly.ts';
import { DivergedError } from '../common/errors.ts';
import { counted, reasonOf } from '../common/check.ts';
import type { Sample } from '../data/types.ts';
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
  readonly samples: readonly Sample[];
}

/** Maximum number of sample ids in an error. */
const MAX_IDS = 16;

/**
 * Throws if the loss or the gradients of a step are not finite, because training cannot recover from that. The step is
 * repeated to find the operation where it begins; the model has the weights before the step then.
 *
 * @param saved steps of the newest saved state; 0 if there is none
 * @throws DivergedError that names the step, its losses, its samples, the parameters that are not finite and the first
 *   operation with such values, and suggests remedies
 */
export async function checkFinite(
  { loss, classification, boxRegression, gradientNorm }: StepLosses,
  { step, learningRate, samples: batch }: RunningStep,
  trainer: Trainer,
  saved: number,
  folder: RunStore,
): Promise<void> {
  if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return;
  // Clipping keeps finite gradients finite (see clipGradNorm), so only the other gradients have broken their
  // parameters.
  const broken = await trainer.brokenParameters();
  const [nearest] = broken;
  const isBackbone = nearest?.startsWith('backbone.body.') === true;
  // Whatever happens there, for example too little memory: this run has diverged, and its last good state stays.
  const found = await trainer.examine(batch).catch((error: unknown) => reasonOf(error));
  const ids = batch.map(({ id }) => id);
  const samples =
    ids.length > MAX_IDS ? `${ids.slice(0, MAX_IDS).join(', ')} and ${ids.length - MAX_IDS} more` : ids.join(', ');
  throw diverged(
    step,
    `in step ${step} at learning rate ${learningRate}: the loss is ${loss} ` +
      `(classification ${classification}, boxes ${boxRegression}), the norm of the gradients is ${gradientNorm}.\n` +
      (nearest === undefined
        ? '  All parameters are finite: activations or gradients overflowed.\n'
        : `  ${counted(broken.length, 'parameter is', 'parameters are')} not finite; the closest to the loss is ` +
          `${nearest}, in the ${isBackbone ? 'backbone' : 'pyramid or heads'}.\n`) +
      `  ${whereItBegins(found)}\n` +
      `  Samples of the step: ${samples}`,
    saved,
    folder,
    typeof found === 'string' ? null : found,
  );
}

function whereItBegins(found: AnomalyError | string | null): string {
  if (typeof found === 'string') return `The step could not be repeated to show where it begins: ${found}`;
  if (found === null)
    return 'Every value of the step is finite, but the norm of its gradients is not: they are too large';
  return `Repeating the step shows where it begins: ${found.summary.replaceAll('\n', '\n  ')}`;
}

/**
 * The error of a training that diverged, with remedies.
 *
 * @param what when and how, for the message
 * @param saved steps of the newest saved state; 0 if there is none
 */
export function diverged(
  step: number,
  what: string,
  saved: number,
  { path }: RunStore,
  cause: AnomalyError | null = null,
): DivergedError {
  const kept =
    saved > 0
      ? `${path} keeps the weights of step ${saved} as last.safetensors: a new run with a lower learning rate can start from them (model.weights)`
      : 'Nothing was saved: the run diverged before its first state';
  return new DivergedError(
    'trainDetector',
    `training diverged ${what}.\n` +
      '  Lower the learning rate (findLearningRate suggests one), lengthen the warm-up, or clip gradients to a smaller norm; ' +
      `check the images and boxes of the data with doctor.\n  ${kept}`,
    step,
    cause === null ? {} : { cause },
  );
}
