import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from './usage-error.ts';

/** The file, or folder of Hugging Face, that --weights names, or the file of the run that was changed last. */
export function weightsFile(given: string | undefined): string {
  if (given === undefined) return newestWeights('runs');
  const found = existsSync(given) ? statSync(given) : null;
  if (found === null) {
    throw new Error(`--weights: there is no file ${given}, expected for example runs/mine/best.safetensors`);
  }
  const inside = join(given, 'best.safetensors');
  if (existsSync(inside)) throw new Error(`--weights: ${given} is the folder of a run: name ${inside}`);
  return given;
}

function newestWeights(runs: string): string {
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
