import { matmulForward } from '../../kernels/matmul.ts';
import { defaultDevice } from '../../tensor/device.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { matmulTask } from '../tasks.ts';
import { matmul1Naive } from './matmul_1_naive.wgsl.ts';
import { matmul2Coalesced } from './matmul_2_coalesced.wgsl.ts';
import { matmul3Workgroup } from './matmul_3_workgroup.wgsl.ts';
import { matmul4Column } from './matmul_4_column.wgsl.ts';
import { matmul5Block } from './matmul_5_block.wgsl.ts';
import { matmul6Vectors } from './matmul_6_vectors.wgsl.ts';
import { matmul7Staged } from './matmul_7_staged.wgsl.ts';
import { matmul8Subgroup } from './matmul_8_subgroup.wgsl.ts';
import { filled, groupsOf, type LadderStep } from './step.ts';

type Step = (name: string, accesses: number | null, product: (a: Tensor, b: Tensor) => Tensor) => LadderStep;

/** The product of two square matrices. Their extent is a multiple of 64. */
export function matmulLadder(n: number): LadderStep[] {
  const task = matmulTask(n);
  const params = { m: n, n, k: n };
  const vectors = { m: n, n4: n / 4, k4: n / 4 };
  const step: Step = (name, accesses, product) => ({
    name: `matmul ${name}`,
    task,
    accesses,
    run: ({ a, b }) => product(a!, b!),
  });
  return [
    // The lanes' values of a are in 32 sectors of 32 bytes: 8 accesses. Their value of b is the same: 1.
    step('1 naive', 8 + 1, (a, b) =>
      filled(matmul1Naive, [n, n], (y) => ({ bind: { a, b, y }, params, groups: [groupsOf(n, 64), n] })),
    ),
    step('2 coalesced', 2, (a, b) =>
      filled(matmul2Coalesced, [n, n], (y) => ({ bind: { a, b, y }, params, groups: [groupsOf(n, 64), n] })),
    ),
    step('3 workgroup memory', 2, (a, b) =>
      filled(matmul3Workgroup, [n, n], (y) => ({ bind: { a, b, y }, params, groups: [n / 16, n / 16] })),
    ),
    step('4 column of 8', 9 / 8, (a, b) =>
      filled(matmul4Column, [n, n], (y) => ({ bind: { a, b, y }, params, groups: [groupsOf(n, 64), n / 8] })),
    ),
    // Lanes load values of b that are 4 apart: each of the 4 loads takes 4 accesses.
    step('5 block of 4 x 4', (4 + 4 * 4) / 16, (a, b) =>
      filled(matmul5Block, [n, n], (y) => ({ bind: { a, b, y }, params, groups: [groupsOf(n / 4, 64), n / 4] })),
    ),
    // A workgroup is half a subgroup. Its vectors of b are 256 bytes, that of a is the same.
    step('6 vectors', (2 * 8 + 4 * 4) / 128, (a, b) => products(a, b, [1, n, n, n])),
    step('7 staged', (2 * 8 + 4 * 2) / 128, (a, b) =>
      filled(matmul7Staged, [n, n], (y) => ({ bind: { a, b, y }, params: vectors, groups: [n / 64, n / 64] })),
    ),
    ...subgroupSteps(n, step),
    step('9 library', null, (a, b) => matmulForward(a, b)),
  ];
}

/** matmul_8_subgroup.wgsl, where subgroups have 4 lanes or 8: on software adapters. */
function subgroupSteps(n: number, step: Step): LadderStep[] {
  const LANES = defaultDevice().adapter.subgroupSize;
  if (LANES !== 4 && LANES !== 8) return [];
  const subgroup = step('8 subgroup', null, (a, b) =>
    filled(matmul8Subgroup, [n, n], (y) => ({
      consts: { LANES },
      bind: { a, b, y },
      params: { m: n, n4: n / 4, k4: n / 4 },
      groups: [n / 4 / LANES, n / 32],
    })),
  );
  return [subgroup];
}

/** matmul_6_vectors.wgsl on a batch of products [M, K] [K, N]. M is a multiple of 8, K and N of 4. */
export function products(a: Tensor, b: Tensor, [batch, m, n, k]: readonly [number, number, number, number]): Tensor {
  return filled(matmul6Vectors, [batch, m, n], (y) => ({
    bind: { a, b, y },
    params: { m, n4: n / 4, k4: k / 4 },
    groups: [groupsOf(n / 4, 16), m / 8, batch],
  }));
}
