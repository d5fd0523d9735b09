import { checkValue } from '../tensor/dtype.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { linearGroups, run, valueOf, type Late } from './run.ts';
import { checkFloat } from './elementwise.ts';
import { checkAlike, foreach, perSlot } from './foreach.ts';
import { withSlots } from './wgsl.ts';
import { adamStep as adamKernel } from './wgsl/adam_step.wgsl.ts';
import { axpby as axpbyKernel } from './wgsl/axpby.wgsl.ts';
import { lionStep as lionKernel } from './wgsl/lion_step.wgsl.ts';
import { rmspropStep as rmspropKernel } from './wgsl/rmsprop_step.wgsl.ts';
import { scaleAll as scaleKernel } from './wgsl/scale_all.wgsl.ts';
import { sgdStep as sgdKernel } from './wgsl/sgd_step.wgsl.ts';

// Operations that change tensors in place. Each takes a list, so that small tensors share a launch; see foreach.ts.

const SIZE = 64;

/** One y = alpha x + beta y. */
export interface Axpby {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly alpha: Late<number>;
}

/**
 * y = alpha x + beta y, in place, for several pairs with an alpha each. The result is that of one pair after the other, also
 * where they share memory; x and y may be the same.
 */
export function axpbyAll(pairs: readonly Axpby[], beta: Late<number>): void {
  for (const { x, y, alpha } of pairs) {
    checkAlike('axpby', { x, y });
    checkValue('axpby', valueOf(alpha), 'float32');
  }
  checkValue('axpby', valueOf(beta), 'float32');
  const jobs = pairs.map(({ x, y, alpha }) => ({ inputs: [x], outputs: [y], alpha }));
  foreach('axpby', ['x', 'y'], 0, jobs, (device, { bind, params, jobs, vectors }) => {
    const alphas = jobs.map((job) => job?.alpha ?? 0);
    const withFactors = () => ({ ...params, ...perSlot('alpha', alphas.map(valueOf)), beta: valueOf(beta) });
    run(device, withSlots(axpbyKernel, jobs.length), {
      op: 'axpby',
      consts: { SIZE },
      bind,
      params: [...alphas, beta].some((factor) => typeof factor === 'function') ? withFactors : withFactors(),
      groups: linearGroups(device, vectors, SIZE),
    });
  });
}

/**
 * y = alpha x + beta y, in place, for float32 tensors of one shape; `axpby(x, x, 1, 1)` doubles x.
 *
 * @throws RangeError or TypeError if shapes, types or devices differ; then nothing has changed
 *
 * @example
 * const y = tensor([1, 2]);
 * axpby(tensor([10, 20]), y, 0.5, 2);
 * await y.print(); // Tensor(float32 [2]) [ 7., 14.]
 */
export function axpby(x: Tensor, y: Tensor, alpha: number, beta: number): void {
  checkAlike('axpby', { x, y });
  // `axpbyAll` would take functions, too, as the library's own callers pass for recordings.
  for (const factor of [alpha, beta]) checkValue('axpby', factor, 'float32');
  axpbyAll([{ x, y, alpha }], beta);
}

/** x = factor x, in place, for several tensors and one factor, a scalar on the GPU. See scale_all.wgsl. */
export function scaleAll(tensors: readonly Tensor[], factor: Tensor): void {
  for (const x of tensors) checkAlike('scale', { x });
  checkFloat('scale', factor);
  if (factor.size !== 1) throw new RangeError(`scale: factor is [${factor.shape}], expected one element`);
  const jobs = tensors.map((x) => ({ inputs: [], outputs: [x] }));
  foreach('scale', ['x'], 1, jobs, (device, { bind, params, jobs, vectors }) =>
    run(device, withSlots(scaleKernel, jobs.length), {
      op: 'scale',
      consts: { SIZE },
      bind: { factor, ...bind },
      params,
      groups: linearGroups(device, vectors, SIZE),
    }),
  );
}

/** What changes from step to step: a recording asks for it before each run. */
interface Step {
  readonly lr: () => number;
  /** Number of this step; the first is 1. */
  readonly t: () => number;
}

export interface SgdStep extends Step {
  readonly momentum: number;
  readonly dampening: number;
  readonly weightDecay: number;
  readonly nesterov: boolean;
}

/** A parameter, its gradient and its momentum. */
export interface SgdJob {
  readonly gradient: Tensor;
  readonly momentum: Tensor;
  readonly parameter: Tensor;
}

