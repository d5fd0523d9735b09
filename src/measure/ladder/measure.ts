import type { Device } from '../../tensor/device.ts';
import { caseOf } from '../kernel-cases.ts';
import { measureKernel } from '../kernels.ts';
import { bestOf } from '../measure.ts';
import type { BenchResult, Measured } from '../result.ts';
import { convLadder } from './conv.ts';
import { gradLadder } from './grad.ts';
import { matmulLadder } from './matmul.ts';
import type { LadderStep } from './step.ts';

/**
 * Accesses per multiply-add of a subgroup of 32 that a GPU core serves without slowing the arithmetic: in each cycle it does
 * 128 multiply-adds, four for each lane, and one access of 128 bytes (CUDA C++ Programming Guide, compute capability 8.6 to 9.0).
 */
const BALANCE = 1 / 4;

/**
 * The ladders of the default device: the product of two matrices of 512 x 512; a 3x3 convolution of 64 channels, 64 x 64
 * pixels; the gradient of its filter.
 */
export function ladders(): LadderStep[][] {
  const conv = { n: 1, h: 64, w: 64, c: 64, k: 64 };
  return [matmulLadder(512), convLadder(conv), gradLadder(conv)];
}

/**
 * Times steps of one ladder, the first one first, and checks each result against float64 sums.
 *
 * @returns for each step its time with the figures `speedup`, the first step's time divided by its own, and `modelled`, the
 * fraction of a GPU's peak rate at which its loads keep up with the arithmetic, if the step has a model
 */
export function ladderTimer(
  device: Device,
  ceiling: BenchResult['ceiling'],
  seconds: number,
): (step: LadderStep) => Promise<Measured> {
  let first: number | undefined;
  return async ({ name, task, accesses, run }) => {
    const kernel = caseOf(`${name}: ${task.name}`, task, (operands) => [run(operands)]);
    const measured = await measureKernel(device, kernel, ceiling, seconds);
    const time = bestOf(measured.timing);
    first ??= time;
    const modelled = accesses === null ? {} : { modelled: Math.min(1, BALANCE / accesses) };
    return { ...measured, figures: { speedup: first / time, ...modelled } };
  };
}
