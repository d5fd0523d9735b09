import * as ops from '../../src/index.ts';
import { bceWithLogits, crossEntropy, giouLoss, sigmoidFocalLoss, smoothL1 } from '../reference/losses.ts';
import { tolerance, ulps } from '../support/compare.ts';
import {
  apart,
  boxes,
  casesOf,
  huge,
  normal,
  probability,
  values,
  whole,
  type CaseInput,
  type OpCase,
} from '../support/op-case.ts';

/** Classes from -2 (ignored) and -1 (background) to K - 1. */
const targets = (k: number, ...shape: number[]): CaseInput => whole(-2, k - 1, 'int32', ...shape);

const extremeLogits = [-100, -30, -10, 0, 10, 30, 100];

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
    ],
  }),
  ...casesOf({
    op: 'bceWithLogits',
    run: ([logits, goals]) => ops.bceWithLogits(logits!, goals!, { reduction: 'none' }),
    reference: ([logits, goals]) => bceWithLogits(logits!, goals!),
    tolerance: { relative: 1e-5, absolute: 1e-6 },
    rows: [
      { inputs: [normal(), probability()] },
      { inputs: [normal(65), probability(65)] },
      { inputs: [normal(2, 5, 7, 3), probability(2, 5, 7, 3)] },
      { note: 'sure', inputs: [normal(33), values([0, 1], [33])] },
      // The targets' gradient is the logit itself.
      { note: 'far out', inputs: [values(extremeLogits, [21]), values([0, 1], [21])] },
      { inputs: [huge(9), values([0, 1, 0.5], [9])], differentiable: [] },
      { inputs: [normal(0), probability(0)] },
    ],
  }),
  ...casesOf({
    op: 'crossEntropy',
    run: ([logits, classes]) => ops.crossEntropy(logits!, classes!, { reduction: 'none' }),
    reference: ([logits, classes]) => crossEntropy(logits!, classes!),
    differentiable: [0],
    terms: ([logits]) => logits!.at(-1)!,
    tolerance: { relative: 1e-5, absolute: 4e-6 },
    rows: [
      { inputs: [normal(5), whole(0, 4, 'int32')] },
      { inputs: [normal(33, 1), whole(0, 0, 'int32', 33)] },
      { inputs: [normal(33, 5), whole(0, 4, 'int32', 33)] },
      { inputs: [normal(7, 65), whole(0, 64, 'int32', 7)] },
      { inputs: [normal(2, 3, 4, 6), whole(0, 5, 'int32', 2, 3, 4)] },
      { note: 'would overflow', inputs: [values([1000, 999, 1001, 998.5], [3, 4]), whole(0, 3, 'int32', 3)] },
      { inputs: [huge(3, 5), whole(0, 4, 'int32', 3)], differentiable: [] },
      { inputs: [normal(0, 5), whole(0, 4, 'int32', 0)] },
    ],
  }),
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
