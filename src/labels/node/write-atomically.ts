import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InputError } from '../../common/errors.ts';

/**
 * Writes text files, all or none: they are written to a temporary folder and then moved; if a move fails, those before it
 * are undone. Existing files are replaced if `overwrite` is true; otherwise they are an `InputError` of `op`, before
 * anything is written.
 */
export async function writeAtomically(
  op: string,
  files: ReadonlyMap<string, string>,
  overwrite: boolean,
): Promise<void> {
  const existing = await existingFiles(op, files.keys());
  if (existing.size > 0 && !overwrite) {
    const [first] = existing;
    const many = existing.size > 1;
    const reason = `${first}${many ? ` and ${existing.size - 1} more files exist` : ' exists'} already`;
    throw new InputError(op, reason, { remedy: `to replace ${many ? 'them' : 'it'}, use`, option: 'overwrite' });
  }
  const [first] = files.keys();
  if (first === undefined) return;
  const undo: (() => Promise<unknown>)[] = [];
  let temporary: string | undefined;
  try {
    for (const path of files.keys()) {
      const made = await mkdir(dirname(path), { recursive: true });
      if (made !== undefined) undo.push(() => rm(made, { recursive: true }));
    }
    temporary = await mkdtemp(join(dirname(first), '.labels-'));
    await moveIntoPlace(await writeTemporary(temporary, files), existing, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  } finally {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  }
}

async function existingFiles(op: string, paths: Iterable<string>): Promise<Set<string>> {
  const existing = new Set<string>();
  for (const path of paths) {
    const found = await stat(path).catch(() => null);
    if (found?.isDirectory() === true) throw new InputError(op, `${path} is a folder, expected the name of a file`);
    if (found !== null) existing.add(path);
  }
  return existing;
}

/** A file that was written to `from`; what it replaces at `path` is kept at `backup`. */
interface Move {
  readonly from: string;
  readonly backup: string;
  readonly path: string;
}

async function writeTemporary(folder: string, files: ReadonlyMap<string, string>): Promise<Move[]> {
  const moves: Move[] = [];
  for (const [path, text] of files) {
    const from = join(folder, `new-${moves.length}`);
    await writeFile(from, text);
    moves.push({ from, backup: join(folder, `old-${moves.length}`), path });
  }
  return moves;
}

/** Moves files to their places; `undo` receives the steps back. */
async function moveIntoPlace(
  moves: readonly Move[],
  existing: ReadonlySet<string>,
  undo: (() => Promise<unknown>)[],
): Promise<void> {
  for (const { from, backup, path } of moves) {
    if (existing.has(path)) {
      await rename(path, backup);
      undo.push(() => rename(backup, path));
    }
    await rename(from, path);
    undo.push(() => rm(path));
  }
}
