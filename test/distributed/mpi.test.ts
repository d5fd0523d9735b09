import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../support/files.ts';
import { mpiLaunchers } from '../../scripts/support/mpi-launchers.mjs';
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
        });
      });
      assert.is(lines.length, size);
    });
  }

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

test.run();
