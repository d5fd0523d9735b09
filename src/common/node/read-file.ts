import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { exceeds, fileLimits } from '../limits.ts';

/** Opens a file to read. A pipe in its place, which nothing may ever write to, is opened at once, and is empty. */
export const openToRead = (path: string): Promise<FileHandle> =>
  // Windows has neither such pipes nor the flag.
  open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));

/**
 * Reads text in UTF-8. Rejects with the error of the file system, or an Error with the reason for what is no file, too long or
 * not UTF-8.
 */
export async function readUtf8(path: string): Promise<string> {
  const bytes = await readWhole(path, 'maxTextBytes', fileLimits().maxTextBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    throw new Error('the text is not UTF-8 (save it as UTF-8)', { cause: error });
  }
}

/** The bytes of a file. Rejects with an Error for what is no file, and for a file that is longer than `limit`. */
export async function readWhole(path: string, name: 'maxFileBytes' | 'maxTextBytes', limit: number): Promise<Buffer> {
  const file = await openToRead(path);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Error('not a file');
    if (found.size > limit) throw new Error(exceeds(`${found.size} bytes`, name, limit));
    return await file.readFile();
  } finally {
    await file.close();
  }
}
