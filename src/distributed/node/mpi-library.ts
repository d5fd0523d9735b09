import { reasonOf } from '../../common/check.ts';
import { optionalPackage } from '../../common/optional-package.ts';
import { RankError } from '../communicator.ts';

// The functions of MPI that we call, and the values that its C header defines. There is no common ABI before MPI 5: in Open
// MPI a handle is the address of a global variable, in MPICH and its relatives an int, in MPI 5 a small number as a pointer.

/** A handle, as koffi passes it. */
type Handle = number | bigint;

/** A C function that returns an error code. The last argument of `async` receives it, from another thread. */
export interface MpiFunction {
  (...args: readonly unknown[]): number;
  async(...args: readonly unknown[]): void;
}

const functions = {
  Init_thread: ['void *', 'void *', 'int', 'void *'],
  Comm_rank: ['comm', 'void *'],
  Comm_size: ['comm', 'void *'],
  Comm_set_errhandler: ['comm', 'comm'],
  Get_library_version: ['void *', 'void *'],
  Error_string: ['int', 'void *', 'void *'],
  Reduce_local: ['void *', 'void *', 'int', 'comm', 'comm'],
  Bcast: ['void *', 'int', 'comm', 'int', 'comm'],
  Ialltoallv: ['void *', 'void *', 'void *', 'comm', 'void *', 'void *', 'void *', 'comm', 'comm', 'void *'],
  Iallgatherv: ['void *', 'int', 'comm', 'void *', 'void *', 'void *', 'comm', 'comm', 'void *'],
  Ibarrier: ['comm', 'void *'],
  Test: ['void *', 'void *', 'void *'],
  Abort: ['comm', 'int'],
  Finalize: [],
} as const;

/** An MPI library that is loaded, and not initialised. */
export interface MpiLibrary {
  readonly file: string;
  readonly family: Family;
  readonly call: Readonly<Record<keyof typeof functions, MpiFunction>>;
  readonly world: Handle;
  readonly float: Handle;
  readonly byte: Handle;
  readonly sum: Handle;
  readonly errorsReturn: Handle;
  /**
   * Ends the connection to the launcher, on another thread; null if the library does not end a process that loses it. Resolves to
   * whether the connection could be found.
   */
  readonly leave: (() => Promise<boolean>) | null;
  /** The lowest level of thread support at which calls may come from any thread, one at a time, and the highest. */
  readonly serialized: number;
  readonly multiple: number;
}

type Family = 'Open MPI' | 'MPICH' | 'MPI 5';
type Values = Pick<MpiLibrary, 'world' | 'float' | 'byte' | 'sum' | 'errorsReturn' | 'serialized' | 'multiple'>;

const LEVELS = { serialized: 2, multiple: 3 };
/** MPICH, Intel MPI, Cray MPICH, MVAPICH. */
const mpich: Values = {
  world: 0x44000000,
  float: 0x4c00040a,
  byte: 0x4c00010d,
  sum: 0x58000003,
  errorsReturn: 0x54000001,
  ...LEVELS,
};
const mpi5: Values = {
  world: 0x101n,
  float: 0x210n,
  byte: 0x247n,
  sum: 0x21n,
  errorsReturn: 0x143n,
  serialized: 2048,
  multiple: 4096,
};

/** Names of the library, the likely ones first. `RETINAGRAD_MPI` names another. */
const FILES: Readonly<Record<Family, readonly string[]>> = {
  'Open MPI': ['libmpi.so.40', 'libmpi.40.dylib'],
  MPICH: ['libmpich.so.12', 'libmpi.so.12', 'libmpi.12.dylib', 'libmpi_cray.so.12'],
  'MPI 5': ['libmpi_abi.so.1', 'libmpi_abi.so.0', 'libmpi_abi.1.dylib'],
};

/** The stack of koffi's threads: its own 128 KiB overflow in MPICH's collectives. */
const STACK = 8 << 20;

const isFromOpenMpi = (): boolean => process.env['OMPI_COMM_WORLD_SIZE'] !== undefined;
const isFromMpich = (): boolean => process.env['PMI_RANK'] !== undefined && !isFromOpenMpi();

