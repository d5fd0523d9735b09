import * as ops from '../../src/index.ts';
import { argmax, max, mean, min, reducedCount, sum, type Axes } from '../reference/reduce.ts';
import { logSoftmax, softmax } from '../reference/softmax.ts';
import { topK } from '../reference/shape.ts';
import { exact, tolerance, ulps } from '../support/compare.ts';
import {
  apart,
  casesOf,
  huge,
  integers,
  normal,
  offset,
  special,
  subnormal,
  ties,
  tiny,
  values,
  whole,
  zeros,
  type CaseInput,
  type OpCase,
  type Row,
} from '../support/op-case.ts';

type ReduceOptions = { readonly axes?: Axes; readonly keepDims?: boolean };
type Filler = (...shape: number[]) => CaseInput;

/** Shapes and axes: all, one, several, adjacent or not, negative, none; short and longer than any chain of additions. */
const walks: readonly (readonly [shape: readonly number[], axes?: Axes])[] = [
  [[]],
  [[], []],
  [[1]],
  [[7]],
  [[64]],
  [[65]],
  [[1000]],
  [[4099]],
  [[3, 5]],
  [[3, 5], 0],
  [[3, 5], 1],
  [[3, 5], -1],
  [[3, 5], []],
  [
    [3, 5],
    [1, 0],
  ],
  [[130, 3], 0],
  [[3, 130], 1],
  [
    [2, 5, 7, 3],
    [0, 1, 2],
  ],
  [
    [2, 5, 7, 8],
    [0, 1, 2],
  ],
  [
    [2, 5, 7, 3],
    [1, 2],
  ],
  [
    [2, 5, 7, 3],
    [0, 2],
  ],
  [
    [2, 5, 7, 3],
    [-1, 0],
  ],
  [
    [2, 1, 3, 1, 2],
    [1, 3],
  ],
  [
    [2, 3, 2, 2, 3],
    [0, 2, 4],
  ],
  [
    [2, 2, 3, 2, 2, 3],
    [1, 3, 5],
  ],
  [[0, 3], 1],
];

const over = (fill: Filler): Row<ReduceOptions>[] =>
  walks.flatMap(([shape, axes], i) => {
    const inputs = [fill(...shape)];
    const plain = { inputs, options: axes === undefined ? {} : { axes } };
    // Every third is also tried with the reduced axes kept.
    return i % 3 === 0 ? [plain, { inputs, options: { ...plain.options, keepDims: true } }] : [plain];
  });

/** A NaN wins, wherever it stands; infinities stay, and cancel to NaN in a sum. */
const specialRows: readonly Row<ReduceOptions>[] = [
  { inputs: [special(3, 11)], options: { axes: 0 }, differentiable: [] },
  { inputs: [special(3, 11)], options: { axes: 1 }, differentiable: [] },
  { inputs: [special(7)], differentiable: [] },
  {
    inputs: [values([1, NaN, 3, 1, 2, NaN, NaN, 0, Infinity, -Infinity, NaN, 5], [4, 3])],
    options: { axes: 1 },
    differentiable: [],
  },
  { inputs: [values([1, 2, Infinity, 3, -Infinity, -Infinity], [2, 3])], options: { axes: 1 }, differentiable: [] },
  // NaN in the middle of a long axis, which takes several passes.
  { inputs: [values([...new Array<number>(130).fill(1), NaN], [5, 131])], options: { axes: 1 }, differentiable: [] },
  { inputs: [subnormal(4, 5)], options: { axes: 1 }, differentiable: [] },
  { note: 'nothing to reduce', inputs: [normal(0, 3, 0)], options: { axes: 2 } },
];

const sums = { sum: { run: ops.sum, reference: sum }, mean: { run: ops.mean, reference: mean } };
const extremes = { max: { run: ops.max, reference: max }, min: { run: ops.min, reference: min } };
const softmaxes = {
  softmax: { run: ops.softmax, reference: softmax },
  logSoftmax: { run: ops.logSoftmax, reference: logSoftmax },
};

