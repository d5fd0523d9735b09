import * as ops from '../../src/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { clamp, geluTanh, map, unary } from '../reference/elementwise.ts';
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
  subnormal,
  values,
  whole,
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
  sign: ops.sign,
  floor: ops.floor,
  ceil: ops.ceil,
  round: ops.round,
  trunc: ops.trunc,
  sin: ops.sin,
  cos: ops.cos,
  tan: ops.tan,
  asin: ops.asin,
  acos: ops.acos,
  atan: ops.atan,
  sinh: ops.sinh,
  cosh: ops.cosh,
  erf: ops.erf,
  log1p: ops.log1p,
  expm1: ops.expm1,
  rsqrt: ops.rsqrt,
  gelu: ops.gelu,
  silu: ops.silu,
  hardSwish: ops.hardSwish,
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

/**
 * Rows that every function of floats has: NaN, infinities, zeros, the largest and the smallest numbers. Functions whose value
 * jumps or explodes at 0 take a subnormal number for 0 on some drivers, as WGSL allows; they have only the first row.
 */
const extremes: readonly Row[] = [forward(special(33)), forward(subnormal(21))];

const table = (
  op: UnaryName,
  tolerance: object,
  rows: readonly Row[],
  more: { readonly differentiable?: readonly number[]; readonly results?: readonly ['int32'] } = {},
): OpCase[] =>
  casesOf({ op, run: ([x]) => functions[op](x!), reference: ([x]) => map(x!, unary[op]), tolerance, rows, ...more });

/** The same function of integers. */
const ofIntegers = (op: UnaryName): OpCase[] =>
  table(op, exact, [{ inputs: [whole(-40_000, 40_000, 'int32', 65)] }, { inputs: [whole(-9, 9, 'int32', 3, 0)] }], {
    differentiable: [],
    results: ['int32'],
  });

/** Numbers at least 0.1 away from every integer and every half. */
const offStep = (...shape: number[]): CaseInput => values([0.25, -0.25, 0.75, 3.3, -7.7, 100.1], shape);
/** Numbers from -1 to 1, away from both. */
const inside = (...shape: number[]): CaseInput => values([0, 0.125, -0.25, 0.45, -0.6, 0.75, -0.9], shape);
/** Numbers away from the poles of the tangent. */
const gentle = (...shape: number[]): CaseInput => values([0, 0.3, -0.7, 1.1, 2.5, -3, 4, -5.5], shape);

const classes = {
  isNaN: (v: number) => Number.isNaN(v),
  isFinite: (v: number) => Number.isFinite(v),
  isInfinite: (v: number) => Math.abs(v) === Infinity,
  logicalNot: (v: number) => v === 0,
};

// The arguments of exp scale its error: 3 + 2 |x| units in the last place, and the rows reach 88.
const expTolerance = ulps(3 + 2 * 88);
const logTolerance = ulps(4);

