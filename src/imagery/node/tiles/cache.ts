import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { reasonOf } from '../../../common/check.ts';
import { InputError } from '../../../common/errors.ts';
import type { TileAddress } from './template.ts';

/** Bytes of a SHA-256 digest. */
const DIGEST = 32;

/**
 * Tiles of one service on disk, without expiry: FOLDER/HOST-HASH/z/x/y.tile. The hash is of the template without its key,
 * which source.txt beside the tiles holds. A file is the bytes as the service sent them, followed by their SHA-256 digest,
 * so that a file that was cut or changed is noticed; a file with no bytes before the digest says that the tile does not
 * exist. Viewers of PNG and JPEG ignore the digest.
 */
export class TileCache {
  readonly folder: string;
  readonly #source: string;
  #isDescribed = false;

  /** @param source the template without secrets */
  constructor(folder: string, source: string) {
    // For people; the hash alone tells sources apart.
    const host = /^\w+:\/\/([^/?#]*)/.exec(source)![1]!.replaceAll(/[^\w.-]+/g, '_');
    this.folder = join(folder, `${host}-${digestOf(Buffer.from(source)).toString('hex').slice(0, 12)}`);
    this.#source = source;
  }

  /**
   * The bytes of a tile, null for one that does not exist, undefined if the cache does not know it or its file is damaged.
   */
  async read(tile: TileAddress): Promise<Uint8Array | null | undefined> {
    const file = await readFile(this.#path(tile)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new InputError('openTiles', `cannot be read: ${reasonOf(error)}`, { file: this.#path(tile), cause: error });
    });
    if (file === undefined || file.length < DIGEST) return undefined;
    const bytes = file.subarray(0, -DIGEST);
    if (!digestOf(bytes).equals(file.subarray(-DIGEST))) return undefined;
    return bytes.length === 0 ? null : bytes;
  }

  /** Stores the bytes of a tile; null for one that does not exist. */
  async write(tile: TileAddress, bytes: Uint8Array | null): Promise<void> {
    const path = this.#path(tile);
    const content = bytes ?? new Uint8Array(0);
    try {
      await mkdir(dirname(path), { recursive: true });
      await this.#describe();
      await replaceFile(path, Buffer.concat([content, digestOf(content)]));
    } catch (error) {
      const reason = `the tile cache cannot be written: ${reasonOf(error)}`;
      throw new InputError('openTiles', reason, {
        file: path,
        remedy: 'name a folder that can be written with',
        option: 'cache',
        cause: error,
      });
    }
  }

  /** Writes which service the tiles are of, for people who look into the folder. */
  async #describe(): Promise<void> {
    if (this.#isDescribed) return;
    this.#isDescribed = true;
    await replaceFile(join(this.folder, 'source.txt'), `${this.#source}\n`);
  }

  #path({ z, x, y }: TileAddress): string {
    return join(this.folder, String(z), String(x), `${y}.tile`);
  }
}

const digestOf = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Writes a file so that readers, also of other processes, see the old file or the new one and never a part of it. */
async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
