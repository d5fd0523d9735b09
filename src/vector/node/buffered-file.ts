import { open, type FileHandle } from 'node:fs/promises';

const BLOCK = 1 << 20;

/** A new file that is written in large blocks. */
export class BufferedFile {
  readonly #file: FileHandle;
  readonly #block = Buffer.alloc(BLOCK);
  #filled = 0;
  #written = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Creates a file, passes it to `fill`, and closes it. */
  static async write(path: string, fill: (file: BufferedFile) => Promise<void>): Promise<void> {
    const handle = await open(path, 'w');
    try {
      const file = new BufferedFile(handle);
      await fill(file);
      await file.#flush();
    } finally {
      await handle.close();
    }
  }

  /** Number of bytes so far. */
  get length(): number {
    return this.#written + this.#filled;
  }

  async add(data: Uint8Array | string): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    if (this.#filled + bytes.length > BLOCK) await this.#flush();
    if (bytes.length > BLOCK) {
      await this.#writeAll(bytes);
    } else {
      this.#block.set(bytes, this.#filled);
      this.#filled += bytes.length;
    }
  }

  async #flush(): Promise<void> {
    await this.#writeAll(this.#block.subarray(0, this.#filled));
    this.#filled = 0;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    await this.#file.writeFile(bytes);
    this.#written += bytes.length;
  }
}
