// npm run fuzz: random programs on the GPU against the float64 reference.
import { parseArgs } from 'node:util';
import { init } from '../../src/node/init.ts';
import { coverage, fuzz, notes, type FuzzReport } from './fuzz.ts';
import { table } from './table.ts';

const HELP = `npm run fuzz -- [--programs N] [--seed N] [--ops NAMES] [--failures N]

Runs random programs of 3 to 12 operations and compares every value, and the gradient of a weighted sum of all of them,
with the float64 reference. A program that disagrees is reduced to the smallest one that still does, and printed as
TypeScript that runs.

  --programs N   number of programs, default 20000
  --seed N       an integer; the same seed gives the same programs, default 1
  --ops NAMES    comma-separated operations to use, default all
  --failures N   number of failures to reduce before it stops, default 5
  --help         this text

Ends with status 1 if a program disagrees. RETINAGRAD_ADAPTER chooses the adapter.`;

/** An integer that was given as an option. */
function integer(name: string, text: string, min: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < min)
    throw new RangeError(`--${name} is ${text}, expected an integer >= ${min}`);
  return value;
}

function readOptions() {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { programs: text, seed: text, ops: text, failures: text, help: { type: 'boolean' } },
  });
  const names = values.ops?.split(',') ?? [...table.keys()];
  const unknown = names.filter((name) => !table.has(name));
  if (unknown.length > 0)
    throw new RangeError(`--ops: no operation ${unknown.join(', ')}, expected some of ${[...table.keys()].join(', ')}`);
  return {
    help: values.help ?? false,
    programs: integer('programs', values.programs ?? '20000', 1),
    seed: integer('seed', values.seed ?? '1', 0),
    failures: integer('failures', values.failures ?? '5', 1),
    ops: new Map(names.map((name) => [name, table.get(name)!])),
  };
}

/** Prints how far a run is, at most once a second. */
function progress(programs: number): (report: FuzzReport) => void {
  const start = performance.now();
  let last = start;
  return (report) => {
    const now = performance.now();
    if (now - last < 1000 && report.programs < programs) return;
    last = now;
    const each = ((now - start) / report.programs).toFixed(0);
    const line = `${report.programs} of ${programs} programs, ${each} ms each, ${report.failures.length} disagree`;
    process.stderr.write(process.stderr.isTTY ? `\r${line}` : `${line}\n`);
  };
}

async function main(): Promise<void> {
  const { help, ops, ...options } = readOptions();
  if (help) {
    console.log(HELP);
    return;
  }
  const device = await init();
  const report = await fuzz(device, ops, { ...options, onProgress: progress(options.programs) });
  device.destroy();
  console.log(
    ['', ...report.failures, ...notes(report), `programs with each operation: ${coverage(report).join(', ')}`].join(
      '\n\n',
    ),
  );
  process.exitCode = report.failures.length === 0 ? 0 : 1;
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}
