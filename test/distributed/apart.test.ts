import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root, temporaryFolder } from '../support/files.ts';
import { mpiLaunchers } from '../../scripts/support/mpi-launchers.mjs';
import { launch } from './mpi.ts';

// Needs mpirun. Without it, nothing is tested, and the test says so.
const installed = mpiLaunchers();
const script = join(root, 'test/distributed/apart-rank.ts');

if (installed.length === 0) {
  console.log('# no mpirun: MPI is not tested here (apt install openmpi-bin libopenmpi3 mpich)');
  test.skip('ranks and the end of their launcher', () => undefined);
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Starts two ranks, and kills their launcher by a signal when both are there. Resolves to what rank 0 wrote when all have ended. */
async function outcome(command: readonly string[], task: string, signal: NodeJS.Signals | null): Promise<string> {
  const file = join(temporaryFolder(), 'saved');
  let isSent = signal === null;
  const ranksOf = (output: string) =>
    [...output.matchAll(/^\{.*\}$/gm)].map(([line]) => JSON.parse(line) as { pid: number });
  const { output } = await launch(command, 2, [script, file, task], {
    onOutput(output, kill) {
      if (isSent || ranksOf(output).length < 2) return;
      isSent = true;
      kill(signal!);
    },
  });
  const ranks = ranksOf(output);
  // Those that the launcher has left behind end by themselves.
  for (let i = 0; i < 400 && ranks.some(({ pid }) => isRunning(pid)); i++) await setTimeout(100);
  assert.equal(
    ranks.map(({ pid }) => isRunning(pid)),
    [false, false],
    output,
  );
  return existsSync(file) ? readFileSync(file, 'utf8') : output;
}

for (const { name, command } of installed) {
  test(`${name}: ranks have time to save after Ctrl-C`, async () => {
    assert.is(await outcome(command, 'wait', 'SIGINT'), 'saved');
  });
}

const open = installed.find(({ name }) => name === 'Open MPI');
if (open !== undefined) {
  test('Open MPI: ranks have time to save when the process that mpirun started is killed', async () => {
    assert.is(await outcome(open.command, 'kill parent', null), 'saved');
  });

  test('Open MPI: ranks that mpirun has left behind do not wait long for one that died', async () => {
    assert.match(await outcome(open.command, 'kill', null), /rank 0 of 2 has waited 10 s for the others/);
  });
}

test.run();
