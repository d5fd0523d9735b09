import { setFileLimits } from '../common/limits.ts';
import { createFolder, writeReason } from '../common/node/replace-file.ts';
import { helpOf, type HelpText } from './help.ts';
import { parseCommandLine, readOptions, sharedOptions, type OptionTable, type OptionValues } from './options.ts';
import type { CommandName } from './summaries.ts';
import { Terminal } from './terminal.ts';

/** Exit statuses, for scripts. */
export const EXIT = { done: 0, failed: 1, usage: 2, found: 3, interrupted: 130, closed: 141 } as const;

/** What a command gets. */
export interface Call<O extends OptionTable = OptionTable> {
  readonly options: OptionValues<O>;
  /** Arguments that are not options. */
  readonly positionals: readonly string[];
  readonly terminal: Terminal;
  /** Version of the package. */
  readonly version: string;
}

/** One of the commands of `retinagrad`. */
export interface Command {
  readonly help: string;
  /** All options, with those that every command has. */
  readonly options: OptionTable;
  /** Parses the arguments, runs the command and returns the exit status. */
  readonly run: (args: readonly string[], version: string) => Promise<number>;
}

/** A command as it is written down. */
export interface CommandDefinition<O extends OptionTable> {
  readonly help: HelpText;
  /** What --json prints, such as `all findings`. */
  readonly output: string;
  /** The command's own options, beside --json, --quiet and --help. */
  readonly options: O;
  /** Returns the exit status. */
  readonly run: (call: Call<O>) => Promise<number>;
}

export function defineCommand<O extends OptionTable>(
  name: CommandName,
  { help: text, output, options, run }: CommandDefinition<O>,
): Command {
  const shared = sharedOptions(output);
  const table = { ...options, ...shared };
  const help = helpOf(name, text, table);
  return {
    help,
    options: table,
    async run(args, version) {
      const { given, positionals } = parseCommandLine(args, table);
      if (given.has('help')) {
        process.stdout.write(help);
        return EXIT.done;
      }
      const { limit, ...shown } = readOptions(shared, given);
      if (limit !== undefined) setFileLimits(limit);
      const terminal = new Terminal(shown);
      try {
        return await run({ options: readOptions(options, given), positionals, terminal, version });
      } finally {
        terminal.stop();
      }
    },
  };
}

/** An argument as a shell takes it: in quotes if it needs them. */
export const quoted = (argument: string): string =>
  /^[\w./\\:=,@%+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;

/** Makes the folder that an option names if it does not exist. */
export function makeFolder(path: string, option: string): void {
  try {
    createFolder(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOTDIR') {
      throw new Error(`${option}: cannot create the folder ${path}: a file is in the way`, { cause: error });
    }
    throw new Error(`${option}: the folder ${path} ${writeReason(error)}`, { cause: error });
  }
}
