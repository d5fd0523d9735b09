import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { InputError } from '../../common/errors.ts';
import { openToRead } from '../../common/node/read-file.ts';

// Deep enough for every known layout.
const MAX_DEPTH = 6;

/**
 * All files below a folder in a fixed order, as relative paths with forward slashes. Hidden files are skipped, and folders
 * that are removed in the meantime. Rejects if the folder does not exist or is a file. Links are followed, except those to
 * folders around them, which would never end.
 *
 * @param levels of folders within the folder. Default: 6
 */
export async function listFiles(folder: string, levels = MAX_DEPTH): Promise<string[]> {
  const files: string[] = [];
  async function walk(relative: string, depth: number, around: readonly string[]): Promise<void> {
    const entries = await readdir(join(folder, relative), { withFileTypes: true }).catch((error: unknown) => {
      if (depth > 0 && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.')) continue;
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      // A broken link is listed as a file: the error comes when it is read.
      const target = entry.isSymbolicLink() ? await stat(join(folder, path)).catch(() => entry) : entry;
      if (!target.isDirectory()) files.push(path);
      else if (depth < levels) {
        const real = entry.isSymbolicLink() ? await realpath(join(folder, path)) : join(around.at(-1)!, entry.name);
        if (!around.some((outer) => `${outer}${sep}`.startsWith(`${real}${sep}`)))
          await walk(path, depth + 1, [...around, real]);
      }
    }
  }
  await walk('', 0, [await realpath(folder)]);
  return files;
}

/** The first bytes of a file, at most `length`. Rejects with the error of the file system. */
export async function readHead(path: string, length: number): Promise<Uint8Array> {
  const file = await openToRead(path);
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Rejects with an `InputError` of `op` unless a path is a folder. */
export async function checkFolder(op: string, path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new InputError(op, `${path} does not exist`);
  if (!found.isDirectory()) throw new InputError(op, `${path} is a file, expected a folder`);
}
