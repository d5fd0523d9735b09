import { keepTuning, tune as measureTuning, type TuneResult } from '../bench-node.ts';
import { init, type Device } from '../node.ts';
import { defined } from '../common/check.ts';
import { defineCommand, EXIT, type Call } from './command.ts';
import type { HelpText } from './help.ts';
import { adapter, integer, number, option, type OptionTable } from './options.ts';
import { interruptSignal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const OPTIONS = {
  size: option(integer({ min: 32 }), {
    value: 'N',
    about: 'side in pixels of the image whose convolutions are measured, a multiple of 32',
    otherwise: '512 on a GPU, 256 on a CPU',
  }),
  seconds: option(number({ above: 0 }), { value: 'N', about: 'approximate seconds for all of it', default: 60 }),
  adapter,
} as const satisfies OptionTable;

const help: HelpText = {
  usage: 'retinagrad tune [--size N] [--seconds N] [--adapter NAME] [--json]',
  about: `
Every adapter has a table that says which kernels compute its convolutions, with which tiles, and from which size on by
Winograd's algorithm. Those of GPUs in the library are estimates. This command runs the convolutions of a training step of
RetinaNet with ResNet-50 in every way that the adapter can, chooses the table that is the fastest in all, checks its results,
compares it with the built-in one in turns, and keeps it if it gains at least 3 %. From then on every program of yours that opens
this adapter in Node uses it. Run it on an idle machine, and again after a new driver.

The order of sums differs between tables, and with it the last bits of results. To use the built-in table for one call, set the
environment variable RETINAGRAD_TUNING=built-in; to forget the measured one, delete the file that this command names.`,
  exit: { [EXIT.failed]: 'failure or wrong result', [EXIT.interrupted]: 'interrupted; the table of before stays' },
  examples: [['npx retinagrad tune'], ['npx retinagrad tune --size 800 --seconds 120']],
};

export const tune = defineCommand('tune', {
  help,
  output: 'the table and what it gains',
  options: OPTIONS,
  run: runTune,
});

async function runTune({ options, positionals, terminal }: Call<typeof OPTIONS>): Promise<number> {
  if (positionals.length > 0) throw new UsageError(`tune takes no further arguments, got ${positionals.join(' ')}`);
  const { size, seconds } = options;
  if (size !== undefined && size % 32 !== 0) throw new UsageError(`--size is ${size}, expected a multiple of 32`);
  const device = await openUntuned(options.adapter);
  const signal = interruptSignal(() => terminal.warn('Interrupted: nothing is kept'));
  try {
    terminal.say(`${device.adapter.name}: measuring for about ${seconds} seconds`);
    const result = await measureTuning(device, {
      ...defined({ size }),
      seconds,
      signal,
      onProgress: ({ done, total, name }) => terminal.progress('convolutions', done, total, name),
    });
    const file = keepTuning(result);
    terminal.result({ ...result, file });
    terminal.print(textOf(result, file));
    return EXIT.done;
  } catch (error) {
    if (!signal.aborted) throw error;
    return EXIT.interrupted;
  } finally {
    device.destroy();
  }
}

/** Opens an adapter without its measured table, so that one that cannot be read can be replaced. */
async function openUntuned(name: string | undefined): Promise<Device> {
  process.env['RETINAGRAD_TUNING'] = 'built-in';
  return init(defined({ adapter: name }));
}

/** Rows of the table that are printed. */
const ROWS = 12;

function textOf({ gain, cases, tuning, adapter }: TuneResult, file: string): string {
  if (gain === 1) return `No other table is faster than the built-in one on ${adapter.name}, which stays in use.`;
  const saved = (row: (typeof cases)[number]): number => Math.abs(row.count * (row.builtIn - row.tuned));
  const rows = [...cases]
    .sort((a, b) => saved(b) - saved(a))
    .slice(0, ROWS)
    .map(({ name, count, builtIn, tuned }) =>
      [
        name.padEnd(38),
        `${count} x`.padStart(5),
        `${builtIn.toFixed(2)} ms`.padStart(11),
        `${tuned.toFixed(2)} ms`.padStart(11),
        `${(builtIn / tuned).toFixed(2)} x`.padStart(9),
      ].join(''),
    );
  return [
    `${'convolution'.padEnd(38)}${'step'.padStart(5)}${'built-in'.padStart(11)}${'measured'.padStart(11)}${'faster'.padStart(9)}`,
    ...rows,
    `All convolutions of a step are ${gain.toFixed(2)} times as fast: ${JSON.stringify(tuning)}`,
    `Written to ${file}, which every program of this user reads for this adapter.`,
  ].join('\n');
}
