import { readFileSync } from 'node:fs';
import { EXIT, type Command } from './command.ts';
import { exitHelp, optionsHelp, rows } from './help.ts';
import { adapter, sharedOptions } from './options.ts';
import { summaries, type CommandName } from './summaries.ts';
import { UsageError } from './usage-error.ts';
import { reasonOf } from '../common/check.ts';
import { InputError } from '../common/errors.ts';
import { printable } from '../common/printable.ts';
import { SettingError } from '../common/settings.ts';
import { didYouMean } from '../common/did-you-mean.ts';

/** A command is loaded when it is called: the list of commands, or a typing error, needs no network and no GPU. */
const commands: Readonly<Record<CommandName, () => Promise<Command>>> = {
  doctor: async () => (await import('./doctor.ts')).doctor,
  train: async () => (await import('./train.ts')).train,
  predict: async () => (await import('./predict.ts')).predict,
  evaluate: async () => (await import('./evaluate.ts')).evaluate,
  convert: async () => (await import('./convert.ts')).convert,
  export: async () => (await import('./export.ts')).exportCommand,
  bench: async () => (await import('./bench.ts')).bench,
  tune: async () => (await import('./tune.ts')).tune,
  info: async () => (await import('./info.ts')).info,
};
const names = Object.keys(commands);

const HELP = `retinagrad: trains object detectors on your own images, on any GPU, with hand-written WebGPU kernels.

Usage:
  retinagrad COMMAND [ARGUMENTS] [OPTIONS]
  retinagrad COMMAND --help

Commands:
${rows(Object.entries(summaries))}

Options of every command:
${optionsHelp(sharedOptions('the result'))}

Option of the commands that use the GPU:
${optionsHelp({ adapter })}

${exitHelp({
  [EXIT.done]: 'success',
  [EXIT.failed]: 'failure (the reason is on standard error)',
  [EXIT.usage]: 'invalid command line or setting',
  [EXIT.found]: 'doctor found errors in the data',
  [EXIT.interrupted]: 'interrupted (Ctrl-C) with progress saved',
  [EXIT.closed]: 'output closed by its reader',
})}

From a folder of images and a file of boxes to a detector:
${rows([
  ['npx retinagrad doctor tiles', 'checks the data and recommends settings'],
  ['npx retinagrad train tiles train.epochs=30', 'trains, and leaves runs/DATE-TIME with report.html'],
  ['npx retinagrad predict new/*.jpg', 'detects objects with the weights of the newest run'],
  ['npx retinagrad evaluate unseen', 'scores them on labelled images that training did not use'],
])}
`;

const isCommand = (name: string): name is CommandName => Object.hasOwn(commands, name);
const allCommands = `there are ${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

async function commandNamed(name: string): Promise<Command> {
  if (isCommand(name)) return commands[name]();
  throw new UsageError(`unknown command "${name}"${didYouMean(name, names) || `; ${allCommands}`}`);
}

/** Runs the command line and returns the exit status; rejects with the reason of a failure. */
async function run([name, ...args]: readonly string[]): Promise<number> {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(args[0] === undefined ? HELP : (await commandNamed(args[0])).help);
    return EXIT.done;
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${version}\n`);
    return EXIT.done;
  }
  if (name === undefined) throw new UsageError(`no command given; ${allCommands}`);
  return (await commandNamed(name)).run(args, version);
}

/** The text of an error for users of a command: with its options in place of the function's, without the function's name. */
function forUsers(error: unknown, options: Command['options']): string {
  if (!(error instanceof InputError)) return reasonOf(error);
  return error.explain((option) => {
    const name = option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return Object.hasOwn(options, name) ? `--${name}` : `\`${option}\``;
  });
}

/** Runs the command line, prints the reason of a failure, and returns the exit status. */
export async function commandLine(args: readonly string[]): Promise<number> {
  try {
    return await run(args);
  } catch (error) {
    const name = args[0] !== undefined && isCommand(args[0]) ? args[0] : null;
    const options = name === null ? {} : (await commandNamed(name)).options;
    process.stderr.write(`retinagrad: ${printable(forUsers(error, options))}\n`);
    const isUsage = error instanceof UsageError || error instanceof SettingError;
    if (isUsage) process.stderr.write(`Try: retinagrad ${name === null ? '' : `${name} `}--help\n`);
    return isUsage ? EXIT.usage : EXIT.failed;
  }
}
