import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  caseLine,
  compare,
  comparisonLine,
  flameChart,
  kernelCases,
  labelParts,
  measureCeiling,
  measureCheckpoint,
  measureFirstStep,
  measureKernel,
  measureLoader,
  measureParts,
  measureWhole,
  newResult,
  partsTable,
  SIZES,
  Workload,
  type BenchResult,
  type Measured,
  type PartsResult,
  type SizeName,
  type WorkloadOptions,
} from '../bench.ts';
import { init, type Device, type InitOptions } from '../node.ts';
import { UsageError, type Call, type Command } from './command.ts';
import type { Terminal } from './terminal.ts';

const help = `retinagrad bench: how fast the kernels are here, how RetinaNet's time divides, and what the whole takes.

Usage:
  retinagrad bench kernels [--sizes 256,512,800x1344] [--filter TEXT]
      Every convolution of ResNet-18 and -50 RetinaNet at these image sizes, forward and both gradients, and the kernels
      around them. Checks each result against float64 sums at places that meet every channel.
  retinagrad bench parts [--depth 50] [--size 256] [--batch 1]
      One training step and one inference, part by part, with a flame chart of each.
  retinagrad bench whole [--depth 50] [--size 256] [--batch 1] [--checkpoint]
      Training steps and inference: time, images per second, peak bytes. Several values: --size 256,512 --batch 1,2,4.
      With --checkpoint, training steps without and with activation checkpointing of the backbone, in turns, and how
      much time and peak memory the second takes of the first.
  retinagrad bench first-step [--depth 50] [--size 256] [--batch 1]
      From opening the device to the end of the first training step, in a process of its own: with the driver's cache of
      compiled kernels empty, and then with what that run left in it.
  retinagrad bench loader [DATA] [--workers 0,1,2] [--images 200]
      Images per second that reading, decoding and augmenting give, by the number of threads, for chips of 512 pixels in
      PNG, JPEG and 16-bit TIFF, or for a data set of your own.
  retinagrad bench compare A.json B.json
      Ratios of the times in two results; * marks those whose quartiles lie apart.

Options:
  --adapter NAME   as for retinagrad info
  --tuning NAME    run the kernels that are chosen for another adapter: llvmpipe, swiftshader, cpu, nvidia, amd, apple,
                   intel, gpu
  --seconds N      about how long to measure each case. Default 2
  --out FOLDER     writes bench.json (and charts) there; also after Ctrl-C, with what there is
  --json           the result as JSON on standard output, progress on standard error

Times are medians. GFLOP/s count the direct algorithm, so that Winograd's are equivalents. On a software adapter they
are of the driver's processor time over all cores, because neighbours on a shared machine disturb wall time.

Exit status: 0 all is well, 1 a result is wrong or something failed, 2 the command line is wrong.

Examples:
  npx retinagrad bench kernels --sizes 256 --filter "3x3 256->256"
  npx retinagrad bench whole --depth 18,50 --size 256,512 --out results
`;

export const bench: Command = {
  help,
  options: {
    adapter: { type: 'string' },
    tuning: { type: 'string' },
    sizes: { type: 'string', default: '256' },
    filter: { type: 'string', default: '' },
    depth: { type: 'string', default: '50' },
    size: { type: 'string', default: '256' },
    batch: { type: 'string', default: '1' },
    checkpoint: { type: 'boolean', default: false },
    workers: { type: 'string', default: '0,1,2' },
    images: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '2' },
    out: { type: 'string' },
  },
  run: runBench,
};

/** Values of the options above; those with a default are always there. */
interface BenchValues {
  readonly adapter?: string;
  readonly tuning?: string;
  readonly sizes: string;
  readonly filter: string;
  readonly depth: string;
  readonly size: string;
  readonly batch: string;
  readonly checkpoint: boolean;
  readonly workers: string;
  readonly images: string;
  readonly seconds: string;
  readonly out?: string;
}

/** What is measured with a device. */
type Level = 'kernels' | 'parts' | 'whole' | 'first-step';
const levels: readonly string[] = ['kernels', 'parts', 'whole', 'first-step'] satisfies Level[];

