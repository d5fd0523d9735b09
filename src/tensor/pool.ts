import { Arena, ArenaBuffer, shareMemory, type PooledBuffer } from './arena.ts';
import { GpuOutOfMemoryError, formatBytes } from './errors.ts';
import { memoryUses, type MemoryUse, type MemoryUses } from './memory-use.ts';

const bytesOf = (buffers: readonly PooledBuffer[]): number => buffers.reduce((sum, { bytes }) => sum + bytes, 0);

/** Rounds up to a size class: four classes per power of two, so that at most a quarter is wasted. */
export function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2);
  return Math.ceil(bytes / step) * step;
}

/** Free buffers are always kept up to this many bytes: small programs should never give any back. */
const ALWAYS_KEPT_BYTES = 64 * 2 ** 20;
/**
 * Bytes to hold, in use and free together, as a multiple of the largest amount that was in use at once. A step that is repeated needs
 * the sum of the largest amounts of its size classes: 1.3 times for ResNet-50 at 512 pixels.
 */
const HELD = 1.5;

interface PoolOptions {
  /** Makes a buffer, or throws. */
  readonly create: (bytes: number, operation: string) => GPUBuffer;
  /** Destroys a buffer once no recorded command needs it. */
  readonly destroy: (buffer: GPUBuffer) => void;
  /** Sends recorded commands, so that buffers are destroyed now. */
  readonly flush: () => void;
  /** Releases buffers whose values can be computed again. */
  readonly reclaim: () => void;
  /** Ends recordings, so that their buffers return to the pool. */
  readonly endRecordings: () => void;
  /** Maximum bytes to hold at any time, in use and free together. */
  readonly limit: number;
}

/**
 * Reuses storage buffers by size class. GPU work runs in the order in which it is recorded, so that a buffer can be
 * handed out again as soon as its last use is recorded, without waiting.
 *
 * In use and free together are never more than 1.5 times the largest amount that was in use at once (or 64 MiB free), so that a program
 * that processes many image sizes does not hold a set of buffers for each.
 */
export class BufferPool {
  readonly #options: PoolOptions;
  /** Free buffers by size class; within one, the most recently released is last. */
  readonly #free = new Map<number, PooledBuffer[]>();
  readonly #used = new Set<PooledBuffer>();
  /** Buffers that the driver could not make after all, which it said later. */
  readonly #broken = new WeakSet<GPUBuffer>();
  #nextId = 1;
  #usedBytes = 0;
  #freeBytes = 0;
  #peakBytes = 0;
  /** The same since the start, whatever `resetPeak` does. */
  #largestBytes = 0;
  #freeCount = 0;
  /** Of buffers that wait in arenas. */
  #idleBytes = 0;
  #idleCount = 0;
  /** Where buffers come from at present. */
  #arena: Arena | null = null;
  /** That of the recording whose commands are not sent yet. */
  #unsent: Arena | null = null;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }
  get freeBytes(): number {
    return this.#freeBytes;
  }
  /** Largest number of bytes in use at once. */
  get peakBytes(): number {
    return this.#peakBytes;
  }
  /** Bytes that recordings keep for their next run, beside those in use. */
  get recordedBytes(): number {
    return this.#idleBytes;
  }
  get buffers(): number {
    return this.#used.size + this.#freeCount + this.#idleCount;
  }

  /** Bytes in use by what they hold. */
  uses(): MemoryUses {
    const uses = Object.fromEntries(memoryUses.map((use) => [use, 0])) as Record<MemoryUse, number>;
    for (const { use, bytes } of this.#used) uses[use] += bytes;
    return uses;
  }

  /** Starts a new measurement of `peakBytes`. */
  resetPeak(): void {
    this.#peakBytes = this.#usedBytes;
  }

  acquire(bytes: number, operation: string): PooledBuffer {
    const size = sizeClass(bytes);
    const buffer = this.#arena?.take(this.#nextId++, size) ?? this.#obtain(size, bytes, operation);
    buffer.written = -1;
    buffer.use = 'other';
    this.#usedBytes += size;
    this.#used.add(buffer);
    this.#notePeak(this.#usedBytes);
    return buffer;
  }

  /** A free buffer, or a new one. */
  #obtain(size: number, bytes: number, operation: string): PooledBuffer {
    const buffer = this.#free.get(size)?.pop();
    if (buffer === undefined) {
      this.#makeRoom(size, bytes, operation);
      return this.#describe(this.#options.create(size, operation), size);
    }
    this.#freeBytes -= size;
    this.#freeCount--;
    return buffer;
  }

