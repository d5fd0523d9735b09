import { SingleBar } from 'cli-progress';
import { printable, printableLine } from '../common/printable.ts';

/** Milliseconds between progress lines if the output is not a terminal. */
const LINE_INTERVAL = 10_000;

export interface TerminalOptions {
  /** Whether standard output is for JSON only. */
  readonly json: boolean;
  /** Whether progress and all text except the result are suppressed. */
  readonly quiet: boolean;
}

/**
 * The output of a command: text or, with `--json`, one JSON value on standard output, and progress on standard error.
 * On a terminal, progress is a bar with rate and remaining time; in a file or a pipe, it is a line for each new task and
 * every ten seconds. Everything is made printable: names in it come from data of others.
 */
export class Terminal {
  readonly isJson: boolean;
  readonly #isQuiet: boolean;
  #bar: SingleBar | null = null;
  #work = { label: '', start: 0, from: 0, line: 0 };

  constructor({ json, quiet }: TerminalOptions) {
    this.isJson = json;
    this.#isQuiet = quiet;
  }

  /** Prints a line of the result, unless `--json` is given. */
  print(line: string): void {
    this.stop();
    if (!this.isJson) process.stdout.write(`${printable(line)}\n`);
  }

  /** Prints a line of information, unless `--json` or `--quiet` is given. */
  say(line: string): void {
    this.stop();
    if (!this.isJson && !this.#isQuiet) process.stdout.write(`${printable(line)}\n`);
  }

  /** Prints a line on standard error, always. */
  warn(line: string): void {
    this.stop();
    process.stderr.write(`${printable(line)}\n`);
  }

  /** Prints names and values in two columns, like `say`. */
  facts(facts: readonly (readonly [name: string, value: string])[]): void {
    const width = Math.max(...facts.map(([name]) => name.length)) + 2;
    for (const [name, value] of facts) this.say(`${name.padEnd(width)}${printableLine(value)}`);
  }

  /** Prints the result as JSON if `--json` is given. */
  result(data: object): void {
    this.stop();
    // The escapes are those of JSON.
    if (this.isJson) process.stdout.write(`${printable(JSON.stringify(data, null, 2))}\n`);
  }

  /** Shows progress. By default the note is the rate and the remaining time. */
  progress(text: string, done: number, total: number, note?: string): void {
    if (this.#isQuiet) return;
    const label = printableLine(text);
    const now = performance.now();
    if (label !== this.#work.label) this.#work = { label, start: now, from: done, line: -Infinity };
    const { start, from, line } = this.#work;
    const rate = (done - from) / ((now - start) / 1000);
    const shown =
      printableLine(note ?? '') ||
      (rate > 0 ? `${rate.toPrecision(3)}/s, ${formatDuration((total - done) / rate)} left` : '');
    if (!process.stderr.isTTY) {
      if (now - line < LINE_INTERVAL) return;
      this.#work.line = now;
      process.stderr.write(`${label}: ${done}/${total} ${shown}`.trimEnd() + '\n');
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
      this.#bar.start(total, done, { label, note: shown });
    }
    this.#bar.setTotal(total);
    this.#bar.update(done, { label, note: shown });
  }

  /** Removes the progress bar. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = null;
  }
}

/** Formats seconds as m:ss or h:mm:ss. */
export function formatDuration(seconds: number): string {
  const total = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/**
 * A signal that Ctrl-C (SIGINT), SIGTERM, SIGUSR2 or the end of the terminal or of the output (SIGHUP) aborts. A second one of
 * the first two exits the process at once.
 *
 * @param onInterrupt is called on the first one, to tell the user what happens next
 */
export function interruptSignal(onInterrupt: () => void): AbortSignal {
  const controller = new AbortController();
  abortOnInterrupt(controller, onInterrupt);
  return controller.signal;
}

/** As `interruptSignal`, for a controller that was made before. */
export function abortOnInterrupt(controller: AbortController, onInterrupt: () => void): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Error('interrupted'));
      onInterrupt();
    });
  }
  // A terminal that is closed can send SIGHUP several times; `watchOutput` does when the output is closed. SIGUSR2 is what mpirun
  // passes on to its ranks, where it kills them after the others; SLURM can send it before the time of a job is over.
  for (const name of ['SIGHUP', 'SIGUSR2'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) return;
      controller.abort(new Error('interrupted'));
      onInterrupt();
    });
  }
}
