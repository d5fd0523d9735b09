#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { bench } from './bench.ts';
import { info } from './info.ts';

const HELP = `retinagrad: deep learning on WebGPU, from hand-written kernels up to RetinaNet.

Usage:
  retinagrad info [--adapter NAME] [--json]
      Opens the GPU, multiplies two matrices on it, compares the product with the processor's and prints the adapter,
      its features and limits, and how long each step took. Start here when something does not work.
  retinagrad bench kernels|parts|whole|first-step|compare ...
      Measures kernels, the parts of RetinaNet and the whole on this machine: see retinagrad bench --help.
  retinagrad --help | --version

Options:
  --adapter NAME   hardware, lavapipe, swiftshader, or a part of an adapter's name. Default: the environment variable
                   RETINAGRAD_ADAPTER, otherwise the best there is: a GPU, then a software driver of the system, then
                   the SwiftShader that the npm package @sparticuz/chromium carries.
  --json           One JSON object instead of text.

Exit status: 0 all is well, 1 it failed (the reason is on standard error), 2 the command line is wrong.

Examples:
  npx retinagrad info
  npx retinagrad info --adapter lavapipe --json
`;

/** Runs the command line and returns the exit status. */
async function main(args: readonly string[]): Promise<number> {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  if (args[0] === 'bench') {
    try {
      return await bench(args.slice(1), version);
    } catch (error) {
      if (error instanceof TypeError) return usageError(error.message);
      throw error;
    }
  }
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        adapter: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        version: { type: 'boolean', short: 'v', default: false },
      },
    });
  } catch (error) {
    return usageError((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (values.version) {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  const [command, ...rest] = positionals;
  if (command === undefined) return usageError('no command given; there are info and bench');
  if (command !== 'info') return usageError(`unknown command "${command}"; there are info and bench`);
  if (rest.length > 0) return usageError(`info takes no further arguments, got ${rest.join(' ')}`);
  const report = await info(version, values.adapter);
  process.stdout.write(values.json ? `${JSON.stringify(report.data, null, 2)}\n` : report.text);
  return report.data.check.correct ? 0 : 1;
}

function usageError(message: string): number {
  process.stderr.write(`retinagrad: ${message}\nTry: retinagrad --help\n`);
  return 2;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`retinagrad: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