export const cases: readonly OpCase[] = [
  ...table('neg', exact, [...over(normal), ...extremes, { inputs: [huge(7)] }]),
  ...table('abs', exact, [...over(apart), ...extremes, forward(values([0, -0], [5]))]),
  ...table('square', ulps(1), [
    ...extremes,
    ...over(normal),
    forward(huge(37)),
    forward(tiny(37)),
    { inputs: [integers(9)] },
  ]),
  ...table('relu', exact, [
    ...over(apart),
    ...extremes,
    forward(values([0], [5])),
    forward(tiny(9)),
    { inputs: [apart(3000)], sliced: true },
  ]),
  ...table('exp', expTolerance, [
    ...extremes,
    ...over(normal),
    forward(values([-87, -30, -1, 0, 1, 30, 88], [21])),
    forward(values([89, 1000, 1e15, -1e15], [5])),
    forward(tiny(9)),
  ]),
  ...table('log', logTolerance, [
    forward(special(33)),
    ...over(positive),
    forward(values([1, 0.999, 1.001, 0.9999999, 1.0000001, 0.7, 1.3, 1e-20, 1e-6, 1e6, 1e15], [22])),
    forward(values([0], [3])),
  ]),
  ...table('sqrt', ulps(5), [
    forward(special(33)),
    ...over(positive),
    forward(values([0, 1, 4, 9, 2, 1e-20, 1e-6, 1e6, 1e15], [27])),
  ]),
  ...table('reciprocal', ulps(3), [
    forward(special(33)),
    ...over(positive),
    forward(huge(9)),
    forward(tiny(9)),
    { inputs: [apart(13)] },
  ]),
  ...table('sigmoid', { ...ulps(16), absolute: 1e-7 }, [
    ...extremes,
    ...over(normal),
    forward(huge(9)),
    { inputs: [tiny(9)] },
    { inputs: [values([-80, -20, -5, 5, 20, 80], [13])] },
  ]),
  ...table('tanh', { ...ulps(16), absolute: 1e-6 }, [
    ...extremes,
    ...over(normal),
    { inputs: [values([-9, -5, -2, 2, 5, 9], [13])] },
    forward(huge(9)),
  ]),
  // Relative, so that log(1 + exp(x)) keeps its digits where it is about exp(x).
  ...table('softplus', ulps(64), [
    ...extremes,
    ...over(normal),
    forward(huge(9)),
    { inputs: [tiny(9)] },
    { inputs: [values([-16, -9, -5, 5, 9, 16, 30], [15])] },
  ]),
  ...ofIntegers('neg'),
  ...ofIntegers('abs'),
  ...ofIntegers('square'),
  ...ofIntegers('relu'),
  ...ofIntegers('sign'),
  // Constant pieces: their gradient is 0 away from the steps.
  ...(['sign', 'floor', 'ceil', 'round', 'trunc'] as const).flatMap((op) =>
    table(op, exact, [
      ...over(op === 'sign' ? apart : offStep),
      ...(op === 'floor' || op === 'ceil' ? extremes.slice(0, 1) : extremes),
      forward(values([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 8388609, -16777216], [16])),
    ]),
  ),
  ...(['sin', 'cos'] as const).flatMap((op) =>
    table(op, { ...ulps(4), absolute: 1.5e-7 }, [
      ...over(normal),
      ...extremes,
      forward(tiny(9)),
      forward(huge(37)),
      forward(values([0.785398, 0.7853982, 1.5707964, 3.1415927, 1e4, 12345.678, 1e6, 1e10, 1e30, 3e38], [20])),
      forward(values([-0.785398, -1.5707964, -6.2831855, -1e5, -7e20], [5])),
    ]),
  ),
  ...table('tan', ulps(64), [...over(gentle), ...extremes, forward(values([1.5, -1.5, 3.2, 100, -12345.678], [5]))]),
  ...table('asin', ulps(16), [...over(inside), ...extremes, forward(values([1, -1, 0.5, -0.5, 0.99999, 1.5], [6]))]),
  ...table('acos', { ...ulps(16), absolute: 2e-7 }, [
    ...over(inside),
    ...extremes,
    forward(values([1, -1, 0.5, -0.5, 0.99999, -0.99999, 1.5], [7])),
  ]),
  ...table('atan', ulps(8), [...over(normal), ...extremes, forward(huge(9)), { inputs: [tiny(9)] }]),
  ...table('sinh', ulps(3 + 2 * 88), [
    ...over(normal),
    ...extremes,
    { inputs: [tiny(9)] },
    forward(values([-89, -5, 5, 88, 89, 100], [6])),
  ]),
  ...table('cosh', ulps(3 + 2 * 88), [...over(normal), ...extremes, forward(values([-89, -5, 5, 88, 89, 100], [6]))]),
  ...table('erf', ulps(16), [
    ...over(normal),
    ...extremes,
    { inputs: [tiny(9)] },
    forward(values([-9, -4, 3, 3.9, 5], [5])),
  ]),
  ...table('log1p', ulps(16), [
    ...over(positive),
    ...extremes,
    { inputs: [tiny(9)] },
    forward(values([-0.9, -0.5, -0.4999, 1, 1.001, 1e6, 1e30], [7])),
  ]),
  ...table('expm1', ulps(3 + 2 * 88), [
    ...over(normal),
    ...extremes,
    { inputs: [tiny(9)] },
    forward(values([-30, -0.35, 0.35, 88, 89], [5])),
  ]),
  ...table('rsqrt', ulps(8), [...over(positive), forward(special(33)), forward(values([1e-20, 1e-6, 1e6, 1e15], [4]))]),
  ...table('gelu', { ...ulps(32), absolute: 5e-7 }, [
    ...over(normal),
    ...extremes,
    { inputs: [tiny(9)] },
    forward(huge(9)),
    forward(values([-6, -4, -3, 3, 6], [5])),
  ]),
  ...table('silu', ulps(16), [
    ...over(normal),
    ...extremes,
    { inputs: [tiny(9)] },
    forward(values([-87, -20, 20, 88], [4])),
  ]),
  ...table('hardSwish', ulps(4), [
    ...over(apart),
    forward(special(33)),
    // The smallest numbers are rounded away in x + 3, not in the product.
    forward(subnormal(21)),
    forward(values([-3, 3, -2.9, 2.9], [4])),
  ]),
  ...casesOf({
    op: 'gelu',
    run: ([x]) => ops.gelu(x!, { approximate: 'tanh' }),
    reference: ([x]) => map(x!, geluTanh),
    tolerance: { ...ulps(32), absolute: 5e-7 },
    rows: [normal(65), normal(2, 3, 5), tiny(9)].map((input) => ({ inputs: [input], note: 'tanh' })),
  }),
  ...casesOf<{ readonly slope?: number }>({
    op: 'leakyRelu',
    run: ([x], options) => ops.leakyRelu(x!, options),
    reference: ([x], { slope = 0.01 }) => map(x!, (v) => (v > 0 ? v : Math.fround(slope) * v)),
    tolerance: ulps(1),
    rows: [
      ...over(apart),
      ...extremes,
      { inputs: [apart(65)], options: { slope: 0.2 } },
      { inputs: [apart(3, 5, 7)], options: { slope: 0 } },
      { inputs: [apart(3000)], options: { slope: -1.5 }, sliced: true },
    ],
  }),
  ...casesOf<{ readonly alpha?: number }>({
    op: 'elu',
    run: ([x], options) => ops.elu(x!, options),
    reference: ([x], { alpha = 1 }) => map(x!, (v) => (v > 0 ? v : alpha * Math.expm1(v))),
    tolerance: ulps(16),
    rows: [
      ...over(apart),
      ...extremes,
      { inputs: [apart(65)], options: { alpha: 0.25 } },
      { inputs: [values([-87, -20, -1e-6, 50], [4])], options: { alpha: 2 }, differentiable: [] },
    ],
  }),
  ...(['isNaN', 'isFinite', 'isInfinite', 'logicalNot'] as const).flatMap((op) =>
    casesOf({
      op,
      run: ([x]) => ops[op](x!),
      reference: ([x]) => map(x!, (v) => Number(classes[op](v))),
      tolerance: exact,
      differentiable: [],
      results: ['bool'],
      rows: [
        special(33),
        normal(65),
        huge(9),
        special(2, 11, 3),
        normal(0),
        whole(-2, 2, 'int32', 9),
        whole(0, 1, 'bool', 9),
      ].map((input) => ({ inputs: [input] })),
    }),
  ),
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
      { inputs: [special(33)], options: { low: -1, high: 2 }, differentiable: [] },
      { inputs: [special(33)], options: { low: -Infinity, high: Infinity }, differentiable: [] },
      { inputs: [huge(9)], options: { low: -1, high: 2 } },
      { inputs: [normal(0)], options: { low: -1, high: 2 } },
    ],
  }),
];
