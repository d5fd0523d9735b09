import * as ops from '../../src/index.ts';
import { maskedFill, oneHot, scatter, scatterAdd, sort, takeAlongAxis } from '../reference/select.ts';
import { exact, tolerance } from '../support/compare.ts';
import {
  apart,
  below,
  casesOf,
  huge,
  normal,
  sameType,
  special,
  ties,
  tiny,
  values,
  whole,
  zeros,
  type OpCase,
  type Row,
} from '../support/op-case.ts';

type SortOptions = { readonly axis?: number; readonly descending?: boolean };

const sorted: Row<SortOptions>[] = [
  { inputs: [apart(1)] },
  { inputs: [apart(7)] },
  { inputs: [apart(32)] },
  { inputs: [apart(33)], options: { descending: true } },
  { inputs: [apart(64)] },
  { inputs: [apart(65)] },
  { inputs: [apart(1031)], options: { descending: true } },
  { inputs: [apart(3, 97)] },
  { inputs: [apart(97, 3)], options: { axis: 0 } },
  { inputs: [apart(2, 70, 3)], options: { axis: 1, descending: true } },
  { inputs: [apart(2, 3, 2, 5)], options: { axis: -3 } },
  { inputs: [apart(3, 1)] },
  { inputs: [apart(0)] },
  { inputs: [apart(0, 5)] },
  { inputs: [apart(3, 0)] },
  { inputs: [apart(40, 50)], sliced: true },
  { inputs: [ties(3, 130)], differentiable: [] },
  { inputs: [ties(3, 130)], options: { descending: true }, differentiable: [] },
  { inputs: [zeros(2, 70)], options: { descending: true }, differentiable: [] },
  { inputs: [special(3, 35)], differentiable: [] },
  { inputs: [special(3, 35)], options: { descending: true }, differentiable: [] },
  { inputs: [special(70, 2)], options: { axis: 0 }, differentiable: [] },
  { inputs: [tiny(50)], differentiable: [] },
  { inputs: [huge(50)], differentiable: [] },
  { inputs: [whole(-50, 50, 'int32', 3, 70)] },
  { note: 'extremes', inputs: [values([-(2 ** 31), 0, 2 ** 31 - 128, -1, 1], [2, 40], 'int32')] },
  { note: 'extremes', inputs: [values([2 ** 32 - 256, 0, 2 ** 31, 1], [45], 'uint32')], options: { descending: true } },
];

type TopKOptions = { readonly k: number; readonly axis?: number; readonly largest?: boolean };

const picked: Row<{ readonly axis: number }>[] = [
  { inputs: [normal(7), below(7, 3)], options: { axis: 0 } },
  { inputs: [normal(7), below(7, 65)], options: { axis: -1 } },
  { inputs: [normal(3, 5), below(5, 3, 4)], options: { axis: 1 } },
  { inputs: [normal(5, 3), below(5, 7, 3)], options: { axis: 0 } },
  { inputs: [normal(2, 5, 7, 3), below(5, 2, 4, 7, 3)], options: { axis: 1 } },
  { inputs: [normal(2, 5, 7, 3), below(3, 2, 5, 7, 1)], options: { axis: -1 } },
  { note: 'indices broadcast', inputs: [normal(3, 5, 2), below(5, 1, 4, 1)], options: { axis: 1 } },
  { note: 'x broadcasts', inputs: [normal(1, 5, 2), below(5, 3, 4, 2)], options: { axis: 1 } },
  { note: 'nothing', inputs: [normal(3, 5), below(5, 3, 0)], options: { axis: 1 } },
  { note: 'nothing', inputs: [normal(0, 5), below(5, 0, 2)], options: { axis: 1 } },
  { note: 'nothing of nothing', inputs: [normal(3, 0), below(3, 2, 1)], options: { axis: 0 } },
  { note: 'one again and again', inputs: [normal(2, 5), values([3], [2, 100], 'int32')], options: { axis: 1 } },
  { inputs: [special(4, 11), below(11, 4, 30)], options: { axis: 1 }, differentiable: [] },
  { inputs: [whole(-9, 9, 'int32', 4, 6), below(6, 4, 3)], options: { axis: 1 } },
  {
    note: 'out of range',
    inputs: [normal(5), values([-1, 0, 5, 4, 2 ** 31 - 128, -(2 ** 31)], [6], 'int32')],
    options: { axis: 0 },
    differentiable: [],
  },
  { inputs: [normal(30, 50), below(50, 30, 40)], options: { axis: 1 }, sliced: true },
];

