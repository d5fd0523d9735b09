import * as ops from '../../src/index.ts';
import { sizeOf } from '../reference/array.ts';
import { batchNorm, batchNormInference, groupNorm, layerNorm } from '../reference/normalization.ts';
import { tolerance } from '../support/compare.ts';
import {
  apart,
  casesOf,
  normal,
  offset,
  positive,
  special,
  tiny,
  values,
  zeros,
  type CaseInput,
  type OpCase,
} from '../support/op-case.ts';

type Eps = { readonly eps?: number };
type Filler = (...shape: number[]) => CaseInput;

/** x [.., C] with gamma and beta. */
const affine = (shape: readonly number[], fill: Filler = normal): CaseInput[] => {
  const c = shape.at(-1)!;
  return [fill(...shape), normal(c), normal(c)];
};

/** Also with the running mean and variance. */
const running = (...shape: number[]): CaseInput[] => {
  const c = shape.at(-1)!;
  return [...affine(shape), normal(c), positive(c)];
};

/** Rows [..., ...shape] with gamma and beta of the shape. */
const layers = (lead: readonly number[], ...shape: number[]): CaseInput[] => [
  normal(...lead, ...shape),
  normal(...shape),
  normal(...shape),
];

/** The mean of many of these is rounded, and a variance of 0 would show it. */
const equal: Filler = (...shape) => values([1000.1], shape);

// x minus its mean of 100 has lost 7 bits, and all that follows inherits it.
const lossy = { relative: 1e-4, absolute: 1e-4 };

