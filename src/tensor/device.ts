import {
  DeviceLostError,
  DisposedError,
  GpuOutOfMemoryError,
  GpuValidationError,
  formatBytes,
  toGpuError,
} from './errors.ts';
import { BufferPool, type PooledBuffer } from './pool.ts';
import { Profile, type ProfileEntry } from './profile.ts';

/** What `init` found out about the adapter. */
export interface AdapterDescription {
  /** Such as `llvmpipe: Mesa 25.0.7` or `NVIDIA H100`. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** `hardware` is a GPU; `software` is a driver that runs on the CPU, many times slower. */
  readonly kind: 'hardware' | 'software';
  /** Lanes of a subgroup, where kernels may use them and the number is always the same; otherwise null. */
  readonly subgroupSize: number | null;
}

/** Adapters whose kernels are chosen by a table, see src/kernels/tuning.ts; `cpu` and `gpu` are any others. */
export const tuningNames = ['llvmpipe', 'swiftshader', 'cpu', 'nvidia', 'amd', 'apple', 'intel', 'gpu'] as const;
export type TuningName = (typeof tuningNames)[number];

export interface DeviceOptions {
  readonly adapter: AdapterDescription;
  /** The adapter whose choice of kernels is used. Default: this one's. */
  readonly tuning?: TuningName;
  /** Keeps alive what the device needs: Dawn crashes when its `GPU` object is collected before the device. */
  readonly owner: unknown;
  /** Most bytes of GPU memory to hold; beyond it an allocation throws. Default: no limit of our own. */
  readonly memoryLimit?: number;
  /** Most bytes of a tensor that one kernel may bind; larger ones are processed in slices. Default: the adapter's. */
  readonly bindingLimit?: number;
  /** Waits for a promise of the GPU without keeping a core busy. Default: plain `await`. */
  readonly wait?: <T>(promise: Promise<T>) => Promise<T>;
}

/** A kernel's run: everything that `Device.dispatch` records. */
export interface Dispatch {
  readonly operation: string;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly buffers: readonly PooledBuffer[];
  readonly params: ArrayBuffer | null;
  readonly groups: readonly [number, number, number];
}

/** Counters of what a device holds and has done. */
export interface MemoryReport {
  /** Tensors' storages that are alive. */
  readonly tensors: number;
  /** Bytes of live storages, rounded up to the pool's size classes. */
  readonly bytes: number;
  /** Largest value of `bytes` since the start or `device.resetPeak()`. */
  readonly peakBytes: number;
  /** Bytes kept for reuse. */
  readonly pooledBytes: number;
  /** GPU buffers that exist, in use or kept for reuse. */
  readonly buffers: number;
}

/** Dispatches recorded before they are sent to the GPU: enough to hide the cost of a submit, few enough to overlap. */
const DISPATCHES_PER_BATCH = 128;
/** One slot of the parameter buffer; a multiple of every adapter's `minUniformBufferOffsetAlignment`. */
export const PARAMS_SLOT_BYTES = 256;

/**
 * One GPU and its queue. Operations only record commands; they are sent in batches, and a program waits only where it
 * reads values back (`tensor.data()`) or calls `idle()`.
 */
export class Device {
  readonly gpu: GPUDevice;
  readonly adapter: AdapterDescription;
  /** The adapter whose choice of kernels is used; undefined for this one's. */
  readonly tuning: TuningName | undefined;
  readonly limits: GPUSupportedLimits;
  /** Optional features that were granted. */
  readonly features: ReadonlySet<string>;
  /** Most bytes of one tensor that a kernel may bind. */
  readonly bindingLimit: number;
  /** Uniform buffer with the parameters of every dispatch in the current batch. */
  readonly paramsBuffer: GPUBuffer;
  /** Name of the part of the program that runs, for profiles. Gradients carry the part of their operation. */
  part = '';
  /** Caches that kernels keep per device, by their own key. */
  readonly caches = new Map<symbol, unknown>();

  /** Held, never read: see DeviceOptions.owner. */
  readonly owner: unknown;
  readonly #wait: <T>(promise: Promise<T>) => Promise<T>;
  readonly #pool: BufferPool;
  readonly #params = new ArrayBuffer(DISPATCHES_PER_BATCH * PARAMS_SLOT_BYTES);
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #dispatches = 0;
  #batch = 0;
  #doomed: GPUBuffer[] = [];
  #error: Error | null = null;
  /** Whether `#error` came from an error scope. */
  #isCause = false;
  /** Error scopes whose answer has not arrived. What they report is the cause; errors outside them may be its effect. */
  readonly #scopes = new Set<Promise<void>>();
  #lost: DeviceLostError | null = null;
  #recent: string[] = [];
  #storages = 0;
  #submits = 0;
  #totalDispatches = 0;
  #profile: Profile | null = null;