const written: Row<{ readonly axis: number }>[] = [
  { inputs: [normal(7), below(7, 3), normal(3)], options: { axis: 0 } },
  { inputs: [normal(1), below(1, 1), normal(1)], options: { axis: 0 } },
  { inputs: [normal(7), below(7, 100), normal(100)], options: { axis: 0 } },
  { inputs: [normal(3, 5), below(5, 3, 4), normal(3, 4)], options: { axis: 1 } },
  { inputs: [normal(5, 3), below(5, 9, 3), normal(9, 3)], options: { axis: 0 } },
  { note: 'smaller', inputs: [normal(5, 3), below(5, 4, 2), normal(6, 5)], options: { axis: 0 } },
  { note: 'smaller', inputs: [normal(4, 5, 7), below(7, 2, 3, 9), normal(2, 3, 9)], options: { axis: -1 } },
  { inputs: [normal(2, 5, 7, 3), below(5, 2, 2, 7, 3), normal(2, 2, 7, 3)], options: { axis: 1 } },
  { note: 'one again and again', inputs: [normal(5), values([3], [100], 'int32'), normal(100)], options: { axis: 0 } },
  { note: 'nothing', inputs: [normal(5, 3), below(5, 0, 3), normal(0, 3)], options: { axis: 0 } },
  { note: 'into nothing', inputs: [normal(0, 3), below(5, 0, 3), normal(0, 3)], options: { axis: 0 } },
  {
    note: 'out of range',
    inputs: [normal(5), values([-1, 0, 5, 4, 2 ** 31 - 128, -(2 ** 31)], [6], 'int32'), normal(6)],
    options: { axis: 0 },
  },
  {
    inputs: [special(11), below(11, 11), values([1, Infinity, -Infinity, NaN, 0], [11])],
    options: { axis: 0 },
    differentiable: [],
  },
  {
    inputs: [whole(-9, 9, 'int32', 4, 6), below(6, 4, 9), whole(-99, 99, 'int32', 4, 9)],
    options: { axis: 1 },
  },
  {
    inputs: [whole(0, 9, 'uint32', 6), below(6, 9), whole(0, 99, 'uint32', 9)],
    options: { axis: 0 },
  },
];

