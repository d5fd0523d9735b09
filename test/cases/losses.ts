import * as ops from '../../src/index.ts';
import {
  bceWithLogits,
  crossEntropy,
  giouLoss,
  huberLoss,
  l1Loss,
  mseLoss,
  nllLoss,
  reduced,
  sigmoidFocalLoss,
  smoothL1,
} from '../reference/losses.ts';
import type { Ref } from '../reference/array.ts';
import { tolerance, ulps } from '../support/compare.ts';
import {
  apart,
  boxes,
  casesOf,
  huge,
  normal,
  positive,
  probability,
  special,
  values,
  whole,
  zeros,
  type CaseInput,
  type OpCase,
  type Row,
} from '../support/op-case.ts';

/** Classes from -2 (ignored) and -1 (background) to K - 1. */
const targets = (k: number, ...shape: number[]): CaseInput => whole(-2, k - 1, 'int32', ...shape);

const extremeLogits = [-100, -30, -10, 0, 10, 30, 100];

interface RowOptions {
  readonly labelSmoothing?: number;
  readonly ignoreIndex?: number;
  readonly reduction?: ops.Reduction;
}

/** Cases of a loss of rows [.., K] with a target class each; a third input is the weight of the classes. */
const rowLosses = (
  op: string,
  run: (x: ops.Tensor, targets: ops.Tensor, options: ops.CrossEntropyOptions) => ops.Tensor,
  reference: (x: Ref, targets: Ref, options: RowOptions & { readonly weight?: Ref }) => Ref,
  rows: readonly Row<RowOptions>[],
): OpCase[] =>
  casesOf<RowOptions>({
    op,
    run: ([x, classes, weight], options) =>
      run(x!, classes!, { reduction: 'none', ...options, ...(weight && { weight }) }),
    reference: ([x, classes, weight], options) => reference(x!, classes!, { ...options, ...(weight && { weight }) }),
    differentiable: [0],
    terms: ([x]) => x!.at(-1)!,
    tolerance: { relative: 1e-5, absolute: 4e-6 },
    rows: [
      { inputs: [normal(5), whole(0, 4, 'int32')] },
      { inputs: [normal(33, 1), whole(0, 0, 'int32', 33)] },
      { inputs: [normal(33, 5), whole(0, 4, 'int32', 33)] },
      { inputs: [normal(7, 65), whole(0, 64, 'int32', 7)] },
      { inputs: [normal(2, 3, 4, 6), whole(0, 5, 'int32', 2, 3, 4)] },
      { inputs: [normal(300, 5), whole(0, 4, 'int32', 300)], sliced: true },
      { inputs: [normal(0, 5), whole(0, 4, 'int32', 0)] },
      { inputs: [normal(33, 5), whole(0, 4, 'int32', 33)], options: { reduction: 'mean' } },
      { inputs: [normal(33, 5), whole(0, 4, 'int32', 33)], options: { reduction: 'sum' } },
      { inputs: [normal(33, 5), whole(0, 4, 'int32', 33), positive(5)] },
      { inputs: [normal(33, 5), whole(-1, 4, 'int32', 33)], options: { ignoreIndex: -1 } },
      {
        inputs: [normal(33, 5), whole(-1, 4, 'int32', 33), positive(5)],
        options: { ignoreIndex: -1, reduction: 'mean' },
      },
      { inputs: [normal(33, 5), whole(0, 4, 'int32', 33)], options: { ignoreIndex: 2, reduction: 'mean' } },
      { note: 'no class', inputs: [normal(5, 3), values([3, -1, 0, -100, 255], [5], 'int32')], differentiable: [] },
      { note: 'all ignored', inputs: [normal(3, 5), values([-100], [3], 'int32')] },
      {
        note: 'all ignored',
        inputs: [normal(3, 5), values([-100], [3], 'int32')],
        options: { reduction: 'mean' },
        differentiable: [],
      },
      {
        inputs: [normal(0, 5), whole(0, 4, 'int32', 0)],
        options: { reduction: 'mean' },
        differentiable: [],
      },
      { inputs: [special(11, 5), whole(0, 4, 'int32', 11)], differentiable: [] },
      ...rows,
    ],
  });

