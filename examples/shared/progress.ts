import { SingleBar } from 'cli-progress';

/** Milliseconds between lines where the output is a file and a bar cannot move. */
const LINE_INTERVAL = 10_000;

/**
 * How far the work is: a bar that moves on a terminal; elsewhere a line when the work changes and every ten seconds. On a
 * terminal only what `print` writes stays.
 */
export class Progress {
  #bar: SingleBar | null = null;
  #line = { label: '', time: 0 };

  /** Shows `done` of `total`. */
  show(label: string, done: number, total: number, note: string): void {
    if (!process.stderr.isTTY) {
      const time = performance.now();
      if (label === this.#line.label && time - this.#line.time < LINE_INTERVAL) return;
      this.#line = { label, time };
      process.stderr.write(`${label}: ${done}/${total} ${note}\n`);
      return;
    }
    if (this.#bar === null) {
      this.#bar = new SingleBar({
        format: '{label} [{bar}] {value}/{total} {note}',
        barCompleteChar: '=',
        barIncompleteChar: ' ',
        barsize: 24,
        stream: process.stderr,
        clearOnComplete: true,
        gracefulExit: false, // The commands handle Ctrl-C themselves.
      });
      this.#bar.start(total, done, { label, note });
    }
    this.#bar.setTotal(total);
    this.#bar.update(done, { label, note });
  }

  /** Takes the bar away. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = null;
  }

  /** Writes a line that stays. */
  print(line: string): void {
    this.stop();
    console.log(line);
  }
}
