import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { reasonOf } from '../common/check.ts';
import { SettingError } from '../common/settings.ts';
import {
  DataParallel,
  isMpiProcess,
  openMpi,
  RankError,
  ReplicaError,
  type Communicator,
  type MpiCommunicator,
} from '../distributed-node.ts';
import { DivergedError } from '../train.ts';
import { SYNTHETIC, syntheticToTrain, type Settings } from '../detector-node.ts';
import { EXIT } from './command.ts';
import { followLauncher, isKilledByLauncher, runApart } from './rank-process.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Milliseconds that a rank that failed leaves rank 0 to save the state, before it ends all of them. */
const GRACE = 15_000;

/** A command that runs as one of several ranks. */
export interface Ranks {
  readonly communicator: Communicator;
  readonly replicas: DataParallel;
}

/**
 * Runs `work` as one of the ranks that mpirun or srun started, or with null if there is one process only. Where it fails on one
 * rank, all end with the reason.
 *
 * @param options.timeout seconds to wait for another rank in a step
 * @param options.version of the package: all ranks must have the same, and the same command line
 */
export async function withRanks(
  { terminal, version, timeout }: { readonly terminal: Terminal; readonly version: string; readonly timeout: number },
  work: (ranks: Ranks | null) => Promise<number>,
): Promise<number> {
  if (!isMpiProcess()) return work(null);
  if (isKilledByLauncher()) return runApart();
  let opened: MpiCommunicator | null = null;
  followLauncher(() => opened);
  const communicator = (opened = await openMpi({ timeout }));
  if (communicator.size === 1) {
    const status = await work(null);
    await communicator.close();
    return status;
  }
  const replicas = new DataParallel(communicator);
  try {
    await checkCommand(communicator, version);
    const status = await work({ communicator, replicas });
    await communicator.close();
    return status;
  } catch (error) {
    const { rank, size } = communicator;
    const isUsage = error instanceof UsageError || error instanceof SettingError;
    // Of what all ranks have found, rank 0 tells.
    const isOthers = error instanceof ReplicaError || error instanceof DivergedError;
    if (rank === 0 || !isOthers)
      terminal.warn(`retinagrad: rank ${rank} of ${size} on ${hostname()}: ${reasonOf(error)}`);
    if (rank !== 0) await setTimeout(GRACE);
    communicator.abort(isUsage ? EXIT.usage : EXIT.failed);
    return EXIT.failed;
  }
}

async function checkCommand(communicator: Communicator, version: string): Promise<void> {
  const own = { version, command: process.argv.slice(2).join(' ') };
  const all = await communicator.gather(own);
  for (const [rank, other] of all.entries()) {
    for (const name of ['version', 'command'] as const) {
      if (other[name] === all[0]![name]) continue;
      throw new RankError(
        'train',
        `the ${name} of rank 0 is ${all[0]![name]}, and that of rank ${rank} is ${other[name]}: all ranks must have the same`,
      );
    }
  }
}

/** Draws the synthetic data set if the settings ask for it, one rank after the other: they may share the folder. */
export async function drawInTurn(
  { communicator }: Ranks,
  { data }: Settings,
  onDrawing?: (done: number, total: number) => void,
): Promise<void> {
  if (data.path !== SYNTHETIC) return;
  const { rank, size } = communicator;
  for (let turn = 0; turn < size; turn++) {
    if (turn === rank) await syntheticToTrain(data.chips, onDrawing);
    await communicator.barrier();
  }
}

/** The adapter of this rank: the names of a comma-separated list are those of the ranks of each host, in turns. */
export function adapterOfRank(names: string | undefined, ranks: Ranks | null): string | undefined {
  const given = names ?? (process.env['RETINAGRAD_ADAPTER'] || undefined);
  if (given === undefined || ranks === null) return names;
  const list = given.split(',').map((name) => name.trim());
  return list[ranks.communicator.localRank % list.length];
}
