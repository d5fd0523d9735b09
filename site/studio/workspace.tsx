// The annotator over the whole window, for the data set of the studio. A training goes on behind it.
import { useEffect, useRef } from 'preact/hooks';
import { Annotator } from './annotate/annotator.tsx';
import { closeLabels, desk, suggest, takeChange } from './labelling.ts';
import * as state from './state.ts';

export function Workspace() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = desk.value;
  useEffect(() => {
    if (open === null) return;
    dialog.current!.showModal();
    dialog.current!.querySelector<HTMLElement>('.stage')?.focus();
  }, [open]);
  if (open === null) return null;
  return (
    <dialog
      ref={dialog}
      class="studio-workspace"
      aria-labelledby="workspace-title"
      // Escape deselects a box; who has drawn for an hour must not lose sight of it.
      onCancel={(event) => event.target === dialog.current && event.preventDefault()}
    >
      <header>
        <h1 id="workspace-title">{state.data.value?.name}: boxes</h1>
        <p>
          {training()}
          {state.problem.value !== null && <strong role="alert"> {state.problem.value}</strong>}
        </p>
        <button type="button" class="primary" onClick={() => void closeLabels()}>
          Done
        </button>
      </header>
      <Annotator
        images={open.images}
        classes={open.classes}
        first={open.first}
        onChange={takeChange}
        suggest={state.gpu.value === null ? undefined : suggest}
      />
    </dialog>
  );
}

/** How far a training is, in a few words. */
function training(): string {
  const kept = 'Kept in this browser.';
  const last = state.steps.value.at(-1);
  if (!state.isBusy.value) return kept;
  return last === undefined
    ? `${kept} A training begins.`
    : `${kept} Training: step ${last.step} of ${state.totalSteps.value}.`;
}