/** Cases of a loss of two tensors of one shape. */
const pairLosses = (
  op: string,
  run: (a: ops.Tensor, b: ops.Tensor, options: ops.LossOptions) => ops.Tensor,
  reference: (a: Ref, b: Ref) => Ref,
  note?: string,
): OpCase[] =>
  casesOf<ops.LossOptions>({
    op,
    run: ([a, b], options) => run(a!, b!, options),
    reference: ([a, b], { reduction }) => reduced(reference(a!, b!), reduction),
    tolerance: { relative: 1e-5, absolute: 1e-6 },
    rows: [
      { inputs: [apart(), apart()] },
      { inputs: [apart(65), apart(65)], options: { reduction: 'none' } },
      { inputs: [apart(3, 5), apart(3, 5)] },
      { inputs: [apart(2, 3, 1, 5), apart(2, 3, 1, 5)], options: { reduction: 'sum' } },
      { note: 'special', inputs: [special(11), zeros(11)], options: { reduction: 'none' }, differentiable: [] },
      { inputs: [apart(0, 4), apart(0, 4)], options: { reduction: 'none' } },
      { inputs: [apart(0, 4), apart(0, 4)], options: { reduction: 'sum' } },
      { inputs: [apart(0, 4), apart(0, 4)], differentiable: [] },
    ].map((row) => (note === undefined ? row : { ...row, note })) as Row<ops.LossOptions>[],
  });