export const cases: readonly OpCase[] = [
  ...casesOf<Eps>({
    op: 'batchNorm',
    run: ([x, gamma, beta], options) => {
      const { y, mean, variance } = ops.batchNorm(x!, gamma!, beta!, options);
      return [y, mean, variance];
    },
    reference: ([x, gamma, beta], { eps }) => {
      const { y, mean, variance } = batchNorm(x!, gamma!, beta!, eps);
      return [y, mean, variance];
    },
    results: ['float32', 'float32', 'float32'],
    tolerance: (_, { inputs }) => tolerance(sizeOf(inputs[0]!.shape.slice(0, -1))),
    rows: [
      { inputs: affine([2, 5, 7, 3]) },
      { inputs: affine([2, 3, 3, 1]) },
      { inputs: affine([3, 4, 5, 8]) },
      { inputs: affine([1, 5, 7, 5]) },
      { inputs: affine([2, 3, 2, 33]) },
      { inputs: affine([1, 2, 3, 64]) },
      // Two elements, which must differ, or the variance has no significant digits. The gradient of x nearly cancels: its
      // terms are 1e5 times as large.
      { inputs: affine([2, 1, 1, 6], apart), tolerance: { relative: 1e-5, absolute: 1e-5 }, differentiable: [1, 2] },
      { inputs: affine([3, 1, 1, 6], apart), tolerance: { relative: 1e-5, absolute: 1e-5 } },
      { inputs: affine([1, 33, 31, 2]) },
      { inputs: affine([9, 10, 10, 5]), sliced: true },
      { inputs: affine([1, 1, 4099, 3]) },
      { inputs: affine([7, 5]) },
      { inputs: affine([130, 16]) },
      { inputs: affine([2, 5, 7, 3]), options: { eps: 0.1 } },
      { inputs: affine([2, 5, 7, 4]), options: { eps: 1e-3 } },
      { inputs: affine([2, 9, 7, 3], offset), tolerance: lossy, differentiable: [] },
      { note: 'all equal', inputs: affine([2, 3, 3, 4], zeros) },
      { note: 'all equal', inputs: affine([2, 9, 8, 4], equal), differentiable: [1, 2] },
      // A variance far below eps.
      { inputs: affine([2, 3, 3, 4], tiny), differentiable: [] },
      { note: 'one element', inputs: affine([1, 1, 1, 4]), differentiable: [1, 2] },
    ],
  }),
  ...casesOf<Eps>({
    op: 'batchNormInference',
    run: ([x, gamma, beta, mean, variance], options) =>
      ops.batchNormInference(x!, gamma!, beta!, mean!, variance!, options),
    reference: ([x, gamma, beta, mean, variance], { eps }) =>
      batchNormInference(x!, gamma!, beta!, mean!, variance!, eps),
    // The statistics are buffers and have no gradient.
    differentiable: [0, 1, 2],
    tolerance: (terms) => tolerance(terms, 4),
    rows: [
      { inputs: running(2, 5, 7, 3) },
      { inputs: running(1, 3, 3, 1) },
      { inputs: running(3, 4, 5, 8) },
      { inputs: running(1, 2, 3, 33) },
      { inputs: running(1, 2, 3, 64) },
      { inputs: running(7, 5) },
      { inputs: running(1, 1, 1, 6) },
      { inputs: running(0, 3, 3, 4) },
      { inputs: running(2, 5, 7, 3), options: { eps: 0.1 } },
      { inputs: running(2, 5, 7, 4), options: { eps: 0 } },
    ],
  }),
  ...casesOf<Eps & { readonly groups: number }>({
    op: 'groupNorm',
    run: ([x, gamma, beta], { groups, ...options }) => ops.groupNorm(x!, groups, gamma!, beta!, options),
    reference: ([x, gamma, beta], { groups, eps }) => groupNorm(x!, groups, gamma!, beta!, eps),
    tolerance: (_, { inputs, options }) => tolerance(sizeOf(inputs[0]!.shape.slice(1)) / options!.groups),
    rows: [
      { inputs: affine([2, 5, 7, 6]), options: { groups: 1 } },
      { inputs: affine([2, 5, 7, 6]), options: { groups: 2 } },
      { inputs: affine([2, 5, 7, 6]), options: { groups: 3 } },
      { inputs: affine([2, 5, 7, 6]), options: { groups: 6 } },
      { inputs: affine([1, 3, 5, 8]), options: { groups: 4 } },
      { inputs: affine([2, 3, 2, 64]), options: { groups: 32 } },
      { inputs: affine([1, 3, 5, 33]), options: { groups: 3 } },
      { inputs: affine([3, 9, 8, 5]), options: { groups: 1, eps: 0.1 } },
      { inputs: affine([1, 33, 31, 4]), options: { groups: 2 } },
      { inputs: affine([9, 10, 10, 8]), options: { groups: 2 }, sliced: true },
      { inputs: affine([0, 3, 3, 4]), options: { groups: 2 } },
      { inputs: affine([2, 5, 7, 4], offset), options: { groups: 2 }, tolerance: lossy, differentiable: [] },
      { note: 'all equal', inputs: affine([2, 3, 3, 4], zeros), options: { groups: 2 } },
      { note: 'all equal', inputs: affine([2, 9, 8, 4], equal), options: { groups: 2 }, differentiable: [1, 2] },
      { inputs: affine([3, 8]), options: { groups: 2 } },
    ],
  }),
  ...casesOf<Eps & { readonly shape: readonly number[] }>({
    op: 'layerNorm',
    run: ([x, gamma, beta], { shape, ...options }) => ops.layerNorm(x!, shape, gamma, beta, options),
    reference: ([x, gamma, beta], { shape, eps }) => layerNorm(x!, sizeOf(shape), gamma, beta, eps),
    tolerance: (_, { options }) => tolerance(sizeOf(options!.shape)),
    rows: [
      { inputs: layers([7], 5), options: { shape: [5] } },
      { inputs: layers([2, 3], 8), options: { shape: [8] } },
      { inputs: layers([2, 5], 65), options: { shape: [65] } },
      { inputs: layers([3], 4, 5), options: { shape: [4, 5] } },
      { inputs: layers([], 33), options: { shape: [33] } },
      { inputs: [normal(7, 5)], options: { shape: [5] } },
      { note: 'no beta', inputs: [normal(7, 5), normal(5)], options: { shape: [5] } },
      { inputs: layers([3], 1500), options: { shape: [1500] } },
      { inputs: layers([600], 5), options: { shape: [5] }, sliced: true },
      { inputs: layers([7], 5), options: { shape: [5], eps: 0.1 } },
      { note: 'one element', inputs: layers([4], 1), options: { shape: [1] } },
      { inputs: layers([0], 5), options: { shape: [5] } },
      { inputs: layers([3], 0), options: { shape: [0] } },
      { note: 'all equal', inputs: [zeros(3, 8), normal(8), normal(8)], options: { shape: [8] } },
      {
        note: 'all equal',
        inputs: [equal(3, 300), normal(300), normal(300)],
        options: { shape: [300] },
        differentiable: [1, 2],
      },
      { inputs: [offset(7, 5), normal(5), normal(5)], options: { shape: [5] }, tolerance: lossy, differentiable: [] },
      { inputs: [tiny(7, 5), normal(5), normal(5)], options: { shape: [5] }, differentiable: [] },
      { inputs: [special(3, 11), normal(11), normal(11)], options: { shape: [11] }, differentiable: [] },
    ],
  }),
];
