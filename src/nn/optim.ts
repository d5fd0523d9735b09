import { checkFlag, checkList, checkNumber, checkOptions, expectedNumber } from '../common/check.ts';
import { checkAlike } from '../kernels/foreach.ts';
import { adamStep, lionStep, rmspropStep, sgdStep } from '../kernels/update.ts';
import { full } from '../autograd/ops/create.ts';
import { changeHost, undoAfterDryRun } from '../tensor/dry-run.ts';
import { openRecording } from '../tensor/recording.ts';
import { keep } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  checkIterable,
  copyState,
  distinct,
  misfit,
  type HostTensor,
  type Parameter,
  type StateDict,
} from './module.ts';

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

/** What an optimiser knows of a parameter: the number of steps that it has taken, and tensors by name. */
interface Memory {
  steps: number;
  readonly tensors: Record<string, Tensor>;
}

/**
 * Base of the optimisers: holds groups of parameters, their settings and the optimiser's state. `step` updates the
 * parameters in place from their `grad`; parameters without one stay unchanged.
 *
 * @example
 * const layer = new Linear(2, 1);
 * const groups = [{ parameters: [layer.weight] }, { parameters: [layer.bias], lr: 0.5 }];
 * const optimizer = new SGD(groups, { lr: 0.1 });
 * console.log(optimizer instanceof Optimizer, optimizer.groups.map(({ lr }) => lr)); // true [0.1, 0.5]
 */
export abstract class Optimizer<O extends OptimizerOptions = OptimizerOptions> {
  /** Names of the settings, for a check of names that are misspelt; null for no check. */
  static readonly settings: readonly string[] | null = null;
  readonly groups: readonly ActiveGroup<O>[];
  readonly #memory = new Map<Parameter, Memory>();

  /**
   * @param parameters parameters, or groups of them with settings of their own. A parameter that is listed twice in a group
   *   counts once.
   * @throws RangeError if there are none, or if one is in two groups
   */
  constructor(parameters: Iterable<Parameter> | readonly ParameterGroup<O>[], options: O) {
    const name = this.constructor.name;
    const { settings } = this.constructor as typeof Optimizer;
    const groups = groupsOf(name, parameters);
    if (settings !== null) {
      checkOptions(name, options, settings);
      for (const { parameters: _, ...own } of groups) checkOptions(name, own, settings);
    }
    this.groups = groups.map(
      (group) => ({ ...options, ...group, parameters: distinct(name, group.parameters) }) as ActiveGroup<O>,
    );
    const all = this.#all();
    if (all.length === 0) throw new RangeError(`${name}: there are no parameters to optimise`);
    if (new Set(all).size !== all.length) throw new RangeError(`${name}: a parameter is in two groups`);
    for (const group of this.groups) checkNumber(name, 'lr', group.lr, { min: 0 });
  }

