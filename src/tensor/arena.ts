import type { MemoryUse } from './memory-use.ts';

// The memory of a recording (recording.ts). While it is open its commands are only noted, so that its buffers need no memory yet.
// When it is closed it is known from which command to which each of them is in use, and those that are never in use at the same
// time share memory.

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
  /** How often it was given back: whoever refers to it without holding it can tell that it now is another tensor's. */
  lease: number;
  /** The arena that owns it; null for the pool. */
  arena: Arena | null;
}

/** The commands of a recording during which a buffer is in use: from number `from` up to, not including, `to`. */
export interface Lifetime {
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Divides buffers among as little memory as possible: those with the same number in `of` share one of `sizes` bytes. From the largest
 * on, each takes the smallest memory that is free during its lifetime ("greedy by size for shared objects", Pisarchyk and Lee 2020,
 * "Efficient Memory Management for Deep Neural Net Inference").
 */
export function shareMemory(buffers: readonly Lifetime[]): { readonly sizes: number[]; readonly of: number[] } {
  const memories: { readonly bytes: number; readonly users: Lifetime[] }[] = [];
  const of = new Array<number>(buffers.length);
  const bySize = [...buffers.keys()].sort((a, b) => buffers[b]!.bytes - buffers[a]!.bytes);
  for (const i of bySize) {
    const buffer = buffers[i]!;
    // In this order memories become smaller, so that the last one that is free is the smallest.
    let found = memories.length - 1;
    while (found >= 0 && !isFree(memories[found]!.users, buffer)) found--;
    if (found < 0) found = memories.push({ bytes: buffer.bytes, users: [] }) - 1;
    memories[found]!.users.push(buffer);
    of[i] = found;
  }
  return { sizes: memories.map(({ bytes }) => bytes), of };
}

const isFree = (users: readonly Lifetime[], { from, to }: Lifetime): boolean =>
  users.every((user) => user.to <= from || to <= user.from);

/** A buffer of a recording, without memory until the recording is closed. */
export class ArenaBuffer implements PooledBuffer, Lifetime {
  readonly id: number;
  /** Those of its memory, once it has some. */
  bytes: number;
  readonly from: number;
  to = Infinity;
  batch = -1;
  written = -1;
  use: MemoryUse = 'other';
  lease = 0;
  arena: Arena | null;
  #memory: GPUBuffer | null = null;

  constructor(id: number, bytes: number, arena: Arena) {
    this.id = id;
    this.bytes = bytes;
    this.arena = arena;
    this.from = arena.commands;
  }

  /** Whether it has memory. */
  get isPlaced(): boolean {
    return this.#memory !== null;
  }

  get gpu(): GPUBuffer {
    if (this.#memory === null) this.arena?.abandon('a command that cannot be recorded needs its memory');
    if (this.#memory === null) throw new Error('the recording that this tensor belongs to got no memory');
    return this.#memory;
  }

  place({ gpu, bytes }: PooledBuffer): void {
    this.#memory = gpu;
    this.bytes = bytes;
  }
}

/** The buffers of a recording. */
export class Arena {
  /** Commands noted so far. */
  commands = 0;
  /** Those in use. */
  readonly live = new Set<ArenaBuffer>();
  /** Those that were given back before the recording was closed. */
  readonly ended: ArenaBuffer[] = [];
  /** What these share, and those that were given back later: they wait for the next run. */
  readonly idle: PooledBuffer[] = [];
  /** Buffers of the pool that were given back before the commands were sent, which may need them. */
  readonly released: PooledBuffer[] = [];
  liveBytes = 0;
  /** Largest number of bytes in use at once. */
  peakBytes = 0;
  isOpen = true;
  /** Ends the recording. */
  abandon: (reason: string) => void = () => undefined;

  take(id: number, bytes: number): ArenaBuffer {
    const buffer = new ArenaBuffer(id, bytes, this);
    this.live.add(buffer);
    this.liveBytes += bytes;
    this.peakBytes = Math.max(this.peakBytes, this.liveBytes);
    return buffer;
  }

  giveBack(buffer: ArenaBuffer): void {
    this.live.delete(buffer);
    this.liveBytes -= buffer.bytes;
    if (!this.isOpen) {
      this.idle.push(buffer);
      return;
    }
    buffer.to = this.commands;
    // No command uses it.
    if (buffer.to > buffer.from) this.ended.push(buffer);
  }
}
