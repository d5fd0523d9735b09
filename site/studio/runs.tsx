// All runs of this browser: a table and one chart.
import { Chart, COLOURS } from './charts.tsx';
import { hashOf, textOf } from './share.ts';
import * as state from './state.ts';
import type { RunSummary } from './store.ts';
import { megabytes } from './text.ts';
import { openRun } from './use-state.ts';

/** Of more runs a chart shows nothing. */
const CHARTED = 6;

export function Runs() {
  const runs = state.runs.value;
  if (runs.length === 0) return null;
  return (
    <section aria-labelledby="runs-title">
      <h2 id="runs-title">Runs</h2>
      <p>Kept in this browser only, until you delete them.</p>
      <div class="studio-scroll" tabIndex={0} role="region" aria-label="Table of runs">
        <table class="studio-runs">
          <thead>
            <tr>
              <th scope="col">Run</th>
              <th scope="col">Data</th>
              <th scope="col">Settings changed</th>
              <th scope="col">Steps</th>
              <th scope="col">Best F1</th>
              <th scope="col">Size</th>
              <th scope="col">Actions</th>
            </tr>
          </thead>
          <tbody>
            {runs.map((run) => (
              <Row key={run.id} run={run} />
            ))}
          </tbody>
        </table>
      </div>
      <Comparison runs={runs.slice(0, CHARTED)} />
    </section>
  );
}

function Row({ run }: { readonly run: RunSummary }) {
  const isBusy = state.isBusy.value;
  const settings = Object.entries(run.settings).map(([name, value]) => `${name}=${textOf(value)}`);
  const remove = (): Promise<void> =>
    state.attempt(async () => {
      await state.studio.remove(run.id);
      await state.refreshRuns();
    });
  return (
    <tr>
      <th scope="row">
        <a href={hashOf(run)}>{run.name}</a>
      </th>
      <td>{run.dataName}</td>
      <td class="studio-settings-changed">{settings.join(' ')}</td>
      <td>
        {run.steps}
        {run.totalSteps !== null && ` of ${run.totalSteps}`}
      </td>
      <td>{run.best === null ? '–' : run.best.f1.toFixed(3)}</td>
      <td>{megabytes(run.bytes)}</td>
      <td class="studio-row-actions">
        {run.end === null && (
          <button disabled={isBusy} aria-label={`Continue ${run.name}`} onClick={() => void state.resume(run)}>
            Continue
          </button>
        )}
        {run.hasDetector && (
          <button disabled={isBusy} aria-label={`Use ${run.name}`} onClick={() => void openRun(run)}>
            Use
          </button>
        )}
        <button disabled={isBusy} aria-label={`Delete ${run.name}`} onClick={() => void remove()}>
          Delete
        </button>
      </td>
    </tr>
  );
}

/** F1 of several runs over their steps. */
function Comparison({ runs }: { readonly runs: readonly RunSummary[] }) {
  const curves = runs.map((run) => ({
    name: run.name,
    points: new Map(run.records.flatMap((record) => (record.kind === 'evaluation' ? [[record.step, record.f1]] : []))),
  }));
  const drawn = curves.filter(({ points }) => points.size > 0);
  if (drawn.length < 2) return null;
  const steps = [...new Set(drawn.flatMap(({ points }) => [...points.keys()]))].sort((a, b) => a - b);
  return (
    <Chart
      title="F1 on the held-out images, by step"
      summary={drawn.map(({ name, points }) => `${name}: F1 ${Math.max(...points.values()).toFixed(2)}`).join('; ')}
      lines={drawn.map(({ name }, i) => ({ label: name, colour: COLOURS[i]! }))}
      range={[0, 1]}
      data={[steps, ...drawn.map(({ points }) => steps.map((step) => points.get(step) ?? null))]}
    />
  );
}
