import { tidy } from '../tensor/scope.ts';
import type { GraphNode, Tensor } from '../tensor/tensor.ts';
import { seedState, withSeeds } from './seeds.ts';
import { Node, changedInPlace, held, type Operation, type Rerun } from './node.ts';
import { currentRecorder, isRecording, needsGradient, recordedBy, type Recorder } from './tape.ts';

// Activation checkpointing (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"). The first run makes the
// same graph as usual, except that its nodes save nothing. When backward reaches the last of them, the function runs a
// second time. What its operations record then makes no new graph, but provides the nodes of the first run, in the same
// order, with the tensors that they lack. Backward continues as usual, so that every gradient is the sum of the same
// numbers in the same order as without checkpointing, bit for bit.

type Inputs = readonly Tensor[];

/** A node, and the inputs of its operation in the first run. */
interface Step {
  readonly node: Node;
  readonly description: string;
  /** Versions of the tensors that it read and saved. */
  readonly versions: readonly number[];
}

const tensorsOf = ({ inputs, saved }: Operation): Tensor[] => [...inputs, ...saved].filter((t) => t !== null);
const describe = (operation: Operation): string =>
  `${operation.op}(${tensorsOf(operation).map(({ shape }) => `[${shape}]`)})`;

/** The node of every tensor that a second run makes: it marks them as differentiable, but is not part of a graph. */
const inSecondRun: GraphNode = { retain: () => undefined, release: () => undefined };

/** A function that has run once and will run again. */
class Checkpoint implements Recorder, Rerun {
  readonly #fn: (...inputs: Inputs) => unknown;
  /** Own references, without the graph behind them. */
  readonly #inputs: Inputs;
  /** The second run that contains this first one, if checkpointed functions are nested. */
  readonly #outer: SecondRun | null;
  readonly #steps: Step[] = [];
  /** Of the first run: the second one draws the same random numbers. */
  readonly #seeds = seedState();
  /** Held by each node that is waiting, and while the function runs. */
  #references = 1;

  constructor(fn: (...inputs: Inputs) => unknown, inputs: Inputs, outer: SecondRun | null) {
    this.#fn = fn;
    this.#inputs = inputs.map((input) => {
      const own = held(input);
      own.requiresGrad = needsGradient(input);
      return own;
    });
    this.#outer = outer;
  }

  get isSecondRun(): boolean {
    return this.#outer !== null;
  }

  record(operation: Operation): GraphNode {
    if (this.#outer === null) {
      const node = new Node(operation, this);
      const versions = tensorsOf(operation).map(({ storage }) => storage.version);
      this.#steps.push({ node, description: describe(operation), versions });
      return node;
    }
    const step = this.#outer.next(operation);
    step.node.postpone(this);
    this.#steps.push(step);
    return inSecondRun;
  }

  run(): void {
    const { device, part } = this.#steps[0]!.node;
    const before = device.part;
    const second = new SecondRun(this.#steps);
    device.part = `${part} again`;
    this.retain();
    try {
      withSeeds(this.#seeds, () => recordedBy(second, () => tidy(() => void this.#fn(...this.#inputs))));
      second.end();
    } finally {
      this.release();
      device.part = before;
    }
  }

  retain(): void {
    this.#references++;
  }

  release(): void {
    if (--this.#references === 0) for (const input of this.#inputs) input.dispose();
  }
}

/** Provides the nodes of a first run with the tensors that they did not save. */
class SecondRun implements Recorder {
  readonly isSecondRun = true;
  readonly #steps: readonly Step[];
  #next = 0;

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  record(operation: Operation): GraphNode {
    this.next(operation).node.save(operation.saved);
    return inSecondRun;
  }

  /** The step of the first run that an operation repeats. */
  next(operation: Operation): Step {
    const step = this.#steps[this.#next++];
    const description = describe(operation);
    if (step?.description !== description) throw this.#differs(step?.description ?? 'nothing more', description);
    tensorsOf(operation).forEach((tensor, i) => {
      if (tensor.storage.version !== step.versions[i]) throw changedInPlace(operation.op, tensor);
    });
    return step;
  }

  end(): void {
    const left = this.#steps[this.#next];
    if (left !== undefined) throw this.#differs(left.description, 'nothing more');
  }

  #differs(first: string, second: string): Error {
    return new Error(
      `checkpoint: the function did ${first} in its first run and ${second} in its second: ` +
        `it must do the same each time, so decide by its inputs only`,
    );
  }
}

/**
 * Computes `fn(...inputs)` without keeping the activations that its derivative needs: backward runs `fn` again to get them.
 * A chain of n such functions holds their n inputs and the activations of one, at the cost of a second forward pass (Chen
 * et al. 2016, "Training Deep Nets with Sublinear Memory Cost"). Results and all gradients are the same as without
 * `checkpoint`, bit for bit. A nested `checkpoint` takes effect in the second run of the outer one.
 *
 * `fn` must be synchronous and do the same in both runs. Random numbers repeat: the second run draws the same seeds. `fn` must
 * not make lasting changes, for example to running statistics, while `isRecomputing()` (BatchNorm2d does not). Tensors that
 * it uses must still exist in backward: parameters do; results of other operations must be passed as `inputs`, which may
 * then be disposed. As in `tidy`, the tensors that `fn` makes are freed, except for its result.
 *
 * @param fn may return anything that `tidy` may: a tensor, or arrays and objects of tensors
 * @returns what `fn` returns
 * @throws Error from `backward` if a tensor that `fn` uses was changed in place, if `fn` does something else in its second
 *   run, or if it calls `backward` or `grad` itself
 *
 * @example
 * const x = tensor([1, 2], { requiresGrad: true });
 * const y = checkpoint((t) => exp(square(t)), [x]);
 * backward(sum(y));
 * await x.grad.print(); // Tensor(float32 [2]) [  5.4366, 218.3926]
 */
export function checkpoint<I extends Inputs, R>(fn: (...inputs: I) => R, inputs: readonly [...I]): R {
  for (const input of inputs) input.checkUsable('checkpoint');
  const recorder = currentRecorder();
  const plain = (): R => fn(...(inputs as I));
  // In the first run of an outer checkpoint, nothing is saved anyway.
  if (!isRecording() || recorder instanceof Checkpoint) return tidy(plain);
  const outer = recorder instanceof SecondRun ? recorder : null;
  const first = new Checkpoint(fn as (...inputs: Inputs) => R, inputs, outer);
  try {
    return recordedBy(first, () => tidy(plain));
  } finally {
    first.release();
  }
}
