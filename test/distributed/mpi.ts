import { spawn } from 'node:child_process';
import { root } from '../support/files.ts';
import { sourceOptions } from '../support/source-options.ts';

export interface Launched {
  readonly status: number | null;
  readonly output: string;
  readonly seconds: number;
}

/** Runs Node on the sources as several ranks; `onOutput` gets all output so far. */
export function launch(
  command: readonly string[],
  ranks: number,
  args: readonly string[],
  {
    cwd = root,
    environment = {},
    onOutput,
  }: {
    cwd?: string;
    environment?: Readonly<Record<string, string>>;
    onOutput?: (output: string, kill: (signal: NodeJS.Signals) => void) => void;
  } = {},
): Promise<Launched> {
  const node = [process.execPath, ...sourceOptions];
  const [file, ...options] = [...command, '-n', String(ranks), ...node, ...args];
  const start = performance.now();
  const child = spawn(file!, options, {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        onOutput?.(output, (signal) => child.kill(signal));
      });
    }
    child.on('error', reject).on('close', (status) => {
      resolve({ status, output, seconds: (performance.now() - start) / 1000 });
    });
  });
}
