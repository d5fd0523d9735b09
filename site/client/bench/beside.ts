// Measures other libraries beside this one, on the same tasks and operands, one sample of each in turn, and checks every result
// against float64 sums. Loaded, with the libraries, when the reader asks for it.
import { init, randn, tidy, type Device } from 'retinagrad';
import { checkTask, spread, taskCase, type Task } from 'retinagrad/bench';
import { jaxKernels } from '../../../bench/peers/jax-kernels.mjs';
import type { Kernels, Operand, Prepared } from '../../../bench/peers/kernels.ts';
import { tfjsKernels } from '../../../bench/peers/tfjs-kernels.mjs';
import { reasonOf } from '../format.ts';

export type Library = 'retinagrad' | 'TensorFlow.js' | 'jax-js';

/** What a library did with a task: milliseconds of a run if its result is right. */
export type Outcome = { readonly milliseconds: number } | { readonly wrong: string } | { readonly failed: string };

export interface Row {
  readonly task: Task;
  readonly outcomes: ReadonlyMap<Library, Outcome>;
}

/** Milliseconds of a sample at least. */
const SAMPLE = 20;
/** How many samples of each library are taken; of runs that are longer than a second only the first one. */
const SAMPLES = 5;
const LONG = 1000;

type Prepare = (task: Task, operands: Readonly<Record<string, Operand>>) => Prepared;

async function openTensorFlow(): Promise<Prepare> {
  const tf = await import('@tensorflow/tfjs-core');
  await Promise.all([
    import('@tensorflow/tfjs-core/dist/register_all_gradients'),
    import('@tensorflow/tfjs-backend-webgpu'),
  ]);
  if (!(await tf.setBackend('webgpu'))) throw new Error('its WebGPU backend did not start');
  tf.enableProdMode();
  return prepareBy(tfjsKernels(tf).operations);
}

async function openJax(): Promise<Prepare> {
  const jax = await import('@jax-js/jax');
  await jax.init('webgpu');
  jax.defaultDevice('webgpu');
  return prepareBy(jaxKernels(jax).operations);
}

function prepareBy(operations: Kernels): Prepare {
  return (task, operands) => {
    const operation = operations[task.operation];
    if (operation === undefined) throw new Error(`has no ${task.operation}`);
    return operation(task, operands);
  };
}

/** This library, with operands of the same values. */
const ours =
  (device: Device): Prepare =>
  (task) => {
    const { run, dispose } = taskCase(task).prepare();
    return {
      run: () => tidy(() => void run()),
      finish: () => device.idle(),
      async results() {
        const results = run();
        const values = await Promise.all(results.map(async (t) => (await t.data()) as Float32Array));
        for (const t of results) t.dispose();
        return values;
      },
      release: dispose,
    };
  };

/** Operands of a task: those that `taskCase` makes. */
async function operandsOf({ operands }: Task): Promise<Record<string, Operand>> {
  const entries = Object.entries(operands).map(async ([name, shape], i) => {
    const t = randn(shape, { seed: i + 1 });
    const data = (await t.data()) as Float32Array;
    t.dispose();
    return [name, { shape, read: () => data }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function sample({ run, finish }: Prepared, count: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < count; i++) await run();
  await finish();
  return performance.now() - start;
}

/** Measures a task in each library that is open. */
async function measureTask(task: Task, open: ReadonlyMap<Library, Prepare | string>): Promise<Row> {
  const operands = await operandsOf(task);
  const values = Object.fromEntries(Object.entries(operands).map(([name, { read }]) => [name, read()]));
  const outcomes = new Map<Library, Outcome>();
  const running: { library: Library; prepared: Prepared; count: number; times: number[] }[] = [];
  /** Does a part of the work of one library; a failure costs it this task. */
  const attempt = async (library: Library, work: () => Promise<void>): Promise<void> => {
    if (outcomes.has(library)) return;
    try {
      await work();
    } catch (error) {
      outcomes.set(library, { failed: reasonOf(error) });
    }
  };
  for (const [library, prepare] of open) {
    await attempt(library, async () => {
      if (typeof prepare === 'string') throw new Error(prepare);
      const prepared = prepare(task, operands);
      const entry = { library, prepared, count: 1, times: [] as number[] };
      running.push(entry);
      await sample(prepared, 1); // compiles
      const estimate = await sample(prepared, 1);
      if (estimate > LONG) entry.times.push(estimate);
      entry.count = Math.max(1, Math.ceil(SAMPLE / estimate));
    });
  }
  for (let i = 0; i < SAMPLES; i++) {
    for (const { library, prepared, count, times } of running) {
      if (!(times[0]! > LONG))
        await attempt(library, async () => void times.push((await sample(prepared, count)) / count));
    }
  }
  for (const { library, prepared, times } of running) {
    await attempt(library, async () => {
      const wrong = checkTask(task, values, await prepared.results());
      outcomes.set(library, wrong === null ? { milliseconds: spread(times).median } : { wrong });
    });
    try {
      prepared.release();
    } catch {
      // What failed before may have nothing to release.
    }
  }
  return { task, outcomes };
}

/** What a run tells while it goes. */
export interface Watch {
  readonly onPiece: (name: string, done: number, total: number) => void;
  readonly onRow: (row: Row) => void;
  readonly isStopped: () => boolean;
}

/** Loads the libraries and measures tasks in each until it is stopped. */
export async function measureBeside(tasks: readonly Task[], { onPiece, onRow, isStopped }: Watch): Promise<void> {
  onPiece('nothing: the libraries are loaded', 0, tasks.length);
  const device = await init();
  try {
    const opened = new Map<Library, Prepare | string>([['retinagrad', ours(device)]]);
    for (const [library, open] of [
      ['TensorFlow.js', openTensorFlow],
      ['jax-js', openJax],
    ] as const)
      opened.set(library, await open().catch((error: unknown) => `does not start: ${reasonOf(error)}`));
    for (const [done, task] of tasks.entries()) {
      if (isStopped()) return;
      onPiece(task.name, done, tasks.length);
      onRow(await measureTask(task, opened));
    }
  } finally {
    device.destroy();
  }
}
