import type { Tensor } from '../tensor/tensor.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { adamStep as adamKernel } from './wgsl/adam_step.wgsl.ts';
import { axpby as axpbyKernel } from './wgsl/axpby.wgsl.ts';
import { sgdStep as sgdKernel } from './wgsl/sgd_step.wgsl.ts';

const SIZE = 64;

/** y = alpha x + beta y, in place. */
export function axpby(x: Tensor, y: Tensor, alpha: number, beta: number): void {
  inSlices('axpby', y.size, [x], [y], (_, count, [xs, ys]) => {
    const vectors = Math.ceil(count / 4);
    run(y.device, axpbyKernel, {
      op: 'axpby',
      consts: { SIZE },
      bind: { x: xs!, y: ys! },
      params: { vectors, alpha, beta },
      groups: linearGroups(y.device, vectors, SIZE),
    });
  });
}

export interface SgdStep {
  readonly lr: number;
  readonly momentum: number;
  readonly dampening: number;
  readonly weightDecay: number;
  readonly nesterov: boolean;
  /** Whether the momentum holds nothing yet. */
  readonly first: boolean;
}

/** One step of SGD on a parameter and its momentum, in place. See sgd_step.wgsl. */
export function sgdStep(gradient: Tensor, momentum: Tensor, parameter: Tensor, step: SgdStep): void {
  inSlices('SGD', parameter.size, [gradient], [momentum, parameter], (_, count, [g, m, p]) => {
    const vectors = Math.ceil(count / 4);
    run(parameter.device, sgdKernel, {
      op: 'SGD',
      consts: { SIZE, MOMENTUM: step.momentum !== 0, NESTEROV: step.nesterov, FIRST: step.first },
      bind: { g: g!, m: m!, p: p! },
      params: {
        vectors,
        lr: step.lr,
        momentum: step.momentum,
        dampening: step.dampening,
        weightDecay: step.weightDecay,
      },
      groups: linearGroups(parameter.device, vectors, SIZE),
    });
  });
}

export interface AdamStep {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly decoupled: boolean;
  /** Number of this step, from 1. */
  readonly t: number;
}

/** One step of Adam or AdamW on a parameter and its moments, in place. See adam_step.wgsl. */
export function adamStep(gradient: Tensor, m: Tensor, v: Tensor, parameter: Tensor, step: AdamStep): void {
  inSlices('Adam', parameter.size, [gradient], [m, v, parameter], (_, count, [g, ms, vs, p]) => {
    const vectors = Math.ceil(count / 4);
    run(parameter.device, adamKernel, {
      op: 'Adam',
      consts: { SIZE, DECOUPLED: step.decoupled },
      bind: { g: g!, m: ms!, v: vs!, p: p! },
      params: {
        vectors,
        lr: step.lr,
        beta1: step.beta1,
        beta2: step.beta2,
        rest1: 1 - step.beta1,
        rest2: 1 - step.beta2,
        eps: step.eps,
        weightDecay: step.weightDecay,
        stepSize: step.lr / (1 - step.beta1 ** step.t),
        rootCorrection2: Math.sqrt(1 - step.beta2 ** step.t),
      },
      groups: linearGroups(parameter.device, vectors, SIZE),
    });
  });
}
