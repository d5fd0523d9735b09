import * as ops from '../../src/index.ts';
import { pair } from '../../src/measure/reference/windows.ts';
import { adaptiveAvgPool2d, avgPool2d, maxPool2d, type AvgPoolOptions, type PoolOptions } from '../reference/pool2d.ts';
import { mean } from '../reference/reduce.ts';
import { exact, tolerance } from '../support/compare.ts';
import { apart, casesOf, huge, normal, special, ties, values, type OpCase, type Row } from '../support/op-case.ts';

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
      // A last window that reaches over the end, one that would start beyond the image, and a window larger than it.
      { inputs: [apart(2, 8, 9, 3)], options: { kernel: 3, stride: 2, padding: 1, ceilMode: true } },
      { inputs: [apart(1, 8, 10, 4)], options: { kernel: 3, stride: 2, ceilMode: true } },
      { inputs: [apart(1, 7, 6, 5)], options: { kernel: 2, stride: 3, padding: 1, ceilMode: true } },
      { inputs: [apart(1, 2, 5, 3)], options: { kernel: [3, 2], stride: [2, 4], ceilMode: true } },
      { inputs: [apart(1, 10, 9, 3)], options: { kernel: 3, stride: 3, dilation: 2, ceilMode: true } },
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
      { inputs: [special(1, 7, 7, 4)], options: { kernel: 3, stride: 2, padding: 1 }, differentiable: [] },
      {
        note: 'minus infinity everywhere',
        inputs: [values([-Infinity], [1, 4, 4, 4])],
        options: { kernel: 2 },
        differentiable: [],
      },
      // Windows wholly in the padding: minus infinity.
      ...[
        [2, 1, 1, 5],
        [1, 1, 3, 4],
      ].map((shape) => ({
        inputs: [values([-5, 3], shape)],
        options: { kernel: 2, stride: 1, padding: 1, dilation: 2 },
        differentiable: [],
      })),
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
      // Dilation, also with windows that see only padding; last windows that reach over the end.
      ...[true, false].flatMap((countIncludePad): Row<AvgPoolOptions>[] => [
        { inputs: [normal(1, 9, 8, 3)], options: { kernel: 2, stride: 1, dilation: 3, countIncludePad } },
        {
          inputs: [normal(2, 11, 10, 3)],
          options: { kernel: 3, stride: 2, padding: 1, dilation: [2, 1], countIncludePad },
        },
        { inputs: [normal(1, 1, 3, 4)], options: { kernel: 2, stride: 1, padding: 1, dilation: 2, countIncludePad } },
        {
          inputs: [normal(2, 8, 9, 3)],
          options: { kernel: 3, stride: 2, padding: 1, ceilMode: true, countIncludePad },
        },
        {
          inputs: [normal(1, 7, 6, 5)],
          options: { kernel: 2, stride: 3, padding: 1, ceilMode: true, countIncludePad },
        },
        { inputs: [normal(1, 2, 5, 3)], options: { kernel: [3, 2], stride: [2, 4], ceilMode: true, countIncludePad } },
        {
          inputs: [normal(1, 10, 9, 3)],
          options: { kernel: 3, stride: 3, padding: 1, dilation: 2, ceilMode: true, countIncludePad },
        },
      ]),
      { inputs: [normal(9, 11, 9, 5)], options: { kernel: 2 }, sliced: true },
      { inputs: [huge(1, 6, 6, 3)], options: { kernel: 2 }, differentiable: [], tolerance: { largest: 1e-6 } },
      { inputs: [special(1, 6, 6, 5)], options: { kernel: 1 }, differentiable: [] },
      {
        note: 'special',
        inputs: [values([1, NaN, Infinity, -Infinity, 2, 0, -0], [1, 6, 6, 5])],
        options: { kernel: 3, stride: 2, padding: 1 },
        differentiable: [],
      },
    ],
  }),
  ...casesOf<{ readonly size: number | readonly [number, number] }>({
    op: 'adaptiveAvgPool2d',
    run: ([x], { size }) => ops.adaptiveAvgPool2d(x!, size),
    reference: ([x], { size }) => adaptiveAvgPool2d(x!, size),
    terms: ([x], { size }) => Math.ceil(x![1]! / pair(size)[0] + 1) * Math.ceil(x![2]! / pair(size)[1] + 1),
    tolerance: (terms) => tolerance(terms, 1 / terms),
    rows: [
      { inputs: [normal(1, 1, 1, 1)], options: { size: 1 } },
      { inputs: [normal(2, 7, 9, 3)], options: { size: 1 } },
      { inputs: [normal(2, 6, 8, 3)], options: { size: [3, 2] } },
      { inputs: [normal(2, 7, 10, 5)], options: { size: [3, 4] } },
      { inputs: [normal(1, 7, 7, 8)], options: { size: 7 } },
      { inputs: [normal(1, 2, 3, 4)], options: { size: [5, 7] } },
      { inputs: [normal(1, 1, 13, 6)], options: { size: [1, 5] } },
      { inputs: [normal(1, 8, 8, 64)], options: { size: 3 } },
      { inputs: [normal(0, 4, 4, 3)], options: { size: 2 } },
      { inputs: [normal(9, 11, 9, 5)], options: { size: [5, 4] }, sliced: true },
      { inputs: [huge(1, 6, 6, 3)], options: { size: 4 }, differentiable: [], tolerance: { largest: 1e-6 } },
      {
        note: 'special',
        inputs: [values([1, NaN, Infinity, -Infinity, 2, 0, -0], [1, 6, 5, 4])],
        options: { size: [4, 3] },
        differentiable: [],
      },
    ],
  }),
  ...casesOf({
    op: 'globalAvgPool2d',
    run: ([x]) => ops.globalAvgPool2d(x!),
    reference: ([x]) => mean(x!, [1, 2]),
    terms: ([x]) => x![1]! * x![2]!,
    tolerance: (terms) => tolerance(terms, 1 / terms),
    rows: [
      { inputs: [normal(1, 1, 1, 1)] },
      { inputs: [normal(2, 7, 9, 3)] },
      { inputs: [normal(3, 17, 16, 4)] },
      { inputs: [normal(0, 3, 3, 4)] },
    ],
  }),
];
