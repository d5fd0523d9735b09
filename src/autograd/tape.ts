import { checkList, optionsOf } from '../common/check.ts';
import { clone } from '../kernels/copy.ts';
import { binary, checkFloat, fill } from '../kernels/elementwise.ts';
import { keep, tidy, track } from '../tensor/scope.ts';
import { sameShape } from '../tensor/shape.ts';
import { checkTensor, empty, type GraphNode, type Tensor } from '../tensor/tensor.ts';
import { completion, reachable } from './order.ts';
import { Node, reference, type GradientThunk, type Operation, type Saved } from './node.ts';

let recording = true;
let recorder: Recorder | null = null;

/** Takes what operations record while a checkpointed function runs. See checkpoint.ts. */
export interface Recorder {
  /** Whether the function runs to repeat itself. */
  readonly isSecondRun: boolean;
  /** Returns the node of the operation's output. */
  record(operation: Operation): GraphNode;
}

/** Sees every operation and every derivative that runs, with its values. See anomaly.ts. */
export interface Watcher {
  forward(op: string, inputs: Saved, output: Tensor): void;
  /** An operation without a derivative, whose result is not float32, read tensors. */
  compare(inputs: Saved): void;
  /**
   * @param node the operation whose derivative ran; null for the sum of two gradients
   * @param given gradient of its output; both, for a sum
   * @param gradients those of its inputs
   */
  backward(op: string, node: Node | null, given: readonly Tensor[], gradients: readonly Tensor[]): void;
}

let watcher: Watcher | null = null;

/** Lets `by` see what runs from now on. Returns what did before. */
export function watchedBy(by: Watcher | null): Watcher | null {
  const before = watcher;
  watcher = by;
  return before;
}

/** Whether something sees what runs, or a checkpointed function runs: then operations are more than their commands. */
export function isObserved(): boolean {
  return watcher !== null || recorder !== null;
}

/** Options of `record`. */
export interface RecordOptions {
  /**
   * Whether `backward` is written in recorded operations, of `dy` and of saved inputs and outputs, so that the gradient can
   * be differentiated again (`createGraph`). Default false.
   */
  readonly twice?: boolean;
}

/**
 * Declares the derivative of an operation: records that `output` was computed from `inputs`, if a gradient is needed.
 * This is the whole interface between an operation and autograd.
 *
 * @param saved tensors that `backward` needs; it must use these references, since the originals may be gone by then
 * @param backward given the gradient of the output, returns for each input how to compute its gradient (null: none).
 *   It must capture nothing but shapes and options.
 * @returns `output`
 *
 * @example
 * const cube = (x) =>
 *   record('cube', noGrad(() => mul(square(x), x)), [x], [x], (dy, [saved]) => [() => mul(dy, mul(square(saved), 3))]);
 * const x = tensor([1, 2], { requiresGrad: true });
 * backward(sum(cube(x)));
 * await x.grad.print(); // Tensor(float32 [2]) [ 3., 12.]
 */
export function record<S extends Saved, D extends Tensor>(
  op: string,
  output: D,
  inputs: Saved,
  saved: readonly [...S],
  backward: (dy: Tensor, saved: S) => readonly (GradientThunk | null)[],
  { twice = false }: RecordOptions = {},
): D {
  if (recording && inputs.some(needsGradient)) {
    const operation: Operation = { op, inputs, output, saved, backward: backward as Operation['backward'], twice };
    output.node = recorder?.record(operation) ?? new Node(operation);
  }
  if (watcher !== null && !isRecomputing()) watcher.forward(op, inputs, output);
  return output;
}

/** Declares that an operation without a derivative, such as a comparison, read tensors and gave integers or bools. */
export function recordComparison(...inputs: readonly (Tensor | number)[]): void {
  watcher?.compare(inputs.map((input) => (typeof input === 'number' ? null : input)));
}

/** Whether gradients flow into a tensor: it is a leaf that asks for them, or computed from one. */
export function needsGradient(tensor: Tensor | null): boolean {
  return tensor !== null && (tensor.requiresGrad || tensor.node !== null);
}

