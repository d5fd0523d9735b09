// Chapter 3: the product of a tile, written by the reader.
import { right, wrong, type Exercise } from '../exercise.ts';
import { runKernel } from '../gpu.ts';
import kernel from '../../../bench/ladder/matmul_3_workgroup.wgsl';

const N = 48;
const LINE = /for \(var l = 0u; l < TILE; l\+\+\) \{.*\}/;

export const exercise: Exercise = {
  kind: 'text',
  label: 'sum +=',
  start: 'aTile[?] * bTile[?]',
  check: async (answer) => {
    const a = Float32Array.from({ length: N * N }, (_, i) => (i * 5) % 7);
    const b = Float32Array.from({ length: N * N }, (_, i) => (i * 3) % 5);
    const code = kernel.replace(LINE, `for (var l = 0u; l < TILE; l++) { sum += ${answer.replace(/;\s*$/, '')}; }`);
    const y = await runKernel({ code, inputs: [a, b], params: [N, N, N], size: N * N, groups: [N / 16, N / 16] });
    for (let at = 0; at < N * N; at++) {
      const [i, j] = [Math.floor(at / N), at % N];
      let truth = 0;
      for (let l = 0; l < N; l++) truth += a[i * N + l]! * b[l * N + j]!;
      if (y[at] !== truth) return wrong(`y[${i}, ${j}] is ${y[at]}, expected ${truth}.`);
    }
    return right(`Your kernel multiplies two matrices of ${N} × ${N} without an error.`);
  },
};