export const cases: readonly OpCase[] = [
  ...(['sum', 'mean'] as const).flatMap((op) =>
    casesOf<ReduceOptions>({
      op,
      run: ([x], { axes, keepDims = false }) => sums[op].run(x!, axes, { keepDims }),
      reference: ([x], { axes, keepDims }) => sums[op].reference(x!, axes, keepDims),
      terms: ([shape], { axes }) => reducedCount(shape!, axes),
      tolerance: (terms) => tolerance(terms, op === 'mean' ? 1 / Math.max(terms, 1) : 1),
      rows: [
        ...over(normal),
        // The mean of the largest numbers overflows, as their sum does.
        ...specialRows.slice(op === 'mean' ? 3 : 0),
        { inputs: [offset(3, 700)], options: { axes: 1 } },
        { inputs: [integers(1500)], tolerance: op === 'sum' ? exact : ulps(3) },
        { inputs: [tiny(300)], tolerance: { largest: 1e-4 } },
        { inputs: [huge(3, 99)], options: { axes: 1 }, differentiable: [], tolerance: { largest: 1e-5 } },
        { inputs: [normal(3, 16411)], options: { axes: 1 } },
        { inputs: [normal(30, 100)], options: { axes: 1 }, sliced: true },
        { inputs: [normal(9, 10, 10, 5)], options: { axes: [1, 2] }, sliced: true },
      ],
    }),
  ),
  ...casesOf<ReduceOptions>({
    op: 'sum',
    run: ([x], { axes, keepDims = false }) => ops.sum(x!, axes, { keepDims }),
    reference: ([x], { axes, keepDims }) => sum(x!, axes, keepDims),
    tolerance: exact,
    rows: [
      { inputs: [normal(0)] },
      { inputs: [normal(3, 0)], options: { axes: 1 } },
      { inputs: [normal(2, 0, 3)], options: { axes: [0, 1], keepDims: true } },
    ],
  }),
  ...casesOf<ReduceOptions>({
    op: 'sum',
    run: ([x], { axes }) => ops.sum(x!, axes),
    reference: ([x], { axes }) => sum(x!, axes),
    tolerance: exact,
    differentiable: [],
    results: ['int32'],
    rows: [
      { inputs: [whole(0, 1, 'bool', 300)] },
      { inputs: [whole(0, 1, 'bool', 3, 70)], options: { axes: 1 } },
      { inputs: [whole(-9, 9, 'int32', 3, 70)], options: { axes: 0 } },
    ],
  }),
  ...(['max', 'min'] as const).flatMap((op) =>
    casesOf<ReduceOptions>({
      op,
      run: ([x], { axes, keepDims = false }) => extremes[op].run(x!, axes, { keepDims }),
      reference: ([x], { axes, keepDims }) => extremes[op].reference(x!, axes, keepDims),
      tolerance: exact,
      terms: ([shape], { axes }) => reducedCount(shape!, axes),
      rows: [
        ...over(apart),
        ...specialRows,
        { inputs: [ties(3, 40)], options: { axes: 1 }, differentiable: [] },
        // Two equal maxima share the gradient, as a central difference does.
        { note: 'two tie', inputs: [values([2, 5, 1, 5, 1, 3], [4, 6])], options: { axes: -1 } },
        { inputs: [huge(33)], differentiable: [] },
        { inputs: [tiny(33)], differentiable: [] },
      ],
    }),
  ),
  ...casesOf<{ readonly axis: number }>({
    op: 'argmax',
    run: ([x], { axis }) => ops.argmax(x!, axis),
    reference: ([x], { axis }) => argmax(x!, axis),
    tolerance: exact,
    differentiable: [],
    results: ['int32'],
    terms: ([shape], { axis }) => reducedCount(shape!, axis),
    rows: [
      { inputs: [normal(1)], options: { axis: 0 } },
      { inputs: [normal(1031)], options: { axis: 0 } },
      { inputs: [normal(3, 65)], options: { axis: -1 } },
      { inputs: [normal(65, 3)], options: { axis: 0 } },
      { inputs: [normal(2, 5, 7, 3)], options: { axis: 1 } },
      { inputs: [normal(2, 5, 7, 3)], options: { axis: 2 } },
      { inputs: [normal(2, 5, 1, 3)], options: { axis: 2 } },
      { inputs: [ties(9, 33)], options: { axis: 1 } },
      { inputs: [zeros(3, 70)], options: { axis: 1 } },
      { inputs: [special(3, 11)], options: { axis: 1 } },
      { inputs: [special(3, 11)], options: { axis: 0 } },
      { inputs: [huge(3, 70)], options: { axis: 1 } },
      { note: 'all negative', inputs: [values([-5, -3, -4], [2, 3])], options: { axis: 1 } },
      { inputs: [normal(0, 3)], options: { axis: 1 } },
    ],
  }),
  ...(['softmax', 'logSoftmax'] as const).flatMap((op) =>
    casesOf<{ readonly axis?: number }>({
      op,
      run: ([x], { axis }) => softmaxes[op].run(x!, axis),
      reference: ([x], { axis }) => softmaxes[op].reference(x!, axis),
      tolerance: { relative: 2e-5, absolute: op === 'softmax' ? 0 : 4e-6 },
      rows: [
        { inputs: [normal(1)] },
        { inputs: [normal(7)] },
        { inputs: [normal(3, 5)] },
        { inputs: [normal(3, 5)], options: { axis: 0 } },
        { inputs: [normal(5, 64)] },
        { inputs: [normal(3, 65)] },
        { inputs: [normal(2, 1031)] },
        { inputs: [normal(60, 33)], sliced: true },
        { inputs: [normal(2, 5, 7, 3)], options: { axis: 1 } },
        { inputs: [normal(2, 5, 7, 3)], options: { axis: -2 } },
        { inputs: [normal(2, 2, 3, 2, 5)], options: { axis: 2 } },
        { inputs: [normal(3, 1)] },
        { inputs: [normal(0, 5)] },
        { inputs: [zeros(2, 9)] },
        { inputs: [offset(3, 9)] },
        { inputs: [tiny(3, 9)] },
        { inputs: [huge(3, 9)], differentiable: [] },
        // Infinitely small elements get nothing; rows of them, or with an infinite or unknown element, are NaN.
        { inputs: [values([-Infinity, 1, 2], [2, 3])], differentiable: [] },
        { inputs: [values([1, NaN, 2, Infinity, 1, 2, -Infinity, -Infinity, -Infinity], [3, 3])], differentiable: [] },
        { note: 'would overflow', inputs: [values([1000, 999, 1001, 998.5], [2, 4])] },
      ],
    }),
  ),
  ...casesOf<{ readonly k: number }>({
    op: 'topK',
    run: ([x], { k }) => {
      const { values, indices } = ops.topK(x!, k);
      return [values, indices];
    },
    reference: ([x], { k }) => {
      const { values, indices } = topK(x!, k);
      return [values, indices];
    },
    results: ['float32', 'int32'],
    tolerance: exact,
    rows: [
      { inputs: [apart(7)], options: { k: 3 } },
      { inputs: [apart(1)], options: { k: 1 } },
      { inputs: [apart(9)], options: { k: 9 } },
      { inputs: [apart(3, 33)], options: { k: 1 } },
      { inputs: [apart(3, 65)], options: { k: 65 } },
      { inputs: [apart(2, 3, 50)], options: { k: 17 } },
      { inputs: [apart(1500)], options: { k: 100 } },
      { inputs: [apart(2, 1025)], options: { k: 1000 } },
      { inputs: [ties(3, 65)], options: { k: 40 }, differentiable: [] },
      { inputs: [ties(1031)], options: { k: 1031 }, differentiable: [] },
      { inputs: [zeros(2, 70)], options: { k: 5 }, differentiable: [] },
      { inputs: [huge(2, 70)], options: { k: 9 }, differentiable: [] },
      { inputs: [tiny(2, 70)], options: { k: 9 }, differentiable: [] },
      { inputs: [apart(0, 9)], options: { k: 3 } },
      { inputs: [apart(3, 9)], options: { k: 0 } },
      { inputs: [apart(60, 33)], options: { k: 5 }, sliced: true },
    ],
  }),
];
