import { RunError } from '../common/errors.ts';
import type { EvaluationRecord, RunStore } from './run-store.ts';
import type { EpochSampler } from './sampler.ts';
import type { Trainer } from './trainer.ts';

/** The state of a run without its tensors. */
export interface Progress {
  /** Everything that determines what the run computes (`resumeFingerprint`). */
  readonly settings: Readonly<Record<string, unknown>>;
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
 * @throws Error if the settings differ from those of the saved run; the message names the first difference
 */
export function resumeRun(
  trainer: Trainer,
  folder: RunStore,
  fresh: Progress,
  sampler: EpochSampler | undefined,
): Progress {
  const state = folder.loadState();
  if (state === null) {
    folder.restoreRecords(0);
    return fresh;
  }
  const progress = JSON.parse(state.metadata['progress'] ?? '{}') as Partial<Progress>;
  if (progress.settings === undefined || progress.steps === undefined || progress.lastEvaluatedStep === undefined) {
    throw new RunError(
      'trainDetector',
      `the state in ${folder.path} was written by another version and cannot be resumed: start ` +
        'a new run, for example from the weights in best.safetensors (loadPretrained)',
    );
  }
  const shown = (value: unknown): string => (value === undefined ? 'the default' : JSON.stringify(value));
  const names = new Set([...Object.keys(fresh.settings), ...Object.keys(progress.settings)]);
  for (const name of names) {
    const [before, now] = [progress.settings[name], fresh.settings[name]].map(shown);
    if (before !== now) {
      throw new RunError(
        'trainDetector',
        `the run in ${folder.path} cannot be resumed: ${name} was ${before} and is now ${now}; ` +
          'resume with the same data and settings',
      );
    }
  }
  trainer.restore(state.tensors, progress.steps);
  if (sampler !== undefined && typeof progress.sampler === 'string') sampler.restore(progress.sampler);
  folder.restoreRecords(progress.steps);
  return { ...fresh, ...progress };
}
