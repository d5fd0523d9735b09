// A file that is replaced as a whole, in the browser's private file system. It has two slots, two files, which take turns: the
// older one is overwritten, and its head, which makes it valid, is written last. A tab that is killed in the middle leaves the
// newer slot as it was. Slots are opened once, because opening is asynchronous and a run saves its state synchronously.

/** The part of FileSystemSyncAccessHandle that is used. Tests have another one. */
export interface Handle {
  getSize(): number;
  read(to: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  write(from: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

/** Bytes of the head: a mark, the generation (each write has the next one), and the length of what follows. */
const HEAD = 24;
const MARK = 0x52_47_53_4c;

interface Head {
  readonly generation: number;
  readonly length: number;
}

/** The head of a slot; null if it is empty or was not completed. */
function headOf(slot: Handle): Head | null {
  const bytes = new Uint8Array(HEAD);
  if (slot.read(bytes, { at: 0 }) < HEAD) return null;
  const view = new DataView(bytes.buffer);
  const [generation, length] = [view.getFloat64(8), view.getFloat64(16)];
  return view.getUint32(0) === MARK && slot.getSize() === HEAD + length ? { generation, length } : null;
}

/** A write that the storage took only in part: it is full. */
export class StorageFullError extends Error {
  override readonly name = 'StorageFullError';
}

/** Writes bytes, of which a handle may take fewer. */
export function writeAll(handle: Handle, bytes: Uint8Array<ArrayBuffer>, at: number): void {
  const written = handle.write(bytes, { at });
  if (written < bytes.length) throw new StorageFullError(`${written} of ${bytes.length} bytes were stored`);
}

export class SlotFile {
  readonly #slots: readonly [Handle, Handle];

  constructor(slots: readonly [Handle, Handle]) {
    this.#slots = slots;
  }

  /** Whether there is anything to read. */
  get isWritten(): boolean {
    return this.#slots.some((slot) => headOf(slot) !== null);
  }

  /** Replaces the older slot. If that fails, the newer one is what is read. */
  write(content: Uint8Array): void {
    const [first, second] = this.#slots.map((slot) => headOf(slot)?.generation ?? -1) as [number, number];
    const slot = this.#slots[first <= second ? 0 : 1];
    // Emptied first: a slot whose head is valid must have all of its content.
    slot.truncate(0);
    slot.flush();
    writeAll(slot, new Uint8Array(HEAD), 0);
    writeAll(slot, content as Uint8Array<ArrayBuffer>, HEAD);
    slot.flush();
    const head = new DataView(new ArrayBuffer(HEAD));
    head.setUint32(0, MARK);
    head.setFloat64(8, Math.max(first, second) + 1);
    head.setFloat64(16, content.length);
    writeAll(slot, new Uint8Array(head.buffer), 0);
    slot.flush();
  }

  /** The contents of the whole slots, the newest first. */
  *contents(): Generator<Uint8Array<ArrayBuffer>> {
    const found = this.#slots.flatMap((slot) => {
      const head = headOf(slot);
      return head === null ? [] : [{ slot, ...head }];
    });
    for (const { slot, length } of found.sort((a, b) => b.generation - a.generation)) {
      const bytes = new Uint8Array(length);
      slot.read(bytes, { at: HEAD });
      yield bytes;
    }
  }

  close(): void {
    for (const slot of this.#slots) slot.close();
  }
}

/** The content of the newest whole slot, read from its files without opening them; null if there is none. */
export async function readSlots(files: readonly Blob[]): Promise<Uint8Array<ArrayBuffer> | null> {
  const found = await Promise.all(
    files.map(async (file) => {
      const view = new DataView(await file.slice(0, HEAD).arrayBuffer());
      if (view.byteLength < HEAD || view.getUint32(0) !== MARK) return null;
      const isWhole = file.size === HEAD + view.getFloat64(16);
      return isWhole ? { file, generation: view.getFloat64(8) } : null;
    }),
  );
  const [newest] = found.filter((one) => one !== null).sort((a, b) => b.generation - a.generation);
  return newest === undefined ? null : new Uint8Array(await newest.file.slice(HEAD).arrayBuffer());
}
