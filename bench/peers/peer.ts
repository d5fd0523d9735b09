import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Library } from './libraries.ts';
import type { OperandFile } from './values.ts';

/** The first message of a worker, when it is ready. */
export interface Greeting {
  readonly versions: Readonly<Record<string, string>>;
  readonly adapter: { readonly name: string; readonly kind: 'hardware' | 'software' } | null;
}

/** A command; worker.mjs lists the answers. */
export type Command =
  | { do: 'prepare'; case: object; operands: Readonly<Record<string, OperandFile>> }
  | { do: 'sample'; count: number }
  | { do: 'results'; folder: string }
  | { do: 'release' };

/** Maximum time for one command in seconds: a first step that compiles hundreds of kernels takes minutes. */
const LIMIT = 15 * 60;
const root = fileURLToPath(new URL('../../', import.meta.url));

/** A library has no operation for the case. */
export class UnsupportedError extends Error {}

/** The process of one library. */
export class Peer {
  readonly library: Library;
  greeting: Greeting | null = null;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #complaints = '';

  constructor(library: Library, env: Readonly<Record<string, string>>) {
    this.library = library;
    const [command, ...args] = library.command;
    this.#child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...library.env, ...env },
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    });
    this.#child.on('error', (error) => (this.#complaints += error.message));
    this.#child.stdin!.on('error', () => undefined); // The end of the process is detected when an answer is awaited.
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-2000);
    });
    this.#lines = createInterface({ input: this.#child.stdio[3] as Readable })[Symbol.asyncIterator]();
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined;
  }

  /** Waits until the library is loaded and has opened its device. */
  async start(): Promise<void> {
    this.greeting = (await this.#answer()) as Greeting;
  }

  /** @throws Error if the case failed or the process ended, UnsupportedError if the library cannot do it */
  async ask<T>(command: Command): Promise<T> {
    this.#child.stdin!.write(`${JSON.stringify(command)}\n`);
    const answer = (await this.#answer()) as { error?: string; unsupported?: string };
    if (answer.error !== undefined) throw new Error(answer.error.split('\n', 1)[0]);
    if (answer.unsupported !== undefined) throw new UnsupportedError(answer.unsupported);
    return answer as T;
  }

  async #answer(): Promise<unknown> {
    const timer = setTimeout(() => {
      this.#complaints = `no answer within ${LIMIT} s`;
      this.#child.kill('SIGKILL');
    }, LIMIT * 1000);
    const { value, done } = await this.#lines.next();
    clearTimeout(timer);
    if (done !== true) return JSON.parse(value);
    if (this.isAlive) await new Promise((resolve) => this.#child.once('close', resolve));
    const lines = this.#complaints.split('\n').map((line) => line.trim());
    const isError = (line: string): boolean => /^\w*Error(?: \[\w+\])?: /.test(line);
    const isOfInterest = (line: string): boolean => line !== '' && !line.startsWith('Warning:'); // Dawn's.
    const said = lines.find(isError) ?? lines.find(isOfInterest) ?? 'no message';
    throw new Error(`the process ended (${this.#child.signalCode ?? this.#child.exitCode}): ${said}`);
  }

  async stop(): Promise<void> {
    if (!this.isAlive) return;
    this.#child.kill('SIGKILL');
    await new Promise((resolve) => this.#child.once('close', resolve));
  }
}