  constructor(gpu: GPUDevice, options: DeviceOptions) {
    this.gpu = gpu;
    this.adapter = options.adapter;
    this.tuning = options.tuning;
    this.owner = options.owner;
    this.limits = gpu.limits;
    this.features = new Set(gpu.features);
    this.bindingLimit = Math.min(
      options.bindingLimit ?? Number.MAX_SAFE_INTEGER,
      gpu.limits.maxStorageBufferBindingSize,
    );
    this.#wait = options.wait ?? ((promise) => promise);
    this.#pool = new BufferPool({
      create: (bytes, operation) => this.#createBuffer(bytes, operation),
      destroy: (buffer) => this.#doomed.push(buffer),
      limit: options.memoryLimit ?? Number.MAX_SAFE_INTEGER,
    });
    // Dawn prints errors that nobody handles to standard output; preventDefault stops that, and we throw them instead.
    gpu.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      this.#error ??= toGpuError((event as GPUUncapturedErrorEvent).error, this.#context());
    });
    void gpu.lost.then((info) => {
      this.#lost = new DeviceLostError(this.#context(), `the device was lost (${info.reason}): ${info.message}`);
    });
    this.paramsBuffer = gpu.createBuffer({
      label: 'kernel parameters',
      size: this.#params.byteLength,
      usage: usage.UNIFORM | usage.COPY_DST,
    });
  }

  /** What is held right now. */
  memory(): MemoryReport {
    return {
      tensors: this.#storages,
      bytes: this.#pool.usedBytes,
      peakBytes: this.#pool.peakBytes,
      pooledBytes: this.#pool.freeBytes,
      buffers: this.#pool.buffers,
    };
  }

  /** Dispatches recorded and batches sent since the start. */
  counters(): { readonly dispatches: number; readonly submits: number } {
    return { dispatches: this.#totalDispatches, submits: this.#submits };
  }

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

  /** Gives a buffer back to the pool. */
  release(buffer: PooledBuffer): void {
    this.#storages--;
    this.#pool.release(buffer);
  }

  /** Destroys the free buffers of the pool. */
  trim(): void {
    this.#pool.trim();
  }

  /** Copies host values into a buffer, after everything that was recorded before. */
  write(buffer: PooledBuffer, data: ArrayBufferView<ArrayBuffer>): void {
    this.check();
    // writeBuffer takes effect before commands that are recorded but not sent, so those that use the buffer go first.
    if (buffer.batch === this.#batch) this.flush();
    const whole = data.byteLength - (data.byteLength % 4);
    this.gpu.queue.writeBuffer(buffer.gpu, 0, data.buffer, data.byteOffset, whole);
    if (whole < data.byteLength) {
      // The API writes multiples of four bytes.
      const tail = new Uint8Array(4);
      tail.set(new Uint8Array(data.buffer, data.byteOffset + whole, data.byteLength - whole));
      this.gpu.queue.writeBuffer(buffer.gpu, whole, tail);
    }
  }

  /** Records a copy between two buffers. */
  copy(from: PooledBuffer, fromByte: number, to: PooledBuffer, toByte: number, bytes: number): void {
    this.check();
    this.#endPass();
    this.#use(from);
    this.#use(to);
    this.#commands().copyBufferToBuffer(from.gpu, fromByte, to.gpu, toByte, Math.ceil(bytes / 4) * 4);
  }

  /** Records a dispatch. `params` is copied; the caller's bind group must use `paramsBuffer` with a dynamic offset. */
  dispatch(call: Dispatch): void {
    this.check();
    if (this.#dispatches === DISPATCHES_PER_BATCH) this.flush();
    for (const buffer of call.buffers) this.#use(buffer);
    const pass = this.#profile === null ? this.#openPass() : this.#measuredPass(this.#profile, call);
    pass.setPipeline(call.pipeline);
    if (call.params === null) {
      pass.setBindGroup(0, call.group);
    } else {
      const offset = this.#dispatches * PARAMS_SLOT_BYTES;
      new Uint8Array(this.#params, offset).set(new Uint8Array(call.params));
      pass.setBindGroup(0, call.group, [offset]);
    }
    pass.dispatchWorkgroups(...call.groups);
    if (this.#profile !== null) this.#endPass();
    this.#recent.push(call.operation);
    this.#dispatches++;
    this.#totalDispatches++;
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

  /** The same for a part that runs on the host alone, until its promise is settled: profiles count its own time. */
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
    return profile.read(this);
  }

  /** Sends what was recorded to the GPU without waiting for it. */
  flush(): void {
    this.#endPass();
    if (this.#encoder !== null) {
      if (this.#dispatches > 0) {
        this.gpu.queue.writeBuffer(this.paramsBuffer, 0, this.#params, 0, this.#dispatches * PARAMS_SLOT_BYTES);
      }
      this.gpu.queue.submit([this.#encoder.finish()]);
      this.#encoder = null;
      this.#submits++;
    }
    this.#dispatches = 0;
    this.#batch++;
    if (this.#recent.length > 0) this.#recent = [`(sent) ${this.#recent.at(-1)}`];
    for (const buffer of this.#doomed) buffer.destroy();
    this.#doomed = [];
  }

  /** Waits until the GPU has done everything that was recorded; throws what went wrong. */
  async idle(): Promise<void> {
    this.flush();
    await this.wait(this.gpu.queue.onSubmittedWorkDone());
    await this.wait(Promise.all(this.#scopes));
    this.check();
  }

  /** Reads bytes of a buffer back. */
  async read(buffer: PooledBuffer, bytes: number, operation: string): Promise<ArrayBuffer> {
    this.check();
    const size = Math.max(4, Math.ceil(bytes / 4) * 4);
    const staging = this.guard(operation, size, () =>
      this.gpu.createBuffer({ label: 'readback', size, usage: usage.MAP_READ | usage.COPY_DST }),
    );
    try {
      this.#endPass();
      this.#use(buffer);
      this.#commands().copyBufferToBuffer(buffer.gpu, 0, staging, 0, size);
      this.flush();
      try {
        await this.wait(staging.mapAsync(0x1)); // GPUMapMode.READ
        await this.wait(Promise.all(this.#scopes));
      } catch (cause) {
        await this.wait(Promise.all(this.#scopes));
        this.check();
        throw new GpuValidationError(operation, `the read-back failed: ${String((cause as Error).message)}`);
      }
      this.check();
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
    if (this.#error !== null && this.#scopes.size === 0) {
      const error = this.#error;
      this.#error = null;
      this.#isCause = false;
      throw error;
    }
    if (this.#lost !== null) throw this.#lost;
  }

  /** Runs `create` and turns every error that the driver reports about it into a typed one that names `operation`. */
  guard<T>(operation: string, bytes: number, create: () => T): T {
    const scopes: GPUErrorFilter[] = ['validation', 'out-of-memory', 'internal'];
    for (const scope of scopes) this.gpu.pushErrorScope(scope);
    try {
      return create();
    } finally {
      for (let i = 0; i < scopes.length; i++) {
        const answer = this.gpu.popErrorScope().then(
          (error) => {
            // The first one is the cause; what fails on top of it, in scopes or outside of them, is its effect.
            if (error === null || this.#isCause) return;
            this.#isCause = true;
            this.#error =
              error.constructor.name === 'GPUOutOfMemoryError'
                ? new GpuOutOfMemoryError(operation, bytes, `no room for ${formatBytes(bytes)}: ${error.message}`)
                : toGpuError(error, operation);
          },
          () => undefined, // The device was lost, which check() reports.
        );
        this.#scopes.add(answer);
        void answer.finally(() => this.#scopes.delete(answer));
      }
    }
  }

  /** Frees everything. Tensors of this device cannot be used any more. */
  destroy(): void {
    this.gpu.destroy();
    this.#lost ??= new DeviceLostError('device', 'device.destroy() was called');
  }

  #createBuffer(bytes: number, operation: string): GPUBuffer {
    return this.guard(operation, bytes, () =>
      this.gpu.createBuffer({
        label: operation,
        size: bytes,
        usage: usage.STORAGE | usage.COPY_SRC | usage.COPY_DST,
      }),
    );
  }

  #use(buffer: PooledBuffer): void {
    buffer.batch = this.#batch;
  }

  #commands(): GPUCommandEncoder {
    this.#encoder ??= this.gpu.createCommandEncoder();
    return this.#encoder;
  }

  #openPass(): GPUComputePassEncoder {
    this.#pass ??= this.#commands().beginComputePass();
    return this.#pass;
  }

  #measuredPass(profile: Profile, call: Pick<Dispatch, 'operation' | 'pipeline' | 'buffers'>): GPUComputePassEncoder {
    this.#endPass();
    const { operation, pipeline, buffers } = call;
    const bytes = buffers.reduce((sum, buffer) => sum + buffer.bytes, 0);
    const pass = profile.pass({ part: this.part, operation, kernel: pipeline.label, bytes });
    this.#pass = this.#commands().beginComputePass(pass);
    return this.#pass;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = null;
  }

  #context(): string {
    return this.#recent.length === 0 ? 'device' : `one of [${this.#recent.slice(-8).join('; ')}]`;
  }
}

/** GPUBufferUsage, which is a global only in browsers. The values are the standard's. */
const usage = { MAP_READ: 0x1, COPY_SRC: 0x4, COPY_DST: 0x8, UNIFORM: 0x40, STORAGE: 0x80 } as const;

let current: Device | null = null;

/** The device that tensors are made on when none is named. */
export function defaultDevice(): Device {
  if (current === null) throw new DisposedError('no device is open: call `await init()` first');
  return current;
}

/** Makes `device` the one that tensors are made on when none is named. */
export function setDefaultDevice(device: Device): void {
  current = device;
}
