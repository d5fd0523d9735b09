import { spawn } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import type { MpiCommunicator } from '../distributed-node.ts';

// After Ctrl-C, mpirun of Open MPI sends its processes SIGTERM and kills them a second later, which is too short for a step and a
// save. The process that it starts and kills is therefore a small one, which starts the real one in a session of its own and
// passes signals on. MPICH and SLURM need nothing of that: they leave the ranks their time.

/** Set in the real process: the id of the small one. */
const MARK = 'RETINAGRAD_RANK_PARENT';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const;
/**
 * Ends the real process a minute after the small one, whatever it does, on a thread of its own: a driver that hangs or compiles
 * holds up the others.
 */
const WATCH = `
  let seconds = 60;
  setInterval(() => {
    if (process.ppid !== Number(process.env['${MARK}']) && --seconds <= 0) process.kill(process.pid, 'SIGKILL');
  }, 1000);
`;

/** Whether this is the process that mpirun of Open MPI started, and will kill. */
export const isKilledByLauncher = (): boolean =>
  process.env['OMPI_COMM_WORLD_SIZE'] !== undefined && process.env[MARK] === undefined;

/** Runs this command line again in a process that the launcher does not know. Resolves to its exit status. */
export function runApart(): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [MARK]: String(process.pid) },
  });
  for (const name of SIGNALS) {
    process.on(name, () => {
      if (child.connected) child.send(name);
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status, signal) => {
      if (status !== null) return resolve(status);
      process.removeAllListeners(signal!);
      process.kill(process.pid, signal!);
    });
  });
}

/**
 * In the process that `runApart` started: takes what mpirun sends, or its end, as an interruption, after which it needs mpirun no
 * longer and has a minute to save. Where nothing waits for interruptions yet, there is nothing to save, and it ends at once.
 *
 * @param communicator that of this rank, null while there is none
 */
export function followLauncher(communicator: () => MpiCommunicator | null): void {
  if (process.env[MARK] === undefined) return;
  let isLeaving = false;
  const interrupt = (isDeadline: boolean): void => {
    if (isDeadline && !isLeaving) {
      isLeaving = true;
      void communicator()?.leaveLauncher();
    }
    process.kill(process.pid, 'SIGUSR2');
  };
  process.on('message', (name) => interrupt(name === 'SIGTERM' || name === 'SIGINT'));
  process.on('disconnect', () => interrupt(true));
  // It does not keep a process running that has done its work.
  process.channel?.unref();
  new Worker(WATCH, { eval: true }).unref();
}
