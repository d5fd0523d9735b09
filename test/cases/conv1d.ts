import * as ops from '../../src/index.ts';
import { conv1d } from '../reference/conv2d.ts';
import { exact, tolerance } from '../support/compare.ts';
import { casesOf, integers, normal, type CaseInput, type OpCase } from '../support/op-case.ts';

const x = normal;
const w = normal;
const bias = (k: number): CaseInput => normal(k);

export const cases: readonly OpCase[] = casesOf<ops.Conv1dOptions>({
  op: 'conv1d',
  run: ([x, w, bias], options) => ops.conv1d(x!, w!, bias ?? null, options),
  reference: ([x, w, bias], options) => conv1d(x!, w!, bias ?? null, options),
  terms: ([, w]) => w![0]! * w![1]!,
  tolerance: (terms) => tolerance(terms),
  rows: [
    { inputs: [x(1, 1, 1), w(1, 1, 1)] },
    { inputs: [x(2, 9, 3), w(3, 3, 5), bias(5)] },
    { inputs: [x(2, 9, 4), w(1, 4, 8)] },
    { inputs: [x(1, 13, 8), w(5, 8, 4), bias(4)], options: { padding: 2 } },
    { inputs: [x(2, 11, 5), w(3, 5, 6)], options: { stride: 2, padding: 1 } },
    { inputs: [x(1, 12, 3), w(3, 3, 4), bias(4)], options: { dilation: 3, stride: 2 } },
    { inputs: [x(1, 7, 3), w(4, 3, 4)], options: { padding: 'same' } },
    { inputs: [x(1, 7, 3), w(3, 3, 4)], options: { padding: [2, 0] } },
    { inputs: [x(2, 9, 6), w(3, 3, 4), bias(4)], options: { groups: 2, padding: 1 } },
    { inputs: [x(1, 70, 8), w(7, 1, 8), bias(8)], options: { groups: 8, padding: 'same' } },
    { inputs: [x(0, 9, 3), w(3, 3, 4)] },
    { inputs: [x(19, 33, 4), w(3, 4, 4), bias(4)], sliced: true },
    { inputs: [integers(2, 9, 7), integers(3, 7, 5), integers(5)], tolerance: exact },
  ],
});
