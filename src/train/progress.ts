import type { EvaluationRecord, RunStore } from './run-store.ts';
import type { EpochSampler } from './sampler.ts';
import type { Trainer } from './trainer.ts';

/** What a run remembers beside the tensors. */
export interface Progress {
  /** The settings that decide what the run computes. */
  readonly settings: Readonly<Record<string, unknown>>;
  steps: number;
  best: EvaluationRecord | null;
  lastEvaluatedStep: number;
  evaluationsSinceBest: number;
  /** State of the sampler, where there is one. */
  sampler: string | null;
}

/**
 * Brings trainer, sampler and metrics to where the run in the folder was. `fresh` is what a new run of the same settings
 * starts with.
 *
 * @throws Error when the run was made with other settings, which it names
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
    throw new Error(
      `trainDetector: the state in ${folder.path} was written by another version: train anew, from best.safetensors if ` +
        'you like (loadPretrained)',
    );
  }
  const shown = (value: unknown): string => (value === undefined ? 'the default' : JSON.stringify(value));
  const names = new Set([...Object.keys(fresh.settings), ...Object.keys(progress.settings)]);
  for (const name of names) {
    const [before, now] = [progress.settings[name], fresh.settings[name]].map(shown);
    if (before !== now) {
      throw new Error(
        `trainDetector: the run in ${folder.path} has ${before} ${name}, these settings have ${now}: ` +
          'resume with the same data and settings',
      );
    }
  }
  trainer.restore(state.tensors, progress.steps);
  if (sampler !== undefined && typeof progress.sampler === 'string') sampler.restore(progress.sampler);
  folder.restoreRecords(progress.steps);
  return { ...fresh, ...progress };
}
