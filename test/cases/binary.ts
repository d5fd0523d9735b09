import * as ops from '../../src/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { ref, type Ref } from '../reference/array.ts';
import { binary, where, zip } from '../reference/elementwise.ts';
import { exact, ulps, type Tolerance } from '../support/compare.ts';
import {
  apart,
  casesOf,
  huge,
  integers,
  normal,
  ones,
  positive,
  sameType,
  special,
  specialPairs,
  subnormal,
  ties,
  tiny,
  values,
  whole,
  type CaseInput,
  type OpCase,
  type Row,
  type Table,
} from '../support/op-case.ts';

type BinaryName = keyof typeof binary;
type Binary = (a: Tensor | number, b: Tensor | number) => Tensor;
const functions: Readonly<Record<BinaryName, Binary>> = {
  add: ops.add,
  sub: ops.sub,
  mul: ops.mul,
  div: ops.div,
  pow: ops.pow,
  minimum: ops.minimum,
  maximum: ops.maximum,
  equal: ops.equal,
  notEqual: ops.notEqual,
  less: ops.less,
  lessEqual: ops.lessEqual,
  greater: ops.greater,
  greaterEqual: ops.greaterEqual,
  logicalAnd: ops.logicalAnd,
  logicalOr: ops.logicalOr,
  logicalXor: ops.logicalXor,
  atan2: ops.atan2,
};
/** One number in place of the left or of the right input. */
type Operands = { readonly left?: number; readonly right?: number };
type Filler = (...shape: number[]) => CaseInput;

/** Pairs of shapes: equal, one broadcast, both broadcast, ranks 0 to 6, empty. */
const pairs: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[], []],
  [[1], []],
  [[65], [65]],
  [
    [5, 7],
    [5, 7],
  ],
  [[3, 5], []],
  [[], [3, 5]],
  [[3, 5], [5]],
  [[5], [3, 5]],
  [
    [3, 5],
    [3, 1],
  ],
  [
    [3, 1],
    [1, 5],
  ],
  [[2, 5, 7, 3], [3]],
  [[2, 5, 7, 8], [8]],
  [
    [2, 5, 7, 3],
    [2, 1, 1, 3],
  ],
  [
    [2, 5, 1, 3],
    [1, 7, 1],
  ],
  [
    [2, 1, 3, 1, 2],
    [1, 4, 1, 5, 2],
  ],
  [
    [2, 1, 3, 1, 2, 1],
    [1, 2, 1, 3, 1, 4],
  ],
  [[1, 1, 1], [1]],
  [[0], [1]],
  [[0, 3], [3]],
  [
    [2, 1],
    [1, 0],
  ],
];

const over = (a: Filler, b: Filler = a): Row<Operands>[] => pairs.map(([x, y]) => ({ inputs: [a(...x), b(...y)] }));

/** A number as the left and as the right operand. */
const numbers = (fill: Filler, left: number, right: number): Row<Operands>[] => [
  { inputs: [fill(3, 5)], options: { left } },
  { inputs: [fill(65)], options: { right } },
];

const forward = (...inputs: CaseInput[]): Row<Operands> => ({ inputs, differentiable: [] });

/** a and b: both inputs, or one input and the number beside it. */
function operands(inputs: readonly Ref[], { left, right }: Operands): readonly [Ref, Ref] {
  const number = (value: number): Ref => ref([], [Number.isInteger(value) ? value : Math.fround(value)]);
  if (left !== undefined) return [number(left), inputs[0]!];
  return [inputs[0]!, right !== undefined ? number(right) : inputs[1]!];
}

function table(
  op: BinaryName,
  tolerance: Tolerance,
  rows: readonly Row<Operands>[],
  {
    f = binary[op],
    ...more
  }: Partial<Pick<Table<Operands>, 'results' | 'differentiable'>> & { f?: (a: number, b: number) => number } = {},
): OpCase[] {
  return casesOf<Operands>({
    op,
    run: ([a, b], { left, right }) => (left === undefined ? functions[op](a!, right ?? b!) : functions[op](left, a!)),
    reference: (inputs, options) => zip(...operands(inputs, options), f),
    tolerance,
    rows,
    results: sameType,
    ...more,
  });
}