export const cases: readonly OpCase[] = [
  ...casesOf<SortOptions>({
    op: 'sort',
    run: ([x], { axis, descending = false }) => {
      const { values, indices } = ops.sort(x!, axis, { descending });
      return [values, indices];
    },
    reference: ([x], { axis = -1, descending = false }) => Object.values(sort(x!, axis, descending)),
    results: ({ inputs }) => [inputs[0]!.dtype, 'int32'],
    tolerance: exact,
    rows: sorted,
  }),
  ...casesOf<SortOptions>({
    op: 'argsort',
    run: ([x], { axis, descending = false }) => ops.argsort(x!, axis, { descending }),
    reference: ([x], { axis = -1, descending = false }) => sort(x!, axis, descending).indices,
    results: ['int32'],
    differentiable: [],
    tolerance: exact,
    rows: [
      { inputs: [normal(70)] },
      { inputs: [ties(5, 70)], options: { axis: 0, descending: true } },
      { inputs: [special(35)] },
      { inputs: [normal(0, 3)] },
    ],
  }),
  ...casesOf<TopKOptions>({
    op: 'topK',
    run: ([x], { k, ...options }) => {
      const { values, indices } = ops.topK(x!, k, options);
      return [values, indices];
    },
    reference: ([x], { k, axis = -1, largest = true }) => Object.values(sort(x!, axis, largest, k)),
    results: ({ inputs }) => [inputs[0]!.dtype, 'int32'],
    tolerance: exact,
    rows: [
      { inputs: [apart(9)], options: { k: 4, largest: false } },
      { inputs: [apart(3, 65)], options: { k: 40, largest: false } },
      { inputs: [apart(3, 1031)], options: { k: 40 } },
      { inputs: [apart(70, 3)], options: { k: 33, axis: 0 } },
      { inputs: [apart(2, 40, 5)], options: { k: 2, axis: 1, largest: false } },
      { inputs: [apart(5, 0)], options: { k: 0 } },
      { inputs: [special(2, 44)], options: { k: 30 }, differentiable: [] },
      { inputs: [special(2, 44)], options: { k: 30, largest: false }, differentiable: [] },
      { inputs: [whole(-9, 9, 'int32', 3, 70)], options: { k: 35 } },
    ],
  }),
  ...casesOf<{ readonly axis: number }>({
    op: 'takeAlongAxis',
    run: ([x, indices], { axis }) => ops.takeAlongAxis(x!, indices!, axis),
    reference: ([x, indices], { axis }) => takeAlongAxis(x!, indices!, axis),
    results: sameType,
    tolerance: exact,
    rows: picked,
  }),
  ...casesOf<{ readonly axis: number }>({
    op: 'scatter',
    run: ([x, indices, source], { axis }) => ops.scatter(x!, indices!, source!, axis),
    reference: ([x, indices, source], { axis }) => scatter(x!, indices!, source!, axis),
    results: sameType,
    tolerance: exact,
    rows: written,
  }),
  ...casesOf<{ readonly axis: number }>({
    op: 'scatterAdd',
    run: ([x, indices, source], { axis }) => ops.scatterAdd(x!, indices!, source!, axis),
    reference: ([x, indices, source], { axis }) => scatterAdd(x!, indices!, source!, axis),
    results: sameType,
    tolerance: tolerance(100),
    rows: [
      ...written,
      {
        note: 'a long segment',
        inputs: [normal(3), below(3, 5000), normal(5000)],
        options: { axis: 0 },
        differentiable: [0],
        tolerance: tolerance(5000),
      },
    ],
  }),
  ...casesOf<{ readonly value: number }>({
    op: 'maskedFill',
    run: ([x, mask], { value }) => ops.maskedFill(x!, mask!, value),
    reference: ([x, mask], { value }) => maskedFill(x!, mask!, value),
    results: sameType,
    tolerance: exact,
    rows: [
      { inputs: [normal(7), whole(0, 1, 'uint32', 7)], options: { value: 3 } },
      { inputs: [normal(), whole(0, 1, 'uint32')], options: { value: 3 } },
      { inputs: [normal(3, 5), whole(0, 1, 'uint32', 5)], options: { value: -Infinity }, differentiable: [] },
      { inputs: [normal(2, 3, 5), whole(0, 1, 'int32', 3, 1)], options: { value: 0.5 } },
      { inputs: [special(33), whole(0, 1, 'uint32', 33)], options: { value: NaN }, differentiable: [] },
      { inputs: [normal(0, 3), whole(0, 1, 'uint32', 3)], options: { value: 1 } },
      { inputs: [whole(-9, 9, 'int32', 9), whole(0, 1, 'uint32', 9)], options: { value: 7 } },
    ],
  }),
  ...casesOf<{ readonly numClasses: number }>({
    op: 'oneHot',
    run: ([indices], { numClasses }) => ops.oneHot(indices!, numClasses),
    reference: ([indices], { numClasses }) => oneHot(indices!, numClasses),
    results: ['int32'],
    differentiable: [],
    tolerance: exact,
    rows: [
      { inputs: [below(5, 7)], options: { numClasses: 5 } },
      { inputs: [below(5)], options: { numClasses: 5 } },
      { inputs: [below(1, 3, 1)], options: { numClasses: 1 } },
      { inputs: [below(65, 2, 3)], options: { numClasses: 65 } },
      { inputs: [below(3, 0)], options: { numClasses: 3 } },
      { note: 'out of range', inputs: [values([-1, 3, 2 ** 31 - 128, 1], [4], 'int32')], options: { numClasses: 3 } },
    ],
  }),
];
