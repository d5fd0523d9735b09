// The page of the benchmarks: chooses a suite, runs it, fills a table, compares with a stored result, saves the result.
import { signal, useSignal } from '@preact/signals';
import { compare, type BenchResult } from 'retinagrad/bench';
import { render } from 'preact';
import { Beside } from './bench/beside-table.tsx';
import { Progress, type Doing } from './bench/progress.tsx';
import { Roofline } from './bench/roofline.tsx';
import { chartOf, runSuite, SUITES, type Measured, type Result } from './bench/suites.ts';
import { Tune } from './bench/tune.tsx';
import { figure, rateOf, reasonOf, timeOf } from './format.ts';

interface Stored {
  readonly file: string;
  readonly label: string;
}

const root = document.querySelector<HTMLElement>('#bench')!;
const stored = JSON.parse(root.dataset['results']!) as readonly Stored[];

const result = signal<Result | null>(null);
const other = signal<BenchResult | null>(null);
const progress = signal<Doing | null>(null);
const failure = signal<string | null>(null);
let isStopped = false;

async function start(suite: string): Promise<void> {
  isStopped = false;
  result.value = null;
  failure.value = null;
  try {
    await runSuite(suite, {
      onPiece: (name, done, total) => (progress.value = { name, done, total }),
      // A copy, because a signal tells only of another value.
      onResult: (measured) => (result.value = { ...measured }),
      isStopped: () => isStopped,
    });
  } catch (error) {
    failure.value = reasonOf(error);
  } finally {
    progress.value = null;
  }
}

async function compareWith(file: string): Promise<void> {
  other.value = null;
  if (file === '') return;
  try {
    const response = await fetch(new URL(`../bench/results/${file}`, import.meta.url));
    if (!response.ok) throw new Error(`${file} could not be loaded: status ${response.status}`);
    other.value = (await response.json()) as BenchResult;
  } catch (error) {
    failure.value = reasonOf(error);
  }
}

function save(): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(
    new Blob([`${JSON.stringify(result.value, null, 2)}\n`], { type: 'application/json' }),
  );
  link.download = 'bench.json';
  link.click();
  URL.revokeObjectURL(link.href);
}

function Controls() {
  const suite = useSignal('short');
  const isRunning = progress.value !== null;
  return (
    <div class="bench-controls">
      <label>
        Measure
        <select
          value={suite.value}
          disabled={isRunning}
          onChange={(event) => (suite.value = event.currentTarget.value)}
        >
          {Object.entries(SUITES).map(([key, { label }]) => (
            <option value={key}>{label}</option>
          ))}
        </select>
      </label>
      {isRunning ? (
        <button onClick={() => (isStopped = true)}>Stop after this case</button>
      ) : (
        <button class="primary" onClick={() => void start(suite.value)}>
          Start
        </button>
      )}
      <label>
        Compare with
        <select onChange={(event) => void compareWith(event.currentTarget.value)}>
          <option value="">nothing</option>
          {stored.map(({ file, label }) => (
            <option value={file}>{label}</option>
          ))}
        </select>
      </label>
      <button disabled={result.value === null || isRunning} onClick={save}>
        Save as JSON
      </button>
    </div>
  );
}

function Machine({ result: { adapter, ceiling, cases } }: { readonly result: Result }) {
  const hasTimestamps = cases.some(({ timing }) => timing.gpu !== null);
  const wrong = cases.filter((measured) => typeof measured.wrong === 'string').length;
  const checked = cases.filter((measured) => measured.wrong === null).length;
  return (
    <dl class="peaks">
      <div>
        <dt>Adapter</dt>
        <dd>
          {adapter.name}
          {adapter.kind === 'software' ? ' (a software driver)' : ''}
          {adapter.tuned ? ', with the kernels chosen below' : ''}
        </dd>
      </div>
      <div>
        <dt>Multiply-adds, at most</dt>
        <dd>{figure(ceiling.gflops)} GFLOP/s</dd>
      </div>
      <div>
        <dt>Copy, at most</dt>
        <dd>{figure(ceiling.gbps)} GB/s</dd>
      </div>
      <div>
        <dt>Results checked</dt>
        <dd class={wrong > 0 ? 'bad' : ''}>{wrong > 0 ? `${wrong} wrong` : `${checked} correct`}</dd>
      </div>
      <div>
        <dt>GPU timestamps</dt>
        <dd>{cases.length === 0 ? '…' : hasTimestamps ? 'offered' : 'not offered'}</dd>
      </div>
    </dl>
  );
}

function Row({ measured, ratio }: { readonly measured: Measured; readonly ratio: number | undefined }) {
  const { name, timing, rate, wrong, figures } = measured;
  const perSecond = figures?.['imagesPerSecond'];
  return (
    <tr>
      <td>{name}</td>
      <td class="number">{timeOf(timing)}</td>
      <td class="number">{timing.gpu === null ? '' : `${figure(timing.gpu)} ms`}</td>
      <td class="number">{perSecond === undefined ? rateOf(measured) : `${figure(perSecond)} images/s`}</td>
      <td>
        {rate !== undefined && (
          <>
            <span class="roof">
              <i style={{ width: `${Math.min(100, 100 * rate.share)}%` }} />
            </span>
            {(100 * rate.share).toFixed(0)} %
          </>
        )}
      </td>
      <td class={typeof wrong === 'string' ? 'bad' : 'good'}>
        {typeof wrong === 'string' ? `WRONG: ${wrong}` : wrong === null ? 'correct' : ''}
      </td>
      {other.value !== null && <td class="number">{ratio === undefined ? '' : `${figure(ratio)}x`}</td>}
    </tr>
  );
}

function Table({ result: measured }: { readonly result: Result }) {
  if (measured.cases.length === 0) return null;
  const ratios = new Map(
    other.value === null ? [] : compare(other.value, measured).map(({ name, ratio }) => [name, ratio] as const),
  );
  return (
    <div class="scroll" role="region" aria-label="Measured cases" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th>Case</th>
            <th class="number">Time</th>
            <th class="number">On the GPU</th>
            <th class="number">Rate</th>
            <th>Of the maximum</th>
            <th>Result</th>
            {other.value !== null && <th class="number">Beside the stored</th>}
          </tr>
        </thead>
        <tbody>
          {measured.cases.map((row) => (
            <Row key={row.name} measured={row} ratio={ratios.get(row.name)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Page() {
  return (
    <>
      <Controls />
      <div role="status">
        <Progress doing={progress.value} />
        {failure.value !== null && <p class="note bad">{failure.value}</p>}
      </div>
      {result.value !== null && (
        <>
          <Machine result={result.value} />
          <Roofline
            own={{ label: 'here', result: result.value }}
            other={other.value === null ? null : { label: 'stored', result: other.value }}
          />
          <Table result={result.value} />
          {result.value.parts.map((part) => (
            <figure>
              <img src={chartOf(part)} alt={`Flame chart of a ${part.what}`} />
              <figcaption>
                One {part.what}, {figure(part.milliseconds)} ms: its parts, and the kernels of each. Widths are times.
              </figcaption>
            </figure>
          ))}
        </>
      )}
    </>
  );
}

if ('gpu' in navigator) {
  root.replaceChildren(); // what stands there without JavaScript or WebGPU
  render(<Page />, root);
  render(<Tune />, document.querySelector('#tune')!);
  render(<Beside />, document.querySelector('#beside')!);
}
