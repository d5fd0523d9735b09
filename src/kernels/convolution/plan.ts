import { sizeOf, type Shape } from '../../tensor/shape.ts';
import type { Walk } from '../copy.ts';
import type { Launch, Slice } from '../run.ts';
import { slicesOf } from '../slices.ts';
import type { AdapterFacts } from '../tuning.ts';
import type { WgslSource } from '../wgsl.ts';

// A convolution takes many steps: operands are padded and transformed, products run in parts and are summed. What they are
// depends on shapes and facts about the adapter only. So they are chosen first, as a list that a test can read without a GPU,
// and then `execute` carries them out.

/** A tensor of a plan, float32: an operand, or values in between. It has a shape and no memory. */
export interface Planned {
  /** Under which an operand is given; for values in between, what they are. */
  readonly name: string;
  readonly isOperand: boolean;
  readonly shape: Shape;
  readonly size: number;
  readonly bytes: number;
}

/** A launch whose operands are planned. */
export type PlannedLaunch<S extends WgslSource = WgslSource> = Omit<Launch<S, Planned | Slice<Planned>>, 'op'>;

export type Step =
  | { readonly kind: 'launch'; readonly kernel: WgslSource; readonly launch: PlannedLaunch }
  /** y = 0. */
  | { readonly kind: 'zero'; readonly y: Planned }
  /** y = x, for ranges of the same length. */
  | { readonly kind: 'copy'; readonly x: Slice<Planned>; readonly y: Slice<Planned> }
  /** y[to] = x[from] for all indices of a shape. */
  | {
      readonly kind: 'walk';
      readonly x: Planned;
      readonly from: Walk;
      readonly y: Planned;
      readonly to: Walk;
      readonly shape: Shape;
    }
  /** y += x. */
  | { readonly kind: 'add'; readonly x: Planned; readonly y: Planned }
  /** y = the sum over the middle axis of x, read as `extents`. */
  | {
      readonly kind: 'sum';
      readonly x: Planned;
      readonly y: Planned;
      readonly extents: readonly [outer: number, extent: number, inner: number];
    }
  /** y = the result of a plan of one operand. It may be kept under a name until x changes. */
  | { readonly kind: 'derive'; readonly x: Planned; readonly y: Planned; readonly name: string; readonly plan: Plan };

/** Steps in sequence, and the tensor that they make. */
export interface Plan {
  /** Name of the operation, for errors. */
  readonly op: string;
  readonly steps: readonly Step[];
  /** For each step, the tensors that no later one needs. */
  readonly ends: readonly (readonly Planned[])[];
  readonly result: Planned;
}

function plannedTensor(name: string, shape: Shape, isOperand: boolean): Planned {
  const size = sizeOf(shape);
  return { name, isOperand, shape, size, bytes: 4 * size };
}

export const operand = (name: string, shape: Shape): Planned => plannedTensor(name, shape, true);

/** A tensor for values in between, or the result. */
export const temporary = (name: string, shape: Shape): Planned => plannedTensor(name, shape, false);

/** All elements of a tensor. */
const whole = (tensor: Planned): Slice<Planned> => ({ tensor, start: 0, count: tensor.size });

/** The tensors that a step reads and writes. */
export function tensorsOf(step: Step): Planned[] {
  switch (step.kind) {
    case 'launch':
      return Object.values<Planned | Slice<Planned>>(step.launch.bind).map((x) => ('tensor' in x ? x.tensor : x));
    case 'zero':
      return [step.y];
    case 'copy':
      return [step.x.tensor, step.y.tensor];
    default:
      return [step.x, step.y];
  }
}

/** Makes a plan, step by step. */
export class Planner {
  readonly op: string;
  readonly adapter: AdapterFacts;
  readonly #steps: Step[] = [];

  constructor(op: string, adapter: AdapterFacts) {
    this.op = op;
    this.adapter = adapter;
  }

  launch<S extends WgslSource>(kernel: S, launch: PlannedLaunch<S>): void {
    this.#steps.push({ kind: 'launch', kernel, launch: launch as unknown as PlannedLaunch });
  }

  zero(y: Planned): void {
    this.#steps.push({ kind: 'zero', y });
  }

  walk(x: Planned, from: Walk, y: Planned, to: Walk, shape: Shape): void {
    this.#steps.push({ kind: 'walk', x, from, y, to, shape });
  }

  /** A sum and another part of it; the first part becomes the sum. */
  accumulate(sum: Planned | null, part: Planned): Planned {
    if (sum !== null) this.#steps.push({ kind: 'add', x: part, y: sum });
    return sum ?? part;
  }

  sum(x: Planned, y: Planned, extents: readonly [outer: number, extent: number, inner: number]): void {
    this.#steps.push({ kind: 'sum', x, y, extents });
  }

  /** What another plan makes of x alone. */
  derive(name: string, x: Planned, plan: Plan): Planned {
    const y = temporary(name, plan.result.shape);
    this.#steps.push({ kind: 'derive', x, y, name, plan });
    return y;
  }

  /** Plans a job in the minimum number of parts that the adapter's binding limit allows; see `inSlices`. */
  inSlices(
    outer: number,
    inputs: readonly Planned[],
    outputs: readonly Planned[],
    job: (count: number, slices: Slice<Planned>[]) => void,
  ): void {
    for (const { count, slices, isAligned } of slicesOf(this.op, this.adapter, outer, [...inputs, ...outputs])) {
      if (isAligned) {
        job(count, slices);
        continue;
      }
      const copies = slices.map(({ tensor, count: size }) => whole(temporary(`part of ${tensor.name}`, [size])));
      const copy = (x: Slice<Planned>, y: Slice<Planned>): number => this.#steps.push({ kind: 'copy', x, y });
      inputs.forEach((_, i) => copy(slices[i]!, copies[i]!));
      job(count, copies);
      for (let i = inputs.length; i < copies.length; i++) copy(copies[i]!, slices[i]!);
    }
  }

  /** The plan, whose steps make `result`. */
  finish(result: Planned): Plan {
    const needed = new Set([result]);
    const ends: Planned[][] = [];
    for (const step of this.#steps.slice().reverse()) {
      const last = new Set(tensorsOf(step).filter((tensor) => !tensor.isOperand && !needed.has(tensor)));
      for (const tensor of last) needed.add(tensor);
      ends.unshift([...last]);
    }
    return { op: this.op, steps: this.#steps, ends, result };
  }
}
