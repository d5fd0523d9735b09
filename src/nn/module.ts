import { described } from '../common/check.ts';
import { inspectCustom } from '../common/inspect.ts';
import { assign } from '../autograd/ops/no-gradient.ts';
import { clone } from '../autograd/ops/shape.ts';
import { noGrad } from '../autograd/tape.ts';
import { write } from '../tensor/create.ts';
import { dtypes } from '../tensor/dtype.ts';
import type { Device } from '../tensor/device.ts';
import { checkTensor, Storage, Tensor } from '../tensor/tensor.ts';
import { sameShape, type Shape } from '../tensor/shape.ts';
import { describeModule } from './describe.ts';

/**
 * A tensor that training changes. Parameters belong to their module: scopes do not free them.
 *
 * @example
 * const w = new Parameter(tensor([1, 2]));
 * backward(sum(square(w)));
 * await w.grad.print(); // Tensor(float32 [2]) [2., 4.]
 */
export class Parameter extends Tensor<'float32'> {
  /** Takes over the memory of `values`, which is disposed. */
  constructor(values: Tensor) {
    if (values.dtype !== 'float32') throw new TypeError(`Parameter: expected float32 values, got ${values}`);
    super(values.storage.retain(), values.shape, 'float32', false);
    values.dispose();
    this.storage.buffer.use = 'weights';
    this.requiresGrad = true;
  }
}

/** Throws a TypeError unless parameters, or groups of them, can be iterated. */
export function checkIterable(op: string, parameters: unknown): void {
  const isIterable = typeof parameters === 'object' && parameters !== null && Symbol.iterator in parameters;
  if (isIterable) return;
  throw new TypeError(`${op}: parameters are ${described(parameters)}, expected for example module.parameters()`);
}

/** Every parameter once. Throws a TypeError unless they are tensors. */
export function distinct(op: string, parameters: Iterable<Parameter>): Parameter[] {
  checkIterable(op, parameters);
  const list = [...new Set(parameters)];
  for (const parameter of list) checkTensor(op, 'a parameter', parameter);
  return list;
}

/** Values on the host, row-major, in this library's layouts (NHWC, HWIO, [in, out]). */
export interface HostTensor {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** What `loadStateDict` accepts: tensors or host values by name. */
export type StateDict = ReadonlyMap<string, Tensor | HostTensor>;

/** A module that maps one tensor to one tensor, so that it can be part of a Sequential. */
export interface Layer {
  forward(x: Tensor): Tensor;
}

/**
 * Base of everything with parameters. A field with a Parameter is a parameter, with any other Tensor a buffer (state that is
 * saved but not trained), and with a Module a child. So are those in arrays, Maps, Sets and plain objects, nested to any
 * depth: what PyTorch calls ModuleList, ModuleDict and ParameterList are arrays and objects here. Names are the paths of the
 * fields: `body.layer1.0.conv1.weight`.
 *
 * Not found is what a walk over the fields cannot see: private fields (`#weight`), variables that a function closes over,
 * and objects of other classes.
 *
 * A tensor or module may be held in several places (tied weights). `parameters`, `namedParameters`, `namedBuffers` and
 * `modules` list it once, under its first path; `stateDict` has all paths, as in PyTorch. A child may refer to its parent.
 *
 * @example
 * class Net extends Module {
 *   first = new Linear(4, 8);
 *   second = new Linear(8, 2);
 *   forward(x) {
 *     return this.second.forward(relu(this.first.forward(x)));
 *   }
 * }
 * const net = new Net();
 * console.log(net.forward(zeros([3, 4])).shape); // [3, 2]
 * console.log([...net.stateDict().keys()]); // ['first.weight', 'first.bias', 'second.weight', 'second.bias']
 */
export abstract class Module {
  /** Whether layers like batch norm behave as in training. Set by `train` and `eval`. */
  training = true;

  /** Direct children with all their names; elements of an array are `name.0`, `name.1`, ... */
  *namedChildren(): Generator<[string, Module]> {
    for (const [name, value] of membersOf(this)) if (value instanceof Module) yield [name, value];
  }

  /** All parameters, including frozen ones, each once, with its first path. */
  *namedParameters(prefix = ''): Generator<[string, Parameter]> {
    const seen = new Set<Tensor>();
    for (const [name, tensor] of tensorsOf(this, prefix)) {
      if (tensor instanceof Parameter && !seen.has(tensor)) yield [name, tensor];
      seen.add(tensor);
    }
  }

  /** All buffers, each once, with its first path. */
  *namedBuffers(prefix = ''): Generator<[string, Tensor]> {
    const seen = new Set<Tensor>();
    for (const [name, tensor] of tensorsOf(this, prefix)) {
      if (!(tensor instanceof Parameter) && !seen.has(tensor)) yield [name, tensor];
      seen.add(tensor);
    }
  }

  /** All parameters, each once. */
  parameters(): Parameter[] {
    return [...this.namedParameters()].map(([, parameter]) => parameter);
  }

  /** This module and all below it, each once. */
  modules(): Module[] {
    const found = new Set<Module>([this]);
    // A Set also visits what is added meanwhile.
    for (const module of found) for (const [, child] of module.namedChildren()) found.add(child);
    return [...found];
  }

