import * as ops from '../../src/index.ts';
import { map } from '../reference/elementwise.ts';
import { exact } from '../support/compare.ts';
import {
  casesOf,
  integers,
  normal,
  sameType,
  special,
  values,
  whole,
  type DType,
  type OpCase,
} from '../support/op-case.ts';

/** A number as another type: without its fraction as an integer, 0 or 1 as a bool. */
function converted(x: number, dtype: DType): number {
  if (dtype === 'bool') return Number(x !== 0);
  return dtype === 'float32' ? Math.fround(x) : Math.trunc(x);
}

export const cases: readonly OpCase[] = [
  ...casesOf<{ readonly dtype: DType }>({
    op: 'cast',
    run: ([x], { dtype }) => ops.cast(x!, dtype),
    reference: ([x], { dtype }) => map(x!, (v) => converted(v, dtype)),
    tolerance: exact,
    results: (row) => [row.options!.dtype],
    rows: [
      { inputs: [normal(3, 5)], options: { dtype: 'float32' } },
      { inputs: [special(33)], options: { dtype: 'float32' }, differentiable: [] },
      {
        inputs: [values([0.9, -0.9, 2.5, -7.99, 16777216, -2147483648], [12])],
        options: { dtype: 'int32' },
        differentiable: [],
      },
      { inputs: [values([0.9, 2.5, 4294967040], [65])], options: { dtype: 'uint32' }, differentiable: [] },
      { inputs: [special(33)], options: { dtype: 'bool' }, differentiable: [] },
      { inputs: [whole(-3, 3, 'int32', 3, 0)], options: { dtype: 'float32' } },
      { inputs: [values([16777217, -2147483648, 5], [9], 'int32')], options: { dtype: 'float32' } },
      { inputs: [whole(-2, 2, 'int32', 2, 3, 5)], options: { dtype: 'bool' } },
      { inputs: [values([4294967295, 7], [5], 'uint32')], options: { dtype: 'float32' } },
      { inputs: [whole(0, 1, 'bool', 65)], options: { dtype: 'float32' } },
      { inputs: [whole(0, 1, 'bool', 7)], options: { dtype: 'int32' } },
      { inputs: [whole(0, 1, 'bool')], options: { dtype: 'bool' } },
    ],
  }),
  ...casesOf({
    op: 'clone',
    run: ([x]) => ops.clone(x!),
    reference: ([x]) => x!,
    tolerance: exact,
    results: sameType,
    rows: [
      { inputs: [normal(3, 5)] },
      { inputs: [integers()] },
      { inputs: [normal(0, 2)] },
      { inputs: [special(33)], differentiable: [] },
      { inputs: [whole(-9, 9, 'int32', 65)] },
    ],
  }),
];
