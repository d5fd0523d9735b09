import type { Device } from '../tensor/device.ts';
import type { DType } from '../tensor/dtype.ts';
import type { GraphNode, Tensor } from '../tensor/tensor.ts';

/** Computes the gradient of one input; called only if it is needed. */
export interface GradientThunk {
  (): Tensor;
  /** Computes its sum with a gradient that the input has already, in the same pass. Default: they are added afterwards. */
  readonly plus?: (other: Tensor) => Tensor;
}

export type Saved = readonly (Tensor | null)[];

/** What an operation records: its name, its inputs, the tensors that it saves, and its derivative. See `record`. */
export interface Operation {
  readonly op: string;
  readonly inputs: Saved;
  readonly output: Tensor;
  readonly saved: Saved;
  readonly backward: (dy: Tensor, saved: Saved) => readonly (GradientThunk | null)[];
  /** Whether `backward` is written in recorded operations. */
  readonly twice: boolean;
}

/** A part of the program that runs a second time to provide what its nodes did not save. See checkpoint.ts. */
export interface Rerun {
  /** Runs it, and calls `save` or `postpone` on each of its nodes. */
  run(): void;
  /** Another node waits for it. */
  retain(): void;
  /** A node does not wait for it any more. */
  release(): void;
}

/** Where a saved tensor stands in the graph: it is an input (its position), the output, or a constant of the derivative. */
type Origin = number | 'output' | 'constant';

let nextId = 0;

/** Another reference to a tensor, with its place in the graph, that no scope disposes. */
export function reference<D extends DType>(tensor: Tensor<D>): Tensor<D> {
  return attached(tensor.alias(tensor.shape, false), tensor.node);
}

/** A reference for the backward pass, outside of the graph, that no scope disposes. */
export function held(tensor: Tensor): Tensor {
  const { buffer } = tensor.storage;
  if (buffer.use === 'other') buffer.use = 'activations';
  return tensor.alias(tensor.shape, false);
}

/** Gives a new reference the place of a node in the graph. */
function attached<D extends DType>(tensor: Tensor<D>, node: GraphNode | null): Tensor<D> {
  node?.retain();
  tensor.node = node;
  return tensor;
}

/**
 * One recorded operation: which tensors went in, and how to turn the gradient of its output into theirs.
 *
 * Nodes are reference-counted like memory. A node is held by its output tensor and by the nodes that consumed that output;
 * when the last of them releases it, it releases the tensors that it saved and its own inputs. So disposing the result of a
 * forward pass frees its whole graph, without waiting for a garbage collector.
 */
export class Node implements GraphNode {
  /** Grows with time: an operation always has a larger number than those that made its inputs. */
  readonly id = nextId++;
  readonly op: string;
  /** Where the gradient of each input goes: to the node that made it, to a leaf, or nowhere (null). */
  readonly inputs: readonly (Node | Tensor | null)[];
  readonly device: Device;
  /** Part of the program that ran it, for profiles. */
  readonly part: string;
  /** Whether the gradients that it computes can be differentiated again. */
  readonly twice: boolean;
  readonly #origins: readonly Origin[];
  readonly #backward: Operation['backward'];
  /** Null before the second run of a checkpointed function, and after the backward pass. */
  #saved: { readonly tensor: Tensor | null; readonly version: number }[] | null = null;
  #rerun: Rerun | null = null;
  #references = 1;

  /** @param rerun provides the saved tensors later, if they are not to be kept now */
  constructor({ op, inputs, output, saved, backward, twice }: Operation, rerun: Rerun | null = null) {
    this.op = op;
    // What a checkpointed function runs again is cut off from the graph.
    this.twice = twice && rerun === null;
    this.#origins = saved.map((tensor) => {
      if (tensor === output) return 'output';
      const position = inputs.indexOf(tensor);
      return tensor === null || position < 0 ? 'constant' : position;
    });
    this.inputs = inputs.map((input) => {
      if (input === null) return null;
      if (input.node !== null) {
        input.node.retain();
        return input.node as Node;
      }
      return input.requiresGrad ? input : null;
    });
    this.#backward = backward;
    this.device = inputs.find((input) => input !== null)!.device;
    this.part = this.device.part;
    if (rerun === null) this.#keep(saved);
    else this.#wait(rerun);
  }

  retain(): void {
    this.#references++;
  }

  release(): void {
    // A long chain is released in a loop: recursion would overflow the stack.
    const pending: Node[] = [this];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (--node.#references > 0) continue;
      node.releaseSaved();
      for (const input of node.inputs) if (input instanceof Node) pending.push(input);
    }
  }

  /** Frees the saved activations. */
  releaseSaved(): void {
    for (const { tensor } of this.#saved ?? []) tensor?.dispose();
    this.#saved = null;
    this.#wait(null);
  }

  /** Takes the saved tensors of the second run, if the node is still waiting for them. */
  save(saved: Saved): void {
    if (this.#rerun === null) return;
    this.#keep(saved);
    this.#wait(null);
  }

  /** Waits for another run instead, if the node is still waiting for one. */
  postpone(rerun: Rerun): void {
    if (this.#rerun !== null) this.#wait(rerun);
  }

  /**
   * How to compute the gradient of each input.
   *
   * @param inGraph whether the saved tensors keep their places in the graph, so that the gradients can be differentiated.
   *   The references to them are made in the open scope, which disposes them.
   */
  thunks(dy: Tensor, inGraph: boolean): readonly (GradientThunk | null)[] {
    // A run that contains checkpointed functions may leave the node to one of those.
    while (this.#rerun !== null) this.#rerun.run();
    if (this.#saved === null) {
      throw new Error(
        `${this.op}: backward was already run through this operation and its saved values are freed; ` +
          `pass { retainGraph: true } the first time to run it twice`,
      );
    }
    for (const { tensor, version } of this.#saved) {
      if (tensor !== null && tensor.storage.version !== version) throw changedInPlace(this.op, tensor);
    }
    return this.#backward(
      dy,
      this.#saved.map(({ tensor }, i) =>
        inGraph && tensor !== null ? this.#placed(tensor, this.#origins[i]!) : tensor,
      ),
    );
  }

  /** A saved tensor in its place in the graph. */
  #placed(tensor: Tensor, origin: Origin): Tensor {
    if (origin === 'constant') return tensor;
    const place = origin === 'output' ? this : (this.inputs[origin] ?? null);
    return place === null || place instanceof Node ? attached(tensor.alias(tensor.shape), place) : place;
  }

  #keep(saved: Saved): void {
    // Own references, because the caller may dispose its tensors before the backward pass.
    this.#saved = saved.map((tensor) => ({
      tensor: tensor === null ? null : held(tensor),
      version: tensor?.storage.version ?? 0,
    }));
  }

  #wait(rerun: Rerun | null): void {
    rerun?.retain();
    this.#rerun?.release();
    this.#rerun = rerun;
  }
}

/** The error for a tensor whose value has changed since `op` used it. */
export function changedInPlace(op: string, { shape }: Tensor): Error {
  return new Error(
    `${op}: a tensor of shape [${shape}] that backward needs was changed in place after it was used; ` +
      `change it after backward, or work on a copy (clone)`,
  );
}