  /** Switches this module and its children to training or, with `false`, to evaluation. */
  train(training = true): this {
    if (switching.has(this)) return this;
    switching.add(this);
    try {
      this.training = training;
      for (const [, child] of this.namedChildren()) child.train(training);
    } finally {
      switching.delete(this);
    }
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /** Stops (or, with `false`, resumes) training of all parameters in this module. */
  freeze(frozen = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = !frozen;
    return this;
  }

  /**
   * Parameters and buffers by path. The tensors are the module's own, not copies. A tensor that is held in several places has
   * an entry for each.
   */
  stateDict(): Map<string, Tensor> {
    const entries = [...tensorsOf(this)];
    const ordered = [true, false].flatMap((trained) =>
      entries.filter(([, tensor]) => tensor instanceof Parameter === trained),
    );
    const state = new Map<string, Tensor>();
    for (const [name, tensor] of ordered) {
      if (state.has(name)) throw new Error(`${this.constructor.name}: two tensors are called ${name}`);
      state.set(name, tensor);
    }
    return state;
  }

  /**
   * Copies values into parameters and buffers by path. Everything is checked first: if anything does not fit, nothing is
   * changed. A tensor that is held in several places needs the same values under each of its names.
   *
   * @param options.strict whether missing or unexpected names are an error; default true
   * @returns the missing and unexpected names
   * @throws Error that lists the names that are missing, unexpected or have another shape, type or number of values
   */
  loadStateDict(state: StateDict, { strict = true }: { readonly strict?: boolean } = {}): LoadReport {
    if (typeof (state as Partial<StateDict> | null)?.has !== 'function') {
      throw new TypeError('loadStateDict: expected a Map of tensors by name');
    }
    const own = this.stateDict();
    const report = checkState(this, own, state, strict);
    copyState(own, state);
    return report;
  }

  /**
   * Moves parameters and buffers to another device, with values from the host (`readStateDict`): after the device was lost,
   * when their own are gone. Gradients are dropped. Optimisers, averages and other state that follows the parameters stay
   * behind: make new ones.
   *
   * @throws Error if the state does not fit, as `loadStateDict`; nothing is changed then
   */
  moveTo(device: Device, state: ReadonlyMap<string, HostTensor>): void {
    const own = this.stateDict();
    checkState(this, own, state, true);
    const moved = new Map<Storage, Storage>();
    for (const tensor of new Set(own.values())) {
      const before = tensor.storage;
      const shared = moved.get(before);
      const storage = shared?.retain() ?? new Storage(device, device.acquire(tensor.bytes, `moveTo [${tensor.shape}]`));
      if (shared === undefined) storage.buffer.use = before.buffer.use;
      moved.set(before, storage);
      tensor.rehouse(storage);
    }
    copyState(own, state);
    for (const module of this.modules()) module.freeCaches();
  }

  /** Frees what a module keeps besides parameters and buffers, such as tables for an image size. Called by `moveTo` and `dispose`. */
  protected freeCaches(): void {}

  /** The module with its children, their parameters and buffers, one line for each. */
  toString(): string {
    return describeModule(this);
  }

  /** What `console.log` shows in Node. */
  [inspectCustom](): string {
    return describeModule(this);
  }

  /** Frees parameters and buffers. */
  dispose(): void {
    for (const tensor of this.stateDict().values()) tensor.dispose();
    for (const module of this.modules()) module.freeCaches();
  }
}

/** Throws an Error if a state does not fit a module's own. */
function checkState(module: Module, own: ReadonlyMap<string, Tensor>, state: StateDict, strict: boolean): LoadReport {
  const missing = [...own.keys()].filter((name) => !state.has(name));
  const unexpected = [...state.keys()].filter((name) => !own.has(name));
  const misfits = misfitsOf(own, state);
  const problems = [
    ...(strict && missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
    ...(strict && unexpected.length > 0 ? [`unexpected: ${unexpected.join(', ')}`] : []),
    ...(misfits.length > 0 ? [`of another shape or type: ${misfits.join('; ')}`] : []),
  ];
  if (problems.length > 0) {
    throw new Error(
      `loadStateDict: the state does not fit this ${module.constructor.name}.\n  ${problems.join('\n  ')}` +
        (misfits.length === 0 ? '\nPass { strict: false } to load what fits.' : ''),
    );
  }
  return { missing, unexpected };
}

/** Tensors under all their paths, those of a module before those of its children. `above` are the modules of the path. */
function* tensorsOf(module: Module, prefix = '', above: readonly Module[] = []): Generator<[string, Tensor]> {
  for (const [name, value] of membersOf(module)) if (value instanceof Tensor) yield [prefix + name, value];
  const path = [...above, module];
  for (const [name, child] of module.namedChildren()) {
    if (!path.includes(child)) yield* tensorsOf(child, `${prefix}${name}.`, path);
  }
}

/** Modules whose `train` runs, so that it ends where modules refer to each other. */
const switching = new Set<Module>();

/** Tensors and modules in the fields of a module, with their paths. */
function* membersOf(module: Module): Generator<[string, Tensor | Module]> {
  for (const [name, value] of Object.entries(module)) yield* members(name, value, []);
}

/** Tensors and modules in a value. `above` are the containers that hold it, which it may refer to. */
function* members(path: string, value: unknown, above: readonly object[]): Generator<[string, Tensor | Module]> {
  if (value instanceof Tensor || value instanceof Module) yield [path, value];
  else if (isContainer(value) && !above.includes(value)) {
    for (const [key, item] of entriesOf(value)) yield* members(`${path}.${String(key)}`, item, [...above, value]);
  }
}

type Container = readonly unknown[] | ReadonlySet<unknown> | ReadonlyMap<unknown, unknown> | Record<string, unknown>;

function isContainer(value: unknown): value is Container {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value) || value instanceof Map || value instanceof Set) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function entriesOf(container: Container): Iterable<[unknown, unknown]> {
  if (container instanceof Map) return container as ReadonlyMap<unknown, unknown>;
  if (container instanceof Set) return [...container].entries();
  return Object.entries(container);
}

/** What does not fit in a state dict, other than missing and unexpected names. */
function misfitsOf(own: ReadonlyMap<string, Tensor>, state: StateDict): string[] {
  const misfits: string[] = [];
  const tied = new Map<Tensor, string>();
  for (const [name, tensor] of own) {
    const value = state.get(name);
    if (value === undefined) continue;
    const reason = misfit(tensor, value);
    if (reason !== null) {
      misfits.push(`${name}: ${reason}`);
      continue;
    }
    const first = tied.get(tensor);
    if (first === undefined) tied.set(tensor, name);
    else if (differ(state.get(first)!, value))
      misfits.push(`${name}: it is the same tensor as ${first}, its values differ`);
  }
  return misfits;
}

/** Why a value cannot be copied to a tensor; null if it can. */
export function misfit(tensor: Tensor, value: Tensor | HostTensor): string | null {
  const { shape, size, dtype } = tensor;
  if (tensor.disposed) return 'it was disposed';
  const { shape: theirs = null, data = null } = (value as Partial<HostTensor> | null) ?? {};
  if (!Array.isArray(theirs)) return `expected a tensor or { shape, data }, got ${typeof value}`;
  if (!sameShape(shape, theirs as Shape)) return `expected [${shape}], got [${theirs as Shape}]`;
  if (value instanceof Tensor) {
    if (value.disposed) return 'its tensor was disposed';
    if (value.device !== tensor.device) return 'its tensor is on another device: use readStateDict()';
    return value.dtype === dtype ? null : `expected ${dtype}, got ${value.dtype}`;
  }
  const { array } = dtypes[dtype];
  if (!(data instanceof array)) return `expected a ${array.name}, got ${data?.constructor.name ?? 'no data'}`;
  return data.length === size ? null : `expected ${size} values, got ${data.length}`;
}

/** Whether two values for one tensor certainly differ. Values on the GPU are not compared. */
function differ(a: Tensor | HostTensor, b: Tensor | HostTensor): boolean {
  if (a instanceof Tensor || b instanceof Tensor) return false;
  return a.data.some((value, i) => !Object.is(value, b.data[i]));
}

/** Copies the values of a state that fits. */
export function copyState(own: ReadonlyMap<string, Tensor>, state: StateDict): void {
  const targets = new Set([...own.values()].map(({ storage }) => storage));
  const copies = [...own].flatMap(([name, tensor]): (readonly [Tensor, Tensor | HostTensor, boolean])[] => {
    const value = state.get(name);
    if (value === undefined) return [];
    if (!(value instanceof Tensor)) return [[tensor, value, false]];
    if (value.storage === tensor.storage) return [];
    // Another tensor of the module may be overwritten before it is read.
    return targets.has(value.storage) ? [[tensor, noGrad(() => clone(value)), true]] : [[tensor, value, false]];
  });
  for (const [tensor, value, isCopy] of copies) {
    if (value instanceof Tensor) assign(tensor, value);
    else write(tensor, value.data);
    if (isCopy) (value as Tensor).dispose();
  }
}

/** The names that only a module or only a state dict has. */
export interface LoadReport {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

/**
 * Copies a state dict to the host, for saving. Waits for the GPU.
 *
 * @throws TypeError if a tensor is not float32, which files of weights cannot hold
 *
 * @example
 * const layer = new Linear(2, 1);
 * const state = await readStateDict(layer.stateDict());
 * console.log([...state.keys()], state.get('weight').shape); // ['weight', 'bias'] [2, 1]
 */
export async function readStateDict(state: StateDict): Promise<Map<string, HostTensor>> {
  for (const [name, value] of state) {
    if (value instanceof Tensor && value.dtype !== 'float32') {
      throw new TypeError(
        `readStateDict: ${name} is ${value.dtype}, expected float32; a tensor in a #private field is not part of the state`,
      );
    }
  }
  const values = new Map<string, HostTensor>();
  for (const [name, value] of state) {
    const host = value instanceof Tensor ? { shape: value.shape, data: (await value.data()) as Float32Array } : value;
    values.set(name, host);
  }
  return values;
}
