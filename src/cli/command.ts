import { mkdirSync } from 'node:fs';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { didYouMean } from '../common/did-you-mean.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Exit statuses beside 2 (wrong command line), for scripts. */
export const EXIT = { done: 0, failed: 1, found: 3, interrupted: 130 } as const;

type Options = NonNullable<ParseArgsConfig['options']>;
/** Values of options, as `parseArgs` gives them: text, or true for flags. */
export type Values = Readonly<Record<string, string | boolean | undefined>>;

/** What a command gets. */
export interface Call {
  readonly values: Values;
  /** Arguments that are no options. */
  readonly positionals: readonly string[];
  readonly terminal: Terminal;
  /** Version of the package. */
  readonly version: string;
}

/** One of the commands of `retinagrad`. */
export interface Command {
  readonly help: string;
  /** Beside --help, --json and --quiet, which all have. */
  readonly options: Options;
  /** Returns the exit status. */
  readonly run: (call: Call) => Promise<number>;
}

/** Options that every command has. */
export const commonOptions = {
  json: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies Options;

/** Parses the arguments of a command. Throws a UsageError that names the nearest option for one that does not exist. */
export function parseCommandLine(args: readonly string[], own: Options): { values: Values; positionals: string[] } {
  const options = { ...own, ...commonOptions };
  try {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
    return { values: values as Values, positionals };
  } catch (error) {
    const unknown = /^Unknown option '(--?([^']*))'/.exec((error as Error).message);
    if (unknown === null) throw new UsageError((error as Error).message);
    throw new UsageError(`unknown option ${unknown[1]}${didYouMean(unknown[2]!, Object.keys(options), '--')}`);
  }
}

/** An argument as a shell takes it: in quotes where it needs them. */
export const quoted = (argument: string): string =>
  /^[\w./\\:=,@%+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;

/** The text of an option, or undefined when it was not given. */
export function text(values: Values, name: string): string | undefined {
  const value = values[name];
  if (value === '') throw new UsageError(`--${name} is empty`);
  return value as string | undefined;
}

/** An option that is a number within limits. */
export function number(
  values: Values,
  name: string,
  { min = -Infinity, max = Infinity, whole = false }: { min?: number; max?: number; whole?: boolean },
): number | undefined {
  const given = text(values, name);
  if (given === undefined) return undefined;
  const value = Number(given);
  if (!Number.isFinite(value) || value < min || value > max || (whole && !Number.isInteger(value))) {
    const range = max === Infinity ? `from ${min}` : `from ${min} to ${max}`;
    throw new UsageError(`--${name} is "${given}", expected a ${whole ? 'whole ' : ''}number ${range}`);
  }
  return value;
}

/** An option that is one of several words. */
export function choice<T extends string>(values: Values, name: string, choices: readonly T[]): T | undefined {
  const given = text(values, name);
  const found = choices.find((candidate) => candidate === given);
  if (given !== undefined && found === undefined) {
    throw new UsageError(`--${name} is "${given}", expected one of ${choices.join(', ')}${didYouMean(given, choices)}`);
  }
  return found;
}

/** Makes the folder that an option names, if it is not there. */
export function makeFolder(path: string, option: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'EEXIST' || code === 'ENOTDIR' ? 'a file is in the way' : (error as Error).message;
    throw new Error(`${option}: the folder ${path} cannot be made: ${reason}`, { cause: error });
  }
}

/** `adapter` for `init`, from --adapter. */
export function adapterOption(values: Values): { adapter?: string } {
  const adapter = text(values, 'adapter');
  return adapter === undefined ? {} : { adapter };
}