async function runBench({ values: given, positionals, terminal, version }: Call): Promise<number> {
  const values = given as unknown as BenchValues;
  const [level, ...rest] = positionals;
  if (level === 'compare') return printComparison(rest);
  if (level === 'loader') return runLoader(values, rest, terminal);
  if (level === undefined || !levels.includes(level) || rest.length > 0) {
    throw new UsageError(
      `bench: expected kernels, parts, whole, first-step, loader or compare, got "${positionals.join(' ')}"`,
    );
  }
  if (values.checkpoint && level !== 'whole') throw new UsageError(`bench: --checkpoint goes with whole, not ${level}`);
  return runLevel(level as Level, values, terminal, version);
}

async function runLevel(level: Level, values: BenchValues, terminal: Terminal, version: string): Promise<number> {
  const seconds = numbers('seconds', values.seconds, 'a number > 0', (n) => n > 0)[0]!;
  const workloads = workloadsOf(values);
  const sizes = sizesOf(values.sizes);
  const chosen: InitOptions = {
    ...(values.adapter === undefined ? {} : { adapter: values.adapter }),
    // init checks it.
    ...(values.tuning === undefined ? {} : { tuning: values.tuning as NonNullable<InitOptions['tuning']> }),
  };
  if (level === 'first-step') return firstStep(terminal.isJson, chosen, workloads[0]!);

  const device = await init(chosen);
  terminal.say(`${device.adapter.name}: measuring what it can do at most`);
  const result = newResult(device, version, await measureCeiling(device, seconds));
  const { gflops, gbps } = result.ceiling;
  terminal.say(`ceiling: ${gflops.toFixed(1)} GFLOP/s of multiply-adds, ${gbps.toFixed(1)} GB/s of a copy`);
  const parts: PartsResult[] = [];
  const interruption = watchInterruption();
  const works = {
    kernels: () => kernelWorks(device, sizes, values.filter, result, seconds),
    whole: () => workloads.map((options) => () => measureWorkload(device, options, values.checkpoint, seconds)),
    parts: () => workloads.map((options) => () => profileWorkload(device, options, parts, terminal)),
  }[level]();
  for (const work of works) {
    if (interruption.isRequested) break;
    for (const measured of await work()) {
      result.cases.push(measured);
      terminal.say(caseLine(measured));
    }
  }
  writeResult(values.out, result, parts);
  terminal.result({ ...result, parts });
  const wrong = result.cases.filter((measured) => typeof measured.wrong === 'string');
  if (wrong.length > 0) terminal.warn(`${wrong.length} WRONG: ${wrong.map(({ name }) => name).join('; ')}`);
  device.destroy();
  return wrong.length === 0 ? 0 : 1;
}

/** Ctrl-C ends the run after the case that is being measured; the second one ends it at once. */
function watchInterruption(): { readonly isRequested: boolean } {
  const state = { isRequested: false };
  process.once('SIGINT', () => {
    state.isRequested = true;
    process.stderr.write('\nstopping after this case; Ctrl-C again stops at once\n');
  });
  return state;
}

/** Measures one case, or several that belong together. */
type MeasureWork = () => Promise<readonly Measured[]>;

function kernelWorks(
  device: Device,
  sizes: readonly SizeName[],
  filter: string,
  { ceiling }: BenchResult,
  seconds: number,
): MeasureWork[] {
  return kernelCases(sizes.map((name) => SIZES[name]))
    .filter(({ name }) => name.includes(filter))
    .map((kernel) => async () => [await measureKernel(device, kernel, ceiling, seconds)]);
}

const measureWorkload = (
  device: Device,
  options: WorkloadOptions,
  checkpoint: boolean,
  seconds: number,
): Promise<readonly Measured[]> => (checkpoint ? measureCheckpoint : measureWhole)(device, options, seconds);

/** Profiles a training step and an inference; adds both to `parts`. */
async function profileWorkload(
  device: Device,
  options: WorkloadOptions,
  parts: PartsResult[],
  terminal: Terminal,
): Promise<readonly Measured[]> {
  const workload = new Workload(device, options);
  labelParts(device, workload);
  const runs = [
    await measureParts(device, 'training step', () => workload.load().then(() => workload.trainStep())),
    await measureParts(device, 'inference', () => workload.load().then(() => workload.detect())),
  ];
  workload.dispose();
  for (const run of runs) terminal.say(partsTable(run));
  parts.push(...runs);
  return [];
}

