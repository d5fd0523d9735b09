import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../support/files.ts';
import { mpiLaunchers } from '../../scripts/support/mpi-launchers.mjs';
import { isMpiProcess, openMpi } from '../../src/distributed-node.ts';
import { errorOf } from '../support/errors.ts';
import { launch } from './mpi.ts';

// Needs mpirun. Without it, nothing is tested, and the test says so.
const installed = mpiLaunchers();
const script = join(root, 'test/distributed/rank.ts');

if (installed.length === 0) {
  console.log('# no mpirun: MPI is not tested here (apt install openmpi-bin libopenmpi3 mpich)');
  test.skip('ranks over MPI', () => undefined);
}

for (const { name, command } of installed) {
  for (const size of [1, 2, 4]) {
    test(`${name}: ${size} ranks sum in the order of the ranks, gather and broadcast`, async () => {
      const { status, output } = await launch(command, size, [script]);
      assert.is(status, 0, output);
      const lines = output
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as { rank: number });
      lines.sort((a, b) => a.rank - b.rank);
      lines.forEach((line, rank) => {
        const { transport, ...rest } = line as typeof line & { transport: string };
        assert.ok(transport.startsWith(name), transport);
        assert.equal(rest, {
          rank,
          size,
          localRank: rank,
          right: [true, true, true, true, true],
          gathered: Array.from({ length: size }, (_, of) => of / 2),
          last: size - 1,
          // UCX crashes processes with several threads otherwise.
          events: 'n',
        });
      });
      assert.is(lines.length, size);
    });
  }

  test(`${name}: a library that does not belong to the launcher is refused, with what to do`, async () => {
    if (installed.length < 2) return;
    const other = name === 'MPICH' ? 'libmpi.so.40' : 'libmpich.so.12';
    const { status, output } = await launch(command, 2, [script], { environment: { RETINAGRAD_MPI: other } });
    assert.is.not(status, 0, output);
    assert.match(output, /the launcher started 2 ranks, but .* sees 1: use the mpirun of that library/);
  });

  for (const [task, reason] of [
    ['exit', null],
    ['throw', 'rank 1 is out'],
    ['kill', null],
    ['hang', 'rank 0 of 2 has waited 3 s for the others'],
  ] as const) {
    test(`${name}: a rank that goes by ${task} ends all`, async () => {
      const { status, output } = await launch(command, 2, [script, task]);
      assert.is.not(status, 0, output);
      if (reason !== null) assert.ok(output.includes(reason), output);
      assert.not.match(output, /^\{/m);
    });
  }
}

test('processes that srun starts without MPI are refused, before any library is loaded', async () => {
  process.env['SLURM_STEP_NUM_TASKS'] = '2';
  try {
    assert.ok(isMpiProcess());
    const { message } = await errorOf(() => openMpi());
    assert.match(message, /srun started 2 processes that do not know each other: add --mpi=pmix .* or --mpi=pmi2/);
  } finally {
    delete process.env['SLURM_STEP_NUM_TASKS'];
  }
  assert.not(isMpiProcess());
});

test.run();
