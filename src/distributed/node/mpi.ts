import { writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import { checkInteger, optionsOf } from '../../common/check.ts';
import { RankError, type Communicator } from '../communicator.ts';
import { loadMpiLibrary, type MpiFunction, type MpiLibrary } from './mpi-library.ts';

/** Bytes of one message of `broadcast` and `gather`: MPI counts in 32 bits. */
const MESSAGE = 1 << 28;
const DEFAULT_TIMEOUT = 60;
/** Bytes that hold the MPI_Status of any library. */
const STATUS = 64;
/** Milliseconds between questions whether a call has ended, while nothing arrives. */
const POLL = 1;
/** Milliseconds before, in which it is asked without a pause: at first, and after a question in which data was moved. */
const EAGER = { first: 1, moved: 0.2 };
/** Milliseconds of a question from which on it has moved much data. One that finds none takes a few microseconds. */
const MOVING = 0.1;
/** Seconds to wait for other ranks without a launcher: then nothing reports one that has died. */
const ALONE = 10;
/** Milliseconds that a launcher gets to print the last words of its ranks. */
const PRINTING = 200;

/** Options of `openMpi`. */
export interface MpiOptions {
  /** Seconds after which `allReduce` gives up waiting for the other ranks. Default 60. */
  readonly timeout?: number;
  /**
   * Seconds after which the other calls do, between which ranks may work for longer: evaluate images, write files. Default 30
   * times `timeout`.
   */
  readonly longTimeout?: number;
}

/** Ranks over MPI. */
export interface MpiCommunicator extends Communicator {
  /**
   * Makes this process independent of the launcher that started it, which then may end: Open MPI's mpirun does two seconds after
   * Ctrl-C, and its library ends processes that lose it. All ranks do this. From then on, calls wait 10 s for other ranks, and
   * `abort` ends this process only. Does nothing with other libraries, nor with an Open MPI whose PMIx is not libpmix.so.2.
   */
  leaveLauncher(): Promise<void>;
}

/** Whether a launcher told this process how to find the others: by Open MPI's variables, PMI or PMIx. */
const knowsOthers = (): boolean =>
  ['OMPI_COMM_WORLD_SIZE', 'PMI_RANK', 'PMIX_RANK'].some((name) => process.env[name] !== undefined);

/**
 * Whether a launcher of MPI started this process: `mpirun` of Open MPI or of MPICH and its relatives, or `srun`, also where
 * it did so for several processes without MPI, which `openMpi` then refuses.
 */
export const isMpiProcess = (): boolean => knowsOthers() || (launchedSize() ?? 1) > 1;

/** The number of processes that mpirun or srun says it has started this one among; null without them, or if they do not say. */
export function launchedSize(): number | null {
  const found = ['OMPI_COMM_WORLD_SIZE', 'PMI_SIZE', 'SLURM_STEP_NUM_TASKS'].map((name) => Number(process.env[name]));
  return found.find((size) => size >= 1) ?? null;
}

/**
 * Initialises MPI and joins all ranks that `mpirun` or `srun` started; a process that was started without them is the only
 * rank. Needs the optional package koffi and an MPI library: Open MPI 4 or 5, MPICH and its relatives (Intel MPI, Cray
 * MPICH), or a library with the ABI of MPI 5. Can be called once in a process.
 *
 * From then on, the process ends all ranks if it exits without `close`, also by an uncaught error.
 *
 * @throws MissingPackageError without koffi; RankError without a library, and if it does not belong to the launcher
 */
export async function openMpi(options: MpiOptions = {}): Promise<MpiCommunicator> {
  const { timeout, ...rest } = optionsOf('openMpi', options, { timeout: DEFAULT_TIMEOUT, longTimeout: undefined });
  const { longTimeout = 30 * timeout } = rest;
  checkInteger('openMpi', 'timeout', timeout, { min: 1 });
  checkInteger('openMpi', 'longTimeout', longTimeout, { min: 1 });
  const launched = launchedSize();
  if (launched !== null && launched > 1 && !knowsOthers()) {
    throw new RankError(
      'openMpi',
      `srun started ${launched} processes that do not know each other: add --mpi=pmix for Open MPI or --mpi=pmi2 for MPICH ` +
        '(srun --mpi=list shows what there is)',
    );
  }
  const library = await loadMpiLibrary();
  const provided = new Int32Array(1);
  check(library, 'Init_thread', library.call.Init_thread(null, null, library.multiple, provided));
  check(library, 'Comm_set_errhandler', library.call.Comm_set_errhandler(library.world, library.errorsReturn));
  const [rank, size] = [integerOf(library, 'Comm_rank'), integerOf(library, 'Comm_size')];
  const mpi = new Mpi(library, { rank, size, timeout, longTimeout });
  if (launched !== null && launched !== size) {
    // The exit of the process ends all of them, after the error is printed.
    throw new RankError(
      'openMpi',
      `the launcher started ${launched} ranks, but ${library.file} (${mpi.transport}) sees ${size}: use the mpirun of that ` +
        'library, or name the library of the launcher by RETINAGRAD_MPI; with SLURM, srun --mpi=pmix or --mpi=pmi2',
    );
  }
  if (provided[0]! < library.serialized) {
    throw new RankError('openMpi', `${mpi.transport} was built without support for threads, which is needed`);
  }
  await mpi.findHosts();
  return mpi;
}

function integerOf({ call, world }: MpiLibrary, name: 'Comm_rank' | 'Comm_size'): number {
  const value = new Int32Array(1);
  call[name](world, value);
  return value[0]!;
}

function check({ call }: MpiLibrary, name: string, code: number): void {
  if (code === 0) return;
  const [text, length] = [Buffer.alloc(8192), new Int32Array(1)];
  call.Error_string(code, text, length);
  throw new RankError('openMpi', `MPI_${name} failed: ${text.toString('latin1', 0, length[0])}`);
}

class Mpi implements MpiCommunicator {
  readonly rank: number;
  readonly size: number;
  readonly transport: string;
  localRank = 0;
  readonly #mpi: MpiLibrary;
  #seconds: { readonly timeout: number; readonly longTimeout: number };
  #hasLeft = false;
  /** Gives the call that runs other seconds from now on. */
  #limit: (seconds: number) => void = () => undefined;
  /** The last call: MPI gives wrong values, without an error, where two run at once. */
  #last: Promise<unknown> = Promise.resolve();
  #broken: RankError | null = null;
  /** What ranks send of one array, before it is summed. */
  #received = new Float32Array(0);
  readonly #onExit = (status: number): void => this.abort(status || 1);
  /** Node prints an uncaught error after its handlers of `exit`, of which ours ends the process. */
  readonly #onError = (error: Error): void => {
    writeSync(2, `rank ${this.rank} of ${this.size} on ${hostname()}: ${error.stack ?? String(error)}\n`);
  };

  constructor(
    library: MpiLibrary,
    { rank, size, ...seconds }: { rank: number; size: number; timeout: number; longTimeout: number },
  ) {
    this.#mpi = library;
    this.rank = rank;
    this.size = size;
    this.#seconds = seconds;
    const [text, length] = [Buffer.alloc(8192), new Int32Array(1)];
    library.call.Get_library_version(text, length);
    this.transport = /^[^\n,\0]*/
      .exec(text.toString('latin1', 0, length[0]))![0]
      .replace(/\s+/g, ' ')
      .trim();
    // MPICH takes a process that exits without MPI_Finalize for one that has succeeded, and the others wait for it.
    process.once('exit', this.#onExit);
    process.once('uncaughtExceptionMonitor', this.#onError);
  }

  async findHosts(): Promise<void> {
    const hosts = await this.gather(hostname());
    this.localRank = hosts.slice(0, this.rank).filter((host) => host === hosts[this.rank]).length;
  }

  /**
   * Every rank gets the values of one part from all others, sums them in the order of the ranks, and sends the sums to all.
   * That moves as few bytes as any all-reduce can, and unlike MPI_Allreduce, whose algorithm depends on the library, its
   * version, sizes and hosts, has one order of additions.
   */
  async allReduce(values: Float32Array, sums: Float32Array): Promise<void> {
    const { world, float, sum } = this.#mpi;
    const { rank, size } = this;
    if (sums.length !== values.length) {
      throw new RangeError(`allReduce: ${values.length} values and ${sums.length} sums, expected the same number`);
    }
    const part = Math.ceil(values.length / size);
    const startOf = (of: number): number => Math.min(values.length, of * part);
    const counts = Int32Array.from({ length: size }, (_, of) => startOf(of + 1) - startOf(of));
    const starts = Int32Array.from({ length: size }, (_, of) => startOf(of));
    const own = counts[rank]!;
    const ownCounts = new Int32Array(size).fill(own);
    const ownStarts = Int32Array.from({ length: size }, (_, of) => of * own);
    await this.#inTurn('allReduce', this.#seconds.timeout, async () => {
      if (this.#received.length < own * size) this.#received = new Float32Array(own * size);
      const received = this.#received;
      await this.#begin('Ialltoallv', values, counts, starts, float, received, ownCounts, ownStarts, float, world);
      const total = received.subarray(0, own);
      for (let from = 1; own > 0 && from < size; from++) {
        await this.#call('Reduce_local', received.subarray(from * own, (from + 1) * own), total, own, float, sum);
      }
      await this.#begin('Iallgatherv', total, own, float, sums, counts, starts, float, world);
    });
  }

  async broadcast<T>(value: T | undefined, root = 0): Promise<T> {
    const { world, byte } = this.#mpi;
    const bytes = this.rank === root ? serialize(value) : Buffer.alloc(0);
    return this.#inTurn('broadcast', this.#seconds.longTimeout, async () => {
      const length = Float64Array.of(bytes.length);
      await this.#call('Bcast', length, 8, byte, root, world);
      const all = this.rank === root ? bytes : Buffer.allocUnsafeSlow(length[0]!);
      for (let start = 0; start < all.length; start += MESSAGE) {
        const message = all.subarray(start, start + MESSAGE);
        await this.#call('Bcast', message, message.length, byte, root, world);
      }
      return deserialize(all) as T;
    });
  }

  /** One broadcast from each rank. */
  async gather<T>(value: T): Promise<T[]> {
    return Promise.all(
      Array.from({ length: this.size }, (_, root) => this.broadcast(root === this.rank ? value : undefined, root)),
    ) as Promise<T[]>;
  }

  async barrier(): Promise<void> {
    await this.#inTurn('barrier', this.#seconds.longTimeout, async () => undefined);
  }

  abort(status: number): void {
    this.#forget();
    this.#broken ??= new RankError('abort', 'all ranks are ended');
    // Launchers drop what ranks have printed and they have not passed on yet.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PRINTING);
    // Without a launcher, MPI_Abort waits for it, and so does an exit for calls that run on other threads.
    if (this.#hasLeft) process.kill(process.pid, 'SIGKILL');
    this.#mpi.call.Abort(this.#mpi.world, status);
  }

  async leaveLauncher(): Promise<void> {
    const { leave } = this.#mpi;
    if (leave === null || this.#hasLeft) return;
    this.#hasLeft = true;
    this.#seconds = { timeout: ALONE, longTimeout: ALONE };
    this.#limit(ALONE);
    this.#hasLeft = await leave();
  }

  async close(): Promise<void> {
    if (this.#hasLeft) {
      // MPI_Finalize would wait for the launcher. What others still need of this rank has arrived when they come here, too.
      await this.barrier().catch(() => undefined);
    } else await this.#inTurn('close', this.#seconds.longTimeout, () => this.#call('Finalize'));
    this.#broken = new RankError('close', 'the communicator is closed');
    this.#forget();
  }

  #forget(): void {
    process.off('exit', this.#onExit);
    process.off('uncaughtExceptionMonitor', this.#onError);
  }

  /**
   * Begins a call, and waits until it has ended, asleep while nothing arrives: MPI's blocking calls keep a core busy, which the GPU's
   * driver and the readers of images need.
   */
  async #begin(name: 'Ibarrier' | 'Ialltoallv' | 'Iallgatherv', ...args: readonly unknown[]): Promise<void> {
    const { call } = this.#mpi;
    const [request, done, status] = [new BigUint64Array(1), new Int32Array(1), Buffer.alloc(STATUS)];
    check(this.#mpi, name, call[name](...args, request));
    let pause = performance.now() + EAGER.first;
    for (;;) {
      const start = performance.now();
      check(this.#mpi, 'Test', call.Test(request, done, status));
      // The arguments stay referenced until then: koffi does not keep them.
      if (done[0] !== 0) return void args;
      const end = performance.now();
      if (end - start > MOVING) pause = Math.max(pause, end + EAGER.moved);
      await (end < pause ? setImmediate() : setTimeout(POLL));
      if (this.#broken !== null) throw this.#broken;
    }
  }

  /** Runs a call after those before it, when all ranks make it; if it does not end in time, no other can be made. */
  #inTurn<T>(name: string, seconds: number, work: () => Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      if (this.#broken !== null) throw this.#broken;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        this.#limit = (seconds) => {
          clearTimeout(timer);
          timer = globalThis.setTimeout(() => {
            this.#broken = new RankError(
              name,
              `rank ${this.rank} of ${this.size} has waited ${seconds} s for the others: one of them hangs, has died or is much slower`,
            );
            reject(this.#broken);
          }, seconds * 1000);
        };
        this.#limit(this.#hasLeft ? ALONE : seconds);
      });
      try {
        return await Promise.race([this.#begin('Ibarrier', this.#mpi.world).then(work), late]);
      } finally {
        clearTimeout(timer);
        this.#limit = () => undefined;
      }
    };
    const result = this.#last.then(run, run);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Calls a function on another thread. Its arguments stay referenced until it has ended: koffi does not keep them. */
  #call(name: keyof MpiLibrary['call'], ...args: readonly unknown[]): Promise<void> {
    const fn: MpiFunction = this.#mpi.call[name];
    return new Promise((resolve, reject) => {
      fn.async(...args, (error: unknown, code: number) => {
        try {
          if (error !== null && error !== undefined) throw error;
          check(this.#mpi, name, code);
          resolve(void args);
        } catch (failure) {
          reject(failure as Error);
        }
      });
    });
  }
}