const ints = (op: 'add' | 'sub' | 'mul' | 'minimum' | 'maximum'): OpCase[] =>
  table(op, exact, [
    { inputs: [whole(-9, 9, 'int32', 3, 5), whole(-9, 9, 'int32', 5)] },
    { inputs: [whole(10, 20, 'uint32', 65), whole(0, 9, 'uint32', 65)] },
    { inputs: [whole(-9, 9, 'int32', 7)], options: { right: 3 } },
    {
      inputs: [values([0, 16777216, -5], [9], 'int32')],
      options: { right: op === 'mul' ? 127 : 16777217 },
      note: 'beyond 2^24',
    },
  ]);

/** Every special value beside every other, through the kernel for equal shapes and that for broadcast ones. */
const extremes = (): Row<Operands>[] => [
  forward(...specialPairs()),
  forward(special(11, 1), special(11)),
  { inputs: [special(33)], options: { right: Infinity }, differentiable: [] },
  { inputs: [special(33)], options: { left: NaN }, differentiable: [] },
];

type Truth =
  | 'equal'
  | 'notEqual'
  | 'less'
  | 'lessEqual'
  | 'greater'
  | 'greaterEqual'
  | 'logicalAnd'
  | 'logicalOr'
  | 'logicalXor';
const comparison = (op: Truth): OpCase[] =>
  table(
    op,
    exact,
    [
      ...over(ties),
      ...numbers(ties, 1, 1),
      forward(normal(65), normal(65)),
      { inputs: [whole(-2, 2, 'int32', 3, 5), whole(-2, 2, 'int32', 5)] },
      { inputs: [whole(0, 3, 'uint32', 9), whole(0, 3, 'uint32', 9)] },
      { inputs: [whole(0, 1, 'bool', 3, 5), whole(0, 1, 'bool', 5)] },
      // Beyond 2^24, where a float cannot hold them.
      { inputs: [values([16777216, 16777217, 2147483647, -2147483648], [8], 'int32')], options: { right: 16777217 } },
      { inputs: [values([4294967295, 4294967294, 0], [6], 'uint32')], options: { left: 4294967295 } },
      ...extremes(),
      // By their bits, which a driver that takes subnormal numbers for 0 leaves alone.
      forward(subnormal(5, 1), subnormal(5)),
    ],
    { results: ['bool'], differentiable: [] },
  );

