import type { Dispatch } from './commands.ts';
import { bufferUsage, mapMode } from './webgpu-flags.ts';

/** One dispatch and the time that it took on the GPU; with `kernel` null, work of the host. */
export interface ProfileEntry {
  /** The part of the program that recorded it, as named by `device.part`; gradients end with `backward`. */
  readonly part: string;
  /** The operation with its shapes. */
  readonly operation: string;
  /** File and constants of the kernel; null for work of the host. */
  readonly kernel: string | null;
  /** Bytes of the buffers that it bound. */
  readonly bytes: number;
  readonly milliseconds: number;
}

/** Waits for a promise of the GPU without keeping a core busy. */
export type Wait = <T>(promise: Promise<T>) => Promise<T>;

type Unmeasured = Omit<ProfileEntry, 'milliseconds'>;

/** Dispatches per query set, which holds two timestamps for each and at most 4,096. */
const PER_SET = 2048;

/**
 * Measures every dispatch with the GPU's own clock, in a compute pass of its own. Separate passes take time in between, so
 * that the sum of all dispatches is less than the total time.
 */
export class Profile {
  readonly #gpu: GPUDevice;
  readonly #entries: Unmeasured[] = [];
  readonly #sets: GPUQuerySet[] = [];
  readonly #host: ProfileEntry[] = [];

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  /** Records a dispatch and returns the description of a compute pass that measures it. */
  pass(part: string, { operation, pipeline, buffers }: Dispatch): GPUComputePassDescriptor {
    const bytes = buffers.reduce((sum, buffer) => sum + buffer.bytes, 0);
    const slot = this.#entries.push({ part, operation, kernel: pipeline.label, bytes }) - 1;
    const index = slot % PER_SET;
    if (index === 0) this.#sets.push(this.#gpu.createQuerySet({ type: 'timestamp', count: 2 * PER_SET }));
    const querySet = this.#sets.at(-1)!;
    return {
      timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * index, endOfPassWriteIndex: 2 * index + 1 },
    };
  }

  /** Records work of the host. */
  host(part: string, milliseconds: number): void {
    this.#host.push({ part, operation: part, kernel: null, bytes: 0, milliseconds });
  }

  /** Reads the timestamps. All dispatches must have been sent to the GPU. */
  async read(wait: Wait): Promise<ProfileEntry[]> {
    const times: BigUint64Array[] = [];
    for (const querySet of this.#sets) {
      const size = 2 * PER_SET * 8;
      const resolved = this.#gpu.createBuffer({ size, usage: bufferUsage.QUERY_RESOLVE | bufferUsage.COPY_SRC });
      const staging = this.#gpu.createBuffer({ size, usage: bufferUsage.MAP_READ | bufferUsage.COPY_DST });
      const encoder = this.#gpu.createCommandEncoder();
      encoder.resolveQuerySet(querySet, 0, 2 * PER_SET, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
      this.#gpu.queue.submit([encoder.finish()]);
      await wait(staging.mapAsync(mapMode.READ));
      times.push(new BigUint64Array(staging.getMappedRange().slice(0)));
      for (const used of [resolved, staging, querySet]) used.destroy();
    }
    const measured = this.#entries.map((entry, slot) => {
      const set = times[Math.floor(slot / PER_SET)]!;
      const index = 2 * (slot % PER_SET);
      return { ...entry, milliseconds: Number(set[index + 1]! - set[index]!) / 1e6 };
    });
    return [...measured, ...this.#host];
  }
}
