// Steps of the kernel ladder on the reader's GPU, each checked against sums in float64.
import type { Mount } from '../figure.ts';
import { runKernel, secondsOf, type Launch } from '../gpu.ts';
import { button, choice, controls, note, table } from '../ui.ts';
import naive from '../../../bench/ladder/matmul_1_naive.wgsl';
import coalesced from '../../../bench/ladder/matmul_2_coalesced.wgsl';
import workgroup from '../../../bench/ladder/matmul_3_workgroup.wgsl';
import block from '../../../bench/ladder/matmul_5_block.wgsl';
import staged from '../../../bench/ladder/matmul_7_staged.wgsl';

const up = (count: number, size: number): number => Math.ceil(count / size);
/** Name, kernel, workgroups, and whether the extents are counted in vectors. */
const STEPS = [
  ['1 naive', naive, (n: number) => [up(n, 64), n], false],
  ['2 coalesced', coalesced, (n: number) => [up(n, 64), n], false],
  ['3 workgroup memory', workgroup, (n: number) => [n / 16, n / 16], false],
  ['5 block of 4 × 4', block, (n: number) => [up(n / 4, 64), n / 4], false],
  ['7 staged', staged, (n: number) => [n / 64, n / 64], true],
] as const;

/** Largest error of some results, divided by the root mean square of the true values. */
function errorOf(y: Float32Array, a: Float32Array, b: Float32Array, n: number): number {
  let [worst, squares] = [0, 0];
  const places = Array.from({ length: 200 }, (_, t) => (t * 7919) % (n * n));
  for (const at of places) {
    let sum = 0;
    for (let l = 0; l < n; l++) sum += a[Math.floor(at / n) * n + l]! * b[l * n + (at % n)]!;
    worst = Math.max(worst, Math.abs(sum - y[at]!));
    squares += sum * sum;
  }
  return worst / Math.sqrt(squares / places.length);
}

export const mount: Mount = async (stage) => {
  const size = choice(
    'Extent',
    [64, 128, 256, 512, 1024].map((n) => [String(n), n] as const),
  );
  const again = button('Measure again', () => {});
  await controls(stage, [size, again], async () => {
    const n = size.value;
    const a = Float32Array.from({ length: n * n }, (_, i) => Math.sin(i));
    const b = Float32Array.from({ length: n * n }, (_, i) => Math.cos(i * 1.7));
    const lines: string[][] = [];
    let first = 0;
    for (const [name, code, groups, vectors] of STEPS) {
      const [x, y] = groups(n);
      const launch: Launch = {
        code,
        inputs: [a, b],
        params: vectors ? [n, n / 4, n / 4] : [n, n, n],
        size: n * n,
        groups: [x!, y!],
      };
      const error = errorOf(await runKernel(launch), a, b, n);
      const rate = (2 * n ** 3) / (await secondsOf(launch)) / 1e9;
      first ||= rate;
      lines.push([name, rate.toPrecision(3), `${(rate / first).toFixed(1)}×`, error.toExponential(0)]);
    }
    return [
      table(['step', 'GFLOP/s', 'to the first', 'error'], lines),
      note(
        `Two matrices of ${n} × ${n}: ${(2 * n ** 3).toLocaleString('en')} operations. Small matrices do not fill a GPU: choose a larger extent.`,
      ),
    ];
  });
};