export const cases: readonly OpCase[] = [
  ...table('add', ulps(1), [
    ...extremes(),
    ...over(normal),
    ...numbers(normal, 1.5, -0.25),
    forward(huge(33), huge(33)),
    { inputs: [normal(3001), normal(3001)], sliced: true },
    { inputs: [normal(5, 7, 40), normal(40)], sliced: true },
  ]),
  ...table('sub', ulps(1), [
    ...extremes(),
    ...over(normal),
    ...numbers(normal, 1.5, -0.25),
    forward(huge(33), normal(33)),
  ]),
  ...table('mul', ulps(1), [
    ...extremes(),
    ...over(normal),
    ...numbers(normal, 1.5, -0.25),
    forward(huge(33), tiny(33)),
    { inputs: [normal(50, 1, 7), normal(1, 9, 7)], sliced: true },
    // Slices of rows whose size is not a multiple of 4.
    { inputs: [normal(7, 301), normal(7, 1)], sliced: true },
  ]),
  ...table('div', ulps(3), [
    ...extremes(),
    ...over(normal, positive),
    ...numbers(positive, 1.5, -0.25),
    forward(huge(33), tiny(33)),
    forward(values([1, -1, 0], [3]), values([0], [3])),
  ]),
  // The exponent times the logarithm is rounded before it is raised: the error grows with it.
  ...table('pow', ulps(64), [
    ...extremes(),
    // Exact.
    { inputs: [values([5, 1001, -3, 2, 0.5, 1.5], [12])], options: { right: 2 }, tolerance: exact, differentiable: [] },
    { inputs: [normal(100)], options: { right: 1 }, tolerance: exact, differentiable: [] },
    { inputs: [values([3, -5, 10], [9])], options: { right: 7 }, tolerance: exact, differentiable: [] },
    { inputs: [values([-1.5, 0, 2], [9])], options: { right: 0 } },
    ...over(positive, normal),
    ...numbers(positive, 1.5, 2.5),
    { inputs: [normal(65)], options: { right: 2 } },
    { inputs: [apart(13)], options: { right: 3 } },
    { inputs: [apart(13)], options: { right: -2 } },
    { inputs: [positive(13)], options: { right: 0.5 } },
    { inputs: [normal(13)], options: { right: 0 }, differentiable: [] },
    forward(values([0, 0, 2, -2, -3], [5]), values([0, 2, 0, 2, 3], [5])),
  ]),
  ...(['minimum', 'maximum'] as const).flatMap((op) => [
    ...table(op, exact, [
      ...extremes(),
      forward(subnormal(5, 1), subnormal(5)),
      ...over(apart),
      ...numbers(apart, 0.25, 0.25),
      // Equal operands get half of the gradient each, as a central difference does.
      { inputs: [ties(65), ties(65)] },
      { inputs: [ties(3, 5), ties(5)] },
      forward(huge(9), tiny(9)),
    ]),
    ...ints(op),
  ]),
  ...table('atan2', { ...ulps(8), absolute: 1e-7 }, [
    ...over(apart),
    ...numbers(apart, 0.3, -0.7),
    ...extremes(),
    forward(values([1, -1, 0, -0], [16]), values([1, 1, 1, 1, -1, -1, -1, -1, 0, 0, 0, 0], [16])),
    forward(huge(33), tiny(33)),
  ]),
  ...ints('add'),
  ...ints('sub'),
  ...ints('mul'),
  ...table(
    'div',
    exact,
    [
      { inputs: [whole(-20, 20, 'int32', 33), whole(1, 6, 'int32', 33)] },
      { inputs: [whole(-20, 20, 'int32', 3, 5), whole(-6, -1, 'int32', 5)] },
      { inputs: [whole(0, 50, 'uint32', 33)], options: { right: 7 } },
    ],
    { f: (a, b) => Math.trunc(a / b) },
  ),
  ...(
    [
      'equal',
      'notEqual',
      'less',
      'lessEqual',
      'greater',
      'greaterEqual',
      'logicalAnd',
      'logicalOr',
      'logicalXor',
    ] as const
  ).flatMap(comparison),
  ...casesOf({
    op: 'where',
    run: ([condition, a, b]) => ops.where(condition!, a!, b!),
    reference: ([c, a, b]) => where(c!, a!, b!),
    tolerance: exact,
    results: (row) => [row.inputs[1]!.dtype],
    rows: [
      { inputs: [whole(0, 1, 'uint32', 65), normal(65), normal(65)] },
      { inputs: [whole(0, 1, 'uint32', 3, 5), normal(3, 5), normal(3, 5)] },
      { inputs: [whole(0, 1, 'uint32'), normal(), normal()] },
      { inputs: [whole(0, 1, 'uint32', 3, 1), normal(5), normal(3, 5)] },
      { inputs: [whole(0, 1, 'uint32', 5), normal(2, 3, 1), normal()] },
      { inputs: [whole(0, 1, 'uint32', 2, 1, 3, 1), normal(4, 1, 5), normal(1, 1, 3, 5)] },
      { inputs: [whole(0, 9, 'uint32', 33), huge(33), tiny(33)] },
      // A NaN is not 0.
      { inputs: [special(22), ones(22), integers(22)], differentiable: [1, 2] },
      { inputs: [whole(0, 1, 'bool', 9), whole(0, 1, 'bool', 9), whole(0, 1, 'bool', 9)] },
      // The value that is not chosen must not leak, not even a NaN.
      { inputs: [values([1, 0], [22], 'uint32'), ones(22), special(22)], differentiable: [] },
      { inputs: [whole(0, 1, 'uint32', 9), whole(-9, 9, 'int32', 9), whole(-9, 9, 'int32', 9)] },
      { inputs: [whole(0, 1, 'uint32', 0), normal(0), normal(1)] },
      { inputs: [whole(0, 1, 'uint32', 7), integers(7), integers(7)] },
      { inputs: [whole(0, 1, 'uint32', 40, 50), normal(40, 50), normal(40, 50)], sliced: true },
    ],
  }),
];
