import * as ops from '../../src/index.ts';
import { convTranspose2d } from '../reference/conv2d.ts';
import { exact, tolerance } from '../support/compare.ts';
import { casesOf, integers, normal, tiny, values, type CaseInput, type OpCase } from '../support/op-case.ts';

const x = normal;
const w = normal;
const bias = (c: number): CaseInput => normal(c);

export const cases: readonly OpCase[] = casesOf<ops.ConvTranspose2dOptions>({
  op: 'convTranspose2d',
  run: ([x, w, bias], options) => ops.convTranspose2d(x!, w!, bias ?? null, options),
  reference: ([x, w, bias], options) => convTranspose2d(x!, w!, bias ?? null, options),
  terms: ([, w], { groups = 1 }) => (w![0]! * w![1]! * w![3]!) / groups,
  tolerance: (terms) => tolerance(terms),
  rows: [
    { inputs: [x(1, 1, 1, 1), w(1, 1, 1, 1)] },
    { inputs: [x(1, 1, 1, 3), w(3, 3, 5, 3), bias(5)] },
    { inputs: [x(2, 5, 7, 3), w(1, 1, 5, 3), bias(5)] },
    { inputs: [x(2, 5, 4, 8), w(1, 1, 4, 8)] },
    { inputs: [x(2, 4, 5, 5), w(3, 3, 6, 5), bias(6)] },
    { inputs: [x(2, 4, 5, 4), w(3, 3, 8, 4), bias(8)], options: { padding: 1 } },
    // Strides: with gaps that nothing reaches, and with sizes that the output padding selects.
    { inputs: [x(2, 4, 3, 5), w(2, 2, 3, 5), bias(3)], options: { stride: 2 } },
    { inputs: [x(1, 4, 3, 4), w(4, 4, 8, 4), bias(8)], options: { stride: 2, padding: 1 } },
    { inputs: [x(1, 3, 4, 3), w(3, 3, 4, 3), bias(4)], options: { stride: 2, padding: 1, outputPadding: 1 } },
    { inputs: [x(1, 3, 2, 2), w(2, 1, 3, 2), bias(3)], options: { stride: [3, 4], outputPadding: [2, 0] } },
    { inputs: [x(1, 3, 2, 2), w(2, 2, 3, 2), bias(3)], options: { stride: 5, outputPadding: [4, 3] } },
    { inputs: [x(1, 2, 3, 4), w(1, 1, 4, 4), bias(4)], options: { stride: 2, outputPadding: 1 } },
    {
      inputs: [x(2, 3, 4, 3), w(3, 2, 5, 3), bias(5)],
      options: { stride: [2, 3], padding: [1, 0], dilation: [2, 1], outputPadding: [1, 2] },
    },
    { inputs: [x(1, 5, 4, 3), w(3, 3, 4, 3)], options: { dilation: 2, padding: 2 } },
    { inputs: [x(1, 7, 6, 3), w(3, 3, 4, 3)], options: { padding: 3 } },
    // Large enough for Winograd.
    { inputs: [x(4, 5, 6, 32), w(3, 3, 36, 32), bias(36)], options: { padding: 1 } },
    { inputs: [x(1, 11, 11, 33), w(3, 3, 32, 33), bias(32)] },
    // Groups and depthwise.
    { inputs: [x(2, 4, 3, 8), w(3, 3, 4, 8), bias(8)], options: { groups: 2, padding: 1 } },
    {
      inputs: [x(1, 4, 3, 6), w(3, 3, 2, 6), bias(6)],
      options: { groups: 3, stride: 2, padding: 1, outputPadding: 1 },
    },
    { inputs: [x(1, 4, 3, 10), w(1, 1, 3, 10)], options: { groups: 2 } },
    { inputs: [x(2, 4, 3, 8), w(4, 4, 1, 8), bias(8)], options: { groups: 8, stride: 2, padding: 1 } },
    { inputs: [x(1, 4, 3, 6), w(2, 3, 1, 6), bias(3)], options: { groups: 3, stride: [1, 2], dilation: 2 } },
    { inputs: [x(0, 4, 3, 3), w(3, 3, 4, 3)] },
    { inputs: [x(7, 6, 5, 8), w(3, 3, 4, 8), bias(4)], options: { stride: 2 }, sliced: true },
    { inputs: [x(7, 6, 5, 6), w(3, 3, 1, 6), bias(6)], options: { groups: 6, stride: 2 }, sliced: true },
    { inputs: [integers(2, 4, 3, 7), integers(3, 3, 5, 7), integers(5)], options: { stride: 2 }, tolerance: exact },
    { inputs: [tiny(1, 5, 6, 4), normal(3, 3, 8, 4)], options: { padding: 1 }, tolerance: { largest: 1e-5 } },
    ...[1, 4].map((groups) => ({
      note: 'NaN and infinities',
      inputs: [values([1, 2, NaN, -1, 3, 1, 2, -Infinity, 1, Infinity, 2, 1, 1], [1, 5, 4, 4]), w(2, 2, 4 / groups, 4)],
      options: { stride: 2, groups },
      differentiable: [],
    })),
  ],
});
