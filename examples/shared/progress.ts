import { SingleBar } from 'cli-progress';

/** Milliseconds between lines where the output is a file and a bar cannot move. */
const LINE_INTERVAL = 10_000;

/**
 * A bar that moves on a terminal, and a line every ten seconds elsewhere. Only what `print` writes stays on a terminal.
 */
export class Progress {
  #bar: SingleBar | null = null;
  readonly #live = process.stderr.isTTY;

  /** Shows how far the work is; starts a bar with this label if there is none. */
  show(label: string, done: number, total: number, note: string): void {
    if (this.#bar === null) {
      this.#bar = new SingleBar({
        format: '{label} [{bar}] {value}/{total} {note}',
        barCompleteChar: '=',
        barIncompleteChar: ' ',
        barsize: 24,
        stream: process.stderr,
        noTTYOutput: true,
        notTTYSchedule: LINE_INTERVAL,
        clearOnComplete: true,
        gracefulExit: false,
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
    if (this.#live) this.stop();
    console.log(line);
  }
}
