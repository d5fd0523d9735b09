import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defined } from '../common/check.ts';
import { replaceFile } from '../common/node/replace-file.ts';
import { printable } from '../common/printable.ts';
import {
  caseLine,
  compare,
  comparisonLine,
  flameChart,
  imageDecoder,
  kernelCases,
  labelParts,
  ladders,
  ladderTimer,
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
  type LadderStep,
  type Measured,
  type PartsResult,
  type SizeName,
  type WorkloadOptions,
} from '../bench-node.ts';
import { init, tuningNames, type Device, type InitOptions } from '../node.ts';
import { defineCommand, EXIT, type Call } from './command.ts';
import type { HelpText } from './help.ts';
import {
  adapter,
  flag,
  integer,
  listOf,
  number,
  oneOf,
  option,
  text,
  type OptionTable,
  type OptionValues,
  type Reader,
} from './options.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Image sizes of the kernels' suite. */
const sizeNames = Object.keys(SIZES) as SizeName[];

const LEVELS = ['kernels', 'ladder', 'parts', 'whole', 'first-step', 'loader', 'compare'] as const;

/** An image size that the strides of the backbone divide. */
const multipleOf32: Reader<number> = {
  expected: 'a multiple of 32',
  read: (given) => (/^[1-9]\d*$/.test(given) && Number(given) % 32 === 0 ? Number(given) : undefined),
};

const OPTIONS = {
  sizes: option(listOf(oneOf(sizeNames)), {
    value: 'LIST',
    about: `image sizes of kernels: ${sizeNames.join(', ')}`,
    default: ['256'],
  }),
  filter: option(text, { value: 'TEXT', about: 'kernels, ladder: runs only those whose name contains TEXT' }),
  depth: option(listOf(oneOf([18, 50])), { value: 'LIST', about: 'depths of the ResNet: 18, 50', default: [50] }),
  size: option(listOf(multipleOf32), {
    value: 'LIST',
    about: 'image sizes in pixels, multiples of 32',
    default: [256],
  }),
  batch: option(listOf(integer({ min: 1 })), { value: 'LIST', about: 'batch sizes', default: [1] }),
  checkpoint: flag('whole: compares training steps with and without activation checkpointing'),
  workers: option(listOf(integer({ min: 0 })), {
    value: 'LIST',
    about: 'loader: numbers of worker threads',
    default: [0, 1, 2],
  }),
  images: option(integer({ min: 1 }), { value: 'N', about: 'loader: number of images to read', default: 200 }),
  seconds: option(number({ above: 0 }), { value: 'N', about: 'approximate seconds for each case', default: 2 }),
  tuning: option(oneOf(tuningNames), {
    value: 'NAME',
    about: `uses the kernels tuned for another adapter: ${tuningNames.join(', ')}`,
    otherwise: 'those of the adapter',
  }),
  'no-winograd': flag('computes 3x3 convolutions as direct sums'),
  out: option(text, {
    value: 'FOLDER',
    about: 'writes bench.json and charts to this folder; after Ctrl-C, with the cases measured so far',
  }),
  adapter,
} as const satisfies OptionTable;

const help: HelpText = {
  usage: `
retinagrad bench kernels [--sizes LIST] [--filter TEXT]
    Every convolution of RetinaNet on ResNet-18 and ResNet-50 at these image sizes, forward and both gradients, and
    the kernels around them. Checks each result against float64 sums at positions that cover every channel.
retinagrad bench ladder [--filter TEXT]
    The kernel ladder: a matrix product, a 3x3 convolution and the gradient of its filter, each from the plainest
    kernel to that of the library. After each rate: the fraction of the adapter's maximum, the ratio to the first
    step's time, and the fraction that a simple model predicts for a GPU. The steps are explained in bench/ladder.
retinagrad bench parts [--depth LIST] [--size LIST] [--batch LIST]
    One training step and one inference, part by part, with a flame chart of each.
retinagrad bench whole [--depth LIST] [--size LIST] [--batch LIST] [--checkpoint]
    Training steps, recorded as those of a training are, and inference: time, images per second, dispatches, memory
    in use at once (peak) and held, and the time of JavaScript per dispatch, with and without recording.
    With --checkpoint, training steps with and without activation checkpointing of the backbone, interleaved, and the
    ratios of time and peak memory.
retinagrad bench first-step [--depth LIST] [--size LIST] [--batch LIST]
    From opening the device to the end of the first training step, in a separate process: once with the driver's cache
    of compiled kernels empty, and once with the cache that this run has filled. Takes the first value of each list.
retinagrad bench loader [DATA] [--workers LIST] [--images N]
    Images read, decoded and augmented per second, by number of threads, for 512-pixel images as PNG, JPEG and 16-bit
    TIFF, or for your own data set.
retinagrad bench compare A.json B.json
    Ratios of the times in two results; * marks those whose interquartile ranges do not overlap.`,
  about: `
Lists are comma-separated. Times are medians. GFLOP/s count the operations of the direct algorithm, so rates of Winograd
kernels are equivalents. On a software adapter, rates use the driver's CPU time divided by the number of cores, because other
programs on the machine distort wall time.`,
  exit: { [EXIT.failed]: 'failure or wrong result' },
  examples: [
    ['npx retinagrad bench kernels --sizes 256 --filter "3x3 256->256"'],
    ['npx retinagrad bench whole --depth 18,50 --size 256,512 --out results'],
  ],
};

