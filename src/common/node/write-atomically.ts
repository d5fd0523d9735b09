import { mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InputError } from '../errors.ts';
import { createFolderOf, writing } from './replace-file.ts';

/**
 * Writes files, all or none: `write` creates each of them at a temporary path, which `temporaryOf` gives, in a folder beside
 * the first file; then they are moved. If a move fails, those before it are undone. Existing files are replaced if
 * `overwrite` is true; otherwise they are an `InputError` of `op`, before anything is written.
 */
export async function writeAtomically(
  op: string,
  paths: readonly string[],
  overwrite: boolean,
  write: (temporaryOf: (path: string) => string) => Promise<void>,
): Promise<void> {
  const existing = await existingFiles(op, paths);
  if (existing.size > 0 && !overwrite) {
    const [first] = existing;
    const many = existing.size > 1;
    const reason = `${first}${many ? ` and ${existing.size - 1} more files exist` : ' exists'} already`;
    throw new InputError(op, reason, { remedy: `to replace ${many ? 'them' : 'it'}, use`, option: 'overwrite' });
  }
  const [first] = paths;
  if (first === undefined) return;
  await writing(op, first, () => writeAll(paths, existing, write));
}

/** Writes new files to a folder beside the first of them, and moves them to their places; undoes all if anything fails. */
async function writeAll(
  paths: readonly string[],
  existing: ReadonlySet<string>,
  write: (temporaryOf: (path: string) => string) => Promise<void>,
): Promise<void> {
  const undo: (() => Promise<unknown>)[] = [];
  let temporary: string | undefined;
  try {
    for (const path of paths) {
      const made = createFolderOf(path);
      if (made !== undefined) undo.push(() => rm(made, { recursive: true }));
    }
    const folder = await mkdtemp(join(dirname(paths[0]!), '.writing-'));
    temporary = folder;
    const moves = new Map(
      paths.map((path, i) => [path, { from: join(folder, `new-${i}`), backup: join(folder, `old-${i}`), path }]),
    );
    await write((path) => moves.get(path)!.from);
    await moveIntoPlace([...moves.values()], existing, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  } finally {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  }
}

/** Writes text files, all or none, as `writeAtomically` does. */
export async function writeTexts(op: string, texts: ReadonlyMap<string, string>, overwrite: boolean): Promise<void> {
  await writeAtomically(op, [...texts.keys()], overwrite, async (temporaryOf) => {
    for (const [path, text] of texts) await writeFile(temporaryOf(path), text);
  });
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
