import { SingleBar } from 'cli-progress';

/** Milliseconds between lines where the output is a file and a bar cannot move. */
const LINE_INTERVAL = 10_000;

/** How a command talks. */
export interface TerminalOptions {
  /** Only one JSON object on standard output. */
  readonly json: boolean;
  /** No progress and no text beside the result. */
  readonly quiet: boolean;
}

/**
 * What a command prints: text for people on standard output, or one JSON object (`--json`); how far the work is on
 * standard error: a bar with rate and time left on a terminal; elsewhere a line when the work changes and every ten
 * seconds.
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

  /** Writes a line for people; it is the result of the command. */
  print(line: string): void {
    this.stop();
    if (!this.isJson) process.stdout.write(`${line}\n`);
  }

  /** Writes a line for people about what happens. */
  say(line: string): void {
    this.stop();
    if (!this.isJson && !this.#isQuiet) process.stdout.write(`${line}\n`);
  }

  /** Writes a line that must be seen. */
  warn(line: string): void {
    this.stop();
    process.stderr.write(`${line}\n`);
  }

  /** Lines of a name and a value, the values in a column. */
  facts(facts: readonly (readonly [name: string, value: string])[]): void {
    const width = Math.max(...facts.map(([name]) => name.length)) + 2;
    for (const [name, value] of facts) this.say(`${name.padEnd(width)}${value}`);
  }

  /** The result as JSON, where that was asked for. */
  result(data: object): void {
    this.stop();
    if (this.isJson) process.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
  }

  /** Shows that `done` of `total` is done. By default the note is the rate and the time left. */
  progress(label: string, done: number, total: number, note?: string): void {
    if (this.#isQuiet) return;
    const now = performance.now();
    if (label !== this.#work.label) this.#work = { label, start: now, from: done, line: -Infinity };
    const { start, from, line } = this.#work;
    const rate = (done - from) / ((now - start) / 1000);
    const shown = note ?? (rate > 0 ? `${rate.toPrecision(3)}/s, ${formatDuration((total - done) / rate)} left` : '');
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

  /** Takes the bar away; the next work is shown anew. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = null;
  }
}

/** Seconds as m:ss or h:mm:ss. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/**
 * A signal that Ctrl-C (or a request to terminate) aborts; the second one ends the process at once.
 *
 * @param onInterrupt tells the user what happens now
 */
export function interruptSignal(onInterrupt: () => void): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Error('interrupted'));
      onInterrupt();
    });
  }
  return controller.signal;
}
