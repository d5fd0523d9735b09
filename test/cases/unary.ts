import * as ops from '../../src/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { clamp, map, unary } from '../reference/elementwise.ts';
import { exact, ulps } from '../support/compare.ts';
import {
  apart,
  casesOf,
  huge,
  integers,
  normal,
  positive,
  special,
  tiny,
  values,
  type CaseInput,
  type OpCase,
  type Row,
} from '../support/op-case.ts';

type UnaryName = keyof typeof unary;
const functions: Readonly<Record<UnaryName, (x: Tensor) => Tensor>> = {
  neg: ops.neg,
  exp: ops.exp,
  log: ops.log,
  sqrt: ops.sqrt,
  abs: ops.abs,
  square: ops.square,
  sigmoid: ops.sigmoid,
  relu: ops.relu,
  softplus: ops.softplus,
  reciprocal: ops.reciprocal,
  tanh: ops.tanh,
};

/** Shapes that element-wise kernels must handle: ranks 0 to 6, remainders after vectors of 4 and workgroups of 64, empty. */
const shapes: readonly (readonly number[])[] = [
  [],
  [1],
  [3],
  [64],
  [65],
  [0],
  [2, 0, 3],
  [5, 7],
  [2, 3, 5],
  [2, 3, 1, 5],
  [1, 2, 3, 2, 3],
  [2, 1, 2, 3, 1, 2],
  [1021],
];

const over = (fill: (...shape: number[]) => CaseInput): { inputs: CaseInput[] }[] =>
  shapes.map((shape) => ({ inputs: [fill(...shape)] }));

/** Not differentiated: a kink, a pole, or a result that is too large for the step of a central difference. */
const forward = (...inputs: CaseInput[]): { inputs: CaseInput[]; differentiable: number[] } => ({
  inputs,
  differentiable: [],
});

const table = (op: UnaryName, tolerance: object, rows: readonly Row[]): OpCase[] =>
  casesOf({ op, run: ([x]) => functions[op](x!), reference: ([x]) => map(x!, unary[op]), tolerance, rows });

// The arguments of exp scale its error: 3 + 2 |x| units in the last place, and the rows reach 88.
const expTolerance = ulps(3 + 2 * 88);
// log(x) near 1 is accurate to 2^-21, elsewhere to 3 units in the last place.
const logTolerance = { ...ulps(4), absolute: 2 ** -21 };

export const cases: readonly OpCase[] = [
  ...table('neg', exact, [...over(normal), forward(special(33)), { inputs: [huge(7)] }]),
  ...table('abs', exact, [...over(apart), forward(special(33)), forward(values([0, -0], [5]))]),
  ...table('square', ulps(1), [...over(normal), forward(huge(37)), forward(tiny(37)), { inputs: [integers(9)] }]),
  ...table('relu', exact, [
    ...over(apart),
    forward(special(33)),
    forward(values([0], [5])),
    forward(tiny(9)),
    { inputs: [apart(3000)], sliced: true },
  ]),
  ...table('exp', expTolerance, [
    ...over(normal),
    forward(values([-87, -30, -1, 0, 1, 30, 88], [21])),
    forward(values([89, 1000, 1e15, -1e15], [5])),
    forward(tiny(9)),
  ]),
  ...table('log', logTolerance, [
    ...over(positive),
    forward(values([1, 0.999, 1.001, 1e-20, 1e-6, 1e6, 1e15], [21])),
    forward(values([0], [3])),
  ]),
  ...table('sqrt', ulps(5), [...over(positive), forward(values([0, 1, 4, 9, 2, 1e-20, 1e-6, 1e6, 1e15], [27]))]),
  ...table('reciprocal', ulps(3), [...over(positive), forward(huge(9)), forward(tiny(9)), { inputs: [apart(13)] }]),
  ...table('sigmoid', { ...ulps(16), absolute: 1e-7 }, [
    ...over(normal),
    forward(huge(9)),
    { inputs: [tiny(9)] },
    { inputs: [values([-80, -20, -5, 5, 20, 80], [13])] },
  ]),
  ...table('tanh', { ...ulps(16), absolute: 1e-6 }, [
    ...over(normal),
    { inputs: [values([-9, -5, -2, 2, 5, 9], [13])] },
    forward(huge(9)),
  ]),
  // Relative, so that log(1 + exp(x)) keeps its digits where it is about exp(x).
  ...table('softplus', ulps(64), [
    ...over(normal),
    forward(huge(9)),
    { inputs: [tiny(9)] },
    { inputs: [values([-16, -9, -5, 5, 9, 16, 30], [15])] },
  ]),
  ...casesOf<{ readonly low: number; readonly high: number }>({
    op: 'clamp',
    run: ([x], { low, high }) => ops.clamp(x!, low, high),
    reference: ([x], { low, high }) => clamp(x!, low, high),
    tolerance: exact,
    rows: [
      // Away from both limits by half of the 0.1 that `apart` keeps.
      { inputs: [apart(65)], options: { low: -1.05, high: 2.05 } },
      { inputs: [apart(3, 5, 7)], options: { low: -0.05, high: 3.05 } },
      { inputs: [apart()], options: { low: -10.05, high: 10.05 } },
      { inputs: [apart(9)], options: { low: 0.25, high: 0.25 } },
      { inputs: [integers(21)], options: { low: -1, high: 2 }, differentiable: [] },
      { inputs: [huge(9)], options: { low: -1, high: 2 } },
      { inputs: [normal(0)], options: { low: -1, high: 2 } },
    ],
  }),
];
