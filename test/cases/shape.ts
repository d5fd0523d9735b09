import * as ops from '../../src/index.ts';
import { broadcastTo } from '../reference/array.ts';
import { concat, gather, pad, reshape, slice, transpose } from '../reference/shape.ts';
import { exact } from '../support/compare.ts';
import { below, casesOf, normal, special, values, whole, type CaseInput, type OpCase } from '../support/op-case.ts';

/** Results of the same dtype as the first input. */
const results = ({ inputs }: { readonly inputs: readonly CaseInput[] }) => [inputs[0]!.dtype];

export const cases: readonly OpCase[] = [
  ...casesOf<{ readonly shape: readonly number[] }>({
    op: 'reshape',
    run: ([x], { shape }) => ops.reshape(x!, shape),
    reference: ([x], { shape }) => reshape(x!, shape),
    tolerance: exact,
    results,
    rows: [
      { inputs: [normal(3, 5)], options: { shape: [15] } },
      { inputs: [normal(3, 5)], options: { shape: [5, -1] } },
      { inputs: [normal(2, 3, 5)], options: { shape: [-1, 5] } },
      { inputs: [normal()], options: { shape: [1, 1] } },
      { inputs: [normal(1, 1)], options: { shape: [] } },
      { inputs: [normal(0, 3)], options: { shape: [3, 0] } },
      { inputs: [normal(12)], options: { shape: [1, 2, 1, 3, 2, 1] } },
      { inputs: [whole(-9, 9, 'int32', 6)], options: { shape: [2, 3] } },
    ],
  }),
  ...casesOf<{ readonly order?: readonly number[] }>({
    op: 'transpose',
    run: ([x], { order }) => ops.transpose(x!, order),
    reference: ([x], { order }) => transpose(x!, order),
    tolerance: exact,
    results,
    rows: [
      { inputs: [normal()] },
      { inputs: [normal(7)] },
      { inputs: [normal(3, 5)] },
      { inputs: [normal(33, 65)] },
      { inputs: [normal(1, 65)] },
      { inputs: [normal(2, 3, 5)], options: { order: [0, 2, 1] } },
      { inputs: [normal(2, 3, 5)], options: { order: [1, 2, 0] } },
      { inputs: [normal(2, 3, 5)], options: { order: [-1, 0, -2] } },
      { inputs: [normal(2, 5, 7, 3)], options: { order: [0, 3, 1, 2] } },
      { inputs: [normal(2, 3, 5, 7)], options: { order: [0, 2, 3, 1] } },
      { inputs: [normal(3, 3, 6, 8)], options: { order: [3, 2, 0, 1] } },
      { inputs: [normal(2, 3, 4, 2, 3)], options: { order: [4, 2, 0, 3, 1] } },
      { inputs: [normal(2, 3, 2, 3, 2, 3)], options: { order: [5, 3, 1, 0, 2, 4] } },
      { inputs: [normal(2, 3, 2, 3, 2, 3)], options: { order: [0, 1, 2, 3, 4, 5] } },
      { inputs: [normal(3, 0, 2)] },
      { inputs: [whole(-9, 9, 'int32', 3, 5)] },
      { inputs: [whole(0, 9, 'uint32', 3, 5)] },
      { inputs: [special(11, 3)], differentiable: [] },
      { inputs: [normal(20, 9, 11)], options: { order: [0, 2, 1] }, sliced: true },
    ],
  }),
  ...casesOf<{ readonly shape: readonly number[] }>({
    op: 'broadcastTo',
    run: ([x], { shape }) => ops.broadcastTo(x!, shape),
    reference: ([x], { shape }) => broadcastTo(x!, shape),
    tolerance: exact,
    results,
    rows: [
      { inputs: [normal()], options: { shape: [3, 5] } },
      { inputs: [normal(3, 5)], options: { shape: [3, 5] } },
      { inputs: [normal(5)], options: { shape: [2, 3, 5] } },
      { inputs: [normal(3, 1)], options: { shape: [3, 65] } },
      { inputs: [normal(1, 3, 1, 2)], options: { shape: [2, 2, 3, 5, 2] } },
      { inputs: [normal(1)], options: { shape: [0] } },
      { inputs: [whole(-9, 9, 'int32', 3, 1)], options: { shape: [3, 4] } },
    ],
  }),
  ...casesOf<{ readonly starts: readonly number[]; readonly sizes: readonly number[] }>({
    op: 'slice',
    run: ([x], { starts, sizes }) => ops.slice(x!, starts, sizes),
    reference: ([x], { starts, sizes }) => slice(x!, starts, sizes),
    tolerance: exact,
    results,
    rows: [
      { inputs: [normal()], options: { starts: [], sizes: [] } },
      { inputs: [normal(9)], options: { starts: [3], sizes: [5] } },
      { inputs: [normal(9)], options: { starts: [3], sizes: [-1] } },
      { inputs: [normal(9)], options: { starts: [0], sizes: [9] } },
      { inputs: [normal(9)], options: { starts: [9], sizes: [0] } },
      { inputs: [normal(5, 7)], options: { starts: [1, 2], sizes: [3, 4] } },
      { inputs: [normal(5, 7)], options: { starts: [4, 6], sizes: [1, 1] } },
      { inputs: [normal(2, 9, 7, 3)], options: { starts: [0, 1, 2, 0], sizes: [-1, 5, 3, -1] } },
      { inputs: [normal(2, 5, 7, 8)], options: { starts: [1, 0, 0, 4], sizes: [1, -1, -1, 3] } },
      { inputs: [normal(2, 3, 3, 2, 3)], options: { starts: [1, 1, 0, 1, 1], sizes: [1, 2, 3, 1, 2] } },
      { inputs: [normal(2, 3, 2, 3, 2, 3)], options: { starts: [0, 1, 0, 1, 0, 1], sizes: [2, 2, 1, 2, 1, 2] } },
      { inputs: [whole(-9, 9, 'int32', 5, 7)], options: { starts: [1, 2], sizes: [3, 4] } },
      { inputs: [special(22)], options: { starts: [3], sizes: [17] }, differentiable: [] },
      { inputs: [normal(40, 70)], options: { starts: [3, 5], sizes: [30, 60] }, sliced: true },
    ],
  }),
  ...casesOf<{ readonly amounts: readonly (readonly [number, number])[]; readonly value?: number }>({
    op: 'pad',
    run: ([x], { amounts, value }) => ops.pad(x!, amounts, value),
    reference: ([x], { amounts, value }) => pad(x!, amounts, value),
    tolerance: exact,
    results,
    rows: [
      { inputs: [normal()], options: { amounts: [] } },
      { inputs: [normal(5)], options: { amounts: [[2, 3]] } },
      { inputs: [normal(5)], options: { amounts: [[0, 0]] } },
      { inputs: [normal(5)], options: { amounts: [[0, 60]], value: -1.5 } },
      {
        inputs: [normal(3, 5)],
        options: {
          amounts: [
            [1, 0],
            [0, 2],
          ],
          value: 7,
        },
      },
      {
        inputs: [normal(2, 5, 7, 3)],
        options: {
          amounts: [
            [0, 0],
            [1, 2],
            [3, 0],
            [0, 0],
          ],
        },
      },
      {
        inputs: [normal(2, 3, 3, 5)],
        options: {
          amounts: [
            [1, 1],
            [0, 0],
            [0, 1],
            [2, 1],
          ],
        },
      },
      {
        inputs: [normal(2, 1, 2, 3, 1)],
        options: {
          amounts: [
            [0, 1],
            [1, 0],
            [0, 0],
            [1, 1],
            [2, 0],
          ],
        },
      },
      {
        inputs: [normal(1, 2, 1, 2, 1, 2)],
        options: {
          amounts: [
            [1, 0],
            [0, 1],
            [1, 0],
            [0, 1],
            [1, 0],
            [0, 1],
          ],
        },
      },
      {
        inputs: [normal(0, 3)],
        options: {
          amounts: [
            [2, 1],
            [0, 1],
          ],
          value: 4,
        },
      },
      {
        inputs: [normal(30, 60)],
        options: {
          amounts: [
            [1, 2],
            [3, 4],
          ],
        },
        sliced: true,
      },
      {
        inputs: [whole(-9, 9, 'int32', 3, 5)],
        options: {
          amounts: [
            [1, 1],
            [0, 2],
          ],
          value: -1,
        },
      },
    ],
  }),
  ...casesOf<{ readonly axis: number }>({
    op: 'concat',
    run: (inputs, { axis }) => ops.concat(inputs, axis),
    reference: (arrays, { axis }) => concat(arrays, axis),
    tolerance: exact,
    results,
    rows: [
      { inputs: [normal(5)], options: { axis: 0 } },
      { inputs: [normal(3), normal(5)], options: { axis: 0 } },
      { inputs: [normal(3), normal(0), normal(5)], options: { axis: 0 } },
      { inputs: [normal(0), normal(0)], options: { axis: 0 } },
      { inputs: [normal(2, 3), normal(4, 3)], options: { axis: 0 } },
      { inputs: [normal(2, 3), normal(2, 5), normal(2, 1)], options: { axis: 1 } },
      { inputs: [normal(2, 0), normal(2, 3)], options: { axis: -1 } },
      { inputs: [normal(2, 5, 7, 3), normal(2, 5, 7, 5)], options: { axis: 3 } },
      { inputs: [normal(2, 5, 7, 3), normal(1, 5, 7, 3)], options: { axis: 0 } },
      { inputs: [normal(2, 5, 3, 3), normal(2, 2, 3, 3), normal(2, 1, 3, 3)], options: { axis: 1 } },
      { inputs: [normal(2, 1, 2, 3, 2, 2), normal(2, 1, 2, 1, 2, 2)], options: { axis: -3 } },
      {
        note: 'nine',
        inputs: [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => normal(n, 2)),
        options: { axis: 0 },
      },
      { inputs: [whole(-9, 9, 'int32', 3), whole(-9, 9, 'int32', 5)], options: { axis: 0 } },
      { inputs: [normal(20, 70), normal(15, 70)], options: { axis: 0 }, sliced: true },
    ],
  }),
  ...casesOf<{ readonly axis?: number }>({
    op: 'gather',
    run: ([x, indices], { axis }) => ops.gather(x!, indices!, axis),
    reference: ([x, indices], { axis }) => gather(x!, indices!, axis),
    tolerance: exact,
    results,
    rows: [
      { inputs: [normal(7), below(7, 3)] },
      { inputs: [normal(7), below(7, 65)] },
      { inputs: [normal(7), below(7)] },
      { note: 'all', inputs: [normal(5), values([0, 1, 2, 3, 4], [5], 'int32')] },
      { note: 'reversed', inputs: [normal(5, 3), values([4, 3, 2, 1, 0], [5], 'int32')] },
      { note: 'one again and again', inputs: [normal(5, 3), values([2], [70], 'int32')] },
      { inputs: [normal(9, 4), below(9, 5)] },
      { inputs: [normal(33, 5), below(33, 2, 3)] },
      { inputs: [normal(3, 9), below(9, 5)], options: { axis: 1 } },
      { inputs: [normal(3, 9), below(9, 2, 4)], options: { axis: -1 } },
      { inputs: [normal(2, 9, 3), below(9, 5)], options: { axis: 1 } },
      { inputs: [normal(2, 3, 5, 3), below(5, 2, 2)], options: { axis: 2 } },
      { inputs: [normal(1, 3), below(1, 4)] },
      { inputs: [normal(5, 3), below(5, 3000)], differentiable: [] },
      { inputs: [normal(2, 3, 5), below(3, 200)], options: { axis: 1 } },
      { inputs: [normal(30, 50), below(50, 40)], options: { axis: 1 }, sliced: true },
      { note: 'nothing', inputs: [normal(5, 3), below(5, 0)] },
      { inputs: [whole(-9, 9, 'int32', 7, 2), below(7, 9)] },
    ],
  }),
];
