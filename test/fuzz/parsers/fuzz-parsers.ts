// Reads damaged files, and reports what is neither read nor refused as it should be.
import { InputError } from '../../../src/common/errors.ts';
import { Random } from '../../../src/common/random.ts';
import { SettingError } from '../../../src/common/settings.ts';
import { LabelError } from '../../../src/labels/problems.ts';
import { savedInputs } from './corpus.ts';
import type { Coverage } from './coverage.ts';
import { mutated } from './mutate.ts';
import type { Parser } from './parsers.ts';

/** What became of the files of a reader. */
export interface ParserReport {
  readonly file: string;
  read: number;
  refused: number;
  /** Milliseconds of the slowest file. */
  slowest: number;
  /** Files with any other error. */
  readonly failures: ParserFailure[];
}

/** A file that is neither read nor refused as it should be. */
export interface ParserFailure {
  readonly bytes: Buffer;
  readonly error: string;
}

export const newReport = ({ file }: Parser): ParserReport => ({ file, read: 0, refused: 0, slowest: 0, failures: [] });

/** `refused` if a reader refuses a file as it should, null if it reads it, otherwise what went wrong. */
async function problemOf(parser: Parser, bytes: Buffer): Promise<string | null> {
  try {
    await parser.read(bytes);
    return null;
  } catch (error) {
    return isRefusal(error, parser.file) ? 'refused' : String(error).slice(0, 300);
  }
}

/** Whether an error is one of ours that names the file: no error of the engine or of a package. */
function isRefusal(error: unknown, file: string): boolean {
  if (!(error instanceof Error) || error.message.length >= 2000) return false;
  const isTyped = error instanceof InputError || error instanceof LabelError || error instanceof SettingError;
  // Readers of weights, which browsers have too, throw errors that start with the name.
  return isTyped ? error.message.includes(file) : error.message.startsWith(`${file}: `);
}

/** Reads the bytes of a file and notes what becomes of it. */
export async function tryRead(parser: Parser, bytes: Buffer, report: ParserReport): Promise<void> {
  const start = performance.now();
  const problem = await problemOf(parser, bytes);
  if (problem === null) report.read++;
  else if (problem === 'refused') report.refused++;
  else report.failures.push({ bytes, error: problem });
  report.slowest = Math.max(report.slowest, performance.now() - start);
}

/** Input number `index` of a reader: one of the files of its corpus, damaged. */
export function inputOf({ file, repair }: Parser, corpus: readonly Uint8Array[], seed: number, index: number): Buffer {
  const random = new Random('parsers', seed, file, index);
  const bytes = mutated(corpus[random.int(corpus.length)]!, random);
  // Some stay with wrong checksums.
  return repair !== undefined && random.int(8) > 0 ? repair(bytes) : bytes;
}

/** Decoders of packages print what they doubt. */
export async function withoutWarnings(work: () => Promise<void>): Promise<void> {
  const { warn } = console;
  console.warn = () => {};
  try {
    await work();
  } finally {
    console.warn = warn;
  }
}

export interface FuzzParsersOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly coverage: Coverage;
  /** Called about once a second. */
  readonly onProgress: (fuzzed: readonly FuzzedParser[]) => void;
}

/** A reader in work. */
export interface FuzzedParser {
  readonly parser: Parser;
  readonly report: ParserReport;
  /** Its seeds, the inputs of earlier runs, and those that have reached new code. */
  readonly corpus: Uint8Array[];
  /** Characters of source that its seeds and the inputs of earlier runs reached first, and that the inputs made from them reached beyond. */
  readonly reached: { seeds: number; inputs: number };
  next: number;
}

/** Time in which a reader gets inputs before another one has its turn, and for which coverage is looked at once. */
const TURN_MS = 1000;
const BATCH_MS = 300;
/** Longer inputs are not kept: they would only slow down the rest. */
const MAX_KEPT_BYTES = 1 << 16;

/**
 * Reads damaged files until the time is over; the readers take turns of equal time. An input that reaches code that no input
 * before has reached joins the corpus, from which the next inputs are made. To look at the coverage takes as long as many
 * inputs do: it is done for batches, and those that reach new code are divided until the inputs that do are known.
 */
