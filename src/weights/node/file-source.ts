import type { FileHandle } from 'node:fs/promises';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { openToRead } from '../../common/node/read-file.ts';
import type { ByteSource } from '../byte-source.ts';

/**
 * The bytes of a file, which is open only while it is read. Rejects with an InputError that names the file if it cannot be
 * read, or changes between two reads; `op` is the function that needs it.
 */
export async function fileSource(op: string, path: string): Promise<ByteSource> {
  const fail = (cause: unknown): never => {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new InputError(op, isMissing ? 'does not exist' : reasonOf(cause), { file: path, cause });
  };
  const within = async <T>(use: (file: FileHandle) => Promise<T>): Promise<T> => {
    const file = await openToRead(path).catch(fail);
    try {
      return await use(file).catch(fail);
    } finally {
      await file.close();
    }
  };
  const first = await within((file) => file.stat());
  const read = (from: number, to: number): Promise<Uint8Array> =>
    within(async (file) => {
      const { size, mtimeMs } = await file.stat();
      if (size !== first.size || mtimeMs !== first.mtimeMs) throw new Error('it changed while it was read');
      const bytes = new Uint8Array(to - from);
      for (let done = 0; done < bytes.length;) {
        const { bytesRead } = await file.read(bytes, done, bytes.length - done, from + done);
        if (bytesRead === 0) throw new Error('it changed while it was read');
        done += bytesRead;
      }
      return bytes;
    });
  return { size: first.size, read };
}