/** Whether operations are recorded, which is not the case inside `noGrad`. */
export function isRecording(): boolean {
  return recording;
}

/**
 * Whether a checkpointed function is being run a second time (see `checkpoint`). Lasting changes, such as those of running
 * statistics, are made in the first run only.
 *
 * @example
 * const x = tensor([1, 2], { requiresGrad: true });
 * const runs = [];
 * const y = checkpoint((t) => {
 *   runs.push(isRecomputing());
 *   return exp(t);
 * }, [x]);
 * backward(sum(y));
 * console.log(runs); // [false, true]
 */
export function isRecomputing(): boolean {
  return recorder?.isSecondRun ?? false;
}

/**
 * Runs a synchronous function without recording, as for validation or an update of parameters.
 *
 * @example
 * const w = tensor([1, 2], { requiresGrad: true });
 * const y = noGrad(() => mul(w, 2));
 * console.log(y.node); // null
 */
export function noGrad<T>(fn: () => T): T {
  const before = recording;
  recording = false;
  try {
    const result = fn();
    if (result instanceof Promise) {
      throw new TypeError('noGrad: the function must not be async; wrap only the part that computes');
    }
    return result;
  } finally {
    recording = before;
  }
}

/** Runs a function with or without recording. */
function recordingIf<T>(condition: boolean, fn: () => T): T {
  return condition ? fn() : noGrad(fn);
}

/** Runs a function whose operations are recorded by `by` instead of on the tape. */
export function recordedBy<T>(by: Recorder, fn: () => T): T {
  const before = { recording, recorder };
  recording = true;
  recorder = by;
  try {
    return fn();
  } finally {
    ({ recording, recorder } = before);
  }
}

/** What records instead of the tape; null for the tape. */
export function currentRecorder(): Recorder | null {
  return recorder;
}

/**
 * The same values, cut off from the graph: gradients do not flow through the result. Shares memory with `x`.
 *
 * @example
 * const x = tensor([1, 2], { requiresGrad: true });
 * backward(sum(mul(x, detach(x))));
 * await x.grad.print(); // Tensor(float32 [2]) [1., 2.]
 */
export function detach(x: Tensor): Tensor {
  return x.alias(x.shape);
}

export interface BackwardOptions {
  /** Gradient of the tensor itself, of its shape. Default: 1, for a tensor of one element. */
  readonly gradient?: Tensor;
  /**
   * Whether to keep saved activations, so that backward can run again. Default: that of `createGraph`. Without it, each is
   * freed after its use.
   */
  readonly retainGraph?: boolean;
  /**
   * Whether to record how the gradients are computed, so that they can be differentiated again, for example for a gradient
   * penalty. Default false. docs/ops.md lists the operations that allow it; an error names others.
   */
  readonly createGraph?: boolean;
  /**
   * Called with each leaf, by `backward` only, as soon as its `grad` is complete, while those of other leaves are not computed yet:
   * what it records, for example a copy, runs before the rest of the backward pass.
   */
  readonly onGradient?: (leaf: Tensor) => void;
}

/**
 * Computes the gradient of `loss` with respect to every leaf with `requiresGrad` that it depends on, and adds it to
 * the leaf's `grad`.
 *
 * @example
 * const w = tensor([2, 3], { requiresGrad: true });
 * backward(sum(square(w)));
 * await w.grad.print(); // Tensor(float32 [2]) [4., 6.]
 */
export function backward(loss: Tensor, options: BackwardOptions = {}): void {
  const touched = new Set<Tensor>();
  traverse('backward', loss, options, new Map(), (leaf, gradient) => {
    touched.add(leaf);
    leaf.grad = leaf.grad === null ? gradient : added(leaf.grad, gradient);
  });
  // Two leaves may have been given the same memory (both sides of an addition); each must own its gradient.
  for (const leaf of touched) {
    const { grad } = leaf;
    if (grad === null || !grad.storage.shared) continue;
    const copy = keep(clone(grad));
    if (grad.node !== null) record('clone', copy, [grad], [], (dy) => [() => dy], { twice: true });
    leaf.grad = copy;
    grad.dispose();
  }
}

