import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isRecord, reasonOf } from '../common/check.ts';
import { replaceFile } from '../common/node/replace-file.ts';
import type { AdapterDescription } from '../tensor/device-options.ts';
import { checkTuning, type Tuning } from '../tensor/tuning.ts';
import { cacheFolder } from './cache-folder.ts';

/**
 * The file of the table that was measured for an adapter, which `init` reads. An adapter is known by its names, in which most
 * drivers put their version: after an update, the table of the old driver does not count.
 */
export function tuningFile({ name, vendor, architecture }: AdapterDescription): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([name, vendor, architecture]))
    .digest('hex')
    .slice(0, 8);
  const words = name.replaceAll(/[^\w.]+/g, '-').slice(0, 60);
  return join(cacheFolder(), 'tuning', `${words}-${hash}.json`);
}

/**
 * The table that was measured for an adapter; undefined if there is none.
 *
 * @throws Error that names the file, if it is not one of `keepTuning`
 */
export function readTuning(adapter: AdapterDescription): Tuning | undefined {
  const file = tuningFile(adapter);
  if (!existsSync(file)) return undefined;
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const tuning = isRecord(content) ? content['tuning'] : undefined;
    checkTuning('tune', tuning);
    if (typeof tuning === 'string') throw new Error(`it holds the name ${tuning} and no table`);
    return tuning;
  } catch (error) {
    throw new Error(
      `init: ${file} is no table of \`retinagrad tune\` (${reasonOf(error)}). Delete it, or run \`retinagrad tune\` again`,
      { cause: error },
    );
  }
}

/**
 * Keeps what `tune` found, so that `init` uses it from now on for this adapter in all programs of this user. A result that gains
 * nothing (`gain` 1) takes the place of an older one, too: its file is removed.
 *
 * @returns the file
 */
export function keepTuning(result: {
  readonly adapter: AdapterDescription;
  readonly gain: number;
  readonly tuning: Tuning;
}): string {
  const file = tuningFile(result.adapter);
  if (result.gain > 1) replaceFile('tune', file, `${JSON.stringify(result, null, 2)}\n`);
  else rmSync(file, { force: true });
  return file;
}
