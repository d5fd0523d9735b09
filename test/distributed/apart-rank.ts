// One rank of apart.test.ts: waits for an interruption, takes steps for three more seconds, and then rank 0 writes a file.
import { writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { EXIT } from '../../src/cli/command.ts';
import { withRanks } from '../../src/cli/ranks.ts';
import { interruptSignal, Terminal } from '../../src/cli/terminal.ts';

const [file, task] = process.argv.slice(2);
const terminal = new Terminal({ json: false, quiet: true });
// The launcher may be gone, and with it the reader.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

process.exitCode = await withRanks({ terminal, version: '1', timeout: 60 }, async (ranks) => {
  const { communicator } = ranks!;
  const { rank } = communicator;
  const signal = interruptSignal(() => undefined);
  await communicator.barrier();
  const { pid, ppid } = process;
  process.stdout.write(`${JSON.stringify({ rank, pid, ppid })}\n`);
  if (task === 'kill' && rank === 1) process.kill(pid, 'SIGKILL');
  if (task === 'kill parent' && rank === 1) process.kill(ppid, 'SIGKILL');
  let end = Infinity;
  try {
    for (;;) {
      const sums = Float32Array.of(1, performance.now() < end ? 0 : 1);
      await communicator.allReduce(sums, sums);
      if (sums[0] !== communicator.size) throw new Error(`the sum is ${sums[0]}`);
      if (sums[1]! > 0) break;
      await setTimeout(50);
      if (signal.aborted && end === Infinity) end = performance.now() + 3000;
    }
    if (rank === 0) writeFileSync(file!, 'saved');
  } catch (error) {
    if (rank === 0) writeFileSync(file!, String(error));
    throw error;
  }
  return EXIT.interrupted;
});
