// Chapter 1: a line of WGSL, compiled and run on the reader's GPU.
import { right, wrong, type Exercise } from '../exercise.ts';
import { kernelOf } from '../figures/thread-function.ts';
import { runKernel } from '../gpu.ts';

const xs = Float32Array.of(-1000, -3, -1, -0.5, 0, 0.5, 2, 1000);

export const exercise: Exercise = {
  kind: 'text',
  label: 'f(x) =',
  start: 'max(x, 0.0)',
  check: async (answer) => {
    const ys = await runKernel({ code: kernelOf(answer), inputs: [xs], size: xs.length, groups: [1] });
    for (const [i, x] of xs.entries()) {
      const truth = x >= 0 ? x : 0.1 * x;
      if (!(Math.abs(ys[i]! - truth) <= 1e-5 * Math.abs(truth)))
        return wrong(`f(${x}) is ${ys[i]}, expected ${Number(truth.toPrecision(6))}.`);
    }
    return right(`Your kernel agrees with it at ${xs.length} values from -1000 to 1000.`);
  },
};
