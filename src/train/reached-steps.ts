import type { RunRecord } from './run-store.ts';

/** How far the state of a resumed run reaches. */
export interface ReachedSteps {
  readonly steps: number;
  /** 0 for none. */
  readonly lastEvaluatedStep: number;
}

/** Whether a record belongs to the state of a resumed run. */
export const isReached = ({ kind, step }: RunRecord, { steps, lastEvaluatedStep }: ReachedSteps): boolean =>
  step <= (kind === 'evaluation' ? lastEvaluatedStep : steps);
