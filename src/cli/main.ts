#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { didYouMean, EXIT, parseCommandLine, UsageError, type Command } from './command.ts';
import { Terminal } from './terminal.ts';

/** Commands are loaded when they are called: a list of them, or a mistake, needs no network and no GPU. */
const commands: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>> = {
  doctor: {
    summary: 'examines a data set before training, and says what suits it',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  train: {
    summary: 'trains a detector on a folder of images with labels; leaves a report',
    load: async () => (await import('./train.ts')).train,
  },
  predict: {
    summary: 'finds objects in images, large ones in tiles',
    load: async () => (await import('./predict.ts')).predict,
  },
  evaluate: {
    summary: 'scores detections against the truth, of a detector or of any two files of boxes',
    load: async () => (await import('./evaluate.ts')).evaluate,
  },
  convert: {
    summary: 'takes labels from one format to another (COCO, VOC, YOLO, CSV, SpaceNet, GeoJSON)',
    load: async () => (await import('./convert.ts')).convert,
  },
  bench: {
    summary: 'measures kernels, the parts of RetinaNet and the whole on this machine',
    load: async () => (await import('./bench.ts')).bench,
  },
  info: {
    summary: 'opens the GPU, checks it and says what it offers',
    load: async () => (await import('./info.ts')).info,
  },
};

const width = Math.max(...Object.keys(commands).map((name) => name.length));
const HELP = `retinagrad: object detectors trained on your own images, on any GPU, from hand-written kernels up to RetinaNet.

Usage:
  retinagrad COMMAND [ARGUMENTS] [OPTIONS]
  retinagrad COMMAND --help

Commands:
${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}\n`)
  .join('')}
Options of every command:
  --json           only one JSON object on standard output, the progress on standard error
  --quiet, -q      no progress, and no text beside the result
  --help, -h       what the command does, its options and examples
and of those that use the GPU:
  --adapter NAME   hardware, lavapipe, swiftshader, or a part of an adapter's name. Default: the environment variable
                   RETINAGRAD_ADAPTER, otherwise the best there is

Exit status: 0 all is well, 1 it failed (the reason is on standard error), 2 the command line or a setting is wrong, 3 doctor
found errors in the data, 130 interrupted (Ctrl-C), with everything saved.

From nothing to a detector, with a folder of images and a file of boxes:
  npx retinagrad doctor tiles                     what is in it, and what is wrong with it
  npx retinagrad train tiles train.epochs=30      trains; leaves runs/DATE-TIME with report.html
  npx retinagrad predict new/*.jpg                finds objects with the weights of the newest run
  npx retinagrad evaluate --truth test.csv --predictions predictions/predictions.csv
`;

function allCommands(): string {
  const names = Object.keys(commands);
  return `there are ${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

async function commandNamed(name: string): Promise<Command> {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return command.load();
  throw new UsageError(`unknown command "${name}"${didYouMean(name, Object.keys(commands)) || `; ${allCommands()}`}`);
}

/** Runs the command line and returns the exit status. */
async function main([name, ...args]: readonly string[]): Promise<number> {
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
  if (name === undefined) throw new UsageError(`no command given; ${allCommands()}`);
  const command = await commandNamed(name);
  const { values, positionals } = parseCommandLine(args, command.options);
  if (values['help'] === true) {
    process.stdout.write(command.help);
    return EXIT.done;
  }
  const terminal = new Terminal({ json: values['json'] === true, quiet: values['quiet'] === true });
  try {
    return await command.run({ values, positionals, terminal, version });
  } finally {
    terminal.stop();
  }
}

/** The text of an error for users of a command: its options instead of the function's, no name of a function. */
async function forUsers(error: unknown, options: Command['options']): Promise<string> {
  if (!(error instanceof Error)) return String(error);
  // Whatever threw an InputError has loaded this entry already; a wrong command line does not need it.
  if (error instanceof UsageError || !(error instanceof (await import('../data.ts')).InputError)) return error.message;
  return error.explain((option) => (Object.hasOwn(options, option) ? `--${option}` : `\`${option}\``));
}

// `retinagrad ... | head` closes the pipe early, which is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.done);
});
const args = process.argv.slice(2);
try {
  process.exitCode = await main(args);
} catch (error) {
  const known = args[0] !== undefined && Object.hasOwn(commands, args[0]);
  const { options } = known ? await commandNamed(args[0]!) : { options: {} };
  process.stderr.write(`retinagrad: ${await forUsers(error, options)}\n`);
  const name = known ? `${args[0]} ` : '';
  if (error instanceof UsageError) process.stderr.write(`Try: retinagrad ${name}--help\n`);
  process.exitCode = error instanceof UsageError ? 2 : EXIT.failed;
}
