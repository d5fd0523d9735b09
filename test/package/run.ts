import { spawnSync } from 'node:child_process';

/** Runs a program in a folder and returns what it printed; throws when it fails. */
export function run(command: string, args: readonly string[], cwd: string): string {
  const options = { cwd, encoding: 'utf8', shell: process.platform === 'win32' } as const;
  const { status, stdout, stderr, error } = spawnSync(command, args, options);
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')}: status ${status} ${error?.message ?? ''}\n${stdout}\n${stderr}`);
}
