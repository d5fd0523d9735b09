import * as ops from '../../src/index.ts';
import { dropout } from '../reference/dropout.ts';
import { ulps } from '../support/compare.ts';
import { casesOf, normal, special, tiny, type OpCase } from '../support/op-case.ts';

export const cases: readonly OpCase[] = casesOf<Required<ops.DropoutOptions>>({
  op: 'dropout',
  run: ([x], options) => ops.dropout(x!, options),
  reference: ([x], { p, seed }) => dropout(x!, p, seed),
  tolerance: ulps(2),
  rows: [
    { inputs: [normal()], options: { p: 0.5, seed: 0 } },
    { inputs: [normal(1)], options: { p: 0.5, seed: 1 } },
    { inputs: [normal(0, 3)], options: { p: 0.5, seed: 1 } },
    { inputs: [normal(65)], options: { p: 0.1, seed: 7 } },
    { inputs: [normal(3, 5, 7)], options: { p: 0.9, seed: 2 ** 32 + 5 } },
    { inputs: [normal(2, 3, 4, 5)], options: { p: 0.3, seed: 2 ** 53 - 1 } },
    { inputs: [normal(33)], options: { p: 0, seed: 3 } },
    { inputs: [normal(33)], options: { p: 1, seed: 3 } },
    { inputs: [normal(1100)], options: { p: 0.25, seed: 4 }, sliced: true },
    { inputs: [special(44)], options: { p: 0.5, seed: 5 }, differentiable: [] },
    { inputs: [tiny(9)], options: { p: 0.5, seed: 6 }, differentiable: [] },
  ],
});
