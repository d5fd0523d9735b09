import { counted, reasonOf } from '../common/check.ts';
import { inspectCustom } from '../common/inspect.ts';
import { Commands, type Dispatch } from './commands.ts';
import { dryRun, ReadInDryRun } from './dry-run.ts';
import { ErrorScopes } from './error-scopes.ts';
import {
  DeviceLostError,
  GpuOutOfMemoryError,
  GpuValidationError,
  NoDeviceError,
  formatBytes,
  toGpuError,
  type GpuError,
} from './errors.ts';
import type { MemoryUses } from './memory-use.ts';
import { BufferPool, type PooledBuffer } from './pool.ts';
import { Profile, type ProfileEntry, type Wait } from './profile.ts';
import { bufferUsage, mapMode } from './webgpu-flags.ts';

/** Properties of the adapter that `init` opened. */
export interface AdapterDescription {
  /** For example `llvmpipe: Mesa 25.0.7` or `NVIDIA H100`. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** `hardware` is a GPU; `software` is a driver that runs on the CPU, which is many times slower. */
  readonly kind: 'hardware' | 'software';
  /** Lanes of a subgroup, if kernels can use subgroups and their size is fixed; otherwise null. */
  readonly subgroupSize: number | null;
}

/** Adapters whose kernels are chosen by a table, see src/kernels/tuning.ts; `cpu` and `gpu` are any others. */
export const tuningNames = ['llvmpipe', 'swiftshader', 'cpu', 'nvidia', 'amd', 'apple', 'intel', 'gpu'] as const;
export type TuningName = (typeof tuningNames)[number];

export interface DeviceOptions {
  readonly adapter: AdapterDescription;
  /** Use the kernels that are chosen for another adapter. Default: the adapter's own. */
  readonly tuning?: TuningName;
  /** Whether 3x3 convolutions may use Winograd's algorithm. Default true. */
  readonly winograd?: boolean;
  /** An object to keep alive with the device: Dawn crashes if its `GPU` object is collected before the device. */
  readonly owner: unknown;
  /** Maximum bytes of GPU memory to hold, in use and free together; beyond it an allocation throws. Default: no limit. */
  readonly memoryLimit?: number;
  /** Opens another device with the same options, on a new adapter, as the default device. Default: not possible. */
  readonly reopen?: () => Promise<Device>;
  /** Maximum bytes of a tensor that one kernel binds; larger tensors are processed in slices. Default: the adapter's. */
  readonly bindingLimit?: number;
  /** Waits for a promise of the GPU without keeping a core busy. Default: plain `await`. */
  readonly wait?: Wait;
  /** See `Device.driverTime`. */
  readonly driverTime?: () => number;
}

/** Counters of what a device holds and has done. */
export interface MemoryReport {
  /** Live storages of tensors. */
  readonly tensors: number;
  /** Bytes of live storages, rounded up to the pool's size classes. */
  readonly bytes: number;
  /** `bytes` by what they hold. */
  readonly uses: MemoryUses;
  /** Largest value of `bytes` since the start or `device.resetPeak()`. */
  readonly peakBytes: number;
  /** Bytes kept for reuse. */
  readonly pooledBytes: number;
  /** GPU buffers in use or kept for reuse. */
  readonly buffers: number;
}

/** Usage of the buffers of tensors. */
const STORAGE = bufferUsage.STORAGE | bufferUsage.COPY_SRC | bufferUsage.COPY_DST;

/**
 * One GPU and its queue. Operations only record commands; they are sent in batches, and a program waits only where it
 * reads values back (`tensor.data()`) or calls `idle()`.
 */
export class Device {
  readonly gpu: GPUDevice;
  readonly adapter: AdapterDescription;
  /** The adapter whose kernels are used; undefined for this one. */
  readonly tuning: TuningName | undefined;
  /** Whether 3x3 convolutions may use Winograd's algorithm. */
  readonly winograd: boolean;
  readonly limits: GPUSupportedLimits;
  /** Optional features that were granted. */
  readonly features: ReadonlySet<string>;
  /** Maximum bytes of a tensor that one kernel binds. */
  readonly bindingLimit: number;
  /** Maximum bytes of GPU memory to hold; Infinity for no limit. */
  readonly memoryLimit: number;
  /**
   * Milliseconds of CPU time that the threads of a software driver have taken, divided by the number of cores. Undefined where
   * it cannot be read: it can in Node on Linux.
   */
  readonly driverTime: (() => number) | undefined;
  /** Name of the part of the program that runs, for profiles. Gradients carry the part of their operation. */
  part = '';