export const cases: readonly OpCase[] = [
  ...casesOf<{ readonly alpha?: number; readonly gamma?: number }>({
    op: 'sigmoidFocalLoss',
    run: ([logits, classes], options) => ops.sigmoidFocalLoss(logits!, classes!, options),
    reference: ([logits, classes], { alpha, gamma }) => sigmoidFocalLoss(logits!, classes!, alpha, gamma),
    differentiable: [0],
    tolerance: { relative: 1e-5, absolute: 1e-12 },
    rows: [
      { inputs: [normal(1), targets(1)] },
      { inputs: [normal(65, 1), targets(1, 65)] },
      { inputs: [normal(33, 5), targets(5, 33)] },
      { inputs: [normal(2, 17, 3), targets(3, 2, 17)] },
      { inputs: [normal(2, 3, 4, 8), targets(8, 2, 3, 4)] },
      { inputs: [normal(7, 33), targets(33, 7)] },
      { inputs: [normal(33, 5), targets(5, 33)], options: { alpha: 0.75, gamma: 1.5 } },
      { inputs: [normal(33, 5), targets(5, 33)], options: { alpha: 0.5, gamma: 0 } },
      { inputs: [normal(33, 5), targets(5, 33)], options: { gamma: 1 } },
      { inputs: [normal(33, 5), targets(5, 33)], options: { alpha: -1 } },
      { inputs: [normal(33, 5), targets(5, 33)], options: { alpha: 0 } },
      { note: 'all background', inputs: [normal(9, 3), values([-1], [9], 'int32')] },
      { note: 'all ignored', inputs: [normal(9, 3), values([-2], [9], 'int32')] },
      { note: 'all of class 0', inputs: [normal(9, 3), values([0], [9], 'int32')] },
      { note: 'far out', inputs: [values(extremeLogits, [21, 2]), targets(2, 21)], tolerance: { relative: 1e-4 } },
      {
        note: 'far out',
        inputs: [values(extremeLogits, [21, 1]), targets(1, 21)],
        options: { gamma: 0.5 },
        tolerance: { relative: 1e-4 },
      },
      { inputs: [normal(0, 3), targets(3, 0)] },
      { note: 'no class', inputs: [normal(6, 3), values([3, -3, 1, 99, -1, -2], [6], 'int32')], differentiable: [] },
      { inputs: [special(22, 2), targets(2, 22)], differentiable: [] },
    ],
  }),
  ...casesOf<{ readonly reduction?: ops.Reduction; readonly posWeight?: number }>({
    op: 'bceWithLogits',
    run: ([logits, goals], options) => ops.bceWithLogits(logits!, goals!, { reduction: 'none', ...options }),
    reference: ([logits, goals], { reduction = 'none', posWeight }) =>
      reduced(bceWithLogits(logits!, goals!, posWeight), reduction),
    tolerance: { relative: 1e-5, absolute: 1e-6 },
    rows: [
      { inputs: [normal(), probability()] },
      { inputs: [normal(65), probability(65)] },
      { inputs: [normal(2, 5, 7, 3), probability(2, 5, 7, 3)] },
      { inputs: [normal(33, 3), probability(33, 3)], options: { reduction: 'mean' } },
      { inputs: [normal(33, 3), probability(33, 3)], options: { reduction: 'sum', posWeight: 3.5 } },
      // Both tails keep their digits.
      { note: 'sure', inputs: [values(extremeLogits, [14]), values([0, 1], [14])], tolerance: { relative: 1e-5 } },
      // The targets' gradient is the logit itself.
      { note: 'far out', inputs: [values(extremeLogits, [21]), values([0, 1], [21])] },
      { inputs: [huge(9), values([0, 1, 0.5], [9])], differentiable: [] },
      { inputs: [special(22), values([0, 1], [22])], differentiable: [] },
      { inputs: [normal(0), probability(0)] },
      { inputs: [normal(0), probability(0)], options: { reduction: 'mean' }, differentiable: [] },
    ],
  }),
  ...rowLosses('crossEntropy', ops.crossEntropy, crossEntropy, [
    { note: 'would overflow', inputs: [values([1000, 999, 1001, 998.5], [3, 4]), whole(0, 3, 'int32', 3)] },
    { inputs: [huge(3, 5), whole(0, 4, 'int32', 3)], differentiable: [] },
    { inputs: [normal(33, 5), whole(0, 4, 'int32', 33)], options: { labelSmoothing: 0.1 } },
    { inputs: [normal(33, 5), whole(0, 4, 'int32', 33)], options: { labelSmoothing: 1, reduction: 'mean' } },
    { inputs: [normal(7, 5), whole(-1, 4, 'int32', 7)], options: { labelSmoothing: 0.3, ignoreIndex: -1 } },
    {
      inputs: [normal(33, 5), whole(-1, 4, 'int32', 33), positive(5)],
      options: { labelSmoothing: 0.3, ignoreIndex: -1, reduction: 'mean' },
    },
  ]),
  ...rowLosses('nllLoss', ops.nllLoss, nllLoss, []),
  ...pairLosses('mseLoss', ops.mseLoss, mseLoss),
  ...pairLosses('l1Loss', ops.l1Loss, l1Loss),
  ...pairLosses('huberLoss', ops.huberLoss, huberLoss),
  ...pairLosses(
    'huberLoss',
    (a, b, o) => ops.huberLoss(a, b, { ...o, delta: 2.4 }),
    (a, b) => huberLoss(a, b, 2.4),
    'delta 2.4',
  ),
  ...pairLosses(
    'smoothL1Loss',
    (a, b, o) => ops.smoothL1Loss(a, b, { ...o, beta: 0.25 }),
    (a, b) => smoothL1(a, b, 0.25),
  ),
  ...casesOf<{ readonly beta?: number }>({
    op: 'smoothL1',
    run: ([a, b], options) => ops.smoothL1(a!, b!, options),
    reference: ([a, b], { beta }) => smoothL1(a!, b!, beta),
    tolerance: (terms) => ({ ...tolerance(terms), ...ulps(8) }),
    rows: [
      { inputs: [normal(), normal()] },
      { inputs: [normal(65), normal(65)] },
      { inputs: [normal(33, 4), normal(33, 4)], options: { beta: 0.11 } },
      { inputs: [normal(33, 4), normal(33, 4)], options: { beta: 1 / 9 } },
      { inputs: [apart(33, 4), apart(33, 4)], options: { beta: 0 } },
      { inputs: [normal(33, 4), normal(33, 4)], options: { beta: 10 } },
      { inputs: [normal(3, 5), normal(5)], options: { beta: 0.5 } },
      { inputs: [normal(5, 1), normal(1, 7)] },
      { note: 'equal', inputs: [values([1, 2, 3], [9]), values([1, 2, 3], [9])] },
      { note: 'equal', inputs: [values([1, 2], [8]), values([1, 2], [8])], options: { beta: 0 }, differentiable: [] },
      { inputs: [huge(9), normal(9)], differentiable: [] },
      { inputs: [normal(0, 4), normal(0, 4)] },
    ],
  }),
  ...casesOf<{ readonly eps?: number }>({
    op: 'giouLoss',
    run: ([a, b], options) => ops.giouLoss(a!, b!, options),
    reference: ([a, b], { eps }) => giouLoss(a!, b!, eps),
    // From coordinates of up to 90 pixels.
    tolerance: { relative: 1e-5, absolute: 2e-6 },
    rows: [
      { inputs: [boxes(1, 4), boxes(1, 4)] },
      { inputs: [boxes(65, 4), boxes(65, 4)] },
      { inputs: [boxes(3, 11, 4), boxes(3, 11, 4)] },
      { inputs: [boxes(4), boxes(4)] },
      { inputs: [boxes(33, 4), boxes(33, 4)], options: { eps: 1e-3 } },
      { note: 'apart', inputs: [values([0, 0, 8, 9], [3, 4]), values([20, 30, 25, 33], [3, 4])] },
      { note: 'one in the other', inputs: [values([0, 0, 30, 20], [3, 4]), values([5, 6, 15, 12], [3, 4])] },
      { note: 'the same', inputs: [values([3, 4, 9, 12], [3, 4]), values([3, 4, 9, 12], [3, 4])], differentiable: [] },
      { note: 'touching', inputs: [values([0, 0, 8, 9], [1, 4]), values([8, 0, 12, 9], [1, 4])], differentiable: [] },
      { note: 'no area', inputs: [values([3, 4, 3, 9], [1, 4]), values([1, 2, 9, 9.5], [1, 4])], differentiable: [] },
      { inputs: [boxes(0, 4), boxes(0, 4)] },
    ],
  }),
];
