import { RunError } from '../common/errors.ts';
import type { EvaluationRecord, OnWarning, RunStore } from './run-store.ts';
import type { EpochSampler } from './sampler.ts';
import type { Trainer } from './trainer.ts';

/** The state of a run without its tensors. */
export interface Progress {
  /** Everything that determines what the run computes (`resumeFingerprint`). */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The other settings (`changeableSettings`), of the last session. */
  readonly changeable: Readonly<Record<string, unknown>>;
  steps: number;
  best: EvaluationRecord | null;
  lastEvaluatedStep: number;
  evaluationsSinceBest: number;
  /** State of the sampler; null without one. */
  sampler: string | null;
}

/**
 * Restores trainer, sampler and records from the state in `folder`.
 *
 * @param fresh the progress of a new run with the same settings; returned if there is no state
 * @throws Error if settings or data differ from those of the saved run; the message names each difference
 */
export function resumeRun(
  trainer: Trainer,
  folder: RunStore,
  fresh: Progress,
  { sampler, onWarning }: { readonly sampler: EpochSampler | undefined; readonly onWarning: OnWarning },
): Progress {
  const state = folder.loadState(onWarning);
  if (state === null) {
    folder.restoreRecords(fresh, onWarning);
    return fresh;
  }
  const text = state.metadata['progress'];
  const saved = progressOf(text);
  if (saved === null) {
    throw new RunError(
      'trainDetector',
      text === undefined
        ? `the state in ${folder.path} holds weights, but no optimizer and no progress: it is not the state of a run. ` +
            'Put the state back, or start a new run in another folder from these weights (model.weights)'
        : `the state in ${folder.path} was written by another version and cannot be resumed: start ` +
            'a new run, for example from the weights in best.safetensors (model.weights)',
    );
  }
  const differences = differencesOf(saved.settings, fresh.settings);
  if (differences.length > 0) {
    throw new RunError(
      'trainDetector',
      `the run in ${folder.path} cannot be resumed, because settings or data have changed:\n` +
        `${differences.map((line) => `  ${line}\n`).join('')}` +
        '  Restore them and resume with the same data and settings, or start a new run in another folder ' +
        'from the weights in best.safetensors or last.safetensors (model.weights)',
    );
  }
  trainer.restore(state.tensors, saved.steps);
  if (sampler !== undefined && typeof saved.sampler === 'string') sampler.restore(saved.sampler);
  folder.restoreRecords(saved, onWarning);
  const changed = differencesOf(saved.changeable ?? {}, fresh.changeable);
  if (changed.length > 0) onWarning(`the run is resumed with changed settings: ${changed.join('; ')}`);
  const progress = { ...fresh, ...saved, changeable: fresh.changeable };
  return progress.best === null || folder.hasDetector('best') ? progress : withoutBest(progress, folder, onWarning);
}

/** The next evaluation saves the best weights again, if those that were saved are lost. */
function withoutBest(progress: Progress, { path }: RunStore, onWarning: OnWarning): Progress {
  onWarning(
    `the best weights in ${path}, of step ${progress.best!.step}, are missing or damaged: those of the next evaluation take their place`,
  );
  return { ...progress, best: null, lastEvaluatedStep: 0, evaluationsSinceBest: 0 };
}

/** The progress in the metadata of a state; null if it is that of another version. */
function progressOf(
  text = '{}',
): (Partial<Progress> & Pick<Progress, 'settings' | 'steps' | 'lastEvaluatedStep'>) | null {
  try {
    const found = JSON.parse(text) as Partial<Progress>;
    const { settings, steps, lastEvaluatedStep } = found;
    return settings === undefined || steps === undefined || lastEvaluatedStep === undefined
      ? null
      : { ...found, settings, steps, lastEvaluatedStep };
  } catch {
    return null;
  }
}

/** Maximum length of a value in a difference. */
const MAX_SHOWN = 120;

/** What differs between the settings of two runs: a line for each, with both values. */
function differencesOf(before: Progress['settings'], now: Progress['settings']): string[] {
  const textOf = (value: unknown): string => (value === undefined ? 'the default' : JSON.stringify(value));
  const shown = (text: string): string => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text);
  return [...new Set([...Object.keys(now), ...Object.keys(before)])].flatMap((name) => {
    const [old, current] = [textOf(before[name]), textOf(now[name])];
    return old === current ? [] : [`${name} was ${shown(old)} and is now ${shown(current)}`];
  });
}
