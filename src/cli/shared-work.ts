import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { counted, defined } from '../common/check.ts';
import type { AreaOfInterest, Raster } from '../data-node.ts';
import {
  commonFolder,
  SharedDetection,
  type DetectFilesOptions,
  type Detector,
  type QueueTerms,
  type SharedPieces,
  type SharedProgress,
} from '../detector-node.ts';
import { launchedSize } from '../distributed-node.ts';
import { flag, number, option, type OptionTable } from './options.ts';
import { formatDuration, type Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** The options of work that several processes share. */
export const sharedWorkOptions = {
  shared: flag(
    'shares the work with all processes that run the same command, on any machines that see the --out folder',
  ),
  lease: option(number({ above: 0 }), {
    value: 'SECONDS',
    about: 'with --shared: the work of a process that gives no sign of life for this long is taken over',
    otherwise: '120',
  }),
} as const satisfies OptionTable;

/** Whether the work is shared: it was asked for, or mpirun or srun started several processes. */
export function isShared(
  { shared, lease }: { readonly shared: boolean; readonly lease: number | undefined },
  terminal: Terminal,
): boolean {
  const launched = launchedSize() ?? 1;
  if (lease !== undefined && !shared && launched === 1) throw new UsageError('--lease goes with --shared');
  if (!shared && launched > 1) {
    terminal.say(`mpirun or srun started ${launched} processes, which share the work, as with --shared`);
  }
  return shared || launched > 1;
}

/** What `shareWork` needs. */
interface SharedWork {
  readonly detector: Detector;
  readonly inputs: readonly (string | Raster)[];
  readonly out: string;
  readonly lease: number | undefined;
  readonly detecting: DetectFilesOptions;
  readonly area: AreaOfInterest | null;
  /** What else the results depend on. */
  readonly terms: QueueTerms;
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
}

/** Does a part of the work. Null if another process writes the results, or the signal is aborted. */
export async function shareWork(work: SharedWork): Promise<SharedPieces | null> {
  const { detector, inputs, out, lease, detecting, area, signal, terminal } = work;
  const folder = join(out, 'queue');
  const terms = { ...work.terms, ...termsOfInputs(inputs) };
  const shared = await SharedDetection.join(folder, detector, inputs, {
    detecting,
    area,
    terms,
    ...defined({ lease }),
  });
  let last: SharedProgress = { done: 0, total: 0, own: 0, isWaiting: false };
  const show = progressOf(terminal);
  const pieces = await shared.work({
    signal,
    onProgress: (state) => show((last = state)),
    onNote: (note) => terminal.warn(note),
  });
  const { own } = shared;
  const did = `this process did ${own.pieces} of ${counted(last.total, 'piece', 'pieces')} (${counted(own.tiles, 'tile', 'tiles')})`;
  if (pieces !== null) terminal.say(`${did}, and writes the results of all`);
  else if (!signal.aborted) {
    terminal.result({ pieces: own.pieces, tiles: own.tiles, writtenBy: 'another process' });
    terminal.print(`${did}; another one wrote the results to ${out}`);
    if (own.pieces === 0)
      terminal.say(`All work was done. To detect again, remove ${folder}, or choose another --out.`);
  }
  return pieces;
}

/** Shows the pieces of all processes, and the time left at the rate of all. */
function progressOf(terminal: Terminal): (state: SharedProgress) => void {
  let first: { readonly done: number; readonly at: number } | null = null;
  return ({ done, total, own, isWaiting }) => {
    const now = performance.now();
    first ??= { done, at: now };
    const rate = (done - first.done) / (now - first.at);
    const left = rate > 0 ? `, ${formatDuration((total - done) / rate / 1000)} left` : '';
    const note = `${own} by this process${isWaiting ? ', waiting for others' : left}`;
    terminal.progress('detecting, pieces of all processes', done, total, note);
  };
}

/** What identifies each input on any machine: its name in their folder, size and date. */
function termsOfInputs(inputs: readonly (string | Raster)[]): QueueTerms {
  const root = commonFolder(inputs.filter((input) => typeof input === 'string'));
  return Object.fromEntries(
    inputs.map((input) => {
      const path = typeof input === 'string' ? input : input.path;
      const found = statSync(path, { throwIfNoEntry: false });
      // Of a URL, which may have a key in it, as the plan is a file.
      if (found === undefined)
        return [`image ${createHash('sha256').update(path).digest('hex').slice(0, 12)}`, 'a URL'];
      const date = new Date(found.mtimeMs).toISOString().replace(/\.\d+Z/, 'Z');
      return [`image ${relative(root, path)}`, `${found.size} bytes of ${date}`];
    }),
  );
}
