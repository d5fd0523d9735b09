import type { ErrorScopes } from './error-scopes.ts';
import { GpuValidationError } from './errors.ts';
import { findCulprit, type Command } from './failed-batch.ts';
import type { PooledBuffer } from './arena.ts';
import { bufferUsage } from './webgpu-flags.ts';

/** One launch of a kernel: everything that `Commands.dispatch` records. */
export interface Dispatch {
  readonly operation: string;
  readonly pipeline: GPUComputePipeline;
  /** Its bind group, with the buffer of its parameters. Made when it is sent, because buffers of a recording have no memory before. */
  readonly bind: (params: GPUBuffer) => GPUBindGroup;
  readonly buffers: readonly PooledBuffer[];
  /** Those of the buffers that the kernel writes to. */
  readonly writes: readonly PooledBuffer[];
  readonly params: ArrayBuffer | null;
  /** The parameters of the next run of a recording; null if they are always the same. */
  readonly repack: (() => ArrayBuffer | null) | null;
  readonly groups: readonly [number, number, number];
}

/** Commands that are sent as a whole, any number of times. See recording.ts. */
export interface Replay {
  /** Copies and dispatches, to find the one that failed. */
  readonly commands: readonly Command[];
  readonly dispatches: number;
  /** Buffers whose values it needs. */
  readonly buffers: readonly PooledBuffer[];
  /** Buffers that have values of it afterwards. */
  readonly writes: readonly PooledBuffer[];
  encode(encoder: GPUCommandEncoder): void;
  /** Called if the driver rejected it. */
  failed(): void;
}

/** Dispatches recorded before they are sent to the GPU: enough to hide the cost of a submit, few enough to overlap. */
const DISPATCHES_PER_BATCH = 128;
/** One slot of the parameter buffer; a multiple of every adapter's `minUniformBufferOffsetAlignment`. */
export const PARAMS_SLOT_BYTES = 256;
/** Operations that an error without a known cause names. */
const OPERATIONS_IN_CONTEXT = 8;

/** Batches that did not run, or ran after one that did not, before the driver had answered. */
interface Failure {
  readonly first: number;
  readonly last: number;
  readonly cause: string;
}

/** Records copies and dispatches, and sends them to the GPU in batches. */
export class Commands {
  /** Uniform buffer with the parameters of every dispatch in the current batch, one slot each. */
  readonly paramsBuffer: GPUBuffer;
  readonly #gpu: GPUDevice;
  readonly #errors: ErrorScopes;
  readonly #params = new ArrayBuffer(DISPATCHES_PER_BATCH * PARAMS_SLOT_BYTES);
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  /** What the current batch holds. */
  #recorded: Command[] = [];
  /** Dispatches in the current batch. */
  #dispatches = 0;
  /** Number of the current batch. */
  #batch = 0;
  /** Buffers to destroy once the current batch is sent. */
  #doomed: GPUBuffer[] = [];
  #recent: string[] = [];
  #failures: Failure[] = [];
  #totalDispatches = 0;
  #submits = 0;

  constructor(gpu: GPUDevice, errors: ErrorScopes) {
    this.#gpu = gpu;
    this.#errors = errors;
    this.paramsBuffer = gpu.createBuffer({
      label: 'kernel parameters',
      size: this.#params.byteLength,
      usage: bufferUsage.UNIFORM | bufferUsage.COPY_DST,
    });
  }

