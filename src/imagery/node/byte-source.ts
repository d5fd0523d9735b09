import { reasonOf } from '../../common/check.ts';
import { openToRead } from '../../common/node/read-file.ts';
import { checkPart, type ByteSource } from '../byte-source.ts';
import { TruncatedError } from '../truncated.ts';
import { hideSecrets } from './secrets.ts';

/** Whether an image is named by a URL of a web server. */
export const isUrl = (path: string): boolean => /^https?:\/\//i.test(path);

/** A path or URL as messages and results show it: without the secrets of a URL. */
export const shownPath = (path: string): string => (isUrl(path) ? hideSecrets(path) : path);

/** The bytes of a file or, for a URL, of a resource that its server sends in parts. */
export const openBytes = (path: string): Promise<ByteSource> => (isUrl(path) ? urlSource(path) : fileSource(path));

/** The file is opened for each read: nothing has to be closed, and a data set may have more files than can be open. */
async function fileSource(path: string): Promise<ByteSource> {
  const withFile = async <T>(work: (file: Awaited<ReturnType<typeof openToRead>>) => Promise<T>): Promise<T> => {
    const file = await openToRead(path);
    try {
      return await work(file);
    } finally {
      await file.close();
    }
  };
  const { size } = await withFile((file) => file.stat());
  return {
    size,
    async read(at, length) {
      checkPart(size, at, length);
      return withFile(async (file) => {
        const bytes = new Uint8Array(length);
        for (let filled = 0; filled < length;) {
          const { bytesRead } = await file.read(bytes, filled, length - filled, at + filled);
          if (bytesRead === 0) throw new TruncatedError(`truncated: the file ends at byte ${at + filled}`);
          filled += bytesRead;
        }
        return bytes;
      });
    },
  };
}

/** Attempts of a request before it fails; between them it waits 0.5 s, 1 s, ... */
const ATTEMPTS = 4;

/** A resource that is read by HTTP range requests (RFC 9110, section 14), as cloud-optimized GeoTIFF files are meant to be. */
async function urlSource(url: string): Promise<ByteSource> {
  const first = await fetchRange(url, 0, 1);
  return {
    size: first.size,
    async read(at, length) {
      checkPart(first.size, at, length);
      if (length === 0) return new Uint8Array();
      const { bytes } = await fetchRange(url, at, length);
      if (bytes.length !== length)
        throw new TruncatedError(`truncated: the server sent ${bytes.length} of ${length} bytes`);
      return bytes;
    },
  };
}

async function fetchRange(
  url: string,
  at: number,
  length: number,
): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly size: number }> {
  for (let attempt = 1; ; attempt++) {
    let failure: string;
    try {
      const response = await fetch(url, { headers: { Range: `bytes=${at}-${at + length - 1}` } });
      if (response.status === 206) {
        const size = Number(/\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1] ?? NaN);
        if (!Number.isSafeInteger(size)) throw new FinalError('the server does not tell the length of the file');
        return { bytes: new Uint8Array(await response.arrayBuffer()), size };
      }
      await response.body?.cancel();
      if (response.status === 200) {
        throw new FinalError('the server does not send parts of a file (no HTTP range requests): download it first');
      }
      failure = `the server answers ${response.status} ${response.statusText}`.trimEnd();
      if (response.status < 500 && response.status !== 429) throw new FinalError(failure);
    } catch (error) {
      if (error instanceof FinalError) throw error;
      const reason = reasonOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
      failure = `the server cannot be reached (${hideSecrets(reason)})`;
    }
    if (attempt === ATTEMPTS) throw new Error(`${failure}, in ${ATTEMPTS} attempts`);
    await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** attempt));
  }
}

/** An error that another attempt would not change. */
class FinalError extends Error {}
