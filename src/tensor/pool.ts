import { GpuOutOfMemoryError, formatBytes } from './errors.ts';
import { memoryUses, type MemoryUse, type MemoryUses } from './memory-use.ts';

/** A GPU buffer that the pool owns. */
export interface PooledBuffer {
  /** Never reused. */
  readonly id: number;
  readonly gpu: GPUBuffer;
  readonly bytes: number;
  /** The last batch of commands that uses it. */
  batch: number;
  /** The last batch that writes to it; -1 if its values do not depend on one. */
  written: number;
  /** What it holds, for reports: `other` until something says more. */
  use: MemoryUse;
}

/** Rounds up to a size class: four classes per power of two, so that at most a quarter is wasted. */
export function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2);
  return Math.ceil(bytes / step) * step;
}

/** Free buffers are always kept up to this many bytes: small programs should never give any back. */
const ALWAYS_KEPT_BYTES = 64 * 2 ** 20;

interface PoolOptions {
  /** Makes a buffer, or throws. */
  readonly create: (bytes: number, operation: string) => GPUBuffer;
  /** Destroys a buffer once no recorded command needs it. */
  readonly destroy: (buffer: GPUBuffer) => void;
  /** Sends recorded commands, so that buffers are destroyed now. */
  readonly flush: () => void;
  /** Maximum bytes to hold at any time, in use and free together. */
  readonly limit: number;
}

/**
 * Reuses storage buffers by size class. GPU work runs in the order in which it is recorded, so that a buffer can be
 * handed out again as soon as its last use is recorded, without waiting.
 *
 * The free list never holds more than the largest amount that was in use at once (or 64 MiB), so that a program that
 * processes many image sizes does not hold a set of buffers for each.
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
  #freeCount = 0;

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
  get buffers(): number {
    return this.#used.size + this.#freeCount;
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
    const list = this.#free.get(size);
    let buffer = list?.pop();
    if (buffer !== undefined) {
      this.#freeBytes -= size;
      this.#freeCount--;
    } else {
      this.#makeRoom(size, bytes, operation);
      const gpu = this.#options.create(size, operation);
      buffer = { id: this.#nextId++, gpu, bytes: size, batch: -1, written: -1, use: 'other' };
    }
    buffer.written = -1;
    buffer.use = 'other';
    this.#usedBytes += size;
    this.#used.add(buffer);
    this.#peakBytes = Math.max(this.#peakBytes, this.#usedBytes);
    return buffer;
  }

  /** Destroys free buffers, if the limit demands it, and throws if that is not enough for `size` bytes more. */
  #makeRoom(size: number, bytes: number, operation: string): void {
    const { limit, flush } = this.#options;
    if (this.#usedBytes + this.#freeBytes + size > limit && this.#freeBytes > 0) {
      this.trim(Math.max(0, limit - this.#usedBytes - size));
      flush();
    }
    if (this.#usedBytes + size <= limit) return;
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
    return { id: this.#nextId++, gpu, bytes: gpu.size, batch: -1, written: -1, use: 'other' };
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
    this.#usedBytes -= buffer.bytes;
    this.#used.delete(buffer);
    if (this.#broken.has(buffer.gpu)) return;
    let list = this.#free.get(buffer.bytes);
    if (list === undefined) {
      list = [];
      this.#free.set(buffer.bytes, list);
    }
    list.push(buffer);
    this.#freeBytes += buffer.bytes;
    this.#freeCount++;
    const maxFree = Math.max(ALWAYS_KEPT_BYTES, this.#peakBytes);
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
