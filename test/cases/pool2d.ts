import * as ops from '../../src/index.ts';
import { pair } from '../../src/measure/reference/windows.ts';
import { avgPool2d, maxPool2d, type AvgPoolOptions, type PoolOptions } from '../reference/pool2d.ts';
import { exact, tolerance } from '../support/compare.ts';
import { apart, casesOf, huge, normal, special, ties, values, type OpCase } from '../support/op-case.ts';

export const cases: readonly OpCase[] = [
  ...casesOf<PoolOptions>({
    op: 'maxPool2d',
    run: ([x], options) => ops.maxPool2d(x!, options),
    reference: ([x], options) => maxPool2d(x!, options),
    terms: (_, { kernel }) => pair(kernel)[0] * pair(kernel)[1],
    tolerance: exact,
    rows: [
      { inputs: [apart(1, 1, 1, 1)], options: { kernel: 1 } },
      { inputs: [apart(2, 6, 8, 3)], options: { kernel: 2 } },
      { inputs: [apart(2, 7, 9, 3)], options: { kernel: 2 } },
      { inputs: [apart(2, 9, 8, 5)], options: { kernel: 3, stride: 2, padding: 1 } },
      { inputs: [apart(1, 8, 8, 64)], options: { kernel: 3, stride: 2, padding: 1 } },
      { inputs: [apart(1, 9, 7, 4)], options: { kernel: 3, stride: 1, padding: 1 } },
      { inputs: [apart(1, 9, 11, 8)], options: { kernel: [2, 3], stride: [2, 1], padding: [0, 1] } },
      { inputs: [apart(1, 9, 10, 6)], options: { kernel: [3, 2], stride: [1, 3] } },
      { inputs: [apart(1, 9, 8, 3)], options: { kernel: 2, stride: 1, dilation: 3 } },
      { inputs: [apart(1, 11, 10, 3)], options: { kernel: 3, stride: 2, padding: 1, dilation: [2, 1] } },
      { inputs: [apart(1, 11, 13, 2)], options: { kernel: 2, stride: 5 } },
      { inputs: [apart(1, 7, 7, 33)], options: { kernel: 7 } },
      { inputs: [apart(2, 9, 9, 7)], options: { kernel: 5, stride: 2, padding: 2 } },
      { inputs: [apart(1, 1, 1, 5)], options: { kernel: 3, stride: 2, padding: 1 } },
      { inputs: [apart(0, 4, 4, 3)], options: { kernel: 2 } },
      { inputs: [apart(9, 11, 9, 5)], options: { kernel: 3, stride: 2, padding: 1 }, sliced: true },
      { inputs: [huge(1, 6, 6, 3)], options: { kernel: 2 }, differentiable: [] },
      { inputs: [ties(1, 7, 7, 3)], options: { kernel: 3, stride: 2, padding: 1 }, differentiable: [] },
      // Padding must not win over values below 0, and a NaN wins over all.
      {
        note: 'all negative',
        inputs: [values([-3, -1, -2, -5], [1, 5, 5, 3])],
        options: { kernel: 3, stride: 2, padding: 1 },
        differentiable: [],
      },
      { inputs: [special(1, 6, 6, 5)], options: { kernel: 2 }, differentiable: [] },
    ],
  }),
  ...casesOf<AvgPoolOptions>({
    op: 'avgPool2d',
    run: ([x], options) => ops.avgPool2d(x!, options),
    reference: ([x], options) => avgPool2d(x!, options),
    terms: (_, { kernel }) => pair(kernel)[0] * pair(kernel)[1],
    tolerance: (terms) => tolerance(terms, 1 / terms),
    rows: [
      { inputs: [normal(1, 1, 1, 1)], options: { kernel: 1 } },
      { inputs: [normal(2, 6, 8, 3)], options: { kernel: 2 } },
      { inputs: [normal(2, 7, 9, 5)], options: { kernel: 2 } },
      { inputs: [normal(2, 9, 8, 3)], options: { kernel: 3, stride: 2, padding: 1 } },
      { inputs: [normal(2, 9, 8, 3)], options: { kernel: 3, stride: 2, padding: 1, countIncludePad: false } },
      { inputs: [normal(1, 6, 7, 8)], options: { kernel: [2, 3], stride: [1, 2], padding: [1, 0] } },
      {
        inputs: [normal(1, 6, 7, 8)],
        options: { kernel: [2, 3], stride: [1, 2], padding: [1, 1], countIncludePad: false },
      },
      { inputs: [normal(1, 11, 13, 2)], options: { kernel: 2, stride: 5 } },
      { inputs: [normal(1, 7, 7, 33)], options: { kernel: 7 } },
      { inputs: [normal(1, 8, 8, 64)], options: { kernel: 8 } },
      { inputs: [normal(1, 9, 9, 4)], options: { kernel: 5, stride: 1, padding: 2 } },
      { inputs: [normal(1, 1, 1, 5)], options: { kernel: 3, stride: 2, padding: 1 } },
      { inputs: [normal(1, 1, 1, 5)], options: { kernel: 3, stride: 2, padding: 1, countIncludePad: false } },
      { inputs: [normal(0, 4, 4, 3)], options: { kernel: 2 } },
      { inputs: [normal(9, 11, 9, 5)], options: { kernel: 2 }, sliced: true },
      { inputs: [huge(1, 6, 6, 3)], options: { kernel: 2 }, differentiable: [], tolerance: { largest: 1e-6 } },
    ],
  }),
];
