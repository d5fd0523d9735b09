import { defined } from '../common/check.ts';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compare } from '../measure/compare.ts';
import { kernelCases, type SizeName } from '../measure/kernel-cases.ts';
import { measureLoader } from '../measure/loader.ts';
import { measureCeiling, measureKernel } from '../measure/kernels.ts';
import { bestOf } from '../measure/measure.ts';
import { flameChart, labelParts, measureParts, type PartsResult } from '../measure/parts.ts';
import { newResult, type BenchResult, type Measured } from '../measure/result.ts';
import { measureCheckpoint, measureFirstStep, measureWhole } from '../measure/whole.ts';
import { Workload, type WorkloadOptions } from '../measure/workload.ts';
import { formatBytes, init, tuningNames, type InitOptions } from '../node.ts';
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
import { UsageError } from './usage-error.ts';
import type { Terminal } from './terminal.ts';

/** Image sizes of the kernels' suite. */
const sizeNames = ['256', '512', '800x1344'] as const satisfies SizeName[];

const LEVELS = ['kernels', 'parts', 'whole', 'first-step', 'loader', 'compare'] as const;

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
  filter: option(text, { value: 'TEXT', about: 'runs only the kernels whose name contains TEXT' }),
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
retinagrad bench parts [--depth LIST] [--size LIST] [--batch LIST]
    One training step and one inference, part by part, with a flame chart of each.
retinagrad bench whole [--depth LIST] [--size LIST] [--batch LIST] [--checkpoint]
    Training steps and inference: time, images per second, peak memory. With --checkpoint, training steps with and
    without activation checkpointing of the backbone, interleaved, and the ratios of time and peak memory.
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

async function runBench(call: Call<typeof OPTIONS>): Promise<number> {
  const { options: values, positionals, terminal, version } = call;
  const [given, ...files] = positionals;
  const level = LEVELS.find((name) => name === given);
  if (level === 'compare') return printComparison(files);
  if (level === 'loader') return runLoader(values, files, terminal);
  if (level === undefined || files.length > 0) {
    throw new UsageError(`bench: expected one of ${LEVELS.join(', ')}, got "${positionals.join(' ')}"`);
  }
  if (values.checkpoint && level !== 'whole') throw new UsageError(`bench: --checkpoint goes with whole, not ${level}`);
  const { seconds, depth: depths, size: sides, batch: batches, sizes } = values;
  const chosen: InitOptions = defined({ adapter: values.adapter, tuning: values.tuning });
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
    for (const kernel of kernelCases(sizes).filter(({ name }) => name.includes(values.filter ?? ''))) {
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
async function runLoader(
  values: OptionValues<typeof OPTIONS>,
  paths: readonly string[],
  terminal: Terminal,
): Promise<number> {
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
