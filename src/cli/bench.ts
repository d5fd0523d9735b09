import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compare } from '../measure/compare.ts';
import { kernelCases, SIZES, type SizeName } from '../measure/kernel-cases.ts';
import { measureLoader } from '../measure/loader.ts';
import { measureCeiling, measureKernel } from '../measure/kernels.ts';
import { bestOf } from '../measure/measure.ts';
import { flameChart, labelParts, measureParts, type PartsResult } from '../measure/parts.ts';
import { newResult, type BenchResult, type Measured } from '../measure/result.ts';
import { measureCheckpoint, measureFirstStep, measureWhole } from '../measure/whole.ts';
import { Workload, type WorkloadOptions } from '../measure/workload.ts';
import { init, type InitOptions } from '../node.ts';
import type { TuningName } from '../tensor/device.ts';
import { formatBytes } from '../tensor/errors.ts';
import { type Call, type Command } from './command.ts';
import { UsageError } from './usage-error.ts';
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

async function runBench({ values: given, positionals, terminal, version }: Call): Promise<number> {
  const values = given as unknown as BenchValues;
  const [level, ...files] = positionals;
  if (level === 'compare') return printComparison(files);
  if (level === 'loader') return runLoader(values, files, terminal);
  if (level === undefined || !['kernels', 'parts', 'whole', 'first-step'].includes(level) || files.length > 0) {
    throw new UsageError(
      `bench: expected kernels, parts, whole, first-step, loader or compare, got "${positionals.join(' ')}"`,
    );
  }
  if (values.checkpoint && level !== 'whole') throw new UsageError(`bench: --checkpoint goes with whole, not ${level}`);
  const seconds = numbers('seconds', values.seconds, (n) => n > 0)[0]!;
  const depths = numbers('depth', values.depth, (n) => n === 18 || n === 50) as (18 | 50)[];
  const sides = numbers('size', values.size, (n) => Number.isInteger(n / 32));
  const batches = numbers('batch', values.batch, (n) => Number.isInteger(n) && n > 0);
  const sizes = values.sizes.split(',').map((name) => {
    if (!(name in SIZES)) throw new UsageError(`bench: --sizes ${name} is not one of ${Object.keys(SIZES).join(', ')}`);
    return name as SizeName;
  });

  const chosen: InitOptions = {
    ...(values.adapter === undefined ? {} : { adapter: values.adapter }),
    ...(values.tuning === undefined ? {} : { tuning: values.tuning as TuningName }), // init checks it
  };
  if (level === 'first-step')
    return firstStep(terminal.isJson, chosen, { depth: depths[0]!, size: sides[0]!, batch: batches[0]! });
  const device = await init(chosen);
  const print = (line: string): void => terminal.say(line);
  print(`${device.adapter.name}: measuring what it can do at most`);
  const result = newResult(device, version, await measureCeiling(device, seconds));
  const { gflops, gbps } = result.ceiling;
  print(`ceiling: ${gflops.toFixed(1)} GFLOP/s of multiply-adds, ${gbps.toFixed(1)} GB/s of a copy`);
  const parts: PartsResult[] = [];
  let isInterrupted = false;
  process.once('SIGINT', () => {
    isInterrupted = true;
    process.stderr.write('\nstopping after this case; Ctrl-C again stops at once\n');
  });
  if (level === 'kernels') {
    for (const kernel of kernelCases(sizes).filter(({ name }) => name.includes(values.filter))) {
      if (isInterrupted) break;
      const measured = await measureKernel(device, kernel, result.ceiling, seconds);
      result.cases.push(measured);
      print(lineOf(measured));
    }
  } else {
    for (const options of depths.flatMap((depth) =>
      sides.flatMap((size) => batches.map((batch) => ({ depth, size, batch }))),
    )) {
      if (isInterrupted) break;
      if (level === 'whole') {
        const measureBoth = values.checkpoint ? measureCheckpoint : measureWhole;
        for (const measured of await measureBoth(device, options, seconds)) {
          result.cases.push(measured);
          print(lineOf(measured));
        }
        continue;
      }
      const workload = new Workload(device, options);
      labelParts(device, workload);
      parts.push(await measureParts(device, 'training step', () => workload.load().then(() => workload.trainStep())));
      parts.push(await measureParts(device, 'inference', () => workload.load().then(() => workload.detect())));
      workload.dispose();
      for (const part of parts.slice(-2)) print(tableOf(part));
    }
  }
  writeResult(values.out, result, parts);
  terminal.result({ ...result, parts });
  const wrong = result.cases.filter((measured) => typeof measured.wrong === 'string');
  if (wrong.length > 0) terminal.warn(`${wrong.length} WRONG: ${wrong.map(({ name }) => name).join('; ')}`);
  device.destroy();
  return wrong.length === 0 ? 0 : 1;
}