  /**
   * Updates every parameter that has a gradient.
   *
   * @throws Error if a gradient does not have its parameter's shape, type and device; nothing is changed then
   */
  step(): void {
    for (const parameter of this.#all()) {
      if (parameter.grad !== null) checkAlike(this.constructor.name, { gradient: parameter.grad, parameter });
    }
    const recording = openRecording();
    const fixedBefore = recording?.fixedLaunches;
    for (const group of this.groups) {
      // Parameters that had no gradient in some steps have taken fewer.
      const byStep = new Map<number, { readonly memories: Memory[]; readonly updates: Update[] }>();
      for (const parameter of group.parameters) {
        const { grad: gradient } = parameter;
        if (gradient === null) continue;
        const memory = this.#memoryOf(parameter);
        changeHost(
          () => memory.steps++,
          () => memory.steps--,
        );
        const { memories, updates } = byStep.get(memory.steps) ?? { memories: [], updates: [] };
        byStep.set(memory.steps, { memories, updates });
        memories.push(memory);
        updates.push({ parameter, gradient, memory: memory.tensors });
      }
      for (const { memories, updates } of byStep.values()) {
        const step = (): number => memories[0]!.steps;
        recording?.onlyWhile(() => memories.every(({ steps }) => steps === step()));
        this.update(updates, group, step);
      }
      const settings = settingsOf(group);
      recording?.onlyWhile(() => settingsOf(group) === settings);
    }
    // The rate and the number of the step may be among what an optimiser of the user's launches with.
    if (recording?.fixedLaunches !== fixedBefore)
      recording!.abandon('it steps an optimizer whose launches cannot be repeated');
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

  /**
   * The state for resuming, by the position of each parameter: `3.momentum`, and `3.steps` as a single value. Settings are not
   * part of it: make the optimiser with the same ones. Schedules have the learning rates in their own state.
   */
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

  /**
   * Restores a state dict instead of the present state. The parameters must be the same, in the same order. Everything is
   * checked first: if anything does not fit, nothing is changed.
   *
   * @throws RangeError if the state is of other parameters or of another kind of optimiser
   */
  loadStateDict(state: StateDict): void {
    const parameters = this.#all();
    const problem = this.#problem(parameters, state);
    if (problem !== null) throw new RangeError(`${this.constructor.name}: state ${problem}`);
    const own = new Map<string, Tensor>();
    parameters.forEach((parameter, i) => {
      const steps = state.get(`${i}.steps`) as HostTensor | undefined;
      if (steps === undefined) {
        this.#forget(parameter);
        return;
      }
      const memory = this.#memoryOf(parameter);
      memory.steps = steps.data[0]!;
      for (const [name, tensor] of Object.entries(memory.tensors)) own.set(`${i}.${name}`, tensor);
    });
    copyState(own, state);
  }

  /** Frees the optimiser's state, but not the parameters. */
  dispose(): void {
    for (const parameter of this.#memory.keys()) this.#forget(parameter);
  }

  /** Names of the tensors that are kept for each parameter, of its shape. */
  protected abstract readonly remembers: readonly string[];

  /** Updates parameters of one group in place, all for the same number of steps: `step()`, from 1. */
  protected abstract update(updates: readonly Update[], group: ActiveGroup<O>, step: () => number): void;

  #all(): Parameter[] {
    return this.groups.flatMap((group) => group.parameters);
  }

  #memoryOf(parameter: Parameter): Memory {
    let memory = this.#memory.get(parameter);
    if (memory === undefined) {
      const { shape, device } = parameter;
      const tensors = Object.fromEntries(this.remembers.map((name) => [name, keep(full(shape, 0, { device }))]));
      for (const { storage } of Object.values(tensors)) storage.buffer.use = 'optimizer';
      memory = { steps: 0, tensors };
      undoAfterDryRun(() => this.#memory.delete(parameter));
      this.#memory.set(parameter, memory);
    }
    return memory;
  }

  #forget(parameter: Parameter): void {
    for (const tensor of Object.values(this.#memory.get(parameter)?.tensors ?? {})) tensor.dispose();
    this.#memory.delete(parameter);
  }

  /** Why a state does not fit; null if it does. */
  #problem(parameters: readonly Parameter[], state: StateDict): string | null {
    const keys = ['steps', ...this.remembers];
    for (const [name, value] of state) {
      const [, index = '', key = ''] = /^(\d+)\.(.*)$/.exec(name) ?? [];
      const parameter = parameters[Number(index)];
      if (parameter === undefined || `${Number(index)}` !== index) {
        return `${name} does not belong to any of the ${parameters.length} parameters`;
      }
      if (!keys.includes(key)) return `${name} is of another kind of optimiser, expected ${keys.join(', ')}`;
      const missing = keys.find((other) => !state.has(`${index}.${other}`));
      if (missing !== undefined) return `${index}.${missing} is missing: it may be of another kind of optimiser`;
      const reason = key === 'steps' ? stepsProblem(value) : misfit(parameter, value);
      if (reason !== null) return `${name}: ${reason}`;
    }
    return null;
  }
}

/** The argument of an optimiser as groups. */
function groupsOf<O>(
  name: string,
  parameters: Iterable<Parameter> | readonly ParameterGroup<O>[],
): readonly ParameterGroup<O>[] {
  checkIterable(name, parameters);
  const list = [...(parameters as Iterable<Parameter | ParameterGroup<O>>)];
  const isGroup = (item: unknown): item is ParameterGroup<O> =>
    typeof item === 'object' && item !== null && 'parameters' in item;
  if (list.length > 0 && list.every(isGroup)) return list;
  return [{ parameters: list as Parameter[] }] as unknown as ParameterGroup<O>[];
}

/** What a recording takes as constant of a group: everything except the learning rate. */
const settingsOf = <O extends OptimizerOptions>(group: ActiveGroup<O>): string =>
  JSON.stringify({ ...group, parameters: null, lr: null });

/** Why a value is not a number of steps; null if it is. */
function stepsProblem(value: Tensor | HostTensor): string | null {
  const data: unknown = (value as Partial<HostTensor> | null)?.data;
  const steps = data instanceof Float32Array && data.length === 1 ? data[0]! : NaN;
  const fits = Number.isInteger(steps) && steps >= 0;
  return fits ? null : `it is ${steps}, expected ${expectedNumber('an integer', { min: 0 })}`;
}

/** Throws a RangeError unless all settings are finite numbers >= 0. */
function checkSettings(name: string, settings: Readonly<Record<string, number>>): void {
  for (const [key, value] of Object.entries(settings)) checkNumber(name, key, value, { min: 0, finite: true });
}

function checkBetas(name: string, betas: readonly number[]): void {
  checkList(name, 'betas', betas, 'two numbers');
  if (betas.length !== 2) throw new RangeError(`${name}: betas are [${betas}], expected two numbers`);
  betas.forEach((beta, i) => checkNumber(name, `betas[${i}]`, beta, { min: 0, below: 1 }));
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

/**
 * Stochastic gradient descent with momentum, as in PyTorch.
 *
 * @example
 * const w = new Parameter(tensor([1, 2]));
 * const optimizer = new SGD([w], { lr: 0.1, momentum: 0.9 });
 * for (let step = 0; step < 2; step++) {
 *   optimizer.zeroGrad();
 *   backward(sum(square(w)));
 *   optimizer.step();
 * }
 * await w.print(); // Parameter(float32 [2]) [0.4600, 0.9200]
 */
export class SGD extends Optimizer<SGDOptions> {
  static override readonly settings = ['lr', 'momentum', 'dampening', 'weightDecay', 'nesterov'];
  protected readonly remembers = ['momentum'];

  constructor(parameters: Iterable<Parameter> | readonly ParameterGroup<SGDOptions>[], options: SGDOptions) {
    super(parameters, options);
    for (const { nesterov = false, momentum = 0, dampening = 0, weightDecay = 0 } of this.groups) {
      checkSettings('SGD', { momentum, dampening, weightDecay });
      checkFlag('SGD', 'nesterov', nesterov);
      if (nesterov && (momentum <= 0 || dampening !== 0)) {
        throw new RangeError(`SGD: nesterov needs momentum > 0 and no dampening, got ${momentum} and ${dampening}`);
      }
    }
  }

  protected override update(updates: readonly Update[], group: ActiveGroup<SGDOptions>, step: () => number): void {
    const { momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = group;
    const jobs = updates.map(({ memory, ...update }) => ({ ...update, momentum: memory['momentum']! }));
    sgdStep(jobs, { lr: () => group.lr, t: step, momentum, dampening, weightDecay, nesterov });
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

/**
 * Adam (Kingma and Ba 2015), as in PyTorch.
 *
 * @example
 * const w = new Parameter(tensor([1, -2]));
 * const optimizer = new Adam([w], { lr: 0.1 });
 * backward(sum(square(w)));
 * optimizer.step();
 * await w.print(); // Parameter(float32 [2]) [ 0.9000, -1.9000]
 */
export class Adam extends Optimizer<AdamOptions> {
  static override readonly settings: readonly string[] = ['lr', 'betas', 'eps', 'weightDecay'];
  protected readonly remembers = ['m', 'v'];

  constructor(parameters: Iterable<Parameter> | readonly ParameterGroup<AdamOptions>[], options: AdamOptions) {
    super(parameters, options);
    const { name } = this.constructor;
    for (const { betas = [0.9, 0.999], eps = 0, weightDecay = 0 } of this.groups) {
      checkBetas(name, betas);
      checkSettings(name, { eps, weightDecay });
    }
  }

  protected override update(updates: readonly Update[], group: ActiveGroup<AdamOptions>, step: () => number): void {
    const { betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8, weightDecay = this.defaultDecay } = group;
    const { decoupled } = this;
    const jobs = updates.map(({ memory, ...update }) => ({ ...update, m: memory['m']!, v: memory['v']! }));
    adamStep(jobs, { lr: () => group.lr, t: step, beta1, beta2, eps, weightDecay, decoupled });
  }

  protected get decoupled(): boolean {
    return false;
  }
  protected get defaultDecay(): number {
    return 0;
  }
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019), as in PyTorch.
 *
 * @example
 * const w = new Parameter(tensor([1, -2]));
 * const optimizer = new AdamW([w], { lr: 0.1, weightDecay: 0.5 });
 * backward(sum(square(w)));
 * optimizer.step();
 * await w.print(); // Parameter(float32 [2]) [ 0.8500, -1.8000]
 */
export class AdamW extends Adam {
  protected override get decoupled(): boolean {
    return true;
  }
  protected override get defaultDecay(): number {
    return 0.01;
  }
}

export interface RMSpropOptions extends OptimizerOptions {
  /** Decay rate of the average of squared gradients. Default 0.99. */
  readonly alpha?: number;
  /** Added to the root of the average. Default 1e-8. */
  readonly eps?: number;
  /** L2 penalty added to the gradient. Default 0. */
  readonly weightDecay?: number;
  /** Fraction of the previous update to keep. Default 0. */
  readonly momentum?: number;
}

/**
 * RMSprop (Tieleman and Hinton 2012), as in PyTorch without `centered`.
 *
 * @example
 * const w = new Parameter(tensor([1, -2]));
 * const optimizer = new RMSprop([w], { lr: 0.01 });
 * backward(sum(square(w)));
 * optimizer.step();
 * await w.print(); // Parameter(float32 [2]) [ 0.9000, -1.9000]
 */
export class RMSprop extends Optimizer<RMSpropOptions> {
  static override readonly settings = ['lr', 'alpha', 'eps', 'weightDecay', 'momentum'];
  protected readonly remembers = ['square', 'momentum'];

  constructor(parameters: Iterable<Parameter> | readonly ParameterGroup<RMSpropOptions>[], options: RMSpropOptions) {
    super(parameters, options);
    for (const { alpha = 0, eps = 0, weightDecay = 0, momentum = 0 } of this.groups) {
      checkNumber('RMSprop', 'alpha', alpha, { min: 0, max: 1 });
      checkSettings('RMSprop', { eps, weightDecay, momentum });
    }
  }

  protected override update(updates: readonly Update[], group: ActiveGroup<RMSpropOptions>): void {
    const { alpha = 0.99, eps = 1e-8, weightDecay = 0, momentum = 0 } = group;
    const jobs = updates.map(({ memory, ...update }) => ({
      ...update,
      square: memory['square']!,
      momentum: memory['momentum']!,
    }));
    rmspropStep(jobs, { lr: () => group.lr, alpha, eps, weightDecay, momentum });
  }
}

export interface LionOptions extends OptimizerOptions {
  /** Weights of the momentum: in the update, and for the next step. Default [0.9, 0.99]. */
  readonly betas?: readonly [number, number];
  /** Decoupled weight decay. Default 0. */
  readonly weightDecay?: number;
}

/**
 * Lion (Chen et al. 2023, "Symbolic discovery of optimization algorithms"): steps by the sign of a momentum, so that it keeps one
 * number per parameter. Its rate is 3 to 10 times smaller than Adam's, its weight decay as many times larger.
 *
 * @example
 * const w = new Parameter(tensor([1, -2]));
 * const optimizer = new Lion([w], { lr: 0.01 });
 * backward(sum(square(w)));
 * optimizer.step();
 * await w.print(); // Parameter(float32 [2]) [ 0.9900, -1.9900]
 */
export class Lion extends Optimizer<LionOptions> {
  static override readonly settings = ['lr', 'betas', 'weightDecay'];
  protected readonly remembers = ['momentum'];

  constructor(parameters: Iterable<Parameter> | readonly ParameterGroup<LionOptions>[], options: LionOptions) {
    super(parameters, options);
    for (const { betas = [0.9, 0.99], weightDecay = 0 } of this.groups) {
      checkBetas('Lion', betas);
      checkSettings('Lion', { weightDecay });
    }
  }

  protected override update(updates: readonly Update[], group: ActiveGroup<LionOptions>): void {
    const { betas: [beta1, beta2] = [0.9, 0.99], weightDecay = 0 } = group;
    const jobs = updates.map(({ memory, ...update }) => ({ ...update, momentum: memory['momentum']! }));
    lionStep(jobs, { lr: () => group.lr, beta1, beta2, weightDecay });
  }
}
