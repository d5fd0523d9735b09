import { counted, reasonOf } from '../common/check.ts';
import { inspectCustom } from '../common/inspect.ts';
import { Commands, type Dispatch } from './commands.ts';
import type { AdapterDescription, DeviceOptions } from './device-options.ts';
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
import type { MemoryReport } from './memory-use.ts';
import type { PooledBuffer } from './arena.ts';
import { BufferPool } from './pool.ts';
import { Profile, type ProfileEntry, type Wait } from './profile.ts';
import { openRecording, type Recording } from './recording.ts';
import { openRecordingOf, Recordings } from './recordings.ts';
import type { Tuning, TuningName } from './tuning.ts';
import { bufferUsage, mapMode } from './webgpu-flags.ts';

/** Usage of the buffers of tensors. */
const STORAGE = bufferUsage.STORAGE | bufferUsage.COPY_SRC | bufferUsage.COPY_DST;

/**
 * One GPU and its queue. Operations only record commands; they are sent in batches, and a program waits only where it
 * reads values back (`tensor.data()`) or calls `idle()`.
 *
 * @example
 * const device = defaultDevice();
 * console.log(device instanceof Device); // true
 * const x = zeros([1024]);
 * console.log(device.memory().bytes >= x.bytes, formatBytes(x.bytes)); // true 4.0 KiB
 */
export class Device {
  readonly gpu: GPUDevice;
  readonly adapter: AdapterDescription;
  /** The adapter whose kernels are used, or a table; undefined for the table of this adapter. Counts from the next launch on. */
  tuning: TuningName | Tuning | undefined;
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
  /** Storages that keep what was computed from their values. */
  readonly derivedFrom = new Set<{ forgetDerived(): void }>();

  /** Held, never read: see DeviceOptions.owner. */
  readonly owner: unknown;
  readonly #wait: Wait;
  readonly #pool: BufferPool;
  readonly #commands: Commands;
  readonly #errors: ErrorScopes;
  readonly #reopen: DeviceOptions<Device>['reopen'];
  #storages = 0;
  /** Buffers that the pool does not own. */
  readonly #foreign = new Set<PooledBuffer>();
  #profile: Profile | null = null;
  readonly #recordings: Recordings;

  constructor(gpu: GPUDevice, options: DeviceOptions<Device>) {
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
      reclaim: () => this.#reclaim(),
      endRecordings: () => this.#recordings.end(),
      limit: this.memoryLimit,
    });
    this.#recordings = new Recordings(gpu, this.#pool, {
      createBuffer: (descriptor) => this.#createBuffer(descriptor, descriptor.label!),
      destroyBuffer: (buffer) => this.#commands.destroyLater(buffer),
      send: (recording) => {
        this.check();
        this.#commands.replay(recording);
      },
      single: this,
    });
  }

  /** Uniform buffer for the parameters of dispatches that are not recorded. */
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
      recordedBytes: this.#pool.recordedBytes,
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
    buffer.lease++;
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
    const recording = openRecordingOf(this);
    if (recording !== null) return recording.write(buffer, data);
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
    (openRecordingOf(this) ?? this.#commands).copy(from, fromByte, to, toByte, bytes);
  }

  /** Records a copy of the first bytes of a buffer, a multiple of four, to one outside of the pool. */
  copyOut(from: PooledBuffer, to: GPUBuffer, toByte: number, bytes: number): void {
    this.#commands.checkRan('copy', from.written);
    this.#commands.copyOut(from, 0, to, toByte, bytes);
  }

  /** Records a dispatch, and measures it while a profile is being taken. */
  dispatch(call: Dispatch): void {
    this.check();
    if (dryRun() !== null) return;
    const recording = openRecordingOf(this);
    if (recording !== null) recording.dispatch(call);
    else this.#commands.dispatch(call, this.#profile?.pass(this.part, call) ?? null);
  }

  /** Sends commands of other kinds, which `encode` encodes, after everything that was recorded. `writes` are changed. */
  submit(operation: string, writes: readonly PooledBuffer[], encode: (encoder: GPUCommandEncoder) => void): void {
    this.check();
    if (dryRun() !== null) return;
    openRecording()?.abandon(`${operation} cannot be recorded`);
    this.#commands.submit(operation, writes, encode);
  }

  /** Whether dispatches are measured now, each by itself. */
  get isProfiled(): boolean {
    return this.#profile !== null;
  }

  /**
   * Opens a recording. Until it is closed, commands are noted in it instead of being sent, and the memory that tensors take
   * belongs to it.
   */
  record(): Recording {
    this.check();
    return this.#recordings.open(this);
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
    openRecording()?.abandon(`it reads values (${operation})`);
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

  #reclaim(): void {
    for (const storage of this.derivedFrom) storage.forgetDerived();
  }

  /** The driver's error about something of `bytes` bytes. */
  #explain(error: GPUError, operation: string, bytes: number): GpuError {
    if (error.constructor.name !== 'GPUOutOfMemoryError') return toGpuError(error, operation);
    this.#reclaim(); // What is tried next has more room.
    return this.#pool.outOfMemory(operation, bytes, `no room for ${formatBytes(bytes)} (${error.message})`);
  }
}

/** Milliseconds between attempts to open another device. */
const REOPEN_PAUSES = [100, 1000, 4000];

let current: Device | null = null;

/**
 * The device on which tensors are made by default.
 *
 * @example
 * const x = tensor([1, 2, 3]);
 * console.log(x.device === defaultDevice()); // true
 */
export function defaultDevice(): Device {
  if (current === null) throw new NoDeviceError('no device is open: call `await init()` first');
  return current;
}

/**
 * Sets the device on which tensors are made by default.
 *
 * @example
 * const first = defaultDevice();
 * const second = await init();
 * setDefaultDevice(first);
 * console.log(zeros([2]).device === first); // true
 * second.destroy();
 */
export function setDefaultDevice(device: Device): void {
  current = device;
}