  /** Dispatches recorded and batches sent since the start. */
  get counters(): { readonly dispatches: number; readonly submits: number } {
    return { dispatches: this.#totalDispatches, submits: this.#submits };
  }

  /** The operations recorded last, for errors that do not name their cause. */
  get context(): string {
    if (this.#recent.length === 0) return 'device';
    return `one of [${this.#recent.slice(-OPERATIONS_IN_CONTEXT).join('; ')}]`;
  }

  /** Whether a recorded command that is not sent yet uses the buffer. */
  isPending(buffer: PooledBuffer): boolean {
    return buffer.batch === this.#batch;
  }

  /**
   * Records a dispatch. Its parameters are copied; its bind group must use `paramsBuffer` with a dynamic offset.
   *
   * @param measured a compute pass of its own that measures the dispatch, or null to share a pass with its neighbours
   */
  dispatch(call: Dispatch, measured: GPUComputePassDescriptor | null): void {
    if (this.#dispatches === DISPATCHES_PER_BATCH) this.flush();
    for (const buffer of call.buffers) this.checkRan(call.operation, buffer.written);
    for (const buffer of call.buffers) this.#use(buffer);
    for (const buffer of call.writes) buffer.written = this.#batch;
    const { operation, pipeline, groups, params, buffers } = call;
    const group = call.bind(this.paramsBuffer);
    const offset = this.#dispatches * PARAMS_SLOT_BYTES;
    if (params !== null) new Uint8Array(this.#params, offset).set(new Uint8Array(params));
    const encode = (pass: GPUComputePassEncoder): void => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group, params === null ? [] : [offset]);
      pass.dispatchWorkgroups(...groups);
    };
    if (measured !== null) this.#endPass();
    this.#pass ??= this.#commands().beginComputePass(measured ?? undefined);
    encode(this.#pass);
    if (measured !== null) this.#endPass();
    this.#recorded.push({ operation, buffers: buffers.map(({ gpu }) => gpu), encode });
    this.#recent.push(operation);
    this.#dispatches++;
    this.#totalDispatches++;
  }

  /** Records a copy between two buffers of the pool. */
  copy(from: PooledBuffer, fromByte: number, to: PooledBuffer, toByte: number, bytes: number): void {
    this.checkRan('copy', from.written);
    this.#use(to);
    to.written = this.#batch;
    this.copyOut(from, fromByte, to.gpu, toByte, Math.ceil(bytes / 4) * 4);
  }

  /**
   * Records a copy to a buffer outside of the pool. `bytes` is a multiple of four.
   *
   * @returns the number of its batch, for `checkRan`
   */
  copyOut(from: PooledBuffer, fromByte: number, to: GPUBuffer, toByte: number, bytes: number): number {
    this.#endPass();
    this.#use(from);
    this.#commands().copyBufferToBuffer(from.gpu, fromByte, to, toByte, bytes);
    this.#recorded.push({ operation: 'copy', buffers: [from.gpu, to], encode: null });
    return this.#batch;
  }

  /** Throws if a buffer lacks the values of commands that did not run. */
  checkRan(operation: string, written: number): void {
    const failure = this.#failures.find(({ first, last }) => first <= written && written <= last);
    if (failure === undefined) return;
    throw new GpuValidationError(
      operation,
      `its values were lost, because commands before it failed: ${failure.cause}`,
    );
  }

  /** Destroys a buffer once no recorded command needs it. */
  destroyLater(buffer: GPUBuffer): void {
    this.#doomed.push(buffer);
  }

  /** Sends commands that were noted before, after everything that was recorded, with the same submit. */
  replay(replay: Replay): void {
    for (const buffer of replay.buffers) this.checkRan('replay', buffer.written);
    this.#endPass();
    replay.encode(this.#commands());
    for (const buffer of replay.writes) buffer.written = this.#batch;
    this.#recorded = [...this.#recorded, ...replay.commands];
    this.#recent.push('replay');
    this.#totalDispatches += replay.dispatches;
    this.#send(replay);
  }

  /** Sends what was recorded to the GPU without waiting for it. */
  flush(): void {
    this.#send(null);
  }

  #send(replay: Replay | null): void {
    this.#endPass();
    if (this.#encoder !== null) {
      if (this.#dispatches > 0) {
        this.#gpu.queue.writeBuffer(this.paramsBuffer, 0, this.#params, 0, this.#dispatches * PARAMS_SLOT_BYTES);
      }
      this.#submit(this.#encoder, this.#recorded, this.#batch, replay);
      this.#encoder = null;
      this.#recorded = [];
      this.#submits++;
    }
    this.#dispatches = 0;
    this.#batch++;
    if (this.#recent.length > 0) this.#recent = [`(sent) ${this.#recent.at(-1)}`];
    if (this.#doomed.length === 0) return;
    for (const buffer of this.#doomed) buffer.destroy();
    this.#doomed = [];
    // Dawn frees destroyed buffers when its queue advances, which a program that only writes to buffers never makes it do.
    this.#gpu.queue.submit([]);
  }

  /** Sends commands of other kinds, which `encode` encodes, after everything that was recorded. */
  submit(operation: string, writes: readonly PooledBuffer[], encode: (encoder: GPUCommandEncoder) => void): void {
    this.flush();
    for (const buffer of writes) buffer.written = this.#batch;
    const encoder = this.#gpu.createCommandEncoder({ label: operation });
    encode(encoder);
    this.#submit(encoder, [{ operation, buffers: [], encode: null }], this.#batch, null);
    this.#submits++;
    this.#batch++;
  }

  /** Sends a batch. If the driver rejects it, finds the command that caused it. */
  #submit(encoder: GPUCommandEncoder, commands: readonly Command[], first: number, replay: Replay | null): void {
    this.#errors.watch(
      () => this.#gpu.queue.submit([encoder.finish()]),
      async (error) => {
        // What was recorded since then may have read values that were never computed.
        this.flush();
        const failure = { first, last: this.#batch - 1, cause: error.message };
        this.#failures.push(failure);
        replay?.failed();
        const found = await findCulprit(this.#gpu, commands, error);
        failure.cause = found.message;
        return found;
      },
    );
  }

  #use(buffer: PooledBuffer): void {
    buffer.batch = this.#batch;
  }

  #commands(): GPUCommandEncoder {
    this.#encoder ??= this.#gpu.createCommandEncoder();
    return this.#encoder;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = null;
  }
}
