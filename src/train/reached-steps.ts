import type { ReachedSteps, RunRecord } from './run-store.ts';

/** Whether a record belongs to the state of a resumed run. */
export const isReached = ({ kind, step }: RunRecord, { steps, lastEvaluatedStep }: ReachedSteps): boolean =>
  step <= (kind === 'evaluation' ? lastEvaluatedStep : steps);
