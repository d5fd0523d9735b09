import type { NdArray } from 'ndarray';
import { described } from '../common/check.ts';
import { inspectCustom } from '../common/inspect.ts';
import type { Device } from './device.ts';
import { dryRun } from './dry-run.ts';
import { checkDType, dtypes, type DType, type HostArrays } from './dtype.ts';
import { DisposedError } from './errors.ts';
import { formatValues, shownElements } from './format.ts';
import { toNdarray } from './host.ts';
import type { PooledBuffer } from './arena.ts';
import { openRecording } from './recording.ts';
import { track, untrack } from './scope.ts';
import { checkShape, sizeOf, type Shape } from './shape.ts';

/** GPU memory shared by the tensors that view it. It returns to the pool when the last of them is disposed. */
export class Storage {
  readonly device: Device;
  readonly buffer: PooledBuffer;
  #version = 0;
  #references = 1;
  /** What was computed from the values alone, by name. */
  readonly #derived = new Map<string, Tensor>();
  /** What was computed from the values and others. */
  readonly #dependents = new Set<{ dispose(): void }>();

  constructor(device: Device, buffer: PooledBuffer) {
    this.device = device;
    this.buffer = buffer;
  }
  /** Counts writes, so that autograd notices when a value that it saved has changed. */
  get version(): number {
    return this.#version;
  }
  /** Counts a write, unless a dry run leaves it out. */
  changed(): void {
    if (dryRun() !== null) return;
    this.#version++;
    openRecording()?.noteChange(this);
    this.forgetDerived();
  }
  /**
   * A tensor that `make` computes from the values alone. It is kept until they change or memory runs out. The caller disposes
   * the reference that it gets.
   */
  derived(name: string, make: () => Tensor): Tensor {
    const kept = this.#derived.get(name);
    if (kept !== undefined) return kept.alias(kept.shape, false);
    const made = make();
    if (dryRun() !== null || openRecording() !== null) return made;
    this.#derived.set(name, made.alias(made.shape, false));
    this.device.derivedFrom.add(this);
    return made;
  }
  /** Disposes something when the values, from which it was computed, change, or memory runs out. */
  addDependent(dependent: { dispose(): void }): void {
    if (dryRun() !== null) return;
    this.#dependents.add(dependent);
    this.device.derivedFrom.add(this);
  }
  /** Frees what was computed from the values. */
  forgetDerived(): void {
    for (const kept of [...this.#derived.values(), ...this.#dependents]) kept.dispose();
    this.#derived.clear();
    this.#dependents.clear();
    this.device.derivedFrom.delete(this);
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
    if (--this.#references > 0) return;
    this.forgetDerived();
    this.device.release(this.buffer);
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
 *
 * @example
 * const x = tensor([[1, 2, 3], [4, 5, 6]]);
 * console.log(x.shape, x.dtype, x.size, x.bytes); // [2, 3] float32 6 24
 * console.log(await x.data()); // Float32Array(6) [1, 2, 3, 4, 5, 6]
 * await x.print();
 * // Tensor(float32 [2,3])
 * // [[1., 2., 3.],
 * //  [4., 5., 6.]]
 * x.dispose();
 * console.log(x.disposed); // true
 */
export class Tensor<D extends DType = DType> {
  // Consoles show an object's own properties; what only the engine needs is private.
  #storage: Storage;
  #node: GraphNode | null = null;
  /** What was read last, as far as it is shown, and the version of the storage that it was read from. */
  #read: { readonly version: number; readonly elements: readonly number[] } | null = null;
  readonly shape: Shape;
  readonly dtype: D;
  /** Number of elements. */
  readonly size: number;
  /** Whether `backward` accumulates a gradient for this tensor in `grad`. Only for float32. */
  requiresGrad = false;
  #grad: Tensor | null = null;
  #disposed = false;

  /** Wraps storage. For operations: `scoped` is false for references that the engine releases itself. */
  constructor(storage: Storage, shape: Shape, dtype: D, scoped = true) {
    this.#storage = storage;
    this.shape = Object.freeze([...shape]);
    this.dtype = dtype;
    this.size = sizeOf(shape);
    dryRun()?.made.add(this);
    if (scoped) track(this);
  }

  /** Sum of the gradients since it was last cleared; owned by this tensor. */
  get grad(): Tensor | null {
    return this.#grad;
  }
  set grad(gradient: Tensor | null) {
    const before = this.#grad;
    dryRun()?.undo.push(() => (this.#grad = before));
    if (gradient !== null) gradient.storage.buffer.use = 'gradients';
    this.#grad = gradient;
  }

  /** The memory. For operations. */
  get storage(): Storage {
    return this.#storage;
  }
  /** For modules that move to another device: takes memory there in place of its own, without the values and the gradient. */
  rehouse(storage: Storage): void {
    this.#grad?.dispose();
    this.#grad = null;
    this.#storage.release();
    this.#storage = storage;
  }
  /** The operation that made this tensor, if it was recorded. */
  get node(): GraphNode | null {
    return this.#node;
  }
  set node(node: GraphNode | null) {
    this.#node = node;
  }
  get device(): Device {
    return this.#storage.device;
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
    const { version } = this.storage;
    const buffer = await this.device.read(this.storage.buffer, this.bytes, label);
    const values = dtypes[this.dtype].fromBuffer(buffer);
    this.#read = { version, elements: shownElements(values, this.shape) };
    return values;
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

  /**
   * Another reference to the same memory, under a shape of the same size.
   *
   * @throws Error if a gradient is wanted for this tensor, which a view would not pass on: use `reshape(x, shape)`, or
   *   `detach(x)` first
   */
  view(shape: Shape): Tensor<D> {
    if (this.requiresGrad || this.node !== null) {
      throw new Error(
        `view: gradients do not flow through a view of ${this}; use reshape(x, shape), which they do, or detach(x) first`,
      );
    }
    checkShape('view', shape);
    if (sizeOf(shape) !== this.size) {
      throw new RangeError(`view: [${this.shape}] has ${this.size} elements, which do not fill [${shape}]`);
    }
    return this.alias(shape);
  }

  /** For operations: another reference to the same memory, cut off from the graph. `scoped` is that of the constructor. */
  alias(shape: Shape, scoped = true): Tensor<D> {
    this.checkUsable('view');
    return new Tensor(this.storage.retain(), shape, this.dtype, scoped);
  }

  /** Gives the memory back. Disposing a tensor twice is harmless. */
  dispose(): void {
    if (this.#disposed) return;
    const dry = dryRun();
    if (dry !== null && !dry.made.has(this)) return;
    this.#disposed = true;
    untrack(this);
    this.storage.release();
    this.node?.release();
    this.#grad?.dispose();
    this.#grad = null;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return `${this.constructor.name}(${this.dtype} [${this.shape}])`;
  }

  /**
   * Reads the values and writes them to the console as PyTorch does: in aligned columns with four decimal places, of more
   * than 1,000 elements only the first and last three along each axis. Waits for the GPU.
   */
  async print(): Promise<void> {
    await this.data();
    // oxlint-disable-next-line no-console
    console.log(this.#text(String(this)));
  }

  /** What `console.log` shows in Node: type, shape, device, and the values if they were read and have not changed since. */
  [inspectCustom](): string {
    const notes = [this.device.adapter.name, ...(this.requiresGrad ? ['requiresGrad'] : [])];
    if (this.#disposed) notes.push('disposed');
    else if (this.#known === null) notes.push('values not read: await print()');
    return this.#text(`${String(this).slice(0, -1)}, ${notes.join(', ')})`);
  }

  /** What `JSON.stringify` shows: no values, except those of a small tensor that were read and have not changed since. */
  toJSON(): object {
    const { dtype, shape, device, requiresGrad, size } = this;
    const values = this.#known?.length === size ? { values: this.#known } : {};
    return { dtype, shape, device: device.adapter.name, requiresGrad, ...values };
  }

  /** The elements that were read and are shown, if they have not changed since. */
  get #known(): readonly number[] | null {
    return this.#read?.version === this.storage.version ? this.#read.elements : null;
  }

  #text(head: string): string {
    if (this.#known === null) return head;
    const values = formatValues(this.#known, this.shape, this.dtype);
    return `${head}${values.includes('\n') ? '\n' : ' '}${values}`;
  }
}

/** Throws a TypeError unless `value` is a tensor; `expected` says what it may also be. */
export function checkTensor(op: string, name: string, value: unknown, expected = 'a tensor'): asserts value is Tensor {
  if (value instanceof Tensor) {
    value.checkUsable(op);
    return;
  }
  const remedy = Array.isArray(value) || ArrayBuffer.isView(value) ? '; make one with tensor()' : '';
  throw new TypeError(`${op}: ${name} is ${described(value)}, expected ${expected}${remedy}`);
}

/** A new tensor with undefined values, for a kernel to write to. */
export function empty<D extends DType>(device: Device, shape: Shape, dtype: D, op: string): Tensor<D> {
  checkShape(op, shape);
  checkDType(op, dtype);
  const bytes = sizeOf(shape) * dtypes[dtype].bytes;
  const buffer = device.acquire(bytes, `${op} [${shape}]`);
  return new Tensor(new Storage(device, buffer), shape, dtype);
}
