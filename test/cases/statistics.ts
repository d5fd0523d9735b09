import * as ops from '../../src/index.ts';
import type { Ref } from '../reference/array.ts';
import { reducedCount, type Axes } from '../reference/reduce.ts';
import { all, any, argmin, cumsum, logSumExp, norm, prod, std, variance } from '../reference/statistics.ts';
import { exact, tolerance } from '../support/compare.ts';
import {
  apart,
  casesOf,
  huge,
  integers,
  normal,
  offset,
  positive,
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

/** Number of terms of each result. */
const terms = ([shape]: readonly (readonly number[])[], { axes }: ReduceOptions): number => reducedCount(shape!, axes);

/** All axes, one, several; adjacent or not; kept or not. */
const over = (fill: Filler): Row<ReduceOptions>[] => [
  { inputs: [fill(7)] },
  { inputs: [fill(3, 5)] },
  { inputs: [fill(3, 5)], options: { keepDims: true } },
  { inputs: [fill(3, 5)], options: { axes: 0 } },
  { inputs: [fill(3, 65)], options: { axes: -1, keepDims: true } },
  { inputs: [fill(2, 5, 7, 3)], options: { axes: [0, 2] } },
  { inputs: [fill(2, 5, 7, 3)], options: { axes: [1, -1], keepDims: true } },
  { inputs: [fill(2, 3, 2)], options: { axes: [2, 0, 1] } },
];

const spreads = { variance: { run: ops.variance, reference: variance }, std: { run: ops.std, reference: std } };
const truths = { any: { run: ops.any, reference: any }, all: { run: ops.all, reference: all } };

/** The results of one element, and of none, are NaN with the default correction. */
const spreadRows: readonly Row<ReduceOptions & { readonly correction?: number }>[] = [
  ...over(normal),
  { inputs: [normal(3, 16)], options: { axes: 1, correction: 0 } },
  { inputs: [normal(3, 16)], options: { axes: 1, correction: 2.5 } },
  { inputs: [offset(3, 300)], options: { axes: 1 }, tolerance: { relative: 1e-4 } },
  { inputs: [normal(2, 4099)], options: { axes: 1 } },
  { note: 'one element', inputs: [normal(3, 1)], options: { axes: 1 }, differentiable: [] },
  { note: 'one element', inputs: [normal(3, 1)], options: { axes: 1, correction: 0 }, differentiable: [] },
  { note: 'scalar', inputs: [normal()], differentiable: [] },
  { note: 'more correction than elements', inputs: [normal(2)], options: { correction: 3 }, differentiable: [] },
  { note: 'no elements', inputs: [normal(3, 0)], options: { axes: 1 }, differentiable: [] },
  { note: 'nothing to reduce', inputs: [normal(0, 3)], options: { axes: 1 } },
  { inputs: [zeros(9)], differentiable: [] },
  { note: 'all equal', inputs: [values([1000.1], [3, 300])], options: { axes: 1 }, differentiable: [] },
  { inputs: [special(2, 11)], options: { axes: 1 }, differentiable: [] },
  { inputs: [values([1, Infinity, 2, -Infinity, 3, NaN, 1, 2], [4, 2])], options: { axes: 1 }, differentiable: [] },
  { inputs: [huge(3, 33)], options: { axes: 1 }, differentiable: [], tolerance: { relative: 1e-4 } },
  { inputs: [subnormal(4, 5)], options: { axes: 1 }, differentiable: [] },
];

export const cases: readonly OpCase[] = [
  ...(['variance', 'std'] as const).flatMap((op) =>
    casesOf<ReduceOptions & { readonly correction?: number }>({
      op,
      run: ([x], { axes, ...options }) => spreads[op].run(x!, axes, options),
      reference: ([x], { axes, correction, keepDims }) => spreads[op].reference(x!, axes, correction, keepDims),
      terms,
      tolerance: { relative: 1e-5 },
      rows: spreadRows,
    }),
  ),
  ...casesOf<ReduceOptions & { readonly p?: number }>({
    op: 'norm',
    run: ([x], { axes, ...options }) => ops.norm(x!, axes, options),
    reference: ([x], { axes, p = 2, keepDims }) => norm(x!, p, axes, keepDims),
    terms,
    tolerance: { relative: 1e-5 },
    rows: [
      ...over(apart),
      { inputs: [apart(3, 9)], options: { axes: 1, p: 1 } },
      { note: 'largest', inputs: [apart(3, 9)], options: { axes: 1, p: Infinity, keepDims: true } },
      { inputs: [normal(3, 0)], options: { axes: 1 }, differentiable: [] },
      { inputs: [normal(3, 0)], options: { axes: 1, p: 1 }, differentiable: [] },
      { inputs: [zeros(9)], differentiable: [] },
      { inputs: [values([Infinity, 1, NaN, 1, -Infinity, 0], [3, 2])], options: { axes: 1 }, differentiable: [] },
      { inputs: [huge(9)], differentiable: [] },
    ],
  }),
  ...casesOf<ReduceOptions>({
    op: 'logSumExp',
    run: ([x], { axes, keepDims = false }) => ops.logSumExp(x!, axes, { keepDims }),
    reference: ([x], { axes, keepDims }) => logSumExp(x!, axes, keepDims),
    terms,
    tolerance: { relative: 2e-6, absolute: 4e-6 },
    rows: [
      ...over(normal),
      { inputs: [normal()] },
      { inputs: [normal(2, 4099)], options: { axes: 1 } },
      { note: 'would overflow', inputs: [values([1000, 999, 1001, 998.5], [2, 4])], options: { axes: 1 } },
      { note: 'would underflow', inputs: [values([-1000, -999, -1001, -998.5], [2, 4])], options: { axes: 1 } },
      {
        inputs: [values([-Infinity, -Infinity, -Infinity, 1, Infinity, 2, NaN, 1], [4, 2])],
        options: { axes: 1 },
        differentiable: [],
      },
      { inputs: [special(2, 11)], options: { axes: 0 }, differentiable: [] },
      { inputs: [normal(3, 0)], options: { axes: 1 }, differentiable: [] },
      { inputs: [normal(0, 3)], options: { axes: 1 } },
      { inputs: [huge(3, 9)], options: { axes: 1 }, differentiable: [] },
      { inputs: [tiny(3, 9)], options: { axes: 1 } },
    ],
  }),
  ...casesOf<ReduceOptions>({
    op: 'prod',
    run: ([x], { axes, keepDims = false }) => ops.prod(x!, axes, { keepDims }),
    reference: ([x], { axes, keepDims }) => prod(x!, axes, keepDims),
    terms,
    results: ({ inputs }) => [inputs[0]!.dtype === 'bool' ? 'int32' : inputs[0]!.dtype],
    tolerance: (terms) => tolerance(terms, 0),
    rows: [
      ...over(positive),
      { inputs: [normal()] },
      { inputs: [normal(1)] },
      { inputs: [normal(3, 0)], options: { axes: 1 } },
      { inputs: [normal(0, 3)], options: { axes: 1 } },
      { note: 'one zero', inputs: [values([2, 0, 3, -1, 5], [5])] },
      { note: 'two zeros', inputs: [values([2, 0, 3, 0, 5], [5])] },
      { note: 'zeros in some rows', inputs: [values([2, 0, 3, 4, 5, 6, 7], [3, 7])], options: { axes: 0 } },
      { inputs: [values([1, 1.25, 0.8], [3, 300])], options: { axes: 1 } },
      { inputs: [values([1, -Infinity, 2, 0, Infinity, NaN, 1, 3], [4, 2])], options: { axes: 1 }, differentiable: [] },
      { inputs: [special(11, 3)], options: { axes: 1 }, differentiable: [] },
      { inputs: [whole(-3, 3, 'int32', 3, 7)], options: { axes: 1 }, tolerance: exact },
      { inputs: [whole(0, 1, 'bool', 3, 2)], options: { axes: 1 }, tolerance: exact },
    ],
  }),
  ...casesOf<{ readonly axis: number }>({
    op: 'cumsum',
    run: ([x], { axis }) => ops.cumsum(x!, axis),
    reference: ([x], { axis }) => cumsum(x!, axis),
    // Blocks of 64 on up to three levels are added in sequence.
    terms: ([shape], { axis }) => Math.min(shape!.at(axis)!, 192),
    results: ({ inputs }) => [inputs[0]!.dtype === 'bool' ? 'int32' : inputs[0]!.dtype],
    tolerance: (terms) => tolerance(terms),
    rows: [
      { inputs: [normal(1)], options: { axis: 0 } },
      { inputs: [normal(7)], options: { axis: 0 } },
      { inputs: [normal(64)], options: { axis: 0 } },
      { inputs: [normal(65)], options: { axis: -1 } },
      { inputs: [normal(3, 200)], options: { axis: 1 } },
      { inputs: [normal(200, 3)], options: { axis: 0 } },
      { inputs: [normal(2, 5, 7, 3)], options: { axis: 1 } },
      { inputs: [normal(2, 70, 5)], options: { axis: -2 } },
      { inputs: [integers(5000)], options: { axis: 0 }, tolerance: exact, costly: true },
      { inputs: [normal(2, 4200)], options: { axis: 1 } },
      { inputs: [normal(0, 3)], options: { axis: 0 } },
      { inputs: [normal(3, 0)], options: { axis: 0 } },
      { inputs: [normal(40, 50)], options: { axis: 1 }, sliced: true },
      { inputs: [special(11, 2)], options: { axis: 1 }, differentiable: [] },
      { inputs: [values([1, Infinity, 2, -Infinity, 3, NaN, 1], [7])], options: { axis: 0 }, differentiable: [] },
      { inputs: [tiny(130)], options: { axis: 0 }, tolerance: { largest: 1e-5 } },
      { inputs: [whole(-99, 99, 'int32', 3, 130)], options: { axis: 1 }, tolerance: exact },
      { inputs: [whole(0, 99, 'uint32', 70)], options: { axis: 0 }, tolerance: exact },
      { inputs: [whole(0, 1, 'bool', 2, 70)], options: { axis: 1 }, tolerance: exact },
    ],
  }),
  ...(['any', 'all'] as const).flatMap((op) =>
    casesOf<ReduceOptions>({
      op,
      run: ([x], { axes, keepDims = false }) => truths[op].run(x!, axes, { keepDims }),
      reference: ([x], { axes, keepDims }): Ref => truths[op].reference(x!, axes, keepDims),
      results: ['bool'],
      differentiable: [],
      tolerance: exact,
      rows: [
        ...over(ties),
        ...over((...shape) => whole(0, 1, 'bool', ...shape)),
        { inputs: [whole(0, 1, 'int32', 9, 2)], options: { axes: 1 } },
        { inputs: [values([-0, 0, NaN, 0, 0, Infinity, 1e-30, 1], [4, 2])], options: { axes: 1 } },
        { note: 'last of many', inputs: [values([...new Array<number>(1000).fill(0), 1], [1001])] },
        { note: 'no elements', inputs: [normal(3, 0)], options: { axes: 1 } },
        { note: 'no elements', inputs: [normal(0)], options: { keepDims: true } },
        { inputs: [normal(0, 3)], options: { axes: 1 } },
        { inputs: [normal()] },
      ],
    }),
  ),
  ...casesOf<{ readonly axis: number }>({
    op: 'argmin',
    run: ([x], { axis }) => ops.argmin(x!, axis),
    reference: ([x], { axis }) => argmin(x!, axis),
    tolerance: exact,
    differentiable: [],
    results: ['int32'],
    rows: [
      { inputs: [normal(1)], options: { axis: 0 } },
      { inputs: [normal(1031)], options: { axis: 0 } },
      { inputs: [normal(2, 5, 7, 3)], options: { axis: 2 } },
      { inputs: [ties(9, 33)], options: { axis: 1 } },
      { inputs: [special(4, 11)], options: { axis: 1 } },
      { inputs: [special(4, 5)], options: { axis: 0 } },
      { inputs: [huge(3, 70)], options: { axis: -1 } },
      { inputs: [whole(-99, 99, 'int32', 3, 40)], options: { axis: 1 } },
      { inputs: [whole(0, 99, 'uint32', 3, 40)], options: { axis: 1 } },
      { inputs: [normal(0, 3)], options: { axis: 1 } },
    ],
  }),
];