/** Measures how many images per second are read. */
async function runLoader(values: BenchValues, paths: readonly string[], terminal: Terminal): Promise<number> {
  if (paths.length > 1) throw new UsageError(`bench loader: expected one data set, got ${paths.join(' ')}`);
  const rows = await measureLoader({
    workers: numbers('workers', values.workers, 'integers >= 0', (n) => Number.isInteger(n) && n >= 0),
    images: numbers('images', values.images, 'an integer >= 1', (n) => Number.isInteger(n) && n >= 1)[0]!,
    ...(paths[0] === undefined ? {} : { path: paths[0] }),
    onRow: ({ source, workers, imagesPerSecond }) =>
      terminal.print(
        `${source.padEnd(24)} ${String(workers).padStart(3)} threads ${imagesPerSecond.toFixed(1).padStart(8)} images/s`,
      ),
  });
  terminal.result(rows);
  return 0;
}

/** Measures the first step in child processes. Each is told by an environment variable to run the step itself. */
async function firstStep(isJson: boolean, chosen: InitOptions, options: WorkloadOptions): Promise<number> {
  const name = 'RETINAGRAD_BENCH_FIRST_STEP';
  if (process.env[name] === undefined) {
    process.env[name] = '1';
    const { cold, warm } = measureFirstStep([...process.execArgv, ...process.argv.slice(1)]);
    const row = { cold: Math.round(cold), warm: Math.round(warm) };
    process.stdout.write(isJson ? `${JSON.stringify(row)}\n` : `cold ${row.cold} ms, warm ${row.warm} ms\n`);
    return 0;
  }
  const start = performance.now();
  const device = await init(chosen);
  await new Workload(device, options).trainStep();
  process.stdout.write(`${performance.now() - start}\n`);
  device.destroy();
  return 0;
}

/** Every combination of the depths, image sizes and batch sizes that were asked for. */
function workloadsOf({ depth, size, batch }: BenchValues): WorkloadOptions[] {
  const depths = numbers('depth', depth, '18 or 50', (n) => n === 18 || n === 50) as (18 | 50)[];
  const sides = numbers('size', size, 'multiples of 32', (n) => n > 0 && n % 32 === 0);
  const batches = numbers('batch', batch, 'integers >= 1', (n) => Number.isInteger(n) && n >= 1);
  return depths.flatMap((depth) => sides.flatMap((size) => batches.map((batch) => ({ depth, size, batch }))));
}

const isSize = (name: string): name is SizeName => name in SIZES;

function sizesOf(text: string): SizeName[] {
  return text.split(',').map((name) => {
    if (isSize(name)) return name;
    throw new UsageError(`bench: --sizes is "${text}", expected some of ${Object.keys(SIZES).join(', ')}`);
  });
}

/** The comma-separated numbers of an option. */
function numbers(name: string, text: string, expected: string, isRight: (n: number) => boolean): number[] {
  const list = text.split(',').map(Number);
  if (!list.every(isRight)) throw new UsageError(`bench: --${name} is "${text}", expected ${expected}`);
  return list;
}

/** Writes the result as JSON, and a flame chart for each profiled run. */
function writeResult(folder: string | undefined, result: BenchResult, parts: readonly PartsResult[]): void {
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'bench.json'), `${JSON.stringify({ ...result, parts }, null, 2)}\n`);
  parts.forEach((part, i) => {
    const number = parts.length > 2 ? `-${Math.floor(i / 2) + 1}` : '';
    writeFileSync(join(folder, `${part.what.replace(' ', '-')}${number}.svg`), flameChart(part));
  });
}

function printComparison(files: readonly string[]): number {
  const [first, second] = files;
  if (first === undefined || second === undefined || files.length > 2) {
    throw new UsageError(`bench compare: expected two files, got ${files.length}`);
  }
  const [a, b] = [readResult(first), readResult(second)];
  if (a.adapter.name !== b.adapter.name) {
    process.stdout.write(`different adapters: ${a.adapter.name} and ${b.adapter.name}\n`);
  }
  const rows = compare(a, b);
  if (rows.length === 0) throw new Error('the two results have no case in common');
  for (const row of rows) process.stdout.write(`${comparisonLine(row)}\n`);
  return 0;
}

function readResult(file: string): BenchResult {
  const text = readFileSync(file, 'utf8');
  try {
    const result = JSON.parse(text) as BenchResult | null;
    if (result?.schema === 1) return result;
  } catch {} // Text that is not JSON is reported like JSON that is no result.
  throw new Error(`${file} is not a result of retinagrad bench, as --out or --json write it`);
}
