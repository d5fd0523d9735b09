import * as ops from '../../src/index.ts';
import { upsampleBilinear, upsampleNearest } from '../reference/upsample.ts';
import { exact, tolerance } from '../support/compare.ts';
import { casesOf, huge, normal, special, values, type OpCase, type Row } from '../support/op-case.ts';

type Size = { readonly size: readonly [height: number, width: number] };

/** Input and output sizes: integer and uneven ratios, up, down, both at once, to and from one pixel, unchanged. */
const sizes: readonly Row<Size>[] = [
  { inputs: [normal(2, 3, 4, 3)], options: { size: [6, 8] } },
  { inputs: [normal(2, 3, 4, 5)], options: { size: [9, 12] } },
  { inputs: [normal(1, 5, 7, 4)], options: { size: [5, 7] } },
  { inputs: [normal(1, 7, 5, 8)], options: { size: [13, 10] } },
  { inputs: [normal(1, 13, 11, 3)], options: { size: [25, 21] } },
  { inputs: [normal(2, 4, 5, 6)], options: { size: [7, 11] } },
  { inputs: [normal(1, 9, 10, 3)], options: { size: [4, 3] } },
  { inputs: [normal(1, 8, 8, 16)], options: { size: [4, 4] } },
  { inputs: [normal(1, 10, 3, 2)], options: { size: [3, 10] } },
  { inputs: [normal(2, 1, 1, 3)], options: { size: [5, 4] } },
  { inputs: [normal(2, 5, 4, 3)], options: { size: [1, 1] } },
  { inputs: [normal(1, 1, 1, 1)], options: { size: [1, 1] } },
  { inputs: [normal(1, 1, 6, 7)], options: { size: [3, 6] } },
  { inputs: [normal(1, 2, 3, 33)], options: { size: [5, 4] } },
  { inputs: [normal(1, 2, 2, 64)], options: { size: [3, 5] } },
  { inputs: [normal(1, 3, 3, 1)], options: { size: [29, 31] } },
  { inputs: [normal(0, 3, 3, 4)], options: { size: [6, 6] } },
];

export const cases: readonly OpCase[] = [
  ...casesOf<Size>({
    op: 'upsampleNearest',
    run: ([x], { size }) => ops.upsampleNearest(x!, size),
    reference: ([x], { size }) => upsampleNearest(x!, size),
    tolerance: exact,
    rows: [
      ...sizes,
      { inputs: [huge(1, 3, 3, 3)], options: { size: [5, 7] }, differentiable: [] },
      { inputs: [special(1, 3, 4, 5)], options: { size: [7, 3] }, differentiable: [] },
      { inputs: [normal(9, 5, 7, 5)], options: { size: [11, 13] }, sliced: true },
    ],
  }),
  ...casesOf<Size>({
    op: 'upsampleBilinear',
    run: ([x], { size }) => ops.upsampleBilinear(x!, size),
    reference: ([x], { size }) => upsampleBilinear(x!, size),
    terms: () => 4,
    // The position between two pixels is rounded too: to a few units of the input's extent.
    tolerance: (terms, { inputs }) => tolerance(terms, inputs[0]!.shape[1]! + inputs[0]!.shape[2]!),
    rows: [
      ...sizes,
      { inputs: [huge(1, 3, 3, 3)], options: { size: [5, 7] }, differentiable: [], tolerance: { largest: 1e-6 } },
      // A weight of 0 times an infinity is NaN, as in PyTorch.
      {
        note: 'NaN and infinities',
        inputs: [values([1, 2, NaN, -1, 3, 1, -Infinity, 2, 1, 2, Infinity, 1, 1, 4], [1, 5, 6, 4])],
        options: { size: [10, 12] },
        differentiable: [],
      },
      { inputs: [normal(9, 5, 7, 4)], options: { size: [9, 13] }, sliced: true },
    ],
  }),
];
