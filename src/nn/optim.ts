import { checkNumber } from '../common/check.ts';
import { adamStep, sgdStep } from '../kernels/update.ts';
import { constant } from './init.ts';
import type { HostTensor, Parameter } from './module.ts';
import { write } from '../tensor/create.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Parameters that share settings. Settings that are not given come from the optimiser's options. */
export type ParameterGroup<O> = { readonly parameters: Iterable<Parameter> } & Partial<O>;

/** The settings of a group, which may be changed at any time; schedules change `lr`. */
export type ActiveGroup<O> = { readonly parameters: readonly Parameter[] } & { -readonly [K in keyof O]: O[K] };

/** Settings that every optimiser has. */
export interface OptimizerOptions {
  /** Learning rate. */
  readonly lr: number;
}

/** A parameter to update, with its gradient and the optimiser's state for it, by name. */
export interface Update {
  readonly parameter: Parameter;
  readonly gradient: Tensor;
  readonly memory: Readonly<Record<string, Tensor>>;
}

/**
 * Base of the optimisers: holds groups of parameters, their settings and the optimiser's state. `step` updates the
 * parameters in place from their `grad`; parameters without one stay unchanged.
 */
export abstract class Optimizer<O extends OptimizerOptions = OptimizerOptions> {
  readonly groups: readonly ActiveGroup<O>[];
  /** The number of steps that each parameter has taken, and its tensors by name. */
  readonly #memory = new Map<Parameter, { steps: number; tensors: Record<string, Tensor> }>();

  constructor(parameters: Iterable<Parameter> | readonly ParameterGroup<O>[], options: O) {
    const list = [...(parameters as Iterable<Parameter | ParameterGroup<O>>)];
    const grouped = list.every((item) => 'parameters' in item && !('storage' in item));
    const groups = (grouped && list.length > 0 ? list : [{ parameters: list }]) as ParameterGroup<O>[];
    this.groups = groups.map(
      (group) => ({ ...options, ...group, parameters: [...group.parameters] }) as ActiveGroup<O>,
    );
    const all = this.groups.flatMap((group) => group.parameters);
    if (all.length === 0) throw new RangeError(`${this.constructor.name}: there are no parameters to optimise`);
    if (new Set(all).size !== all.length)
      throw new RangeError(`${this.constructor.name}: a parameter is in two groups`);
    for (const group of this.groups) {
      checkNumber(this.constructor.name, 'lr', group.lr, { min: 0 });
    }
  }

  /** Updates every parameter that has a gradient. */
  step(): void {
    for (const group of this.groups) {
      // Parameters that had no gradient in some steps have taken fewer.
      const byStep = new Map<number, Update[]>();
      for (const parameter of group.parameters) {
        const { grad: gradient } = parameter;
        if (gradient === null) continue;
        const memory = this.#memoryOf(parameter);
        memory.steps++;
        const updates = byStep.get(memory.steps) ?? [];
        byStep.set(memory.steps, updates);
        updates.push({ parameter, gradient, memory: memory.tensors });
      }
      for (const [step, updates] of byStep) this.update(updates, group, step);
    }
  }

  /** Frees all gradients; call it before the next backward pass, which would add to them. */
  zeroGrad(): void {
    for (const group of this.groups) {
      for (const parameter of group.parameters) {
        parameter.grad?.dispose();
        parameter.grad = null;
      }
    }
  }

