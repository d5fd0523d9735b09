// One rank of mpi.test.ts: does what its argument says, and prints a line of JSON.
import { openMpi } from '../../src/distributed/node/mpi.ts';

const [task] = process.argv.slice(2);
const communicator = await openMpi({ timeout: task === 'hang' ? 3 : 60 });
const { rank, size, localRank, transport } = communicator;

/** The sums of values whose rounding depends on the order of additions, and what they must be. */
async function sum(length: number): Promise<boolean> {
  const valueOf = (of: number, i: number): number => Math.fround((of + 1) * 10 ** (((i + of) % 7) - 3) + 0.1);
  const values = Float32Array.from({ length }, (_, i) => valueOf(rank, i));
  const sums = new Float32Array(length);
  await communicator.allReduce(values, sums);
  return sums.every((value, i) => {
    let expected = valueOf(0, i);
    for (let of = 1; of < size; of++) expected = Math.fround(expected + valueOf(of, i));
    return value === expected;
  });
}

if (task === 'exit' && rank === 1) process.exit(0);
if (task === 'throw' && rank === 1) throw new Error('rank 1 is out');
if (task === 'kill' && rank === 1) process.kill(process.pid, 'SIGKILL');
if (task === 'hang' && rank === 1) for (;;);
// All at once: they take their turns.
const right = await Promise.all([0, 1, 3, 1000, 100_003].map(sum));
const gathered = await communicator.gather({ rank, values: Float32Array.of(rank / 2) });
const sent = await communicator.broadcast(rank === size - 1 ? new Map([['last', rank]]) : undefined, size - 1);
await communicator.barrier();
process.stdout.write(
  `${JSON.stringify({ rank, size, localRank, transport, right, gathered: gathered.map(({ values }) => values[0]), last: sent.get('last'), events: process.env['UCX_MEM_EVENTS'] })}\n`,
);
await communicator.close();