export const bench = defineCommand('bench', {
  help,
  output: 'the result',
  options: OPTIONS,
  run: runBench,
});

type Values = OptionValues<typeof OPTIONS>;
type Level = Exclude<(typeof LEVELS)[number], 'loader' | 'compare'>;

async function runBench({ options: values, positionals, terminal, version }: Call<typeof OPTIONS>): Promise<number> {
  const [given, ...files] = positionals;
  const level = LEVELS.find((name) => name === given);
  if (level === 'compare') return printComparison(files);
  if (level === 'loader') return runLoader(values, files, terminal);
  if (level === undefined || files.length > 0) {
    throw new UsageError(`bench: expected one of ${LEVELS.join(', ')}, got "${positionals.join(' ')}"`);
  }
  if (values.checkpoint && level !== 'whole') throw new UsageError(`bench: --checkpoint goes with whole, not ${level}`);
  return runLevel(level, values, terminal, version);
}

async function runLevel(level: Level, values: Values, terminal: Terminal, version: string): Promise<number> {
  const { seconds, sizes } = values;
  const workloads: readonly WorkloadOptions[] = values.depth.flatMap((depth) =>
    values.size.flatMap((size) => values.batch.map((batch) => ({ depth, size, batch }))),
  );
  const chosen: InitOptions = {
    ...defined({ adapter: values.adapter, tuning: values.tuning }),
    winograd: !values['no-winograd'],
  };
  if (level === 'first-step') return firstStep(terminal.isJson, chosen, workloads[0]!);

  const device = await init(chosen);
  if (device.adapter.tuned) terminal.say('kernels are chosen by the table that retinagrad tune measured');
  terminal.say(`${device.adapter.name}: measuring what it can do at most`);
  const result = newResult(device, version, await measureCeiling(device, seconds));
  const { gflops, gbps } = result.ceiling;
  terminal.say(`ceiling: ${gflops.toFixed(1)} GFLOP/s of multiply-adds, ${gbps.toFixed(1)} GB/s of a copy`);
  const parts: PartsResult[] = [];
  const interruption = watchInterruption();
  const works = {
    kernels: () => kernelWorks(device, sizes, values.filter ?? '', result, seconds),
    ladder: () => ladderWorks(device, values.filter ?? '', result, seconds),
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

/** A work for each step. The first of each ladder that has one is always measured: ratios are to its time. */
function ladderWorks(device: Device, filter: string, { ceiling }: BenchResult, seconds: number): MeasureWork[] {
  return ladders().flatMap((steps) => {
    const measureStep = ladderTimer(device, ceiling, seconds);
    const isChosen = ({ name }: LadderStep): boolean => name.includes(filter);
    const chosen = steps.some(isChosen) ? steps.filter((step, i) => i === 0 || isChosen(step)) : [];
    return chosen.map((step) => async () => [await measureStep(step)]);
  });
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
  const decode = await imageDecoder(device, workload);
  const runs = [
    await measureParts(device, 'training step', () => decode().then(() => workload.trainStep())),
    await measureParts(device, 'inference', () => decode().then(() => workload.detect())),
  ];
  workload.dispose();
  for (const run of runs) terminal.say(partsTable(run));
  parts.push(...runs);
  return [];
}

/** Measures how many images per second are read. */
async function runLoader(values: Values, paths: readonly string[], terminal: Terminal): Promise<number> {
  if (paths.length > 1) throw new UsageError(`bench loader: expected one data set, got ${paths.join(' ')}`);
  const rows = await measureLoader({
    workers: values.workers,
    images: values.images,
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

/** Writes the result as JSON, and a flame chart for each profiled run. */
function writeResult(folder: string | undefined, result: BenchResult, parts: readonly PartsResult[]): void {
  if (folder === undefined) return;
  replaceFile('bench', join(folder, 'bench.json'), `${JSON.stringify({ ...result, parts }, null, 2)}\n`);
  parts.forEach((part, i) => {
    const number = parts.length > 2 ? `-${Math.floor(i / 2) + 1}` : '';
    replaceFile('bench', join(folder, `${part.what.replace(' ', '-')}${number}.svg`), flameChart(part));
  });
}

function printComparison(files: readonly string[]): number {
  const [first, second] = files;
  if (first === undefined || second === undefined || files.length > 2) {
    throw new UsageError(`bench compare: expected two files, got ${files.length}`);
  }
  const [a, b] = [readResult(first), readResult(second)];
  if (a.adapter.name !== b.adapter.name) {
    process.stdout.write(printable(`different adapters: ${a.adapter.name} and ${b.adapter.name}\n`));
  }
  const rows = compare(a, b);
  if (rows.length === 0) throw new Error('the two results have no case in common');
  for (const row of rows) process.stdout.write(`${printable(comparisonLine(row))}\n`);
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