/**
 * Computes the gradient of `loss` with respect to the given tensors, which may be leaves or results, without changing any
 * tensor's `grad`.
 *
 * @returns one gradient per tensor, of its shape; zeros where `loss` does not depend on it
 *
 * @example
 * const x = tensor(3, { requiresGrad: true });
 * const y = mul(square(x), x);
 * const [first] = grad(y, [x], { createGraph: true });
 * const [second] = grad(first, [x]);
 * console.log(await first.item(), await second.item()); // 27 18
 */
export function grad(loss: Tensor, tensors: readonly Tensor[], options: BackwardOptions = {}): Tensor[] {
  checkList('grad', 'tensors', tensors, 'tensors');
  const found = new Map<Tensor, Tensor>();
  const wanted = new Map<Node, Tensor[]>();
  for (const tensor of tensors) {
    checkTensor('grad', 'one of the tensors', tensor);
    if (!needsGradient(tensor)) throw new Error(`grad: ${tensor} has no gradient: set requiresGrad before it is used`);
    if (tensor.node instanceof Node) wanted.set(tensor.node, [...(wanted.get(tensor.node) ?? []), tensor]);
  }
  try {
    traverse('grad', loss, options, wanted, (tensor, gradient) => {
      const sum = found.get(tensor);
      if (!tensors.includes(tensor)) gradient.dispose();
      else found.set(tensor, sum === undefined ? gradient : added(sum, gradient));
    });
    return tensors.map((tensor) => {
      const gradient = found.get(tensor);
      if (gradient !== undefined) {
        const own = reference(gradient);
        track(own);
        return own;
      }
      const zeros = empty(tensor.device, tensor.shape, 'float32', 'grad');
      fill(zeros, 0);
      return zeros;
    });
  } finally {
    for (const gradient of found.values()) gradient.dispose();
  }
}

/**
 * Walks the graph from `root` to the leaves, latest operation first, so that a node is reached only when every
 * contribution to its gradient has arrived (Wengert's list read backwards).
 */
function traverse(
  op: string,
  root: Tensor,
  options: BackwardOptions,
  wanted: ReadonlyMap<Node, readonly Tensor[]>,
  collect: (leaf: Tensor, gradient: Tensor) => void,
): void {
  const { gradient, createGraph, ...rest } = optionsOf(op, options, {
    gradient: undefined,
    createGraph: false,
    retainGraph: undefined,
    onGradient: undefined,
  });
  const { retainGraph = createGraph, onGradient } = rest;
  checkRoot(op, root, gradient);
  const { device } = root;
  const { part } = device;
  const gradients = new Map<Node, Tensor>();
  /** Gradients of a node's inputs that are not passed on yet. */
  let waiting: (readonly [input: Node | Tensor, dx: Tensor])[] = [];
  recordingIf(createGraph, () => {
    try {
      contribute(root.node ?? root, gradient === undefined ? ones(root) : reference(gradient), gradients, collect);
      const nodes = root.node === null ? [] : reachable(root.node as Node);
      const complete = onGradient === undefined ? null : completion(nodes, onGradient);
      for (const node of nodes) {
        const dy = gradients.get(node);
        if (dy === undefined) {
          complete?.(node);
          continue;
        }
        for (const tensor of wanted.get(node) ?? []) collect(tensor, reference(dy));
        device.part = `${node.part} backward`;
        waiting = inputGradients(op, node, dy, createGraph, gradients);
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          contribute(...next, gradients, collect);
        }
        gradients.delete(node);
        dy.dispose();
        if (!retainGraph) node.releaseSaved();
        complete?.(node);
      }
    } finally {
      // After an error, for example because there is no memory.
      for (const dy of gradients.values()) dy.dispose();
      for (const [, dx] of waiting) dx.dispose();
      device.part = part;
    }
  });
}

