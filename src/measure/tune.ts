import { checkInteger, checkNumber, optionsOf } from '../common/check.ts';
import { builtInTuning, familiesFor } from '../kernels/tuning.ts';
import { defaultDevice, setDefaultDevice, type Device } from '../tensor/device.ts';
import type { AdapterDescription } from '../tensor/device-options.ts';
import { inDryRun, type DryRun } from '../tensor/dry-run.ts';
import { tidy } from '../tensor/scope.ts';
import { empty } from '../tensor/tensor.ts';
import { NEVER, type Tuning } from '../tensor/tuning.ts';
import { retinaNetConvs } from './conv-shapes.ts';
import { runTask, taskCase } from './kernel-cases.ts';
import { bestOf, measureInTurns } from './measure.ts';
import { convTasks, type Task } from './tasks.ts';

// Chooses the kernels of an adapter by measurement. Every convolution of a training step is run with every kernel family that
// the adapter has, directly and by both of Winograd's algorithms; the table is then the one whose rules pick the fastest.

/** A convolution with the built-in table and with the measured one, in milliseconds. */
export interface TunedCase {
  readonly name: string;
  /** How often a training step runs it. */
  readonly count: number;
  readonly builtIn: number;
  readonly tuned: number;
}

/** What `tune` found. */
export interface TuneResult {
  readonly schema: 1;
  readonly date: string;
  readonly adapter: AdapterDescription;
  /** The table to give to `init({ tuning })`; the built-in one if no other is faster. */
  readonly tuning: Tuning;
  /** Time of the built-in table divided by that of `tuning`, over all cases as often as a step runs them; 1 if nothing is gained. */
  readonly gain: number;
  /** The cases for which the tables differ. */
  readonly cases: readonly TunedCase[];
}

