import type { PooledBuffer } from './pool.ts';
import { bufferUsage } from './webgpu-flags.ts';

/** One launch of a kernel: everything that `Commands.dispatch` records. */
export interface Dispatch {
  readonly operation: string;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly buffers: readonly PooledBuffer[];
  readonly params: ArrayBuffer | null;
  readonly groups: readonly [number, number, number];
}

/** Dispatches recorded before they are sent to the GPU: enough to hide the cost of a submit, few enough to overlap. */
const DISPATCHES_PER_BATCH = 128;
/** One slot of the parameter buffer; a multiple of every adapter's `minUniformBufferOffsetAlignment`. */
export const PARAMS_SLOT_BYTES = 256;
/** Operations that an error without a known cause names. */
const OPERATIONS_IN_CONTEXT = 8;

/** Records copies and dispatches, and sends them to the GPU in batches. */
export class Commands {
  /** Uniform buffer with the parameters of every dispatch in the current batch, one slot each. */
  readonly paramsBuffer: GPUBuffer;
  readonly #gpu: GPUDevice;
  readonly #params = new ArrayBuffer(DISPATCHES_PER_BATCH * PARAMS_SLOT_BYTES);
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  /** Dispatches in the current batch. */
  #dispatches = 0;
  /** Number of the current batch. */
  #batch = 0;
  /** Buffers to destroy once the current batch is sent. */
  #doomed: GPUBuffer[] = [];
  #recent: string[] = [];
  #totalDispatches = 0;
  #submits = 0;

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
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
    for (const buffer of call.buffers) this.#use(buffer);
    if (measured !== null) this.#endPass();
    this.#pass ??= this.#commands().beginComputePass(measured ?? undefined);
    const pass = this.#pass;
    pass.setPipeline(call.pipeline);
    if (call.params === null) {
      pass.setBindGroup(0, call.group);
    } else {
      const offset = this.#dispatches * PARAMS_SLOT_BYTES;
      new Uint8Array(this.#params, offset).set(new Uint8Array(call.params));
      pass.setBindGroup(0, call.group, [offset]);
    }
    pass.dispatchWorkgroups(...call.groups);
    if (measured !== null) this.#endPass();
    this.#recent.push(call.operation);
    this.#dispatches++;
    this.#totalDispatches++;
  }

  /** Records a copy between two buffers of the pool. */
  copy(from: PooledBuffer, fromByte: number, to: PooledBuffer, toByte: number, bytes: number): void {
    this.#use(to);
    this.copyOut(from, fromByte, to.gpu, toByte, Math.ceil(bytes / 4) * 4);
  }

  /** Records a copy to a buffer outside of the pool. `bytes` is a multiple of four. */
  copyOut(from: PooledBuffer, fromByte: number, to: GPUBuffer, toByte: number, bytes: number): void {
    this.#endPass();
    this.#use(from);
    this.#commands().copyBufferToBuffer(from.gpu, fromByte, to, toByte, bytes);
  }

  /** Destroys a buffer once no recorded command needs it. */
  destroyLater(buffer: GPUBuffer): void {
    this.#doomed.push(buffer);
  }

  /** Sends what was recorded to the GPU without waiting for it. */
  flush(): void {
    this.#endPass();
    if (this.#encoder !== null) {
      if (this.#dispatches > 0) {
        this.#gpu.queue.writeBuffer(this.paramsBuffer, 0, this.#params, 0, this.#dispatches * PARAMS_SLOT_BYTES);
      }
      this.#gpu.queue.submit([this.#encoder.finish()]);
      this.#encoder = null;
      this.#submits++;
    }
    this.#dispatches = 0;
    this.#batch++;
    if (this.#recent.length > 0) this.#recent = [`(sent) ${this.#recent.at(-1)}`];
    for (const buffer of this.#doomed) buffer.destroy();
    this.#doomed = [];
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
