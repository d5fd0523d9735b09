import { RunError } from '../common/errors.ts';

/**
 * A group of processes, the ranks, that call the same methods in the same order, each with its own values. This is all that
 * training on several machines needs from a transport: `openMpi` makes one from MPI, and docs/distributed.md says how to write
 * another.
 *
 * Calls may be made before the last one has ended: they take their turns. A call rejects with a `RankError` if it does not
 * end in time, because another rank has stopped; after that, every call does.
 */
export interface Communicator {
  /** Number of this process, from 0. */
  readonly rank: number;
  /** Number of processes. */
  readonly size: number;
  /** Number of this process among those of the same host, from 0: for example, of the GPU that it takes. */
  readonly localRank: number;
  /** What moves the data, for people: `Open MPI v4.1.4`. */
  readonly transport: string;
  /**
   * Writes the sums of `values` over all ranks into `sums`, which has the same length on all ranks and may be `values` itself. The
   * values of each position are added in the order of the ranks, in float32: all ranks get the same bits, and so does the
   * next run with the same number of ranks. The caller leaves both alone until the promise settles.
   */
  allReduce(values: Float32Array, sums: Float32Array): Promise<void>;
  /** Resolves to the value of rank `root` (default 0): anything that `structuredClone` takes. The other ranks pass undefined. */
  broadcast<T>(value: T | undefined, root?: number): Promise<T>;
  /** Resolves to the values of all ranks, in their order: anything that `structuredClone` takes. */
  gather<T>(value: T): Promise<T[]>;
  /** Resolves when all ranks have called it. */
  barrier(): Promise<void>;
  /** Ends all ranks at once with an exit status, wherever they are: for a rank that cannot go on. */
  abort(status: number): void;
  /** Leaves the group when all ranks do; nothing can be called afterwards. A process that ends without it ends all ranks. */
  close(): Promise<void>;
}

/** Thrown when ranks cannot go on together: one has stopped or failed, or they were started with different work. */
export class RankError extends RunError {
  override readonly name = 'RankError';
}
