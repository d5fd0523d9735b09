import type { Replicas, ReplicaSum } from '../train/replicas.ts';
import { bufferUsage, mapMode } from '../tensor/webgpu-flags.ts';
import { checkInteger, optionsOf } from '../common/check.ts';
import type { Device } from '../tensor/device.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Communicator } from './communicator.ts';

/** Options of `DataParallel`. */
export interface DataParallelOptions {
  /**
   * Bytes of gradients that travel together. Smaller ones start earlier in the backward pass, larger ones lose less to latency.
   * Default 8 MiB.
   */
  readonly bucketBytes?: number;
}

/** Bytes of a bucket by default. */
export const BUCKET_BYTES = 8 << 20;

/** The replicas of a model that the ranks of a communicator train: the option `replicas` of `trainDetector`. */
export class DataParallel implements Replicas {
  readonly rank: number;
  readonly size: number;
  readonly #communicator: Communicator;
  readonly #bucketBytes: number;
  /** The buffers of the last sum, which the next one takes over if it has the same lengths. */
  #buckets: Buckets | null = null;
  readonly #counts = { steps: 0, bytes: 0, waitMilliseconds: 0, sumMilliseconds: 0 };

  constructor(communicator: Communicator, options: DataParallelOptions = {}) {
    const { bucketBytes } = optionsOf('DataParallel', options, { bucketBytes: BUCKET_BYTES });
    checkInteger('DataParallel', 'bucketBytes', bucketBytes, { min: 4 });
    this.#communicator = communicator;
    this.#bucketBytes = bucketBytes;
    this.rank = communicator.rank;
    this.size = communicator.size;
  }

  /**
   * Since the start: number of steps, bytes of this rank that were summed, milliseconds in which sums were under way, and those of
   * them in which the step had nothing else to do.
   */
  get counts(): {
    readonly steps: number;
    readonly bytes: number;
    readonly sumMilliseconds: number;
    readonly waitMilliseconds: number;
  } {
    return { ...this.#counts };
  }

  beginSum(device: Device, lengths: readonly number[], flags: number): ReplicaSum {
    if (this.#buckets?.fits(device, lengths, flags) !== true) {
      this.#buckets?.destroy();
      this.#buckets = new Buckets(device, lengths, flags, this.#bucketBytes);
    }
    this.#counts.steps++;
    return new Sum(this.#buckets!, this.#communicator, this.#counts);
  }

  gather<T>(value: T): Promise<T[]> {
    return this.#communicator.gather(value);
  }

  broadcast<T>(value: T | undefined): Promise<T> {
    return this.#communicator.broadcast(value);
  }

  /** Frees its buffers. */
  dispose(): void {
    this.#buckets?.destroy();
    this.#buckets = null;
  }
}

/** Slots that travel together. */
interface Bucket {
  /** Number of values. */
  readonly length: number;
  readonly slots: readonly number[];
  /** Values of this rank, which the host can read, and sums, which it can write. */
  readonly values: GPUBuffer;
  readonly sums: GPUBuffer;
}

/** Buffers for all slots of a sum, and for its flags at the end of the last bucket. */
class Buckets {
  readonly device: Device;
  readonly flags: number;
  readonly all: readonly Bucket[];
  /** For each slot its bucket and its first value in it. */
  readonly places: readonly { readonly bucket: number; readonly first: number }[];
  readonly lengths: readonly number[];

  constructor(device: Device, lengths: readonly number[], flags: number, bytes: number) {
    this.device = device;
    this.lengths = lengths;
    this.flags = flags;
    const groups: { length: number; slots: number[] }[] = [];
    this.places = lengths.map((length, slot) => {
      const open = groups.at(-1);
      const fits = open !== undefined && (open.length + length) * 4 <= bytes;
      const group = fits ? open : { length: 0, slots: [] };
      if (!fits) groups.push(group);
      const first = group.length;
      group.length += length;
      group.slots.push(slot);
      return { bucket: groups.length - 1, first };
    });
    groups.at(-1)!.length += flags;
    this.all = groups.map(({ length, slots }) => ({
      length,
      slots,
      values: this.#create(length, bufferUsage.MAP_READ | bufferUsage.COPY_DST),
      sums: this.#create(length, bufferUsage.MAP_WRITE | bufferUsage.COPY_SRC),
    }));
  }

  fits(device: Device, lengths: readonly number[], flags: number): boolean {
    const isSame = this.device === device && this.flags === flags && this.lengths.length === lengths.length;
    return isSame && lengths.every((length, slot) => length === this.lengths[slot]);
  }

  destroy(): void {
    for (const { values, sums } of this.all) {
      values.destroy();
      sums.destroy();
    }
  }

  #create(length: number, usage: number): GPUBuffer {
    const { device } = this;
    return device.guard('sum of replicas', length * 4, () => device.gpu.createBuffer({ size: length * 4, usage }));
  }
}

/** Buckets go one after the other, each as soon as it and those before it are complete. */
class Sum implements ReplicaSum {
  readonly #buckets: Buckets;
  readonly #communicator: Communicator;
  readonly #counts: { bytes: number; waitMilliseconds: number; sumMilliseconds: number };
  /** Slots of each bucket without values. */
  readonly #missing: number[];
  /** Buckets that were sent, and when they have arrived. */
  #sent = 0;
  #arrival: Promise<void> = Promise.resolve();
  #flags: readonly number[] = [];
  #flagSums: number[] = [];

