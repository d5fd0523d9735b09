import { spawnSync } from 'node:child_process';

/** Launchers of the MPI libraries that this computer has: names, and how their command lines begin. */
export const mpiLaunchers = () =>
  [
    // As in a container, where tests may run as root.
    { name: 'Open MPI', command: ['mpirun.openmpi', '--allow-run-as-root', '--oversubscribe'] },
    { name: 'MPICH', command: ['mpirun.mpich'] },
  ].filter(({ command }) => spawnSync(command[0], ['--version']).status === 0);
