import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Writes text files, all or none: they are written beside their places first and then moved; when one cannot be, those
 * before it are taken back. Files that exist are an error, before anything is written, unless `overwrite` is true.
 */
export async function writeWhole(files: ReadonlyMap<string, string>, overwrite: boolean): Promise<void> {
  const existing: string[] = [];
  for (const path of files.keys()) {
    const found = await stat(path).catch(() => null);
    if (found?.isDirectory() === true) throw new Error(`writeLabels: ${path} is a folder, expected the name of a file`);
    if (found !== null) existing.push(path);
  }
  if (existing.length > 0 && !overwrite) {
    const more = existing.length > 1 ? ` and ${existing.length - 1} more files exist` : ' exists';
    throw new Error(`writeLabels: ${existing[0]}${more} already; \`overwrite: true\` replaces what is there`);
  }
  const [first] = files.keys();
  if (first === undefined) return;
  const made: string[] = [];
  const undo: (() => Promise<unknown>)[] = [];
  let held: string | undefined;
  try {
    for (const path of files.keys()) {
      const folder = await mkdir(dirname(path), { recursive: true });
      if (folder !== undefined) made.push(folder);
    }
    const temporary = (held = await mkdtemp(join(dirname(first), '.labels-')));
    let next = 0;
    const moves: { from: string; kept: string; path: string }[] = [];
    for (const [path, text] of files) {
      const from = join(temporary, `new-${next}`);
      await writeFile(from, text);
      moves.push({ from, kept: join(temporary, `old-${next++}`), path });
    }
    for (const { from, kept, path } of moves) {
      if (existing.includes(path)) {
        await rename(path, kept);
        undo.push(() => rename(kept, path));
      }
      await rename(from, path);
      undo.push(() => rm(path));
    }
  } catch (error) {
    for (const step of undo.reverse()) await step();
    for (const folder of made.reverse()) await rm(folder, { recursive: true });
    throw error;
  } finally {
    if (held !== undefined) await rm(held, { recursive: true, force: true });
  }
}
