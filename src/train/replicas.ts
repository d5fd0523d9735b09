import { counted, reasonOf } from '../common/check.ts';
import { DivergedError, RunError } from '../common/errors.ts';
import type { Device } from '../tensor/device.ts';
import type { Tensor } from '../tensor/tensor.ts';

// Training by several processes. Each has a replica of the model, computes the gradients of its part of each batch, and makes
// the same update with their sum. What a run needs for that is the interface `Replicas`; `DataParallel` of
// retinagrad/distributed makes one from a communicator.

/** The processes that train replicas of one model, seen from one of them. All call the same methods in the same order. */
export interface Replicas {
  /** Number of this process, from 0, which writes the files of the run. */
  readonly rank: number;
  /** Number of processes. */
  readonly size: number;
  /** Begins a sum of tensors with these numbers of values, which end with `flags` numbers of the host. */
  beginSum(device: Device, lengths: readonly number[], flags: number): ReplicaSum;
  /** Resolves to the values of all processes, in their order. */
  gather<T>(value: T): Promise<T[]>;
  /** Resolves to the value of process 0. The others pass undefined. */
  broadcast<T>(value: T | undefined): Promise<T>;
}

/** A sum of tensors over all processes. */
export interface ReplicaSum {
  /** Gives the values of a slot, in any order. Sums of earlier slots may travel meanwhile. */
  add(slot: number, tensor: Tensor): void;
  /**
   * Waits for the sums, and records that they are copied to the tensors, one for each slot. Slots without values have zeros. Resolves to the
   * sums of the flags.
   */
  finish(flags: readonly number[], targets: readonly Tensor[]): Promise<number[]>;
  /** Like `finish` for a process that has no values, or lacks some: the others get wrong sums. */
  abandon(flags: readonly number[]): Promise<void>;
}

/** Flags of a step: how many processes want to stop after it, how many have failed in it, and how many samples they have. */
export const FLAGS = 3;

/** Thrown on the other processes when one has failed. */
export class ReplicaError extends RunError {
  override readonly name = 'ReplicaError';
}

/** Errors that the other processes have been told of. */
const told = new WeakSet<object>();

/** Whether the other processes know of an error: it was theirs, or all have it, or they were told. */
export const isShared = (error: unknown): boolean =>
  error instanceof ReplicaError || error instanceof DivergedError || told.has(error as object);

/** Tells the other processes why this one cannot take the step that they take, which lets them end it. */
export async function failStep(sum: ReplicaSum, replicas: Replicas, error: Error): Promise<void> {
  told.add(error);
  await sum.abandon([0, 1, 0]);
  await replicas.gather(reasonOf(error));
}

/** What the processes say that have failed in a step that this one has ended. */
export async function failureOf(replicas: Replicas): Promise<ReplicaError> {
  const reasons = await replicas.gather<string | null>(null);
  return new ReplicaError('trainDetector', ranksThatFailed(reasons) ?? 'another rank failed');
}

/** The reasons of the ranks that failed, a line for each; null if none did. */
export function ranksThatFailed(reasons: readonly (string | null)[]): string | null {
  const lines = reasons.flatMap((reason, rank) => (reason === null ? [] : [`rank ${rank} failed: ${reason}`]));
  return lines.length === 0 ? null : lines.join('\n');
}

/** Throws unless all processes were started with the same settings and data. The error names what differs. */
export async function checkAlike(replicas: Replicas, settings: Readonly<Record<string, unknown>>): Promise<void> {
  const textOf = (value: unknown): string => JSON.stringify(value) ?? 'the default';
  const own = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, textOf(value)]));
  const all = await replicas.gather(own);
  const [first] = all;
  const names = [...new Set(all.flatMap((texts) => Object.keys(texts)))];
  const differences = all.flatMap((texts, rank) =>
    names.flatMap((name) =>
      texts[name] === first![name]
        ? []
        : [`${name} is ${first![name] ?? 'missing'} on rank 0 and ${texts[name] ?? 'missing'} on rank ${rank}`],
    ),
  );
  if (differences.length === 0) return;
  const shown = differences.slice(0, 8).map((line) => `  ${line}\n`);
  const more = differences.length - shown.length;
  throw new ReplicaError(
    'trainDetector',
    `the ${counted(replicas.size, 'rank', 'ranks')} do not train the same run:\n${shown.join('')}` +
      `${more > 0 ? `  and ${counted(more, 'other difference', 'other differences')}\n` : ''}` +
      '  Start all of them with the same command line, the same version of the package and the same data',
  );
}