/** Measures how quickly images come. */
async function runLoader(values: BenchValues, paths: readonly string[], terminal: Terminal): Promise<number> {
  if (paths.length > 1) throw new UsageError(`bench loader: expected one data set, got ${paths.join(' ')}`);
  const isCount = (n: number): boolean => Number.isInteger(n) && n >= 0;
  const rows = await measureLoader({
    workers: numbers('workers', values.workers, isCount),
    images: numbers('images', values.images, (n) => Number.isInteger(n) && n > 0)[0]!,
    ...(paths[0] === undefined ? {} : { path: paths[0] }),
    onRow: ({ source, workers, imagesPerSecond }) =>
      terminal.print(
        `${source.padEnd(24)} ${String(workers).padStart(3)} threads ${imagesPerSecond.toFixed(1).padStart(8)} images/s`,
      ),
  });
  terminal.result(rows);
  return 0;
}

/** Measures the first step in processes of their own, which find that they are to run it in the environment. */
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

function numbers(name: string, text: string, isRight: (n: number) => boolean): number[] {
  const list = text.split(',').map(Number);
  if (!list.every(isRight)) throw new UsageError(`bench: --${name} ${text} is not what it expects; see --help`);
  return list;
}

function lineOf({ name, timing, rate, wrong, figures }: Measured): string {
  const spread = timing.cpu ?? timing.wall;
  const columns = [
    name.padEnd(52),
    `${bestOf(timing).toFixed(2)} ms`.padStart(12),
    `(${spread.low.toFixed(2)} to ${spread.high.toFixed(2)})`.padStart(20),
  ];
  if (rate !== undefined) {
    columns.push(
      `${rate.value.toFixed(1)} ${rate.unit}`.padStart(15),
      `${(100 * rate.share).toFixed(0)} %`.padStart(6),
    );
  }
  if (figures?.['imagesPerSecond'] !== undefined) columns.push(`${figures['imagesPerSecond'].toFixed(2)} images/s`);
  if (figures?.['peakBytes'] !== undefined) columns.push(`peak ${formatBytes(figures['peakBytes'])}`);
  if (figures?.['timeRatio'] !== undefined)
    columns.push(
      `${figures['timeRatio'].toFixed(2)}x the time, ${figures['memoryRatio']!.toFixed(2)}x the peak memory`,
    );
  if (typeof wrong === 'string') columns.push(`WRONG: ${wrong}`);
  return columns.join(' ');
}

function tableOf({ what, milliseconds, parts }: PartsResult): string {
  const row = ({ name, milliseconds: ms, dispatches, bytes }: (typeof parts)[number]): string =>
    `  ${name.padEnd(34)} ${ms.toFixed(1).padStart(9)} ms ${((100 * ms) / milliseconds).toFixed(1).padStart(5)} % ` +
    `${String(dispatches).padStart(5)} dispatches ${formatBytes(bytes).padStart(10)}`;
  return `${what}: ${milliseconds.toFixed(1)} ms\n${parts.map(row).join('\n')}`;
}

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
  if (files.length !== 2) throw new UsageError(`bench compare: expected two files, got ${files.length}`);
  const [a, b] = files.map((file) => {
    const text = readFileSync(file, 'utf8');
    try {
      const result = JSON.parse(text) as BenchResult | null;
      if (result?.schema === 1) return result;
    } catch {} // The same is to be said.
    throw new Error(`${file} is not a result of retinagrad bench, as --out or --json write it`);
  }) as [BenchResult, BenchResult];
  if (a.adapter.name !== b.adapter.name) {
    process.stdout.write(`different adapters: ${a.adapter.name} and ${b.adapter.name}\n`);
  }
  const rows = compare(a, b);
  if (rows.length === 0) throw new Error('the two results have no case in common');
  for (const { name, ratio, isClear } of rows) {
    process.stdout.write(`${name.padEnd(52)} ${ratio.toFixed(2).padStart(7)}x ${isClear ? '*' : ''}\n`);
  }
  return 0;
}