  constructor(
    buckets: Buckets,
    communicator: Communicator,
    counts: { bytes: number; waitMilliseconds: number; sumMilliseconds: number },
  ) {
    this.#buckets = buckets;
    this.#communicator = communicator;
    this.#counts = counts;
    this.#missing = buckets.all.map(({ slots }) => slots.length);
  }

  add(slot: number, { storage, size, device }: Tensor): void {
    const { bucket, first } = this.#buckets.places[slot]!;
    device.copyOut(storage.buffer, this.#buckets.all[bucket]!.values, first * 4, size * 4);
    this.#missing[bucket]!--;
    // The last one also has the flags.
    while (this.#sent < this.#missing.length - 1 && this.#missing[this.#sent] === 0) this.#send();
  }

  async finish(flags: readonly number[], targets: readonly Tensor[]): Promise<number[]> {
    const { device, all, places } = this.#buckets;
    this.#flags = flags;
    while (this.#sent < all.length) this.#send();
    const start = performance.now();
    await this.#arrival;
    this.#counts.waitMilliseconds += performance.now() - start;
    device.submit(
      'sum of replicas',
      targets.map(({ storage }) => storage.buffer),
      (encoder) => {
        targets.forEach(({ storage, size }, slot) => {
          const { bucket, first } = places[slot]!;
          encoder.copyBufferToBuffer(all[bucket]!.sums, first * 4, storage.buffer.gpu, 0, size * 4);
        });
      },
    );
    for (const { storage } of targets) storage.changed();
    return this.#flagSums;
  }

  async abandon(flags: readonly number[]): Promise<void> {
    const { all } = this.#buckets;
    this.#flags = flags;
    await this.#arrival;
    for (; this.#sent < all.length; this.#sent++) {
      const { length } = all[this.#sent]!;
      const values = new Float32Array(length);
      if (this.#sent === all.length - 1) values.set(flags, length - flags.length);
      await this.#communicator.allReduce(values, values);
    }
  }

  /** Sends the next bucket, when those before it have arrived. */
  #send(): void {
    const bucket = this.#buckets.all[this.#sent++]!;
    const isLast = this.#sent === this.#buckets.all.length;
    const { device } = this.#buckets;
    device.flush();
    const mapped = Promise.all([
      device.wait(bucket.values.mapAsync(mapMode.READ)),
      bucket.sums.mapAsync(mapMode.WRITE),
    ]);
    // Reported in its turn.
    mapped.catch(() => undefined);
    this.#arrival = this.#arrival.then(async () => {
      await mapped;
      device.check();
      await this.#reduce(bucket, isLast);
    });
    this.#arrival.catch(() => undefined);
  }

  async #reduce(bucket: Bucket, isLast: boolean): Promise<void> {
    const start = performance.now();
    const mapped = new Float32Array(bucket.values.getMappedRange());
    const sums = new Float32Array(bucket.sums.getMappedRange());
    // The host may not write to what it reads from the GPU.
    const values = isLast ? mapped.slice() : mapped;
    if (isLast) values.set(this.#flags, values.length - this.#flags.length);
    await this.#communicator.allReduce(values, sums);
    if (isLast) this.#flagSums = [...sums.subarray(sums.length - this.#flags.length)];
    this.#counts.bytes += values.byteLength;
    bucket.values.unmap();
    bucket.sums.unmap();
    this.#counts.sumMilliseconds += performance.now() - start;
  }
}