/** The files to try: those of the launcher that started this process first, because no other library knows its ranks. */
function candidates(): string[] {
  const own = process.env['RETINAGRAD_MPI'];
  if (own !== undefined && own !== '') return [own];
  const { 'Open MPI': open, MPICH: mpich, 'MPI 5': standard } = FILES;
  return isFromMpich() ? [...mpich, ...standard, ...open] : [...open, ...mpich, ...standard];
}

/**
 * Loads MPI through the optional package koffi.
 *
 * @throws MissingPackageError without koffi; RankError without a library, with what to install
 */
export async function loadMpiLibrary(): Promise<MpiLibrary> {
  const { default: koffi } = await optionalPackage(
    'koffi',
    () => import('koffi'),
    'training with several ranks over MPI',
  );
  koffi.config({ ...koffi.config(), async_stack_size: STACK });
  // UCX, over which MPICH and Open MPI on InfiniBand communicate, replaces the functions that manage the process's memory while V8's threads
  // call them. With MPICH 4.0.2, memory of V8's heap then was no longer mapped in some starts, and the ranks crashed.
  process.env['UCX_MEM_EVENTS'] ??= 'n';
  const tried: string[] = [];
  for (const file of candidates()) {
    try {
      // Global: Open MPI loads components that look for its symbols.
      return bind(koffi.load(file, { global: true }), file, () => koffi.load('libpmix.so.2'));
    } catch (error) {
      tried.push(`${file}: ${reasonOf(error)}`);
    }
  }
  throw new RankError(
    'openMpi',
    `no MPI library could be loaded.\nTried:\n${tried.map((line) => `  - ${line}\n`).join('')}` +
      'Install the MPI whose mpirun (or srun) starts the ranks:\n' +
      '  - Debian and Ubuntu: apt install openmpi-bin, or apt install mpich\n' +
      '  - macOS: brew install open-mpi\n' +
      '  - a cluster: load its MPI module first\n' +
      'RETINAGRAD_MPI=/path/to/libmpi.so names a library elsewhere',
  );
}

interface Library {
  func(name: string, result: string, args: readonly string[]): unknown;
  symbol(name: string): unknown;
}

function bind(library: Library, file: string, pmix: () => Library): MpiLibrary {
  const address = (name: string): bigint => library.symbol(name) as bigint;
  const has = (name: string): boolean => {
    try {
      return address(name) !== undefined;
    } catch {
      return false;
    }
  };
  const openMpi = (): Values => ({
    world: address('ompi_mpi_comm_world'),
    float: address('ompi_mpi_float'),
    byte: address('ompi_mpi_byte'),
    sum: address('ompi_mpi_op_sum'),
    errorsReturn: address('ompi_mpi_errors_return'),
    ...LEVELS,
  });
  const family: Family = has('ompi_mpi_comm_world') ? 'Open MPI' : file.includes('libmpi_abi') ? 'MPI 5' : 'MPICH';
  const values = { 'Open MPI': openMpi, MPICH: () => mpich, 'MPI 5': () => mpi5 }[family]();
  // Over TCP, one connection between two ranks sends and receives at half of what a full-duplex network carries, two at all of it.
  if (family === 'Open MPI') process.env['OMPI_MCA_btl_tcp_links'] ??= '2';
  const handle = family === 'MPICH' ? 'int' : 'void *';
  const call = Object.fromEntries(
    Object.entries(functions).map(([name, args]) => [
      name,
      library.func(
        `MPI_${name}`,
        'int',
        args.map((arg) => (arg === 'comm' ? handle : arg)),
      ) as MpiFunction,
    ]),
  ) as Record<keyof typeof functions, MpiFunction>;
  return { file, family, call, ...values, leave: family === 'Open MPI' ? leaveBy(pmix) : null };
}

/**
 * Open MPI talks to its launcher by PMIx, which ends a process that loses the connection. Only what connects or ends ranks needs it
 * after the start.
 */
function leaveBy(pmix: () => Library): () => Promise<boolean> {
  return async () => {
    try {
      const finalize = pmix().func('PMIx_Finalize', 'int', ['void *', 'size_t']) as MpiFunction;
      return await new Promise((resolve) => finalize.async(null, 0, (_: unknown, code: number) => resolve(code === 0)));
    } catch {
      // Some builds of Open MPI have their own PMIx, whose names are not exported.
      return false;
    }
  };
}
