// The part of the page that runs other libraries beside this one.
import { signal } from '@preact/signals';
import { comparedTasks } from 'retinagrad/bench';
import { figure, reasonOf } from '../format.ts';
import type { Library, Outcome, Row } from './beside.ts';
import { Progress, type Doing } from './progress.tsx';

// Not those of beside.ts, which is loaded when the reader asks.
const COLUMNS: readonly Library[] = ['retinagrad', 'TensorFlow.js', 'jax-js'];

const rows = signal<readonly Row[]>([]);
const progress = signal<Doing | null>(null);
const failure = signal<string | null>(null);
/** Name of the only case to measure; empty for all. */
const only = signal('');
let isStopped = false;

const tasks = comparedTasks();

async function start(): Promise<void> {
  isStopped = false;
  rows.value = [];
  failure.value = null;
  progress.value = { name: 'nothing: the libraries are loaded', done: 0, total: 1 };
  try {
    const { measureBeside } = await import('./beside.ts');
    const chosen = tasks.filter(({ name }) => only.value === '' || name === only.value);
    await measureBeside(chosen, {
      onPiece: (name, done, total) => (progress.value = { name, done, total }),
      onRow: (row) => (rows.value = [...rows.value, row]),
      isStopped: () => isStopped,
    });
  } catch (error) {
    failure.value = reasonOf(error);
  } finally {
    progress.value = null;
  }
}

/** A rate, or why there is none. */
function Cell({ row: { task, outcomes }, library }: { readonly row: Row; readonly library: Library }) {
  const outcome: Outcome | undefined = outcomes.get(library);
  if (outcome === undefined) return <td />;
  if ('wrong' in outcome) return <td class="bad">WRONG: {outcome.wrong}</td>;
  if ('failed' in outcome) return <td class="muted">{outcome.failed}</td>;
  const { work } = task;
  const [amount, unit] = 'flops' in work ? [work.flops, 'GFLOP/s'] : [work.bytes, 'GB/s'];
  return (
    <td class="number">
      {figure(amount / outcome.milliseconds / 1e6)} {unit}
    </td>
  );
}

export function Beside() {
  return (
    <>
      <div class="bench-controls">
        <label>
          Case
          <select
            value={only.value}
            disabled={progress.value !== null}
            onChange={(event) => (only.value = event.currentTarget.value)}
          >
            <option value="">all {tasks.length}</option>
            {tasks.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {progress.value === null ? (
          <button onClick={() => void start()}>Load them and measure</button>
        ) : (
          <button onClick={() => (isStopped = true)}>Stop after this case</button>
        )}
      </div>
      <div role="status">
        <Progress doing={progress.value} />
        {failure.value !== null && <p class="note bad">{failure.value}</p>}
      </div>
      {rows.value.length > 0 && (
        <div class="scroll" role="region" aria-label="Libraries beside each other" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th>Case</th>
                {COLUMNS.map((library) => (
                  <th key={library} class="number">
                    {library}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.value.map((row) => (
                <tr key={row.task.name}>
                  <td>{row.task.name}</td>
                  {COLUMNS.map((library) => (
                    <Cell key={library} row={row} library={library} />
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
