import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { reasonOf } from '../check.ts';
import { InputError } from '../errors.ts';

/** The names of files that `replaceFile` has not completed. */
const PARTIAL = /^\..+\.partial$/;

/**
 * Writes a file, or replaces it, so that a crash at any time leaves the old content or the new: into a new file beside it,
 * which is flushed to the disk and renamed; then the folder is flushed. Creates the folder if it does not exist.
 *
 * @throws InputError of `op` that names the file and, for a full disk and the like, a remedy; the old content is kept
 */
export function replaceFile(op: string, path: string, content: Uint8Array | string): void {
  const folder = dirname(path);
  const partial = join(folder, `.${basename(path)}.${randomUUID()}.partial`);
  try {
    createFolderOf(path);
    const file = openSync(partial, 'wx');
    try {
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(partial, path);
    flushFolder(folder);
  } catch (error) {
    removeQuietly(partial);
    throw writeError(op, path, error);
  }
}

/**
 * Creates a folder, and those that contain it, if it does not exist.
 *
 * @returns the first folder that was created, if any
 */
export function createFolder(folder: string): string | undefined {
  try {
    return mkdirSync(folder, { recursive: true });
  } catch (error) {
    // Node says ENOENT of read-only file systems, too: creating the first missing folder alone gives the cause.
    if (codeOf(error) === 'ENOENT') mkdirSync(firstMissing(resolve(folder)));
    throw error;
  }
}

/** Creates the folder of a file, as `createFolder` does. */
export function createFolderOf(path: string): string | undefined {
  const folder = dirname(path);
  try {
    return createFolder(folder);
  } catch (error) {
    // A file has the name of the folder: reading it as one gives the error that says so.
    if (codeOf(error) === 'EEXIST') readdirSync(folder);
    throw error;
  }
}

function firstMissing(folder: string): string {
  const parent = dirname(folder);
  return existsSync(parent) || parent === folder ? folder : firstMissing(parent);
}

/** Removes what `replaceFile` left in a folder when its process was killed. Another process must not be writing there. */
export function removePartialFiles(folder: string): void {
  for (const name of readdirSync(folder)) if (PARTIAL.test(name)) removeQuietly(join(folder, name));
}

/** Flushes the entries of a folder to the disk, where the system can do that: after this, a renamed file stays renamed. */
function flushFolder(folder: string): void {
  // Windows cannot open folders; its file systems keep a journal of renames.
  if (process.platform === 'win32') return;
  const opened = openSync(folder, 'r');
  try {
    fsyncSync(opened);
  } catch (error) {
    // Some network file systems cannot flush folders.
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOTSUP') throw error;
  } finally {
    closeSync(opened);
  }
}

/** The cause of what follows must not be hidden by a file that cannot be removed either. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Nothing can be done about it now; the next process removes it.
  }
}

/** What to say when a file cannot be written, by the code of the system's error. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'cannot be written: the disk is full; free some space',
  EDQUOT: 'cannot be written: the disk quota is used up; free some space',
  EFBIG: 'cannot be written: it exceeds the maximum size of a file here',
  EROFS: 'cannot be written: the file system is read-only; choose another folder, or mount it for writing',
  EACCES: 'cannot be written: permission denied; choose another folder, or change its permissions',
  EPERM: 'cannot be written: the operation is not permitted; choose another folder, or change its permissions',
  ENOENT: 'cannot be written: its folder no longer exists',
  ENOTDIR: 'cannot be written: a file is where its folder should be',
  EISDIR: 'cannot be written: a folder has its name',
  EEXIST: 'cannot be written: a file has its name',
  ENAMETOOLONG: 'cannot be written: its name or its path is too long; choose a shorter one',
  EIO: 'cannot be written: the disk reports an error; check the disk, and its cables or network',
  EMFILE: 'cannot be written: too many files are open; raise the limit (ulimit -n)',
};

/** The error of `op` for a file that cannot be written: what happened, and what to do. */
export function writeError(op: string, path: string, cause: unknown): InputError {
  return cause instanceof InputError ? cause : new InputError(op, writeReason(cause), { file: path, cause });
}

/** Why something cannot be written, and what to do. */
export function writeReason(cause: unknown): string {
  const code = codeOf(cause);
  const known = code === undefined ? undefined : REASONS[code];
  return known === undefined ? `cannot be written: ${reasonOf(cause)}` : `${known} (${code})`;
}

/** Runs what writes a file or a folder. An error of the system becomes that of `writeError`; others stay what they are. */
export async function writing<T>(op: string, path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const isOfSystem = error instanceof Error && 'syscall' in error && error.syscall !== 'read';
    throw isOfSystem ? writeError(op, path, error) : error;
  }
}

/** The code of an error of the system, for example `ENOENT`. */
export const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | null)?.code;