export interface TuneOptions {
  /** Side in pixels of the image whose convolutions are measured, a multiple of 32. Default 512 on a GPU, 256 on a CPU. */
  readonly size?: number;
  /** About how long to measure. Convolutions that do not fit, those with the least work, do not count. Default 60. */
  readonly seconds?: number;
  /** When aborted, the call rejects with the reason of the signal, after the kernel that it measures. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number; readonly name: string }) => void;
}

/** Kernels, and the workgroups that keep the adapter busy: what matters for a convolution once its algorithm is chosen. */
type Base = Omit<Tuning, 'winogradMinWork' | 'winograd4x4' | 'winograd2x2'>;
type Thresholds = Pick<Tuning, 'winogradMinWork' | 'winograd4x4' | 'winograd2x2'>;

/** The three ways to compute a 3x3 convolution: directly, F(4x4), F(2x2). */
const ALGORITHMS: readonly Thresholds[] = [
  { winogradMinWork: NEVER, winograd4x4: { minTiles: NEVER }, winograd2x2: { minTiles: NEVER, rows: 1 } },
  { winogradMinWork: 0, winograd4x4: { minTiles: 1 }, winograd2x2: { minTiles: NEVER, rows: 1 } },
  { winogradMinWork: 0, winograd4x4: { minTiles: NEVER }, winograd2x2: { minTiles: 1, rows: 1 } },
];
/** What takes this many times as long as the fastest is not measured again. */
const SLOW = 1.3;
/** A kernel that takes this many times as long as the fastest is not measured with Winograd, which saves at most this. */
const HOPELESS = 4;
/** Runs of which the fastest counts, and the minimum milliseconds of one. */
const REPEATS = 3;
const SAMPLE = 4;
/** A table that gains less is not told from the noise. */
const MIN_GAIN = 1.03;

/** A convolution of a training step, and the time of each sequence of launches by which it was computed. */
interface Case {
  readonly task: Task;
  readonly count: number;
  readonly times: Map<string, number>;
}

/**
 * Measures which kernels are the fastest on an adapter: `init({ tuning: result.tuning })` uses them, and in Node `keepTuning`
 * makes `init` find them. FFTW, ATLAS and the benchmark mode of cuDNN choose by measurement, too. Tables differ in the order of sums, so that results differ in the last bits.
 *
 *     const { tuning, gain } = await tune(await init(), { seconds: 30 });
 *     console.log(`${gain.toFixed(2)} times as fast`);
 *     const device = await init({ tuning });
 *
 * Other programs disturb the measurement: run it on an idle machine.
 *
 * @throws RangeError for wrong options; Error if a kernel of the new table computes a wrong result, which is checked
 */
export async function tune(device: Device, options: TuneOptions = {}): Promise<TuneResult> {
  const { size, seconds, signal, onProgress } = optionsOf('tune', options, {
    size: device.adapter.kind === 'software' ? 256 : 512,
    seconds: 60,
    signal: undefined,
    onProgress: undefined,
  });
  checkInteger('tune', 'size', size, { min: 32 });
  if (size % 32 !== 0) throw new RangeError(`tune: size is ${size}, expected a multiple of 32`);
  checkNumber('tune', 'seconds', seconds, { above: 0, finite: true });
  const before = device.tuning;
  const defaultBefore = defaultDevice();
  setDefaultDevice(device);
  const builtIn = builtInTuning(device.adapter);
  try {
    const cases = casesOf(size);
    let bases = basesFor(device, builtIn).map((base) => ({ base, sum: 0 }));
    const end = performance.now() + 900 * seconds; // The rest is for the comparison at the end.
    let done = 0;
    for (const one of cases) {
      if (done > 0 && performance.now() > end) break;
      onProgress?.({ done, total: cases.length, name: one.task.name });
      const times = await timeCase(
        device,
        one,
        bases.map(({ base }) => base),
        signal,
      );
      bases.forEach((row, i) => (row.sum += one.count * times[i]!));
      const fastest = Math.min(...bases.map(({ sum }) => sum));
      bases = bases.filter(({ sum }, i) => i === 0 || sum <= SLOW * fastest);
      done++;
    }
    const measured = cases.slice(0, done);
    const tuning = fastestTable(
      device,
      measured,
      bases.map(({ base }) => base),
      builtIn,
    );
    return await compared(device, measured, [builtIn, tuning], { seconds: seconds / 10, signal });
  } finally {
    device.tuning = before;
    setDefaultDevice(defaultBefore);
  }
}

/** The convolutions of a step of RetinaNet with ResNet-50 on one image, those with the most work first. */
function casesOf(side: number): Case[] {
  return retinaNetConvs(50, [side, side])
    .flatMap(({ count, ...shape }) => convTasks(shape).map((task) => ({ task, count, times: new Map() })))
    .sort((a, b) => workOf(b) - workOf(a));
}

const workOf = ({ task: { work }, count }: Case): number => ('flops' in work ? work.flops : 0) * count;

function basesFor(device: Device, builtIn: Tuning): Base[] {
  const { minWorkgroups } = builtIn;
  const counts = [...new Set([minWorkgroups, ...(device.adapter.kind === 'software' ? [16] : [32, 128, 512])])];
  const { winogradMinWork: _work, winograd4x4: _four, winograd2x2: _two, ...own } = builtIn;
  const others = familiesFor(device).flatMap((family) => counts.map((count) => ({ ...family, minWorkgroups: count })));
  // The built-in one comes first and stays, for the comparison.
  return [own, ...others.filter((base) => JSON.stringify(base) !== JSON.stringify(own))];
}

/**
 * Runs a case in every way, each sequence of launches once.
 *
 * @returns the shortest time with each of `bases`
 */
async function timeCase(
  device: Device,
  { task, times }: Case,
  bases: readonly Base[],
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const kernels = new Map<string, () => Promise<void>>();
  const ways = bases.map((base) =>
    ALGORITHMS.map((algorithm) => {
      const table = { ...base, ...algorithm } as Tuning;
      const dry = wayOf(device, table, task);
      for (const [name, compile] of dry.kernels) kernels.set(name, compile);
      return { table, way: dry.way };
    }),
  );
  await Promise.all([...kernels.values()].map((compile) => compile()));
  signal?.throwIfAborted();
  const { run, dispose } = taskCase(task).prepare();
  const work = (): void => tidy(() => void run());
  let best = Infinity;
  const fastest: number[] = [];
  try {
    for (const algorithms of ways) {
      let own = Infinity;
      for (const { table, way } of algorithms) {
        if (own < Infinity && own > HOPELESS * best) break; // A kernel that is slow directly is slow in other ways, too.
        signal?.throwIfAborted();
        device.tuning = table;
        const time = times.get(way) ?? (await timeOf(device, work, best));
        times.set(way, time);
        own = Math.min(own, time);
        best = Math.min(best, time);
      }
      fastest.push(own);
    }
  } finally {
    dispose();
  }
  return fastest;
}

/** Milliseconds of the fastest of several runs; of the first, if that is slow beside `best`. */
async function timeOf(device: Device, work: () => void, best: number): Promise<number> {
  const once = async (count: number): Promise<number> => {
    const clock = device.driverTime ?? (() => performance.now());
    const start = clock();
    for (let i = 0; i < count; i++) work();
    await device.idle();
    return (clock() - start) / count;
  };
  // The first run may wait for memory.
  let fastest = await once(1);
  if (fastest <= 3 * best) fastest = await once(1);
  if (fastest > SLOW * best) return fastest;
  const count = Math.ceil(SAMPLE / Math.max(fastest, 0.01));
  for (let i = 0; i < REPEATS; i++) fastest = Math.min(fastest, await once(count));
  return fastest;
}

/** The values that thresholds may have. */
const MIN_WORKS = [0, ...Array.from({ length: 10 }, (_, i) => 2 ** (24 + i)), NEVER];
const MIN_TILES_4X4 = [4, 16, 32, 64, 128, 256, NEVER];
const TILES_2X2 = [
  { minTiles: 16, rows: 16 },
  { minTiles: 25, rows: 32 },
  { minTiles: 48, rows: 64 },
  { minTiles: NEVER, rows: 1 },
];

/** The table whose rules choose the launches with the shortest time in all; on a tie the one nearest to the built-in table. */
function fastestTable(device: Device, cases: readonly Case[], bases: readonly Base[], builtIn: Tuning): Tuning {
  const total = totalTimer(device, cases);
  let best = builtIn;
  let shortest = total(builtIn);
  const consider = (table: Tuning): void => {
    const time = total(table);
    if (time >= shortest) return;
    best = table;
    shortest = time;
  };
  // The thresholds depend on the kernels and the other way round: twice through all of them settles both.
  for (let round = 0; round < 2; round++) {
    for (const base of bases) consider({ ...best, ...base } as Tuning);
    for (const winogradMinWork of MIN_WORKS) consider({ ...best, winogradMinWork });
    for (const minTiles of MIN_TILES_4X4) consider({ ...best, winograd4x4: { minTiles } });
    for (const winograd2x2 of TILES_2X2) consider({ ...best, winograd2x2 });
  }
  return best;
}

/** Milliseconds that the convolutions of a step take with a table: the sum of what was measured for the launches it chooses. */
function totalTimer(device: Device, cases: readonly Case[]): (table: Tuning) => number {
  return (table) => {
    const times = cases.map(
      ({ task, count, times }) => count * (times.get(wayOf(device, table, task).way) ?? Infinity),
    );
    return times.reduce((sum, time) => sum + time, 0);
  };
}

/** How a table computes a task, without computing it: its launches, and the kernels that are not compiled. */
function wayOf(
  device: Device,
  table: Tuning,
  task: Task,
): { readonly way: string; readonly kernels: DryRun['kernels'] } {
  device.tuning = table;
  const { launches, kernels } = inDryRun(() => {
    const operands = Object.entries(task.operands).map(
      ([name, shape]) => [name, empty(device, shape, 'float32', 'tune')] as const,
    );
    runTask(task, Object.fromEntries(operands));
  });
  return { way: launches.join('\n'), kernels };
}

/** The result: both tables measured in turns, and the results of the chosen one checked against float64. */
async function compared(
  device: Device,
  cases: readonly Case[],
  [builtIn, chosen]: readonly [Tuning, Tuning],
  { seconds, signal }: { readonly seconds: number; readonly signal: AbortSignal | undefined },
): Promise<TuneResult> {
  const rows: TunedCase[] = [];
  let same = 0;
  for (const { task, count, times } of cases) {
    signal?.throwIfAborted();
    const [before, after] = [builtIn, chosen].map((table) => wayOf(device, table, task).way) as [string, string];
    if (before === after) {
      same += count * times.get(before)!;
      continue;
    }
    const { name } = task;
    const { run, check, dispose } = taskCase(task).prepare();
    const works = [builtIn, chosen].map((table) => () => {
      device.tuning = table;
      tidy(() => void run());
    });
    const timings = await measureInTurns(device, works, seconds / cases.length);
    const results = tidy(run);
    const wrong = await check(await Promise.all(results.map(async (t) => (await t.data()) as Float32Array)));
    for (const t of results) t.dispose();
    dispose();
    if (wrong !== null)
      throw new Error(`tune: ${name} is wrong on ${device.adapter.name} with ${JSON.stringify(chosen)}: ${wrong}`);
    rows.push({ name, count, builtIn: bestOf(timings[0]!), tuned: bestOf(timings[1]!) });
  }
  const total = (kind: 'builtIn' | 'tuned'): number => rows.reduce((sum, row) => sum + row.count * row[kind], same);
  const gain = total('builtIn') / total('tuned');
  const isGain = gain >= MIN_GAIN;
  return {
    schema: 1,
    date: new Date().toISOString().slice(0, 10),
    adapter: device.adapter,
    tuning: isGain ? chosen : builtIn,
    gain: isGain ? gain : 1,
    cases: isGain ? rows : [],
  };
}
