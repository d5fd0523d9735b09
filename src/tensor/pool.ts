import { GpuOutOfMemoryError, formatBytes } from './errors.ts';

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
  #nextId = 1;
  #usedBytes = 0;
  #freeBytes = 0;
  #peakBytes = 0;
  #freeCount = 0;
  #usedCount = 0;

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
    return this.#usedCount + this.#freeCount;
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
      const { limit } = this.#options;
      if (this.#usedBytes + this.#freeBytes + size > limit) this.trim(limit - this.#usedBytes - size);
      if (this.#usedBytes + size > limit) {
        throw new GpuOutOfMemoryError(
          operation,
          bytes,
          `${formatBytes(size)} more than the ${formatBytes(this.#usedBytes)} in use would exceed the memory limit of ` +
            `${formatBytes(limit)}: use a smaller batch or image, dispose tensors, or raise init({ memoryLimit })`,
        );
      }
      buffer = { id: this.#nextId++, gpu: this.#options.create(size, operation), bytes: size, batch: -1, written: -1 };
    }
    buffer.written = -1;
    this.#usedBytes += size;
    this.#usedCount++;
    this.#peakBytes = Math.max(this.#peakBytes, this.#usedBytes);
    return buffer;
  }

  /** Describes a buffer that the pool does not own, under a number of its own. */
  foreign(gpu: GPUBuffer): PooledBuffer {
    return { id: this.#nextId++, gpu, bytes: gpu.size, batch: -1, written: -1 };
  }

  release(buffer: PooledBuffer): void {
    this.#usedBytes -= buffer.bytes;
    this.#usedCount--;
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
