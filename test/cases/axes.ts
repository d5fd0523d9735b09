import * as ops from '../../src/index.ts';
import { flip, repeat, shaped, split, stack, stridedSlice, triangle, type Range } from '../reference/axes.ts';
import { exact } from '../support/compare.ts';
import { casesOf, normal, special, whole, type CaseInput, type OpCase, type Row } from '../support/op-case.ts';

/** Results of the dtype of the first input. */
const same = ({ inputs }: { readonly inputs: readonly CaseInput[] }) => [inputs[0]!.dtype];

/** A row whose result has a given shape. */
const to = <O extends object>(input: CaseInput, shape: readonly number[], options: O) => ({
  inputs: [input],
  options: { ...options, shape },
});

type Parts = { readonly sizes: number | readonly number[]; readonly axis?: number; readonly parts: readonly number[] };
type Chunks = { readonly chunks: number; readonly axis?: number; readonly parts: readonly number[] };

/** One result of the dtype for each part. */
const each = ({ inputs, options }: Row<{ readonly parts: readonly number[] }>) =>
  options!.parts.map(() => inputs[0]!.dtype);

export const cases: readonly OpCase[] = [
  ...casesOf<{ readonly shape: readonly number[]; readonly axes?: number | readonly number[] }>({
    op: 'squeeze',
    run: ([x], { axes }) => ops.squeeze(x!, axes),
    reference: ([x], { shape }) => shaped(x!, shape),
    results: same,
    tolerance: exact,
    rows: [
      to(normal(), [], {}),
      to(normal(1), [], {}),
      to(normal(1, 3, 1, 5), [3, 5], {}),
      to(normal(1, 3, 1, 5), [3, 1, 5], { axes: 0 }),
      to(normal(1, 3, 1, 5), [1, 3, 5], { axes: -2 }),
      to(normal(1, 3, 1, 5), [3, 5], { axes: [0, 2] }),
      to(normal(1, 3, 1, 5), [1, 3, 1, 5], { axes: 1 }),
      to(normal(1, 0), [0], {}),
      to(whole(-9, 9, 'int32', 1, 4), [4], {}),
    ],
  }),
  ...casesOf<{ readonly shape: readonly number[]; readonly axis: number }>({
    op: 'unsqueeze',
    run: ([x], { axis }) => ops.unsqueeze(x!, axis),
    reference: ([x], { shape }) => shaped(x!, shape),
    results: same,
    tolerance: exact,
    rows: [
      to(normal(), [1], { axis: 0 }),
      to(normal(3, 5), [1, 3, 5], { axis: 0 }),
      to(normal(3, 5), [3, 1, 5], { axis: 1 }),
      to(normal(3, 5), [3, 5, 1], { axis: -1 }),
      to(normal(3, 5), [1, 3, 5], { axis: -3 }),
      to(normal(0), [0, 1], { axis: 1 }),
    ],
  }),
  ...casesOf<{ readonly shape: readonly number[]; readonly startAxis?: number; readonly endAxis?: number }>({
    op: 'flatten',
    run: ([x], { startAxis, endAxis }) => ops.flatten(x!, startAxis, endAxis),
    reference: ([x], { shape }) => shaped(x!, shape),
    results: same,
    tolerance: exact,
    rows: [
      to(normal(), [1], {}),
      to(normal(3), [3], {}),
      to(normal(2, 3, 5, 7), [210], {}),
      to(normal(2, 3, 5, 7), [2, 105], { startAxis: 1 }),
      to(normal(2, 3, 5, 7), [2, 15, 7], { startAxis: 1, endAxis: 2 }),
      to(normal(2, 3, 5, 7), [6, 5, 7], { endAxis: -3 }),
      to(normal(2, 0, 3), [2, 0], { startAxis: 1 }),
    ],
  }),
  ...casesOf<{ readonly axis?: number }>({
    op: 'stack',
    run: (inputs, { axis }) => ops.stack(inputs, axis),
    reference: (inputs, { axis }) => stack(inputs, axis),
    results: same,
    tolerance: exact,
    rows: [
      { inputs: [normal()] },
      { inputs: [normal(), normal(), normal()] },
      { inputs: [normal(3, 5), normal(3, 5)] },
      { inputs: [normal(3, 5), normal(3, 5), normal(3, 5)], options: { axis: 1 } },
      { inputs: [normal(3, 5), normal(3, 5)], options: { axis: -1 } },
      { inputs: [normal(2, 3, 2, 3), normal(2, 3, 2, 3)], options: { axis: -2 } },
      { inputs: [normal(0, 3), normal(0, 3)], options: { axis: 1 } },
      { inputs: [special(11), special(11)], options: { axis: 1 }, differentiable: [] },
      { inputs: [whole(-9, 9, 'int32', 3), whole(-9, 9, 'int32', 3)] },
    ],
  }),
  ...casesOf<Parts>({
    op: 'split',
    run: ([x], { sizes, axis }) => ops.split(x!, sizes, axis),
    reference: ([x], { parts, axis }) => split(x!, parts, axis),
    results: each,
    tolerance: exact,
    rows: [
      { inputs: [normal(7)], options: { sizes: 3, parts: [3, 3, 1] } },
      { inputs: [normal(7)], options: { sizes: 9, parts: [7] } },
      { inputs: [normal(6, 5)], options: { sizes: [1, 0, 5], parts: [1, 0, 5] } },
      { inputs: [normal(3, 5)], options: { sizes: [2, 3], axis: 1, parts: [2, 3] } },
      { inputs: [normal(2, 3, 5)], options: { sizes: 2, axis: -1, parts: [2, 2, 1] } },
      { inputs: [normal(0, 5)], options: { sizes: 2, parts: [0] } },
      { inputs: [whole(-9, 9, 'int32', 5)], options: { sizes: 2, parts: [2, 2, 1] } },
    ],
  }),
  ...casesOf<Chunks>({
    op: 'chunk',
    run: ([x], { chunks, axis }) => ops.chunk(x!, chunks, axis),
    reference: ([x], { parts, axis }) => split(x!, parts, axis),
    results: each,
    tolerance: exact,
    rows: [
      { inputs: [normal(7)], options: { chunks: 1, parts: [7] } },
      { inputs: [normal(7)], options: { chunks: 3, parts: [3, 3, 1] } },
      { inputs: [normal(6)], options: { chunks: 4, parts: [2, 2, 2] } },
      { inputs: [normal(3, 5)], options: { chunks: 2, axis: -1, parts: [3, 2] } },
      { inputs: [normal(2)], options: { chunks: 5, parts: [1, 1] } },
    ],
  }),
  ...casesOf<{ readonly axes?: number | readonly number[] }>({
    op: 'flip',
    run: ([x], { axes }) => ops.flip(x!, axes),
    reference: ([x], { axes }) => flip(x!, axes),
    results: same,
    tolerance: exact,
    rows: [
      { inputs: [normal()] },
      { inputs: [normal(1)] },
      { inputs: [normal(65)] },
      { inputs: [normal(3, 5)] },
      { inputs: [normal(3, 5)], options: { axes: 0 } },
      { inputs: [normal(3, 5)], options: { axes: [] } },
      { inputs: [normal(2, 3, 5, 7)], options: { axes: [1, -1] } },
      { inputs: [normal(0, 5)] },
      { inputs: [normal(40, 50)], options: { axes: 1 }, sliced: true },
      { inputs: [normal(40, 50)], sliced: true },
      { inputs: [special(11)], differentiable: [] },
      { inputs: [whole(-9, 9, 'int32', 3, 5)], options: { axes: 1 } },
    ],
  }),
  ...casesOf<{ readonly index: readonly (Range | number | null)[] }>({
    op: 'stridedSlice',
    run: ([x], { index }) => ops.stridedSlice(x!, index),
    reference: ([x], { index }) => stridedSlice(x!, index),
    results: same,
    tolerance: exact,
    rows: [
      { inputs: [normal()], options: { index: [] } },
      { inputs: [normal(9)], options: { index: [{ start: 2 }] } },
      { inputs: [normal(9)], options: { index: [{ start: -3 }] } },
      { inputs: [normal(9)], options: { index: [{ stop: -3 }] } },
      { inputs: [normal(9)], options: { index: [{ step: 2 }] } },
      { inputs: [normal(9)], options: { index: [{ start: 1, stop: 8, step: 3 }] } },
      { inputs: [normal(9)], options: { index: [{ step: -1 }] } },
      { inputs: [normal(9)], options: { index: [{ start: -2, stop: 1, step: -2 }] } },
      { inputs: [normal(9)], options: { index: [{ start: 7, stop: -20, step: -3 }] } },
      { inputs: [normal(9)], options: { index: [{ start: -20, stop: 20, step: 4 }] } },
      { inputs: [normal(9)], options: { index: [{ start: 5, stop: 5 }] } },
      { inputs: [normal(9)], options: { index: [{ start: 20 }] } },
      { inputs: [normal(9)], options: { index: [{ start: -20, step: -1 }] } },
      { inputs: [normal(9)], options: { index: [-1] } },
      { inputs: [normal(3, 5)], options: { index: [1] } },
      { inputs: [normal(3, 5)], options: { index: [null, -2] } },
      { inputs: [normal(2, 5, 7, 3)], options: { index: [null, { step: -2 }, { start: 1, step: 3 }] } },
      { inputs: [normal(2, 5, 7, 3)], options: { index: [1, { start: 1, stop: -1 }, 3, { step: -1 }] } },
      { inputs: [normal(0, 5)], options: { index: [{ step: -1 }, { start: 1 }] } },
      { inputs: [normal(40, 50)], options: { index: [{ step: -3 }, { start: 1, step: 2 }] }, sliced: true },
      { inputs: [special(22)], options: { index: [{ step: -2 }] }, differentiable: [] },
      { inputs: [whole(-9, 9, 'int32', 9)], options: { index: [{ start: 1, step: 2 }] } },
    ],
  }),
  ...casesOf<{ readonly repeats: readonly number[] }>({
    op: 'repeat',
    run: ([x], { repeats }) => ops.repeat(x!, repeats),
    reference: ([x], { repeats }) => repeat(x!, repeats),
    results: same,
    tolerance: exact,
    terms: (_, { repeats }) => repeats.reduce((a, b) => a * b, 1),
    rows: [
      { inputs: [normal()], options: { repeats: [] } },
      { inputs: [normal()], options: { repeats: [3, 2] } },
      { inputs: [normal(5)], options: { repeats: [3] } },
      { inputs: [normal(5)], options: { repeats: [2, 3] } },
      { inputs: [normal(3, 5)], options: { repeats: [2, 3] } },
      { inputs: [normal(2, 3, 2, 3)], options: { repeats: [2, 1, 3, 2] } },
      { inputs: [normal(2, 3)], options: { repeats: [1, 0] } },
      { inputs: [normal(0, 3)], options: { repeats: [2, 2] } },
      { inputs: [whole(-9, 9, 'int32', 3)], options: { repeats: [4] } },
    ],
  }),
  ...(['tril', 'triu'] as const).flatMap((op) =>
    casesOf<{ readonly diagonal?: number }>({
      op,
      run: ([x], { diagonal }) => ops[op](x!, diagonal),
      reference: ([x], { diagonal = 0 }) => triangle(x!, diagonal, op === 'tril' ? (d) => d <= 0 : (d) => d >= 0),
      results: same,
      tolerance: exact,
      rows: [
        { inputs: [normal(1, 1)] },
        { inputs: [normal(5, 5)] },
        { inputs: [normal(3, 7)], options: { diagonal: 2 } },
        { inputs: [normal(7, 3)], options: { diagonal: -1 } },
        { inputs: [normal(2, 3, 4, 5)], options: { diagonal: 1 } },
        { inputs: [normal(4, 4)], options: { diagonal: -9 } },
        { inputs: [normal(0, 4)] },
        { inputs: [normal(2, 3, 0)] },
        { inputs: [special(4, 4)], differentiable: [] },
        { inputs: [whole(-9, 9, 'int32', 4, 4)] },
        { inputs: [whole(0, 1, 'bool', 4, 4)] },
      ],
    }),
  ),
];