export async function fuzzParsers(
  parsers: readonly Parser[],
  { minutes, seed, coverage, onProgress }: FuzzParsersOptions,
): Promise<FuzzedParser[]> {
  const fuzzed = parsers.map((parser): FuzzedParser => {
    const corpus = [...parser.seeds, ...savedInputs(parser)];
    return { parser, report: newReport(parser), corpus, reached: { seeds: 0, inputs: 0 }, next: 0 };
  });
  await withoutWarnings(async () => {
    for (const one of fuzzed) one.reached.seeds = await grownBy(coverage, () => readAll(one.parser, one.corpus));
    for (const end = performance.now() + minutes * 60_000; performance.now() < end;) {
      for (const one of fuzzed) {
        onProgress(fuzzed);
        for (const turn = performance.now(); performance.now() - turn < TURN_MS;) {
          one.reached.inputs += await grownBy(coverage, () => fuzzBatch(one, seed, coverage));
        }
      }
    }
  });
  return fuzzed;
}

/** Number of characters of source that run for the first time during `work`. */
async function grownBy(coverage: Coverage, work: () => Promise<void>): Promise<number> {
  const before = coverage.characters;
  await work();
  coverage.add({ keep: true });
  return coverage.characters - before;
}

async function readAll(parser: Parser, inputs: readonly Uint8Array[]): Promise<void> {
  for (const input of inputs) await problemOf(parser, Buffer.from(input));
}

async function fuzzBatch(one: FuzzedParser, seed: number, coverage: Coverage): Promise<void> {
  const { parser, corpus, report } = one;
  const inputs: Buffer[] = [];
  for (const start = performance.now(); performance.now() - start < BATCH_MS;) {
    const input = inputOf(parser, corpus, seed, one.next++);
    await tryRead(parser, input, report);
    inputs.push(input);
  }
  if (coverage.add({ keep: false })) await keepNew(one, inputs, coverage);
}

/** Adds the inputs that reach new code to the corpus. */
async function keepNew(one: FuzzedParser, inputs: readonly Buffer[], coverage: Coverage): Promise<void> {
  for (const half of halves(inputs)) {
    await readAll(one.parser, half);
    if (!coverage.add({ keep: half.length === 1 })) continue;
    if (half.length > 1) await keepNew(one, half, coverage);
    else if (half[0]!.length <= MAX_KEPT_BYTES) one.corpus.push(half[0]!);
  }
}

function halves<T>(list: readonly T[]): readonly (readonly T[])[] {
  const middle = list.length >> 1;
  return [list.slice(0, middle), list.slice(middle)].filter((half) => half.length > 0);
}

/** A shorter input with the same kind of problem: parts that do not matter are left out. */
export async function minimised(parser: Parser, { bytes, error }: ParserFailure): Promise<Buffer> {
  const kind = error.slice(0, 30);
  let shortest = bytes;
  for (let part = shortest.length >> 1; part > 0; part >>= 1) {
    for (let at = 0; at < shortest.length;) {
      const shorter = Buffer.concat([shortest.subarray(0, at), shortest.subarray(at + part)]);
      const problem = await problemOf(parser, shorter);
      if (problem !== null && problem.startsWith(kind)) shortest = shorter;
      else at += part;
    }
  }
  return shortest;
}

/** The head of the table of `parserLine`. */
export const parserHead =
  'file                files       read    refused failures  kept  covered (seeds + inputs)  slowest';

/** A report as a line of a table. */
export function parserLine({ parser, report, corpus, reached }: FuzzedParser): string {
  const { read, refused, failures, slowest } = report;
  const numbers: readonly (readonly [number, number])[] = [
    [read + refused + failures.length, 9],
    [read, 11],
    [refused, 11],
    [failures.length, 9],
    [corpus.length - parser.seeds.length, 6],
    [reached.seeds, 9],
  ];
  const line = numbers.map(([value, width]) => String(value).padStart(width)).join('');
  return `${parser.file.padEnd(16)}${line} + ${String(reached.inputs).padEnd(9)}${slowest.toFixed(0).padStart(10)} ms`;
}