  /** The state for resuming, by the position of each parameter: `3.momentum`, and `3.steps` as a single value. */
  stateDict(): Map<string, Tensor | HostTensor> {
    const state = new Map<string, Tensor | HostTensor>();
    this.#all().forEach((parameter, i) => {
      const memory = this.#memory.get(parameter);
      if (memory === undefined) return;
      state.set(`${i}.steps`, { shape: [], data: Float32Array.of(memory.steps) });
      for (const [name, tensor] of Object.entries(memory.tensors)) state.set(`${i}.${name}`, tensor);
    });
    return state;
  }

  /** Restores a state dict that was read to the host. The parameters must be the same, in the same order. */
  loadStateDict(state: ReadonlyMap<string, HostTensor>): void {
    const parameters = this.#all();
    for (const [name, value] of state) {
      const [index = '', key = ''] = name.split('.');
      const parameter = parameters[Number(index)];
      const fits = parameter !== undefined && (key === 'steps' || sameShape(parameter.shape, value.shape));
      if (!fits)
        throw new RangeError(`${this.constructor.name}: state ${name} [${value.shape}] does not fit any parameter`);
    }
    for (const [name, value] of state) {
      const [index = '', key = ''] = name.split('.');
      const memory = this.#memoryOf(parameters[Number(index)]!);
      if (key === 'steps') memory.steps = value.data[0]!;
      else write(memory.tensors[key]!, value.data);
    }
  }

  /** Frees the optimiser's state, but not the parameters. */
  dispose(): void {
    for (const { tensors } of this.#memory.values()) for (const tensor of Object.values(tensors)) tensor.dispose();
    this.#memory.clear();
  }

  /** Names of the tensors that are kept for each parameter, of its shape. */
  protected abstract readonly remembers: readonly string[];

  /** Updates parameters of one group in place, all for the same number of steps; the first step is 1. */
  protected abstract update(updates: readonly Update[], group: ActiveGroup<O>, step: number): void;

  #all(): Parameter[] {
    return this.groups.flatMap((group) => group.parameters);
  }

  #memoryOf(parameter: Parameter): { steps: number; tensors: Record<string, Tensor> } {
    let memory = this.#memory.get(parameter);
    if (memory === undefined) {
      const tensors = Object.fromEntries(this.remembers.map((name) => [name, constant(0)(parameter.shape)]));
      memory = { steps: 0, tensors };
      this.#memory.set(parameter, memory);
    }
    return memory;
  }
}

export interface SGDOptions extends OptimizerOptions {
  /** Fraction of the previous update to keep. Default 0. */
  readonly momentum?: number;
  /** Fraction of the gradient that momentum ignores. Default 0. */
  readonly dampening?: number;
  /** L2 penalty added to the gradient. Default 0. */
  readonly weightDecay?: number;
  /** Nesterov's look-ahead. Needs momentum, and no dampening. Default false. */
  readonly nesterov?: boolean;
}

/** Stochastic gradient descent with momentum, as in PyTorch. */
export class SGD extends Optimizer<SGDOptions> {
  protected readonly remembers = ['momentum'];

  constructor(parameters: Iterable<Parameter> | readonly ParameterGroup<SGDOptions>[], options: SGDOptions) {
    super(parameters, options);
    for (const { nesterov = false, momentum = 0, dampening = 0 } of this.groups) {
      if (nesterov && (momentum <= 0 || dampening !== 0)) {
        throw new RangeError(`SGD: nesterov needs momentum > 0 and no dampening, got ${momentum} and ${dampening}`);
      }
    }
  }

  protected override update(
    updates: readonly Update[],
    { lr, momentum = 0, dampening = 0, weightDecay = 0, nesterov = false }: ActiveGroup<SGDOptions>,
    step: number,
  ): void {
    const jobs = updates.map(({ memory, ...update }) => ({ ...update, momentum: memory['momentum']! }));
    sgdStep(jobs, { lr, momentum, dampening, weightDecay, nesterov, first: step === 1 });
  }
}

export interface AdamOptions extends OptimizerOptions {
  /** Decay rates of the two moments. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the second moment. Default 1e-8. */
  readonly eps?: number;
  /** Weight decay: for Adam added to the gradient (default 0), for AdamW applied to the parameter (default 0.01). */
  readonly weightDecay?: number;
}

/** Adam (Kingma and Ba 2015), as in PyTorch. */
export class Adam extends Optimizer<AdamOptions> {
  protected readonly remembers = ['m', 'v'];

  protected override update(
    updates: readonly Update[],
    { lr, betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8, weightDecay = this.defaultDecay }: ActiveGroup<AdamOptions>,
    t: number,
  ): void {
    const { decoupled } = this;
    const jobs = updates.map(({ memory, ...update }) => ({ ...update, m: memory['m']!, v: memory['v']! }));
    adamStep(jobs, { lr, beta1, beta2, eps, weightDecay, decoupled, t });
  }

  protected get decoupled(): boolean {
    return false;
  }
  protected get defaultDecay(): number {
    return 0;
  }
}

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019), as in PyTorch. */
export class AdamW extends Adam {
  protected override get decoupled(): boolean {
    return true;
  }
  protected override get defaultDecay(): number {
    return 0.01;
  }
}
