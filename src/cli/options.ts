import { parseArgs } from 'node:util';
import { defined, expectedNumber, isWithin, type Limits } from '../common/check.ts';
import { defaultFileLimits, type FileLimits } from '../common/limits.ts';
import { didYouMean } from '../common/did-you-mean.ts';
import type { InitOptions } from '../node.ts';
import { UsageError } from './usage-error.ts';

// The options of a command are one table: parsing, checks, defaults, types and help all come from it.

/** Reads the text of an option as a value. */
export interface Reader<T> {
  /** What the text must be, for messages: `an integer >= 1`. */
  readonly expected: string;
  /** All valid texts, if there are few. */
  readonly choices?: readonly string[];
  /** Returns undefined for an invalid text. */
  readonly read: (text: string) => T | undefined;
}

export const text: Reader<string> = { expected: 'non-empty text', read: (given) => (given === '' ? undefined : given) };

/** Names of classes, comma-separated, or the path of a file of them, which `readClasses` reads. */
export const classNames: Reader<string | readonly string[]> = {
  expected: 'names, comma-separated, or a file of them',
  read: (given) => {
    if (/\.(txt|csv|names)$/i.test(given)) return given;
    const names = given.split(',').map((name) => name.trim());
    return names.includes('') ? undefined : names;
  },
};

export const pattern: Reader<RegExp> = {
  expected: 'a regular expression',
  read: (given) => {
    try {
      return new RegExp(given);
    } catch {
      return undefined;
    }
  },
};

export const integer = (limits: Limits = {}): Reader<number> => ({
  expected: expectedNumber('an integer', limits),
  read: (given) => {
    const value = toNumber(given);
    return Number.isInteger(value) && isWithin(value, limits) ? value : undefined;
  },
});

export const number = (limits: Limits = {}): Reader<number> => ({
  expected: expectedNumber('a number', limits),
  read: (given) => {
    const value = toNumber(given);
    return Number.isFinite(value) && isWithin(value, limits) ? value : undefined;
  },
});

/** Like `Number`, which however reads empty text as 0. */
const toNumber = (given: string): number => (given.trim() === '' ? Number.NaN : Number(given));

export const oneOf = <const T extends string | number>(choices: readonly T[]): Reader<T> => ({
  expected: `one of ${choices.join(', ')}`,
  choices: choices.map(String),
  read: (given) => choices.find((choice) => String(choice) === given),
});

/** Comma-separated values. */
export const listOf = <T>({ expected, choices, read }: Reader<T>): Reader<readonly T[]> => ({
  expected: `${expected}, or a comma-separated list of such values`,
  ...(choices === undefined ? {} : { choices }),
  read: (given) => {
    const values = given.split(',').map((part) => read(part.trim()));
    return values.every((value) => value !== undefined) ? values : undefined;
  },
});

/** An option with a value of type T, or a flag. */
export interface Option<T> {
  /** What stands for the value in the help, such as `FILE`; null for a flag. */
  readonly value: string | null;
  /** One letter: `q` for -q. */
  readonly short?: string;
  readonly about: string;
  /** The default, for the help; null if there is nothing to say. */
  readonly otherwise: string | null;
  /** The value if the option is not given. */
  readonly initial: T;
  /** Null for a flag, which is true if it is given. */
  readonly reader: Reader<T> | null;
}

export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** The checked value of each option of a table. */
export type OptionValues<O extends OptionTable> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never;
};

/** What the help says about an option. */
export interface Row {
  readonly value: string;
  readonly about: string;
  /** The default in words, if the command determines it or it needs an explanation. */
  readonly otherwise?: string;
}

/** An option with a value. Without `default` the value is undefined if the option is not given. */
export function option<T>(reader: Reader<T>, row: Row & { readonly default: NoInfer<T> }): Option<T>;
export function option<T>(reader: Reader<T>, row: Row): Option<T | undefined>;
export function option<T>(
  reader: Reader<T>,
  { value, about, default: initial, otherwise }: Row & { readonly default?: T },
): Option<T | undefined> {
  const words = otherwise ?? (initial === undefined ? null : String(initial));
  return { value, about, initial, otherwise: words, reader };
}

/** An option without a value: true if it is given, otherwise false. */
export const flag = (about: string, short?: string): Option<boolean> => ({
  value: null,
  about,
  otherwise: null,
  initial: false,
  reader: null,
  ...(short === undefined ? {} : { short }),
});