/** Throws unless gradients of `root` can be computed. */
function checkRoot(op: string, root: Tensor, gradient: Tensor | undefined): void {
  if (recorder !== null) throw new Error(`${op}: a checkpointed function cannot ask for gradients inside itself`);
  checkTensor(op, 'the tensor', root);
  root.checkUsable(op);
  if (gradient !== undefined) checkTensor(op, 'gradient', gradient);
  gradient?.checkUsable(op);
  checkFloat(op, root, ...(gradient === undefined ? [] : [gradient]));
  if (!needsGradient(root)) {
    throw new Error(
      `${op}: ${root} does not depend on any tensor with requiresGrad, or was computed inside noGrad, or is a gradient ` +
        `that was computed without createGraph`,
    );
  }
  if (gradient === undefined && root.size !== 1) {
    throw new RangeError(`${op}: [${root.shape}] is not a scalar: reduce it (sum, mean) or pass its gradient`);
  }
  if (gradient !== undefined && !sameShape(gradient.shape, root.shape)) {
    throw new RangeError(`${op}: gradient [${gradient.shape}] does not fit the tensor [${root.shape}]`);
  }
  if (gradient !== undefined && gradient.device !== root.device) {
    throw new Error(`${op}: ${root} and its gradient are on different devices; make them on the same one`);
  }
}

/**
 * The inputs of a node that need a gradient, each with its own. The thunks of the others are not called. An input whose gradient the
 * operation can add to that in `gradients` is left out: its sum is there then.
 */
function inputGradients(
  op: string,
  node: Node,
  dy: Tensor,
  createGraph: boolean,
  gradients: Map<Node, Tensor>,
): (readonly [input: Node | Tensor, dx: Tensor])[] {
  if (createGraph && !node.twice) {
    throw new Error(
      `${op}: ${node.op} has no second derivative, which createGraph needs; docs/ops.md lists the operations that have one`,
    );
  }
  // A second derivative and a watcher are about the gradients one by one.
  const adds = !createGraph && watcher === null;
  const results = unwatched(() =>
    tidy(() =>
      node.thunks(dy, createGraph).map((thunk, i) => {
        const input = node.inputs[i] ?? null;
        if (thunk === null || input === null) return null;
        const other = adds && input instanceof Node ? gradients.get(input) : undefined;
        if (thunk.plus === undefined || other === undefined) return thunk();
        gradients.set(input as Node, keep(thunk.plus(other)));
        other.dispose();
        return null;
      }),
    ),
  );
  watcher?.backward(
    node.op,
    node,
    [dy],
    results.filter((dx) => dx !== null),
  );
  return results.flatMap((dx, i) => {
    if (dx === null) return [];
    // A thunk may return the gradient of the output itself.
    return [[node.inputs[i]!, dx === dy ? reference(dy) : keep(dx)] as const];
  });
}

/** Runs what the watcher sees as a whole. */
function unwatched<T>(fn: () => T): T {
  const before = watchedBy(null);
  try {
    return fn();
  } finally {
    watchedBy(before);
  }
}

/** Adds a gradient, which it takes over, to that of a node; a leaf's goes to `collect`. */
function contribute(
  input: GraphNode | Tensor,
  gradient: Tensor,
  gradients: Map<Node, Tensor>,
  collect: (leaf: Tensor, gradient: Tensor) => void,
): void {
  if (!(input instanceof Node)) {
    collect(input as Tensor, gradient);
    return;
  }
  const sum = gradients.get(input);
  gradients.set(input, sum === undefined ? gradient : added(sum, gradient));
}

/** The sum of two gradients, which it disposes; `a` stays if it throws. No scope disposes the sum. */
function added(a: Tensor, b: Tensor): Tensor {
  try {
    const sum = keep(binary('add', a, b));
    unwatched(() => {
      if (isRecording()) record('add', sum, [a, b], [], (dy) => [() => dy, () => dy], { twice: true });
    });
    watcher?.backward('add', null, [a, b], [sum]);
    a.dispose();
    return sum;
  } finally {
    b.dispose();
  }
}

function ones(like: Tensor): Tensor {
  const result = keep(empty(like.device, like.shape, 'float32', 'backward'));
  fill(result, 1);
  return result;
}
