import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from './command.ts';

/** The weights of the run that was changed last. */
export function newestWeights(runs = 'runs'): string {
  const found = (existsSync(runs) ? readdirSync(runs) : [])
    .map((run) => join(runs, run, 'best.safetensors'))
    .filter((file) => existsSync(file))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  const [newest] = found;
  if (newest === undefined) {
    throw new UsageError(
      `there is no ${join(runs, '*', 'best.safetensors')} yet: train with retinagrad train, or name --weights`,
    );
  }
  return newest;
}

/** A folder name in local time for what has none. */
export function timestamp(): string {
  const now = new Date();
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString();
  return `${local.slice(0, 10)}-${local.slice(11, 19).replaceAll(':', '')}`;
}
