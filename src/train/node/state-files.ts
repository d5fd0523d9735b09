import { existsSync, linkSync, renameSync, rmSync } from 'node:fs';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { writeError } from '../../common/node/replace-file.ts';
import type { HostTensor } from '../../nn/module.ts';
import { loadCheckpoint, saveCheckpoint } from '../../weights/node/checkpoint.ts';
import type { SafetensorsFile } from '../../weights/safetensors.ts';
import type { OnWarning } from '../run-store.ts';
import { MAX_STATES } from '../settings.ts';

// The newest state of a run has the plain name, state.safetensors; the states before it are numbered, the newer the smaller:
// state.1.safetensors, state.2.safetensors.

const numbered = (path: string, number: number): string =>
  number === 0 ? path : path.replace(/(?=\.safetensors$)/, `.${number}`);

/** Paths of the states that exist, the newest first. */
export const statePaths = (path: string): string[] =>
  Array.from({ length: MAX_STATES }, (_, number) => numbered(path, number)).filter((file) => existsSync(file));

/** Saves the newest state and keeps those before it, up to `keep` in all. At any time, the newest is whole. */
export function saveNewestState(
  path: string,
  keep: number,
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>>,
): void {
  if (existsSync(path)) makeRoom(path, keep);
  saveCheckpoint(path, tensors, metadata);
}

/** Numbers the states so that there is room for a new one. */
function makeRoom(path: string, keep: number): void {
  try {
    for (let number = keep - 1; number < MAX_STATES; number++) {
      if (number > 0) rmSync(numbered(path, number), { force: true });
    }
    for (let number = keep - 2; number > 0; number--) {
      if (existsSync(numbered(path, number))) renameSync(numbered(path, number), numbered(path, number + 1));
    }
    if (keep > 1) copyName(path, numbered(path, 1));
  } catch (error) {
    throw writeError('saveCheckpoint', path, error);
  }
}

/** Gives a file a second name; on file systems without hard links, only that. */
function copyName(path: string, name: string): void {
  try {
    linkSync(path, name);
  } catch {
    renameSync(path, name);
  }
}

/**
 * The newest state that is whole; null if there is none. Warns about damaged ones, which get another name, so that they do
 * not take the place of whole ones.
 */
export function loadNewestState(path: string, onWarning: OnWarning): SafetensorsFile | null {
  const damaged: { readonly file: string; readonly reason: string }[] = [];
  for (const file of statePaths(path)) {
    try {
      const state = loadCheckpoint(file);
      for (const { file: bad, reason } of damaged) {
        renameSync(bad, `${bad}.damaged`);
        onWarning(`${reason}. The run continues from the state before it, ${file}; the damaged file is ${bad}.damaged`);
      }
      return state;
    } catch (error) {
      damaged.push({ file, reason: error instanceof InputError ? error.explain() : reasonOf(error) });
    }
  }
  if (damaged.length === 0) return null;
  const remedy =
    'there is no other state: start a new run, for example with model.weights=best.safetensors of this one';
  throw new InputError('trainDetector', `${damaged.map(({ reason }) => reason).join('; ')}; ${remedy}`);
}
