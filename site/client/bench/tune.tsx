// The part of the page that chooses the kernels of this GPU by measurement.
import { signal } from '@preact/signals';
import { init } from 'retinagrad';
import { tune, type TuneResult } from 'retinagrad/bench';
import { figure, reasonOf } from '../format.ts';
import { Progress, type Doing } from './progress.tsx';
import { forget, keep, kept } from './tuning.ts';

const result = signal<TuneResult | null>(kept());
const progress = signal<Doing | null>(null);
const failure = signal<string | null>(null);
const seconds = signal(60);
let abort = new AbortController();

async function start(): Promise<void> {
  result.value = null;
  failure.value = null;
  const { signal: stopped } = (abort = new AbortController());
  progress.value = { name: 'nothing: the GPU is opened', done: 0, total: 1 };
  try {
    const device = await init();
    try {
      result.value = await tune(device, {
        seconds: seconds.value,
        signal: stopped,
        onProgress: (doing) => (progress.value = doing),
      });
      keep(result.value);
    } finally {
      device.destroy();
    }
  } catch (error) {
    if (!stopped.aborted) failure.value = reasonOf(error);
    // What was measured before holds.
    else result.value = kept();
  } finally {
    progress.value = null;
  }
}

function Found({ found: { gain, cases, tuning, adapter } }: { readonly found: TuneResult }) {
  if (gain === 1) return <p class="note">No other table is faster than the built-in one on {adapter.name}.</p>;
  return (
    <>
      <p class="note">
        All convolutions of a training step are {gain.toFixed(2)} times as fast on {adapter.name}. This page uses the
        table from now on. In a program: <code>init({`{ tuning: ${JSON.stringify(tuning)} }`})</code>
      </p>
      <button
        onClick={() => {
          forget();
          result.value = null;
        }}
      >
        Forget it
      </button>
      <div class="scroll" role="region" aria-label="Convolutions with both tables" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th>Convolution</th>
              <th class="number">In a step</th>
              <th class="number">Built-in</th>
              <th class="number">Measured</th>
              <th class="number">Faster</th>
            </tr>
          </thead>
          <tbody>
            {cases.map(({ name, count, builtIn, tuned }) => (
              <tr key={name}>
                <td>{name}</td>
                <td class="number">{count} x</td>
                <td class="number">{figure(builtIn)} ms</td>
                <td class="number">{figure(tuned)} ms</td>
                <td class="number">{figure(builtIn / tuned)}x</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

export function Tune() {
  return (
    <>
      <div class="bench-controls">
        <label>
          Measure for
          <select
            value={seconds.value}
            disabled={progress.value !== null}
            onChange={(event) => (seconds.value = Number(event.currentTarget.value))}
          >
            {[10, 60, 180].map((value) => (
              <option key={value} value={value}>
                {value} seconds
              </option>
            ))}
          </select>
        </label>
        {progress.value === null ? (
          <button onClick={() => void start()}>Choose the kernels of this GPU</button>
        ) : (
          <button onClick={() => abort.abort()}>Stop measuring</button>
        )}
      </div>
      <div role="status">
        <Progress doing={progress.value} />
        {failure.value !== null && <p class="note bad">{failure.value}</p>}
      </div>
      {result.value !== null && <Found found={result.value} />}
    </>
  );
}
