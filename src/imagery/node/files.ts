import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

// Deep enough for every known layout; an end to folders that link to themselves.
const MAX_DEPTH = 6;

/**
 * All files below a folder in a fixed order, as paths relative to it with forward slashes; hidden ones are left out.
 * Rejects when the folder does not exist or is a file.
 */
export async function listFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  async function walk(relative: string, depth: number): Promise<void> {
    const entries = await readdir(join(folder, relative), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.')) continue;
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      // A link that leads nowhere is treated as a file: reading it says what is wrong.
      const target = entry.isSymbolicLink() ? await stat(join(folder, path)).catch(() => entry) : entry;
      if (!target.isDirectory()) files.push(path);
      else if (depth < MAX_DEPTH) await walk(path, depth + 1);
    }
  }
  await walk('', 0);
  return files;
}

/** Checks that a path is a folder; `op` starts the error. */
export async function checkFolder(op: string, path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new Error(`${op}: ${path} does not exist`);
  if (!found.isDirectory()) throw new Error(`${op}: ${path} is a file, expected a folder`);
}

/** File name without folders and ending. */
export function stem(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.[^.]*$/, '');
}
