import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { commandLine } from '../../src/cli/command-line.ts';
import { sourceOptions } from '../support/source-options.ts';

/** Exit status and output of a process. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const script = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Creates a folder; `remove` deletes it. */
export function temporaryFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'retinagrad-cli-'));
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

/** Gets all output of a process so far, and may send a signal to it or close standard output, as `| head` does. */
type OnOutput = (output: string, kill: (signal: NodeJS.Signals) => void, close: () => void) => void;

/** The command as a user runs it in a folder, in a separate process. */
export function retinagradIn(cwd: string) {
  return (args: readonly string[], onOutput: OnOutput = () => undefined): Promise<Ended> =>
    runNode(cwd, [script, ...args], onOutput);
}

/**
 * The command in a folder, in this process: for runs of which arguments, files and messages matter, since starting a process
 * takes longer than most of them. They wait for each other, because a process has one folder and one output.
 */
export function retinagradHere(cwd: string) {
  let last: Promise<unknown> = Promise.resolve();
  return (args: readonly string[]): Promise<Ended> => {
    const run = last.then(() => runHere(cwd, args));
    last = run.catch(() => undefined);
    return run;
  };
}

async function runHere(cwd: string, args: readonly string[]): Promise<Ended> {
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = (part: string | Uint8Array): boolean => {
      text[name] += typeof part === 'string' ? part : Buffer.from(part).toString();
      return true;
    };
  }
  const before = process.cwd();
  process.chdir(cwd);
  try {
    const status = await commandLine(args);
    return { status, ...text };
  } finally {
    process.chdir(before);
    for (const name of ['stdout', 'stderr'] as const) Reflect.deleteProperty(process[name], 'write');
  }
}

/** Milliseconds after which a process that has printed nothing counts as one that never started. */
const STARTED = 120_000;

/**
 * Runs Node on the sources. A process that prints nothing for two minutes is started again: once in some hundred starts, Node
 * 20 waits for ever for its thread of module hooks, which compiles TypeScript.
 */
export async function runNode(
  cwd: string,
  args: readonly string[],
  onOutput: OnOutput = () => undefined,
): Promise<Ended> {
  const ended = (await startNode(cwd, args, onOutput)) ?? (await startNode(cwd, args, onOutput));
  if (ended === null) throw new Error(`node ${args.join(' ')} prints nothing`);
  return ended;
}

/** Runs Node; null if it has printed nothing for two minutes, and was killed. */
function startNode(cwd: string, args: readonly string[], onOutput: OnOutput): Promise<Ended | null> {
  const child = spawn(process.execPath, [...sourceOptions, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    const text = { stdout: '', stderr: '' };
    let isStuck = false;
    const timer = setTimeout(() => (isStuck = child.kill('SIGKILL')), STARTED);
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (part: string) => {
        clearTimeout(timer);
        text[name] += part;
        onOutput(
          text.stdout + text.stderr,
          (signal) => child.kill(signal),
          () => child.stdout.destroy(),
        );
      });
    }
    child.on('error', reject).on('close', (status) => {
      clearTimeout(timer);
      resolve(isStuck ? null : { status, ...text });
    });
  });
}

/** Asserts the exit status of a command and that it prints no stack trace. */
export async function ends(run: Promise<Ended>, status: number): Promise<Ended> {
  const ended = await run;
  assert.is(ended.status, status, `status ${ended.status}\n${ended.stdout}\n${ended.stderr}`);
  assert.not.match(ended.stderr, /^ +at .*:\d+/m, 'no stack trace');
  return ended;
}

/** Asserts that a command fails with a message that contains all texts; with status 2, it prints nothing else. */
export async function refuses(run: Promise<Ended>, status: 1 | 2, ...texts: readonly string[]): Promise<void> {
  const { stdout, stderr } = await ends(run, status);
  if (status === 2) assert.is(stdout, '');
  assert.match(stderr, /^retinagrad: /m);
  for (const text of texts) assert.ok(stderr.includes(text), `"${text}" is not in\n${stderr}`);
  if (status === 2) assert.match(stderr, /^Try: retinagrad .*--help$/m);
}

/** Parses the whole standard output as JSON. */
export async function json<T>(run: Promise<Ended>, status = 0): Promise<T> {
  return JSON.parse((await ends(run, status)).stdout) as T;
}