/** The option of all commands that use the GPU. */
export const adapter = option(text, {
  value: 'NAME',
  about: "hardware, lavapipe, swiftshader, or part of an adapter's name",
  otherwise: 'the environment variable RETINAGRAD_ADAPTER, otherwise the best available',
});

/** The options of the commands that run a network. */
export const gpuOptions = {
  adapter,
  'memory-limit': option(number({ above: 0 }), {
    value: 'MB',
    about: 'maximum GPU memory to hold in MB; beyond it, an error lists what is held',
    otherwise: "no limit on a GPU, 60 % of the computer's memory on a software adapter",
  }),
} as const;

/** The options of `init` that `gpuOptions` give. */
export const initOptions = (given: OptionValues<typeof gpuOptions>): InitOptions => {
  const { adapter, 'memory-limit': megabytes } = given;
  return defined({ adapter, memoryLimit: megabytes === undefined ? undefined : megabytes * 1e6 });
};

const limitValues: Reader<Partial<FileLimits>> = {
  expected: `NAME=N with a number >= 1, where NAME is one of ${Object.keys(defaultFileLimits).join(', ')}`,
  read(given) {
    const entries = given.split(',').map((part) => part.split('='));
    const isValid = entries.every(
      ([name = '', value = '', ...more]) =>
        Object.hasOwn(defaultFileLimits, name) && toNumber(value) >= 1 && more.length === 0,
    );
    return isValid ? Object.fromEntries(entries.map(([name, value]) => [name, Number(value)])) : undefined;
  },
};

/**
 * The options of all commands.
 *
 * @param output what --json prints
 */
export const sharedOptions = (output: string) => ({
  json: flag(`prints ${output} as JSON on standard output; progress goes to standard error`),
  quiet: flag('prints only the result, without progress', 'q'),
  limit: option(limitValues, {
    value: 'NAME=N',
    about: `raises or lowers limits on the files that are read, comma-separated: ${Object.keys(defaultFileLimits).join(', ')}`,
  }),
  help: flag('prints this help', 'h'),
});

/** A parsed command line, whose values are not read yet. */
export interface CommandLine {
  /** The text of each option given, by name; true for flags. */
  readonly given: ReadonlyMap<string, string | true>;
  readonly positionals: readonly string[];
}

/** Parses a command line. Throws a UsageError for an unknown option, naming the nearest one, and for a missing value. */
export function parseCommandLine(args: readonly string[], table: OptionTable): CommandLine {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { value, short }]) => {
      const type = value === null ? ('boolean' as const) : ('string' as const);
      return [name, short === undefined ? { type } : { type, short }];
    }),
  );
  const parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true });
  const given = new Map<string, string | true>();
  for (const token of parsed.tokens) if (token.kind === 'option') given.set(token.name, givenValue(token, table));
  return { given, positionals: parsed.positionals };
}

/** An option as Node's `parseArgs` finds it. */
interface Token {
  readonly name: string;
  /** As it was written: `-q`. */
  readonly rawName: string;
  readonly value: string | undefined;
  /** Whether the value was written with `=`. */
  readonly inlineValue: boolean | undefined;
}

function givenValue({ name, rawName, value, inlineValue }: Token, table: OptionTable): string | true {
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (found === undefined) {
    throw new UsageError(`unknown option ${rawName}${didYouMean(name, Object.keys(table), '--')}`);
  }
  if (found.value === null) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value, got "${value}"`);
    return true;
  }
  const missing = `${rawName} needs a value: ${rawName} ${found.value}`;
  if (value === undefined) throw new UsageError(missing);
  // In `--out --json` the value is missing; `--out=--json` names a folder. Numbers may be negative.
  if (inlineValue !== true && /^-[^\d.]/.test(value)) throw new UsageError(`${missing}, or ${rawName}=${value}`);
  return value;
}

/** The values of all options of a table. Throws a UsageError for an invalid text. */
export function readOptions<O extends OptionTable>(table: O, given: CommandLine['given']): OptionValues<O> {
  const values = Object.entries(table).map(([name, row]) => [name, readOption(name, row, given.get(name))]);
  return Object.fromEntries(values) as OptionValues<O>;
}

function readOption(name: string, { reader, initial }: Option<unknown>, given: string | true | undefined): unknown {
  if (given === undefined) return initial;
  if (given === true || reader === null) return true;
  const value = reader.read(given);
  if (value !== undefined) return value;
  throw new UsageError(
    `--${name} is "${given}", expected ${reader.expected}${didYouMean(given, reader.choices ?? [])}`,
  );
}
