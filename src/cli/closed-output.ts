import { codeOf, writeReason } from '../common/node/replace-file.ts';
import { EXIT } from './command.ts';

/**
 * Decides what happens when standard output or error cannot be written any more: `retinagrad ... | head` closes the pipe early,
 * a terminal goes away, or the disk of a redirected output is full. A command that has something to save takes that as the end
 * of its terminal (SIGHUP, see `abortOnInterrupt`) and saves it; others end at once. The exit status is that of a program
 * that SIGPIPE ends.
 */
export function watchOutput(): void {
  let status: number | null = null;
  let isTerminalGone = false;
  for (const [name, stream] of [
    ['output', process.stdout],
    ['error', process.stderr],
  ] as const) {
    stream.on('error', (error) => {
      // What is written later fails as well.
      if (status !== null) return;
      isTerminalGone = codeOf(error) === 'EIO' && stream.isTTY;
      const isClosed = codeOf(error) === 'EPIPE' || isTerminalGone;
      status = isClosed ? EXIT.closed : EXIT.failed;
      if (!isClosed) process.stderr.write(`retinagrad: standard ${name} ${writeReason(error)}\n`);
      if (!process.emit('SIGHUP', 'SIGHUP')) process.exit(status);
    });
  }
  process.on('exit', (code) => {
    if (status !== null && (code === EXIT.done || code === EXIT.interrupted)) process.exitCode = status;
    if (!isTerminalGone) return;
    // Node aborts when it cannot give a terminal its modes back. The signal that ends other programs then comes before.
    process.removeAllListeners('SIGHUP');
    process.kill(process.pid, 'SIGHUP');
  });
}
