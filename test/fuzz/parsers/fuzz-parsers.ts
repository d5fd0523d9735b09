// Reads damaged files, and reports what is neither read nor refused as it should be.
import { InputError } from '../../../src/common/errors.ts';
import { Random } from '../../../src/common/random.ts';
import { SettingError } from '../../../src/common/settings.ts';
import { LabelError } from '../../../src/labels/problems.ts';
import { mutated } from './mutate.ts';
import type { Parser } from './parsers.ts';

/** What became of the files of a reader. */
export interface ParserReport {
  readonly file: string;
  read: number;
  refused: number;
  /** Milliseconds of the slowest file. */
  slowest: number;
  /** Files with any other error, as text; a file is known by its seed and number. */
  readonly failures: string[];
}

export const newReport = ({ file }: Parser): ParserReport => ({ file, read: 0, refused: 0, slowest: 0, failures: [] });

/** Reads the bytes of a file and notes what becomes of it; `label` says which bytes they are. */
export async function tryRead(parser: Parser, bytes: Buffer, label: string, report: ParserReport): Promise<void> {
  const start = performance.now();
  try {
    await parser.read(bytes);
    report.read++;
  } catch (error) {
    const isOurs = error instanceof InputError || error instanceof LabelError || error instanceof SettingError;
    if (isOurs && error.message.includes(parser.file) && error.message.length < 2000) report.refused++;
    else report.failures.push(`${parser.file}, ${label}: ${String(error).slice(0, 300)}`);
  }
  report.slowest = Math.max(report.slowest, performance.now() - start);
}

/** Input number `index` of a reader: one of its seeds, damaged. */
export function inputOf({ file, seeds, repair }: Parser, seed: number, index: number): Buffer {
  const random = new Random('parsers', seed, file, index);
  const bytes = mutated(seeds[random.int(seeds.length)]!, random);
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
  /** Called about once a second with the number of the input that is next. */
  readonly onProgress: (reports: readonly ParserReport[], index: number) => void;
}

/** Reads damaged files until the time is over; the readers take turns of equal time. */
export async function fuzzParsers(
  parsers: readonly Parser[],
  { minutes, seed, onProgress }: FuzzParsersOptions,
): Promise<ParserReport[]> {
  const reports = parsers.map(newReport);
  const next = parsers.map(() => 0);
  const end = performance.now() + minutes * 60_000;
  await withoutWarnings(async () => {
    while (performance.now() < end) {
      for (const [i, parser] of parsers.entries()) {
        onProgress(reports, next[i]!);
        for (const turn = performance.now(); performance.now() - turn < 500;) {
          const index = next[i]!++;
          await tryRead(parser, inputOf(parser, seed, index), `seed ${seed}, input ${index}`, reports[i]!);
        }
      }
    }
  });
  return reports;
}

/** A report as a line of a table. */
export const parserLine = ({ file, read, refused, slowest, failures }: ParserReport): string =>
  `${file.padEnd(14)} ${String(read + refused + failures.length).padStart(9)} files, ${read} read, ${refused} refused, ` +
  `${failures.length} failures, slowest ${slowest.toFixed(0)} ms`;
