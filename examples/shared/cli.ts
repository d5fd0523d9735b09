import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';

/** A wrong command line: the message is printed with a hint at --help, and the exit status is 2. */
export class UsageError extends Error {}

type Options = NonNullable<ParseArgsConfig['options']>;
/** Values of options, as `parseArgs` gives them: text, or true for flags. */
export type Values = Readonly<Record<string, string | boolean | undefined>>;

/**
 * Runs a command: parses its line, prints the help for --help, and turns errors into a message and an exit status (0
 * all is well, 1 it failed, 2 the command line is wrong, 130 interrupted).
 *
 * @param main gets the options and the other arguments; returns the exit status
 */
export async function runCommand(
  command: { readonly help: string; readonly options: Options; readonly allowPositionals?: boolean },
  main: (values: Values, positionals: readonly string[]) => Promise<number>,
): Promise<void> {
  try {
    let parsed;
    try {
      parsed = parseArgs({
        options: { ...command.options, help: { type: 'boolean', short: 'h' } },
        allowPositionals: command.allowPositionals ?? false,
      });
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
    const values = parsed.values as Values;
    if (values['help'] === true) process.stdout.write(command.help);
    else process.exitCode = await main(values, parsed.positionals);
  } catch (error) {
    process.exitCode = error instanceof UsageError ? 2 : 1;
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
    if (error instanceof UsageError) process.stderr.write('Try --help.\n');
  }
}

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
  if (given !== undefined && found === undefined)
    throw new UsageError(`--${name} is "${given}", expected one of ${choices.join(', ')}`);
  return found;
}

/**
 * A signal that Ctrl-C (or a request to terminate) aborts; the second one ends the process at once.
 *
 * @param onInterrupt tells the user what happens now
 */
export function interruptSignal(onInterrupt: () => void): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Error('interrupted'));
      onInterrupt();
    });
  }
  return controller.signal;
}

/** The weights of the run that was changed last. */
export function newestWeights(runs = 'runs'): string {
  const found = (existsSync(runs) ? readdirSync(runs) : [])
    .map((run) => join(runs, run, 'best.safetensors'))
    .filter((file) => existsSync(file))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  const [newest] = found;
  if (newest === undefined)
    throw new UsageError(
      `there is no ${join(runs, '*', 'best.safetensors')} yet: train with npm start, or name --weights`,
    );
  return newest;
}

/** Prints lines of a name and a value, the values in a column. */
export function printFacts(facts: readonly (readonly [name: string, value: string])[]): void {
  const width = Math.max(...facts.map(([name]) => name.length)) + 2;
  for (const [name, value] of facts) console.log(`${name.padEnd(width)}${value}`);
}

/** Seconds as m:ss or h:mm:ss. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
