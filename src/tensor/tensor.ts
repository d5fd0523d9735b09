import type { NdArray } from 'ndarray';
import type { Device } from './device.ts';
import { dtypes, type DType, type HostArrays } from './dtype.ts';
import { DisposedError } from './errors.ts';
import { toNdarray } from './host.ts';
import type { PooledBuffer } from './pool.ts';
import { track, untrack } from './scope.ts';
import { checkShape, sizeOf, type Shape } from './shape.ts';

/** GPU memory shared by the tensors that view it. It returns to the pool when the last of them is disposed. */
export class Storage {
  readonly device: Device;
  readonly buffer: PooledBuffer;
  /** Counts writes, so that autograd notices when a value that it saved has changed. */
  version = 0;
  #references = 1;

  constructor(device: Device, buffer: PooledBuffer) {
    this.device = device;
    this.buffer = buffer;
  }
  /** Whether more than one tensor views this memory. */
  get shared(): boolean {
    return this.#references > 1;
  }
  retain(): this {
    this.#references++;
    return this;
  }
  release(): void {
    if (--this.#references === 0) this.device.release(this.buffer);
  }
}

/** The node of the autograd graph that made a tensor, as far as the tensor knows it. Reference-counted like storage. */
export interface GraphNode {
  retain(): void;
  release(): void;
}

/**
 * A contiguous, row-major array on the GPU. It has no arithmetic methods: operations are functions (`add(a, b)`).
 * Memory is explicit: a tensor made in `tidy` is freed at its end; any other lives until `dispose()`.
 */
export class Tensor<D extends DType = DType> {
  readonly storage: Storage;
  readonly shape: Shape;
  readonly dtype: D;
  /** Number of elements. */
  readonly size: number;
  /** Whether `backward` accumulates a gradient for this tensor in `grad`. Only for float32. */
  requiresGrad = false;
  /** Sum of the gradients since it was last cleared; owned by this tensor. */
  grad: Tensor | null = null;
  /** The operation that made this tensor, if it was recorded. */
  node: GraphNode | null = null;
  #disposed = false;

  /** Wraps storage. For operations: `scoped` is false for references that the engine releases itself. */
  constructor(storage: Storage, shape: Shape, dtype: D, scoped = true) {
    this.storage = storage;
    this.shape = Object.freeze([...shape]);
    this.dtype = dtype;
    this.size = sizeOf(shape);
    if (scoped) track(this);
  }

  get device(): Device {
    return this.storage.device;
  }
  /** Bytes of the elements. */
  get bytes(): number {
    return this.size * dtypes[this.dtype].bytes;
  }
  get disposed(): boolean {
    return this.#disposed;
  }

  /** Throws a DisposedError that names `op` if the tensor was disposed. */
  checkUsable(op: string): void {
    if (this.#disposed) {
      throw new DisposedError(
        `${op}: a tensor of shape [${this.shape}] was disposed; return it from tidy() or keep() it to use it later`,
      );
    }
  }

  /** Copies the values to the host, in row-major order. Waits for the GPU. */
  async data(): Promise<HostArrays[D]> {
    this.checkUsable('data');
    const label = `data of [${this.shape}]`;
    const buffer = await this.device.read(this.storage.buffer, this.bytes, label);
    return new dtypes[this.dtype].array(buffer) as HostArrays[D];
  }

  /** The value of a tensor with one element. Waits for the GPU. */
  async item(): Promise<number> {
    if (this.size !== 1) throw new RangeError(`item: [${this.shape}] has ${this.size} elements, expected one`);
    return (await this.data())[0]!;
  }

  /** Copies the values to an `ndarray` of the same shape. Waits for the GPU. */
  async ndarray(): Promise<NdArray<HostArrays[D]>> {
    return toNdarray(await this.data(), this.shape);
  }

  /** Another reference to the same memory, under a shape of the same size. Gradients do not flow through it. */
  view(shape: Shape, scoped = true): Tensor<D> {
    this.checkUsable('view');
    return new Tensor(this.storage.retain(), shape, this.dtype, scoped);
  }

  /** Gives the memory back. Disposing a tensor twice is harmless. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    untrack(this);
    this.storage.release();
    this.node?.release();
    this.grad?.dispose();
    this.grad = null;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return `Tensor(${this.dtype} [${this.shape}])`;
  }
}

/** A new tensor with undefined values, for a kernel to write to. */
export function empty<D extends DType>(device: Device, shape: Shape, dtype: D, op: string): Tensor<D> {
  checkShape(op, shape);
  const bytes = sizeOf(shape) * dtypes[dtype].bytes;
  const buffer = device.acquire(bytes, `${op} [${shape}]`);
  return new Tensor(new Storage(device, buffer), shape, dtype);
}