  /** Held, never read: see DeviceOptions.owner. */
  readonly owner: unknown;
  readonly #wait: Wait;
  readonly #pool: BufferPool;
  readonly #commands: Commands;
  readonly #errors: ErrorScopes;
  readonly #reopen: DeviceOptions['reopen'];
  #storages = 0;
  /** Buffers that the pool does not own. */
  readonly #foreign = new Set<PooledBuffer>();
  #profile: Profile | null = null;

  constructor(gpu: GPUDevice, options: DeviceOptions) {
    this.gpu = gpu;
    this.adapter = options.adapter;
    this.tuning = options.tuning;
    this.winograd = options.winograd ?? true;
    this.owner = options.owner;
    this.limits = gpu.limits;
    this.features = new Set(gpu.features);
    this.bindingLimit = Math.min(
      options.bindingLimit ?? Number.MAX_SAFE_INTEGER,
      gpu.limits.maxStorageBufferBindingSize,
    );
    this.memoryLimit = options.memoryLimit ?? Infinity;
    this.driverTime = options.driverTime;
    this.#reopen = options.reopen;
    this.#wait = options.wait ?? ((promise) => promise);
    this.#errors = new ErrorScopes(gpu, () => this.#commands.context);
    this.#commands = new Commands(gpu, this.#errors);
    this.#pool = new BufferPool({
      create: (size, operation) => this.#createBuffer({ label: operation, size, usage: STORAGE }, operation),
      destroy: (buffer) => this.#commands.destroyLater(buffer),
      flush: () => this.flush(),
      limit: this.memoryLimit,
    });
  }

  /** Uniform buffer with the parameters of every dispatch that is not sent yet. */
  get paramsBuffer(): GPUBuffer {
    return this.#commands.paramsBuffer;
  }

  /** What the device holds now. */
  memory(): MemoryReport {
    return {
      tensors: this.#storages,
      bytes: this.#pool.usedBytes,
      uses: this.#pool.uses(),
      peakBytes: this.#pool.peakBytes,
      pooledBytes: this.#pool.freeBytes,
      buffers: this.#pool.buffers,
    };
  }

  /** Dispatches recorded and batches sent since the start. */
  counters(): { readonly dispatches: number; readonly submits: number } {
    return this.#commands.counters;
  }

  /** Starts a new measurement of `memory().peakBytes`. */
  resetPeak(): void {
    this.#pool.resetPeak();
  }

  /** Takes a buffer for a tensor. `operation` names it in errors, with the shape. */
  acquire(bytes: number, operation: string): PooledBuffer {
    this.check();
    if (bytes > this.limits.maxBufferSize) {
      throw new GpuOutOfMemoryError(
        operation,
        bytes,
        `${formatBytes(bytes)} is more than one buffer of this adapter holds (${formatBytes(this.limits.maxBufferSize)})`,
      );
    }
    const buffer = this.#pool.acquire(Math.max(bytes, 16), operation);
    this.#storages++;
    return buffer;
  }

  /** Takes a buffer of the caller's for a tensor. */
  adopt(gpu: GPUBuffer): PooledBuffer {
    this.check();
    this.#storages++;
    const buffer = this.#pool.foreign(gpu);
    this.#foreign.add(buffer);
    return buffer;
  }

  /** Gives a buffer back to the pool, or to the caller. */
  release(buffer: PooledBuffer): void {
    this.#storages--;
    if (!this.#foreign.delete(buffer)) this.#pool.release(buffer);
  }

  /** Destroys the free buffers of the pool. */
  trim(): void {
    this.#pool.trim();
  }

  /** Copies host values into a buffer, which they replace, after everything that was recorded before. */
  write(buffer: PooledBuffer, data: ArrayBufferView<ArrayBuffer>): void {
    this.check();
    if (dryRun() !== null) return;
    // writeBuffer takes effect before commands that are recorded but not sent, so those that use the buffer go first.
    if (this.#commands.isPending(buffer)) this.flush();
    const aligned = data.byteLength - (data.byteLength % 4);
    this.gpu.queue.writeBuffer(buffer.gpu, 0, data.buffer, data.byteOffset, aligned);
    if (aligned < data.byteLength) {
      // The API writes multiples of four bytes.
      const tail = new Uint8Array(4);
      tail.set(new Uint8Array(data.buffer, data.byteOffset + aligned, data.byteLength - aligned));
      this.gpu.queue.writeBuffer(buffer.gpu, aligned, tail);
    }
    buffer.written = -1;
  }

  /** Records a copy between two buffers. */
  copy(from: PooledBuffer, fromByte: number, to: PooledBuffer, toByte: number, bytes: number): void {
    this.check();
    if (dryRun() !== null) return;
    this.#commands.copy(from, fromByte, to, toByte, bytes);
  }

  /** Records a dispatch, and measures it while a profile is being taken. */
  dispatch(call: Dispatch): void {
    this.check();
    if (dryRun() !== null) return;
    this.#commands.dispatch(call, this.#profile?.pass(this.part, call) ?? null);
  }

  /** Sends commands of other kinds, which `encode` encodes, after everything that was recorded. `writes` are changed. */
  submit(operation: string, writes: readonly PooledBuffer[], encode: (encoder: GPUCommandEncoder) => void): void {
    this.check();
    if (dryRun() !== null) return;
    this.#commands.submit(operation, writes, encode);
  }

  /** Names the part of the program that runs in `work`, for profiles. */
  during<T>(part: string, work: () => T): T {
    const before = this.part;
    this.part = part;
    try {
      return work();
    } finally {
      this.part = before;
    }
  }

  /** Names a part that runs on the host alone, until its promise settles: profiles count the time of the host. */
  duringHost<T>(part: string, work: () => T): T {
    const start = performance.now();
    const note = (): void => this.#profile?.host(part, performance.now() - start);
    const result = work();
    if (result instanceof Promise) return result.finally(note) as T;
    note();
    return result;
  }

  /**
   * Runs `work` and measures each of its dispatches on the GPU, and what `duringHost` runs.
   *
   * @throws Error if the adapter has no timestamps
   */
  async profile(work: () => Promise<void> | void): Promise<ProfileEntry[]> {
    if (!this.features.has('timestamp-query')) {
      throw new Error(`profile: ${this.adapter.name} has no timestamps (feature timestamp-query)`);
    }
    await this.idle();
    const profile = new Profile(this.gpu);
    this.#profile = profile;
    try {
      await work();
      await this.idle();
    } finally {
      this.#profile = null;
    }
    return profile.read(this.#wait);
  }

  /** Sends what was recorded to the GPU without waiting for it. */
  flush(): void {
    this.#commands.flush();
  }

  /** Waits until the GPU has done everything that was recorded; throws what went wrong. */
  async idle(): Promise<void> {
    this.flush();
    try {
      await this.wait(this.gpu.queue.onSubmittedWorkDone());
    } catch (cause) {
      throw await this.lossOr(new GpuValidationError('idle', reasonOf(cause)));
    }
    await this.wait(this.#errors.settled());
    this.check();
  }

  /** Copies bytes of a buffer to the host. Waits for the GPU. */
  async read(buffer: PooledBuffer, bytes: number, operation: string): Promise<ArrayBuffer> {
    this.check();
    if (dryRun() !== null) throw new ReadInDryRun(operation);
    this.#commands.checkRan(operation, buffer.written);
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    const usage = bufferUsage.MAP_READ | bufferUsage.COPY_DST;
    const staging = this.#createBuffer({ label: 'readback', size, usage }, operation);
    try {
      const batch = this.#commands.copyOut(buffer, 0, staging, 0, size);
      this.flush();
      try {
        await this.wait(staging.mapAsync(mapMode.READ));
        await this.wait(this.#errors.settled());
      } catch (cause) {
        await this.wait(this.#errors.settled());
        this.check();
        throw await this.lossOr(new GpuValidationError(operation, `the read-back failed: ${reasonOf(cause)}`));
      }
      this.check();
      // Another read may have thrown the error already.
      this.#commands.checkRan(operation, batch);
      return staging.getMappedRange().slice(0, bytes);
    } finally {
      staging.destroy();
    }
  }

  /** Waits for a promise of the GPU without keeping a core busy. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return this.#wait(promise);
  }

  /** Throws if the device is lost or an error has arrived. */
  check(): void {
    this.#errors.check();
  }

  /** Runs `create` and turns every error that the driver reports about it into a typed one that names `operation`. */
  guard<T>(operation: string, bytes: number, create: () => T): T {
    return this.#errors.watch(create, (error) => this.#explain(error, operation, bytes));
  }

  /** The loss of the device, if it is lost or that is reported in a moment; otherwise `error`, which may be its effect. */
  lossOr(error: GpuError): Promise<GpuError> {
    return this.#errors.lossOr(error);
  }

  /** Frees everything. Tensors of this device cannot be used any more. */
  destroy(): void {
    this.gpu.destroy();
    const detail = 'device.destroy() was called';
    this.#errors.lose(new DeviceLostError('device', detail, { reason: 'destroyed', detail }));
  }

  /**
   * Opens another device with the options of this one, on a new adapter, for example after a loss, and destroys what is left
   * of this one. If this was the default device, the new one is. Tensors stay on the old device, without values:
   * `module.moveTo` takes a module to the new one. A driver that was reset may need some seconds, for which this waits.
   *
   * @throws NoAdapterError if there is no adapter any more
   * @throws Error if the device was made by other code (`init({ gpu })`), which has to open another
   */
  async reopen(): Promise<Device> {
    if (this.#reopen === undefined) {
      throw new Error('reopen: the device was opened by other code, init({ gpu }), which has to open another');
    }
    const before = current;
    this.destroy();
    for (const pause of REOPEN_PAUSES) {
      try {
        const device = await this.#reopen();
        if (before !== null && before !== this) setDefaultDevice(before);
        return device;
      } catch {
        await new Promise((resolve) => void setTimeout(resolve, pause));
      }
    }
    return this.#reopen();
  }

  toString(): string {
    return `Device(${this.adapter.name})`;
  }

  /** What `console.log` shows in Node. */
  [inspectCustom](): string {
    const { tensors, bytes } = this.memory();
    return `Device(${this.adapter.name}, ${this.adapter.kind}, ${counted(tensors, 'tensor', 'tensors')}, ${formatBytes(bytes)})`;
  }

  /** What `JSON.stringify` shows. */
  toJSON(): object {
    return { adapter: this.adapter, memory: this.memory() };
  }

  /** Makes a buffer. That there is no room, or another error, is known later. */
  #createBuffer(descriptor: GPUBufferDescriptor, operation: string): GPUBuffer {
    const { size } = descriptor;
    let buffer: GPUBuffer | null = null;
    buffer = this.#errors.watch(
      () => this.gpu.createBuffer(descriptor),
      (error) => {
        if (buffer !== null) this.#pool.discard(buffer);
        return this.#explain(error, operation, size);
      },
    );
    return buffer;
  }

  /** The driver's error about something of `bytes` bytes. */
  #explain(error: GPUError, operation: string, bytes: number): GpuError {
    if (error.constructor.name !== 'GPUOutOfMemoryError') return toGpuError(error, operation);
    return this.#pool.outOfMemory(operation, bytes, `no room for ${formatBytes(bytes)} (${error.message})`);
  }
}

/** Milliseconds between attempts to open another device. */
const REOPEN_PAUSES = [100, 1000, 4000];

let current: Device | null = null;

/** The device on which tensors are made by default. */
export function defaultDevice(): Device {
  if (current === null) throw new NoDeviceError('no device is open: call `await init()` first');
  return current;
}

/** Sets the device on which tensors are made by default. */
export function setDefaultDevice(device: Device): void {
  current = device;
}
