/** Decoded blocks of image files, the least recently used of which are dropped when they exceed a number of bytes. */
export class BlockCache {
  /**
   * Of all files. Blocks of a raster in strips are as wide as the raster: a row of windows of 512 pixels of a raster that is
   * 40,000 pixels wide takes 60 to 160 MB, and each strip must be decoded once only.
   */
  static readonly shared = new BlockCache(256 * 2 ** 20);
  readonly #limit: number;
  readonly #blocks = new Map<string, { readonly block: Promise<DataView>; bytes: number }>();
  readonly #ids = new WeakMap<object, number>();
  #nextId = 0;
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Block number `index` of an image; `decode` makes it if it is not kept. */
  async get(image: object, index: number, decode: () => Promise<DataView>): Promise<DataView> {
    const id = this.#ids.get(image) ?? this.#nextId++;
    this.#ids.set(image, id);
    const key = `${id} ${index}`;
    const kept = this.#blocks.get(key);
    if (kept !== undefined) {
      // The last in order is the most recently used.
      this.#blocks.delete(key);
      this.#blocks.set(key, kept);
      return kept.block;
    }
    const entry = { block: decode(), bytes: 0 };
    this.#blocks.set(key, entry);
    try {
      const { byteLength } = await entry.block;
      entry.bytes = byteLength;
      this.#bytes += byteLength;
    } catch (error) {
      this.#blocks.delete(key);
      throw error;
    }
    this.#shrink(key);
    return entry.block;
  }

  /** Drops blocks until they fit; the block `newest` stays, however large. */
  #shrink(newest: string): void {
    for (const [key, { bytes }] of this.#blocks) {
      if (this.#bytes <= this.#limit) return;
      // Those without bytes are being decoded.
      if (bytes === 0 || key === newest) continue;
      this.#blocks.delete(key);
      this.#bytes -= bytes;
    }
  }
}