  /** Destroys free buffers, if the limit demands it, and throws if that is not enough for `size` bytes more. */
  #makeRoom(size: number, bytes: number, operation: string): void {
    const { limit, flush, reclaim, endRecordings } = this.#options;
    if (this.#usedBytes + this.#idleBytes + size > limit) reclaim();
    if (this.#usedBytes + this.#idleBytes + size > limit && this.#idleBytes > 0) endRecordings();
    const held = this.#usedBytes + this.#idleBytes;
    if (held + this.#freeBytes + size > limit && this.#freeBytes > 0) {
      this.trim(Math.max(0, limit - held - size));
      flush();
    }
    if (this.#usedBytes + this.#idleBytes + size <= limit) return;
    const reason = `${formatBytes(size)} more would exceed the memory limit of ${formatBytes(limit)}`;
    throw this.outOfMemory(operation, bytes, reason);
  }

  /** The error that there is no room, with what is held. */
  outOfMemory(operation: string, bytes: number, reason: string): GpuOutOfMemoryError {
    const held = this.uses();
    const free = this.#freeBytes === 0 ? '' : `, and ${formatBytes(this.#freeBytes)} of free buffers kept for reuse`;
    return new GpuOutOfMemoryError(
      operation,
      bytes,
      `${reason}. In use are ${formatBytes(this.#usedBytes)}: ${usesText(held)}${free}`,
      { held, remedy: 'Use a smaller batch or image, dispose tensors, or raise init({ memoryLimit })' },
    );
  }

  /** Describes a buffer that the pool does not own, under a number of its own. */
  foreign(gpu: GPUBuffer): PooledBuffer {
    return this.#describe(gpu, gpu.size);
  }

  #describe(gpu: GPUBuffer, bytes: number): PooledBuffer {
    return { id: this.#nextId++, gpu, bytes, batch: -1, written: -1, use: 'other', lease: 0, arena: null };
  }

  /** Until `placeArena`, buffers come from a new arena and return to it. */
  openArena(): Arena {
    this.#arena = this.#unsent = new Arena();
    return this.#arena;
  }

  /** Gives memory to the buffers of the open arena, which is closed. False if there is not enough; then none has any. */
  placeArena(): boolean {
    const arena = this.#arena!;
    this.#arena = null;
    arena.isOpen = false;
    const { ended, live, idle } = arena;
    const buffers = [...ended, ...live];
    const { sizes, of } = shareMemory(buffers);
    const inUse = arena.liveBytes;
    this.#usedBytes -= inUse;
    try {
      for (const size of sizes) {
        idle.push(this.#obtain(size, size, 'a recorded function'));
        this.#idleBytes += size;
        this.#idleCount++;
      }
    } catch (error) {
      if (!(error instanceof GpuOutOfMemoryError)) throw error;
      for (const memory of idle.splice(0)) {
        this.#idleBytes -= memory.bytes;
        this.#idleCount--;
        this.#putBack(memory);
      }
      return false;
    } finally {
      this.#usedBytes += inUse;
    }
    const memories = [...idle];
    buffers.forEach((buffer, i) => buffer.place(memories[of[i]!]!));
    // The results are in use, and their memory with them.
    const kept = new Set(of.slice(ended.length));
    idle.splice(0, idle.length, ...memories.filter((_, i) => !kept.has(i)));
    arena.liveBytes = bytesOf([...live]);
    this.#usedBytes += arena.liveBytes - inUse;
    this.#idleBytes -= arena.liveBytes;
    this.#idleCount -= kept.size;
    return true;
  }

  /**
   * Instead of `placeArena`: runs each command of an arena while the buffers that are in use then have memory of their own, as if they came
   * from the pool.
   *
   * @throws GpuOutOfMemoryError if that is too much, too
   */
  placeInTurns(arena: Arena, run: (command: number) => void): void {
    const { commands, live, ended } = arena;
    const begun = new Set<ArenaBuffer>();
    const byBegin = [...ended, ...live].sort((a, b) => b.from - a.from);
    const end = (buffer: ArenaBuffer): void => {
      begun.delete(buffer);
      buffer.arena = null;
      this.#release(buffer);
    };
    this.#usedBytes -= arena.liveBytes;
    try {
      for (let command = 0; command <= commands; command++) {
        while (byBegin.length > 0 && byBegin.at(-1)!.from <= command) {
          const buffer = byBegin.pop()!;
          buffer.place(this.#obtain(buffer.bytes, buffer.bytes, 'a recorded function'));
          this.#usedBytes += buffer.bytes;
          this.#used.add(buffer);
          this.#notePeak(this.#usedBytes);
          if (buffer.to <= commands) begun.add(buffer);
        }
        if (command < commands) run(command);
        for (const buffer of begun) if (buffer.to === command + 1) end(buffer);
      }
    } finally {
      for (const buffer of begun) end(buffer);
      for (const buffer of live) if (!buffer.isPlaced) this.#usedBytes += buffer.bytes;
    }
  }

  /** Ends what an arena has waited with, once the commands of its recording are sent. */
  closeArena(arena: Arena): void {
    this.#unsent = null;
    for (const buffer of arena.released.splice(0)) this.release(buffer);
    // What the function had in use when it ran by itself is not needed any more.
    this.trim(ALWAYS_KEPT_BYTES);
  }

  /** Counts what a recording has in use at once while it runs. */
  notePeak({ liveBytes, peakBytes }: Arena): void {
    this.#notePeak(this.#usedBytes - liveBytes + peakBytes);
  }

  #notePeak(bytes: number): void {
    this.#peakBytes = Math.max(this.#peakBytes, bytes);
    this.#largestBytes = Math.max(this.#largestBytes, bytes);
  }

  /** Takes over the buffers of an arena. Those in use are given back to the pool later. */
  dissolve(arena: Arena): void {
    for (const buffer of arena.live) buffer.arena = null;
    for (const buffer of arena.idle.splice(0)) {
      buffer.arena = null;
      this.#idleBytes -= buffer.bytes;
      this.#idleCount--;
      this.#putBack(buffer);
    }
    arena.live.clear();
  }

  /** Says that the driver could not make a buffer, which is not used again. */
  discard(gpu: GPUBuffer): void {
    this.#broken.add(gpu);
    for (const [size, list] of this.#free) {
      const at = list.findIndex((buffer) => buffer.gpu === gpu);
      if (at < 0) continue;
      list.splice(at, 1);
      this.#freeBytes -= size;
      this.#freeCount--;
    }
  }

  release(buffer: PooledBuffer): void {
    if (buffer.arena === null && this.#unsent !== null) this.#unsent.released.push(buffer);
    else this.#release(buffer);
  }

  #release(buffer: PooledBuffer): void {
    this.#usedBytes -= buffer.bytes;
    this.#used.delete(buffer);
    if (!(buffer instanceof ArenaBuffer) || buffer.arena === null) {
      this.#putBack(buffer);
      return;
    }
    buffer.arena.giveBack(buffer);
    if (buffer.arena.isOpen) return;
    this.#idleBytes += buffer.bytes;
    this.#idleCount++;
  }

  #putBack(buffer: PooledBuffer): void {
    if (buffer instanceof ArenaBuffer && !buffer.isPlaced) return;
    if (this.#broken.has(buffer.gpu)) return;
    let list = this.#free.get(buffer.bytes);
    if (list === undefined) {
      list = [];
      this.#free.set(buffer.bytes, list);
    }
    list.push(buffer);
    this.#freeBytes += buffer.bytes;
    this.#freeCount++;
    const maxFree = Math.max(ALWAYS_KEPT_BYTES, HELD * this.#largestBytes - this.#usedBytes);
    if (this.#freeBytes > maxFree) this.trim(maxFree);
  }

  /** Destroys free buffers until at most `bytes` are left, starting with the size class that was unused for longest. */
  trim(bytes = 0): void {
    for (const [size, list] of this.#free) {
      while (this.#freeBytes > bytes && list.length > 0) {
        this.#options.destroy(list.shift()!.gpu);
        this.#freeBytes -= size;
        this.#freeCount--;
      }
      if (list.length === 0) this.#free.delete(size);
      if (this.#freeBytes <= bytes) return;
    }
  }
}

const names: { readonly [Use in MemoryUse]: string } = {
  weights: 'weights',
  gradients: 'gradients',
  optimizer: 'optimiser state',
  averages: 'averaged weights',
  activations: 'activations saved for backward',
  other: 'input, results and workspaces',
};

/** What is held, largest first: `4.0 MiB of activations saved for backward, 1.0 MiB of weights`. */
function usesText(uses: MemoryUses): string {
  const parts = memoryUses
    .filter((use) => uses[use] > 0)
    .sort((a, b) => uses[b] - uses[a])
    .map((use) => `${formatBytes(uses[use])} of ${names[use]}`);
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}
