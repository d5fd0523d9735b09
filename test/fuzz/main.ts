// npm run fuzz: random programs on the GPU against the float64 reference, or damaged files for every reader.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { init } from '../../src/node/init.ts';
import { coverage, fuzz, notes, type FuzzReport } from './fuzz.ts';
import { table } from './table.ts';

const HELP = `npm run fuzz -- [--programs N] [--seed N] [--ops NAMES] [--failures N]
npm run fuzz -- --minutes N [--seed N] [--files NAMES] [--save]

Runs random programs of 3 to 12 operations and compares every value, and the gradient of a weighted sum of all of them,
with the float64 reference. A program that disagrees is reduced to the smallest one that still does, and printed as
TypeScript that runs.

  --programs N   number of programs, default 20000
  --seed N       an integer; the same seed gives the same programs, default 1
  --ops NAMES    comma-separated operations to use, default all
  --failures N   number of failures to reduce before it stops, default 5

With --minutes, damages valid files of every format instead, and reads them: each must be read, or refused by an error that
names it. Inputs that reach code that none before has reached are damaged further, as are those of earlier runs in
test/fuzz/parsers/corpus.json. Needs no GPU.

  --minutes N    how long
  --finds FOLDER  where to write files that fail, minimised; default none
  --save         adds the inputs that reach new code to corpus.json
  --files NAMES  comma-separated parts of names, such as png,tif; default all
  --help         this text

Ends with status 1 if a program disagrees or a file fails otherwise. RETINAGRAD_ADAPTER chooses the adapter.`;

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
    options: {
      programs: text,
      seed: text,
      ops: text,
      failures: text,
      minutes: text,
      files: text,
      finds: text,
      save: { type: 'boolean' },
      help: { type: 'boolean' },
    },
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
    minutes: values.minutes === undefined ? null : integer('minutes', values.minutes, 1),
    files: values.files?.split(',') ?? [''],
    finds: values.finds ?? null,
    save: values.save ?? false,
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

interface ParserRun {
  readonly minutes: number;
  readonly seed: number;
  readonly files: readonly string[];
  readonly finds: string | null;
  readonly save: boolean;
}

/** Reads damaged files for some minutes. */
async function runParsers({ minutes, seed, files, finds, save }: ParserRun): Promise<void> {
  const { Coverage } = await import('./parsers/coverage.ts');
  const coverage = new Coverage();
  const [{ saveInputs }, { fuzzParsers, minimised, parserHead, parserLine, withoutWarnings }, { openParsers }] =
    await Promise.all([
      import('./parsers/corpus.ts'),
      import('./parsers/fuzz-parsers.ts'),
      import('./parsers/parsers.ts'),
    ]);
  const opened = await openParsers();
  const parsers = opened.parsers.filter(({ file }) => files.some((name) => file.includes(name)));
  if (parsers.length === 0) {
    const known = opened.parsers.map(({ file }) => file).join(', ');
    throw new RangeError(`--files: none matches, expected parts of ${known}`);
  }
  let last = 0;
  try {
    const fuzzed = await fuzzParsers(parsers, {
      minutes,
      seed,
      coverage,
      onProgress(all) {
        if (performance.now() - last < 10_000) return;
        last = performance.now();
        const tried = all.reduce((sum, { next }) => sum + next, 0);
        const failed = all.reduce((sum, { report }) => sum + report.failures.length, 0);
        process.stderr.write(`${tried} files, ${failed} failures, ${coverage.characters} characters of code reached\n`);
      },
    });
    console.log([parserHead, ...fuzzed.map(parserLine)].join('\n'));
    if (save) saveInputs(fuzzed);
    for (const { parser, report } of fuzzed) {
      // One for each kind of problem.
      const kinds = new Map(report.failures.map((failure) => [failure.error.slice(0, 60), failure]));
      for (const failure of [...kinds.values()].slice(0, 5)) {
        await withoutWarnings(async () => {
          const bytes = await minimised(parser, failure);
          console.log(`${parser.file}: ${failure.error}\n  ${bytes.subarray(0, 300).toString('base64')}`);
          if (finds !== null)
            writeFileSync(
              join(
                finds,
                `${createHash('sha1').update(bytes).digest('hex').slice(0, 8)}-${parser.file.replace('/', '-')}`,
              ),
              bytes,
            );
        });
      }
    }
    process.exitCode = fuzzed.every(({ report }) => report.failures.length === 0) ? 0 : 1;
  } finally {
    coverage.close();
    opened.close();
  }
}

async function main(): Promise<void> {
  const { help, ops, minutes, files, finds, save, ...options } = readOptions();
  if (help) {
    console.log(HELP);
    return;
  }
  if (minutes !== null) return runParsers({ minutes, seed: options.seed, files, finds, save });
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
