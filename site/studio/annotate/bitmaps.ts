// The bitmaps of images, of which only those around the current one are open: hundreds of photographs do not fit into memory. Without
// a page, so that it runs in Node too.

/** What is used of an ImageBitmap here. */
interface Closable {
  close(): void;
}

/** An image whose pixels are decoded when they are needed. */
export interface Openable<Bitmap> {
  readonly id: string;
  readonly open: () => Promise<Bitmap>;
}

export class Bitmaps<Bitmap extends Closable> {
  readonly #open = new Map<string, Promise<Bitmap>>();
  #near: readonly Openable<Bitmap>[] = [];
  /** One after the other: each needs memory while it is decoded. */
  #queue: Promise<unknown> = Promise.resolve();

  /** Closes all except these, and opens them, the first one first. */
  keep(near: readonly Openable<Bitmap>[]): void {
    this.#near = near;
    for (const [id, bitmap] of this.#open) if (!this.#isNear(id)) this.#close(id, bitmap);
    // Who needs one of them is told why it cannot be opened.
    for (const image of near) this.get(image).catch(() => undefined);
  }

  /** The bitmap of an image, which is open as long as the image is near. Rejects if it cannot be opened, or is not near any more. */
  get(image: Openable<Bitmap>): Promise<Bitmap> {
    const known = this.#open.get(image.id);
    if (known !== undefined) return known;
    const opened = this.#inTurn(async () => {
      if (!this.#isNear(image.id)) throw new Error(`${image.id} is not needed any more`);
      return image.open();
    });
    this.#open.set(image.id, opened);
    // It is tried again when it is needed again.
    opened.catch(() => this.#open.get(image.id) === opened && this.#open.delete(image.id));
    return opened;
  }

  /** Does something with the bitmap of an image that may be far: it is closed afterwards. Does nothing if `isWanted` says so then. */
  async once(image: Openable<Bitmap>, isWanted: () => boolean, use: (bitmap: Bitmap) => void): Promise<void> {
    const known = this.#open.get(image.id);
    if (known !== undefined) return use(await known);
    await this.#inTurn(async () => {
      if (!isWanted()) return;
      const bitmap = await image.open();
      try {
        use(bitmap);
      } finally {
        bitmap.close();
      }
    });
  }

  /** Closes all. */
  close(): void {
    this.keep([]);
  }

  #isNear(id: string): boolean {
    return this.#near.some((image) => image.id === id);
  }

  #close(id: string, bitmap: Promise<Bitmap>): void {
    this.#open.delete(id);
    bitmap.then(
      (opened) => opened.close(),
      () => undefined,
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }
}
