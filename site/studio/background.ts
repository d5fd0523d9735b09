// A training in a tab that is not seen. It runs in a worker, which browsers let run in the background; some freeze tabs after a while,
// and then it goes on when the tab is seen again, with the same bits. What happened is said on return, and the title of the tab says
// how far it is.
import { effect, signal } from '@preact/signals';
import { isBusy, steps, totalSteps } from './state.ts';
import { duration } from './text.ts';

/** What happened while the tab was not seen, in a sentence; empty for nothing. */
export const background = signal('');

const TITLE = document.title;
/** Shorter absences are not worth a sentence. */
const LEAST_SECONDS = 3;

let left: { readonly at: number; readonly step: number } | null = null;
let frozenAt: number | null = null;
let frozenSeconds = 0;

const lastStep = (): number => steps.peek().at(-1)?.step ?? 0;
const secondsSince = (time: number): number => (Date.now() - time) / 1000;

function hide(): void {
  left = isBusy.peek() ? { at: Date.now(), step: lastStep() } : null;
  frozenSeconds = 0;
}

function show(): void {
  if (left === null || secondsSince(left.at) < LEAST_SECONDS) return;
  const slept =
    frozenSeconds < 1
      ? ''
      : ` The browser froze it for ${duration(frozenSeconds)}, and the training goes on where it was.`;
  background.value = `This tab was in the background for ${duration(secondsSince(left.at))}: the training went from step ${left.step} to ${lastStep()}.${slept}`;
  left = null;
}

/** Begins to watch whether the tab is seen. */
export function watchTab(): void {
  document.addEventListener('visibilitychange', () => (document.visibilityState === 'hidden' ? hide() : show()));
  document.addEventListener('freeze', () => (frozenAt = Date.now()));
  document.addEventListener('resume', () => {
    if (frozenAt !== null) frozenSeconds += secondsSince(frozenAt);
    frozenAt = null;
  });
  effect(() => {
    const step = steps.value.at(-1)?.step;
    document.title = isBusy.value && step !== undefined ? `Step ${step} of ${totalSteps.value} · ${TITLE}` : TITLE;
  });
  effect(() => {
    if (isBusy.value) background.value = '';
  });
}