/** One step of SGD on parameters and their momenta, in place. See sgd_step.wgsl. */
export function sgdStep(list: readonly SgdJob[], step: SgdStep): void {
  const jobs = list.map(({ gradient, momentum, parameter }) => {
    checkAlike('SGD', { gradient, momentum, parameter });
    return { inputs: [gradient], outputs: [momentum, parameter] };
  });
  foreach('SGD', ['g', 'm', 'p'], 0, jobs, (device, { bind, params, jobs, vectors }) =>
    run(device, withSlots(sgdKernel, jobs.length), {
      op: 'SGD',
      consts: { SIZE, MOMENTUM: step.momentum !== 0, NESTEROV: step.nesterov },
      bind,
      params: () => ({
        ...params,
        lr: step.lr(),
        momentum: step.momentum,
        dampening: step.dampening,
        weightDecay: step.weightDecay,
        first: step.t() === 1 ? 1 : 0,
      }),
      groups: linearGroups(device, vectors, SIZE),
    }),
  );
}

export interface AdamStep extends Step {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly decoupled: boolean;
}

/** A parameter, its gradient and its moments. */
export interface AdamJob {
  readonly gradient: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
  readonly parameter: Tensor;
}

/** One step of Adam or AdamW on parameters and their moments, in place. See adam_step.wgsl. */
export function adamStep(list: readonly AdamJob[], step: AdamStep): void {
  const jobs = list.map(({ gradient, m, v, parameter }) => {
    checkAlike('Adam', { gradient, m, v, parameter });
    return { inputs: [gradient], outputs: [m, v, parameter] };
  });
  foreach('Adam', ['g', 'm', 'v', 'p'], 0, jobs, (device, { bind, params, jobs, vectors }) =>
    run(device, withSlots(adamKernel, jobs.length), {
      op: 'Adam',
      consts: { SIZE, DECOUPLED: step.decoupled },
      bind,
      params: () => ({
        ...params,
        lr: step.lr(),
        beta1: step.beta1,
        beta2: step.beta2,
        oneMinusBeta1: 1 - step.beta1,
        oneMinusBeta2: 1 - step.beta2,
        eps: step.eps,
        weightDecay: step.weightDecay,
        stepSize: step.lr() / (1 - step.beta1 ** step.t()),
        rootCorrection2: Math.sqrt(1 - step.beta2 ** step.t()),
      }),
      groups: linearGroups(device, vectors, SIZE),
    }),
  );
}

export interface RmspropStep extends Pick<Step, 'lr'> {
  readonly alpha: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly momentum: number;
}

/** A parameter, its gradient, and the averages of squared gradients and of updates. */
export interface RmspropJob {
  readonly gradient: Tensor;
  readonly square: Tensor;
  readonly momentum: Tensor;
  readonly parameter: Tensor;
}

/** One step of RMSprop on parameters and their averages, in place. See rmsprop_step.wgsl. */
export function rmspropStep(list: readonly RmspropJob[], step: RmspropStep): void {
  const jobs = list.map(({ gradient, square, momentum, parameter }) => {
    checkAlike('RMSprop', { gradient, square, momentum, parameter });
    return { inputs: [gradient], outputs: [square, momentum, parameter] };
  });
  foreach('RMSprop', ['g', 'v', 'm', 'p'], 0, jobs, (device, { bind, params, jobs, vectors }) =>
    run(device, withSlots(rmspropKernel, jobs.length), {
      op: 'RMSprop',
      consts: { SIZE, MOMENTUM: step.momentum !== 0 },
      bind,
      params: () => ({ ...params, ...step, lr: step.lr(), oneMinusAlpha: 1 - step.alpha }),
      groups: linearGroups(device, vectors, SIZE),
    }),
  );
}

export interface LionStep extends Pick<Step, 'lr'> {
  readonly beta1: number;
  readonly beta2: number;
  readonly weightDecay: number;
}

/** One step of Lion on parameters and their momenta, in place. See lion_step.wgsl. */
export function lionStep(list: readonly SgdJob[], step: LionStep): void {
  const jobs = list.map(({ gradient, momentum, parameter }) => {
    checkAlike('Lion', { gradient, momentum, parameter });
    return { inputs: [gradient], outputs: [momentum, parameter] };
  });
  foreach('Lion', ['g', 'm', 'p'], 0, jobs, (device, { bind, params, jobs, vectors }) =>
    run(device, withSlots(lionKernel, jobs.length), {
      op: 'Lion',
      consts: { SIZE },
      bind,
      params: () => ({
        ...params,
        ...step,
        lr: step.lr(),
        oneMinusBeta1: 1 - step.beta1,
        oneMinusBeta2: 1 - step.beta2,
      }),
      groups: linearGroups(device, vectors, SIZE),
    }),
  );
}
