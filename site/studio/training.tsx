// Training: begin, pause, continue, stop, and what is seen meanwhile.
import { background } from './background.ts';
import { LossChart, QualityChart } from './charts.tsx';
import { Predictions } from './predictions.tsx';
import * as state from './state.ts';
import { SYNTHETIC } from './share.ts';
import { ShareLink } from './share-link.tsx';
import { duration, formatCount } from './text.ts';

export function Training() {
  const { phase, gpu, isBusy } = state;
  const isMissing = state.plan.value.data !== SYNTHETIC && !state.data.value?.boxes;
  const paused = state.runs.value.find(({ end }) => end === null);
  return (
    <section aria-labelledby="training-title">
      <h2 id="training-title">Train</h2>
      <p class="studio-actions">
        {!isBusy.value && (
          <button class="primary" disabled={gpu.value === null || isMissing} onClick={() => void state.train()}>
            {state.plan.value.data === SYNTHETIC ? 'Train on the sample' : 'Train on your images'}
          </button>
        )}
        {!isBusy.value && paused !== undefined && (
          <button disabled={gpu.value === null} onClick={() => void state.resume(paused)}>
            Continue {paused.name}, which reached step {paused.steps}
          </button>
        )}
        {isBusy.value && (
          <button disabled={phase.value !== 'training'} onClick={state.pause}>
            Pause
          </button>
        )}
        {isBusy.value && (
          <button disabled={phase.value !== 'training'} onClick={state.stop}>
            Stop and keep the best
          </button>
        )}
        <ShareLink />
      </p>
      <Progress />
      <Notes />
      {state.prepared.value !== null && (
        <div class="studio-live">
          <LossChart />
          <QualityChart />
          <Predictions />
        </div>
      )}
    </section>
  );
}

/** One line: how far it is, and for how long. Read aloud after evaluations only. */
function Progress() {
  const { steps, totalSteps, activity, phase, evaluations, ended } = state;
  const last = steps.value.at(-1);
  const left = state.secondsLeft.value;
  const task = activity.value;
  const isRunning = phase.value !== 'idle';
  return (
    <>
      {isRunning && (
        <progress
          aria-label="Steps of the training"
          max={totalSteps.value || 1}
          value={totalSteps.value === 0 ? undefined : (last?.step ?? 0)}
        />
      )}
      <p class="studio-status" data-phase={phase.value} data-step={last?.step ?? 0}>
        {isRunning && task !== null && `${task.text}${task.total > 0 ? `: ${task.done} of ${task.total}` : '…'} `}
        {isRunning && phase.value === 'ending' && 'Finishing the step and saving… '}
        {last !== undefined &&
          `Step ${last.step}${totalSteps.value > 0 ? ` of ${totalSteps.value}` : ''}, loss ${last.loss.toFixed(3)}, ${last.imagesPerSecond} images/s`}
        {isRunning && left !== null && left > 0 && `, ${duration(left)} left`}
      </p>
      {isRunning && (
        <p class="studio-background">
          {background.value ||
            'It goes on while you use other tabs. If this one is closed, it continues from what was saved last.'}
        </p>
      )}
      <p class="studio-outcome" role="status">
        {isRunning ? evaluationText(evaluations.value.at(-1)) : ended.value !== null && endText(ended.value)}
      </p>
    </>
  );
}

const evaluationText = (record: (typeof state.evaluations.value)[number] | undefined): string =>
  record === undefined
    ? ''
    : `After epoch ${record.epoch}: F1 ${record.f1.toFixed(3)} (precision ${record.precision.toFixed(3)}, recall ${record.recall.toFixed(3)})`;

function endText({ end, steps, totalSteps, best, hash }: NonNullable<typeof state.ended.value>) {
  const what = {
    finished: 'The training is finished.',
    early: 'The training ended early: it did not become better any more.',
    stopped: `Stopped at step ${steps} of ${totalSteps}.`,
    paused: `Paused after step ${steps} of ${totalSteps}: everything is saved in this browser.`,
  }[end];
  return (
    <span data-end={end} data-hash={hash}>
      {what}
      {best !== null && ` The best F1 on held-out images is ${best.f1.toFixed(3)}.`}
      {hash !== null && (
        <>
          {' '}
          Weights <code title={`SHA-256 ${hash}`}>{hash.slice(0, 12)}</code>.
        </>
      )}
    </span>
  );
}

function Notes() {
  const { prepared, warnings } = state;
  if (prepared.value === null) return null;
  const { train, heldOut, weights, classes, notes } = prepared.value;
  return (
    <>
      <p class="studio-facts">
        {formatCount(train)} images to train on, {formatCount(heldOut)} held out; {classes.join(', ')}; a network of{' '}
        {(weights / 1e6).toFixed(2)} million weights.
      </p>
      {[...notes, ...warnings.value].map((text) => (
        <p class="studio-note">{text}</p>
      ))}
    </>
  );
}
