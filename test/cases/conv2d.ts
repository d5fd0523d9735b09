import * as ops from '../../src/index.ts';
import { conv2d, conv2dGradients } from '../reference/conv2d.ts';
import { exact, tolerance } from '../support/compare.ts';
import {
  casesOf,
  huge,
  integers,
  normal,
  tiny,
  values,
  type CaseInput,
  type OpCase,
  type Row,
} from '../support/op-case.ts';

const x = normal;
const w = normal;
const bias = (k: number): CaseInput => normal(k);

/** Few values that are not finite, so that most windows have none and some have one. */
const spots = (...shape: number[]): CaseInput => {
  const list: number[] = Array.from({ length: 211 }, (_, i) => ((i * 37) % 11) - 5 || 1);
  [list[3], list[71], list[140], list[190]] = [NaN, Infinity, -Infinity, NaN];
  return values(list, shape);
};

/** Directly computed convolutions keep NaN and infinities where they are. */
const notFinite: readonly Row<ops.Conv2dOptions>[] = [
  { inputs: [spots(1, 9, 8, 3), w(3, 3, 3, 5), bias(5)], options: { padding: 1 }, differentiable: [] },
  { inputs: [spots(2, 9, 8, 4), w(3, 3, 4, 8)], options: { stride: 2, padding: 1 }, differentiable: [] },
  { inputs: [spots(1, 9, 8, 4), w(1, 1, 4, 4), spots(4)], differentiable: [] },
  { inputs: [spots(1, 9, 8, 6), w(3, 3, 3, 4), bias(4)], options: { groups: 2, dilation: 2 }, differentiable: [] },
  { inputs: [spots(1, 9, 8, 4), w(3, 3, 1, 4), bias(4)], options: { groups: 4, padding: 1 }, differentiable: [] },
  { inputs: [spots(1, 9, 8, 3), w(3, 3, 1, 6)], options: { groups: 3, padding: 1 }, differentiable: [] },
  { inputs: [x(1, 7, 6, 3), spots(3, 3, 3, 25)], options: { stride: 2 }, differentiable: [] },
  {
    note: 'largest',
    inputs: [values([3.4e38, 1e-3, -3.4e38], [1, 5, 4, 4]), values([1e-2], [1, 1, 4, 4])],
    differentiable: [],
  },
  {
    note: 'subnormal',
    inputs: [values([1e-40, -1e-42], [1, 5, 4, 4]), values([1, -2], [3, 3, 4, 4])],
    differentiable: [],
  },
];

export const cases: readonly OpCase[] = casesOf<ops.Conv2dOptions>({
  op: 'conv2d',
  run: ([x, w, bias], options) => ops.conv2d(x!, w!, bias ?? null, options),
  reference: ([x, w, bias], options) => conv2d(x!, w!, bias ?? null, options),
  gradients: (dy, [x, w], options) => conv2dGradients(dy, x!, w!, options),
  terms: ([, w]) => w![0]! * w![1]! * w![2]!,
  tolerance: (terms) => tolerance(terms),
  rows: [
    // 1x1 filters, with every number of channels that matters to vectors of 4 and tiles of 8, 16, 32 and 64.
    { inputs: [x(1, 1, 1, 1), w(1, 1, 1, 1)] },
    { inputs: [x(1, 1, 1, 1), w(1, 1, 1, 1), bias(1)] },
    { inputs: [x(2, 5, 7, 3), w(1, 1, 3, 5), bias(5)] },
    { inputs: [x(2, 5, 7, 4), w(1, 1, 4, 4)] },
    { inputs: [x(1, 5, 7, 5), w(1, 1, 5, 6), bias(6)] },
    { inputs: [x(1, 5, 7, 7), w(1, 1, 7, 1)] },
    { inputs: [x(3, 3, 5, 1), w(1, 1, 1, 7), bias(7)] },
    { inputs: [x(1, 5, 7, 16), w(1, 1, 16, 33), bias(33)] },
    { inputs: [x(1, 3, 5, 64), w(1, 1, 64, 64), bias(64)] },
    { inputs: [x(1, 5, 7, 33), w(1, 1, 33, 16)] },
    { inputs: [x(2, 9, 9, 8), w(1, 1, 8, 16)], options: { stride: 2 } },
    { inputs: [x(2, 8, 7, 6), w(1, 1, 6, 5), bias(5)], options: { stride: 3 } },
    { inputs: [x(1, 4, 5, 3), w(1, 1, 3, 5)], options: { padding: 1 } },
    // 3x3.
    { inputs: [x(1, 3, 3, 1), w(3, 3, 1, 1)] },
    { inputs: [x(2, 5, 7, 3), w(3, 3, 3, 8), bias(8)] },
    { inputs: [x(2, 5, 7, 3), w(3, 3, 3, 8), bias(8)], options: { padding: 1 } },
    { inputs: [x(2, 9, 8, 3), w(3, 3, 3, 8)], options: { stride: 2, padding: 1 } },
    { inputs: [x(1, 8, 8, 4), w(3, 3, 4, 4), bias(4)], options: { padding: 1 } },
    { inputs: [x(1, 7, 9, 8), w(3, 3, 8, 8), bias(8)], options: { padding: 1 } },
    { inputs: [x(2, 6, 5, 8), w(3, 3, 8, 16)], options: { padding: 1 } },
    { inputs: [x(1, 4, 5, 16), w(3, 3, 16, 33), bias(33)], options: { padding: 1 } },
    { inputs: [x(1, 3, 4, 33), w(3, 3, 33, 16), bias(16)], options: { padding: 1 } },
    { inputs: [x(1, 2, 2, 64), w(3, 3, 64, 64), bias(64)], options: { padding: 1 } },
    { inputs: [x(1, 5, 6, 5), w(3, 3, 5, 7), bias(7)], options: { padding: 1 } },
    { inputs: [x(1, 5, 6, 6), w(3, 3, 6, 5)], options: { padding: 1 } },
    { inputs: [x(3, 4, 4, 1), w(3, 3, 1, 3)], options: { padding: 1 } },
    { inputs: [x(1, 33, 17, 2), w(3, 3, 2, 3)], options: { padding: 1 } },
    { inputs: [x(1, 17, 65, 1), w(3, 3, 1, 4), bias(4)], options: { padding: 1 } },
    // Large enough for Winograd's F(4x4, 3x3), with tiles that reach over the border, and channels that are padded.
    { inputs: [x(4, 5, 6, 32), w(3, 3, 32, 36), bias(36)], options: { padding: 1 } },
    { inputs: [x(1, 15, 15, 33), w(3, 3, 33, 32), bias(32)] },
    { inputs: [x(4, 4, 5, 32), w(3, 3, 32, 32)], options: { padding: 2 } },
    { inputs: [x(4, 7, 6, 32), w(3, 3, 32, 32)], options: { padding: [0, 1] } },
    // Too small for F(4x4, 3x3), with enough channels for F(2x2, 3x3).
    { inputs: [x(1, 9, 10, 126), w(3, 3, 126, 128), bias(128)], options: { padding: 1 }, costly: true },
    { inputs: [x(2, 7, 8, 130), w(3, 3, 130, 128)], options: { padding: 1 }, costly: true },
    { inputs: [x(3, 8, 7, 128), w(3, 3, 128, 127), bias(127)], costly: true },
    { inputs: [x(1, 11, 9, 128), w(3, 3, 128, 128)], options: { padding: [0, 1] }, costly: true },
    // Strides, also where the last window does not reach the border.
    { inputs: [x(1, 8, 10, 3), w(3, 3, 3, 5), bias(5)], options: { stride: 2 } },
    { inputs: [x(1, 10, 11, 3), w(3, 3, 3, 4)], options: { stride: 3, padding: 1 } },
    { inputs: [x(1, 9, 11, 5), w(3, 3, 5, 6), bias(6)], options: { stride: [2, 1], padding: 1 } },
    { inputs: [x(1, 9, 11, 8), w(3, 3, 8, 4)], options: { stride: [1, 3], padding: [1, 0] } },
    { inputs: [x(2, 9, 8, 3), w(2, 2, 3, 4), bias(4)], options: { stride: 3 } },
    { inputs: [x(1, 11, 13, 2), w(2, 3, 2, 3)], options: { stride: [5, 4] } },
    { inputs: [x(1, 4, 4, 3), w(2, 2, 3, 5)], options: { stride: 2 } },
    // Dilations.
    { inputs: [x(1, 9, 8, 3), w(3, 3, 3, 4), bias(4)], options: { dilation: 2 } },
    { inputs: [x(1, 7, 9, 4), w(3, 3, 4, 8)], options: { dilation: 2, padding: 2 } },
    { inputs: [x(2, 9, 11, 3), w(3, 2, 3, 5)], options: { dilation: [1, 3], padding: [1, 2] } },
    { inputs: [x(1, 13, 12, 3), w(3, 3, 3, 4), bias(4)], options: { stride: 2, dilation: 3, padding: 3 } },
    {
      inputs: [x(2, 11, 9, 3), w(3, 2, 3, 4), bias(4)],
      options: { stride: [2, 1], padding: [1, 2], dilation: [1, 3] },
    },
    { inputs: [x(1, 12, 10, 5), w(2, 3, 5, 6)], options: { stride: [3, 2], padding: [2, 1], dilation: [4, 2] } },
    // As much padding as keeps the size, with an odd one at the end; different padding on each side.
    { inputs: [x(2, 5, 7, 3), w(3, 3, 3, 5), bias(5)], options: { padding: 'same' } },
    { inputs: [x(1, 6, 5, 4), w(2, 4, 4, 3), bias(3)], options: { padding: 'same', dilation: [3, 1] } },
    { inputs: [x(1, 4, 5, 3), w(1, 1, 3, 4)], options: { padding: 'same' } },
    { inputs: [x(4, 5, 6, 32), w(3, 3, 32, 32)], options: { padding: 'same' } },
    {
      inputs: [x(1, 5, 7, 3), w(3, 2, 3, 4), bias(4)],
      options: {
        padding: [
          [0, 2],
          [3, 1],
        ],
        stride: 2,
      },
    },
    {
      inputs: [x(1, 3, 4, 8), w(1, 1, 8, 4)],
      options: {
        padding: [
          [0, 1],
          [0, 0],
        ],
      },
    },
    {
      inputs: [x(4, 5, 6, 32), w(3, 3, 32, 32)],
      options: {
        padding: [
          [2, 0],
          [0, 1],
        ],
      },
    },
    // Groups: with channels in whole vectors of four and not, with strides, dilation, and as 1x1.
    { inputs: [x(2, 5, 7, 8), w(3, 3, 4, 8), bias(8)], options: { groups: 2, padding: 1 } },
    { inputs: [x(1, 5, 6, 6), w(3, 3, 3, 10), bias(10)], options: { groups: 2, padding: 1 } },
    { inputs: [x(2, 4, 5, 9), w(2, 3, 3, 6)], options: { groups: 3 } },
    { inputs: [x(1, 9, 8, 16), w(3, 3, 4, 32), bias(32)], options: { groups: 4, stride: 2, padding: 1 } },
    {
      inputs: [x(1, 11, 9, 10), w(3, 2, 5, 4)],
      options: { groups: 2, stride: [3, 2], padding: [2, 1], dilation: [1, 2] },
    },
    { inputs: [x(2, 5, 7, 8), w(1, 1, 2, 12), bias(12)], options: { groups: 4 } },
    { inputs: [x(1, 5, 7, 24), w(1, 1, 8, 36)], options: { groups: 3, stride: 2 } },
    { inputs: [x(1, 6, 5, 64), w(3, 3, 32, 64), bias(64)], options: { groups: 2, padding: 'same' } },
    { inputs: [x(1, 3, 3, 132), w(3, 3, 2, 66)], options: { groups: 66, padding: 1 } },
    { inputs: [x(1, 4, 5, 96), w(3, 3, 32, 192)], options: { groups: 3, padding: 1 } },
    { inputs: [x(1, 5, 4, 128), w(3, 2, 64, 128), bias(128)], options: { groups: 2, stride: [2, 1] } },
    { inputs: [x(2, 4, 5, 256), w(1, 1, 128, 256)], options: { groups: 2 } },
    { inputs: [x(0, 5, 7, 6), w(3, 3, 3, 4)], options: { groups: 2 } },
    { inputs: [x(7, 11, 9, 6), w(3, 3, 3, 4), bias(4)], options: { groups: 2, padding: 1, stride: 2 }, sliced: true },
    // Depthwise: with one and several results for each channel.
    { inputs: [x(2, 5, 7, 8), w(3, 3, 1, 8), bias(8)], options: { groups: 8, padding: 1 } },
    { inputs: [x(1, 6, 9, 5), w(3, 3, 1, 5), bias(5)], options: { groups: 5 } },
    { inputs: [x(2, 9, 8, 12), w(3, 3, 1, 12)], options: { groups: 12, stride: 2, padding: 1 } },
    {
      inputs: [x(1, 9, 11, 4), w(5, 3, 1, 4), bias(4)],
      options: { groups: 4, stride: [1, 3], dilation: [2, 1], padding: [4, 1] },
    },
    {
      inputs: [x(1, 12, 10, 3), w(2, 3, 1, 6)],
      options: { groups: 3, stride: [3, 2], padding: [2, 1], dilation: [4, 2] },
    },
    { inputs: [x(2, 5, 4, 4), w(3, 3, 1, 16), bias(16)], options: { groups: 4, padding: 1 } },
    { inputs: [x(1, 4, 5, 2), w(1, 1, 1, 6)], options: { groups: 2 } },
    { inputs: [x(1, 3, 3, 66), w(7, 7, 1, 66)], options: { groups: 66, padding: 3 } },
    {
      inputs: [x(1, 33, 35, 4), w(3, 3, 1, 4)],
      options: {
        groups: 4,
        padding: [
          [0, 1],
          [2, 0],
        ],
      },
    },
    { inputs: [x(0, 5, 7, 6), w(3, 3, 1, 6)], options: { groups: 6 } },
    { inputs: [x(1, 1, 1, 4), w(1, 1, 1, 4), bias(4)], options: { groups: 4 } },
    { inputs: [x(7, 11, 9, 6), w(3, 3, 1, 6), bias(6)], options: { groups: 6, padding: 1 }, sliced: true },
    { inputs: [x(7, 11, 9, 4), w(3, 3, 1, 8)], options: { groups: 4, padding: 1, stride: 2 }, sliced: true },
    // Larger filters, and filters that are not square.
    { inputs: [x(1, 9, 8, 3), w(5, 5, 3, 4), bias(4)], options: { padding: 2 } },
    { inputs: [x(1, 13, 12, 3), w(7, 7, 3, 8)], options: { stride: 2, padding: 3 } },
    { inputs: [x(1, 7, 7, 3), w(7, 7, 3, 5), bias(5)] },
    { inputs: [x(1, 6, 9, 3), w(1, 3, 3, 5)], options: { padding: [0, 1] } },
    { inputs: [x(1, 9, 6, 3), w(3, 1, 3, 5), bias(5)], options: { padding: [1, 0] } },
    { inputs: [x(1, 6, 9, 4), w(2, 4, 4, 8)], options: { padding: [1, 2] } },
    { inputs: [x(1, 5, 9, 2), w(1, 7, 2, 3)], options: { padding: [0, 3] } },
    // More padding than the filter needs: some windows see only padding.
    { inputs: [x(1, 5, 4, 3), w(3, 3, 3, 4), bias(4)], options: { padding: 3 } },
    { inputs: [x(1, 3, 4, 3), w(2, 2, 3, 4), bias(4)], options: { padding: [4, 1], stride: 2 } },
    { inputs: [x(1, 1, 1, 3), w(3, 3, 3, 8), bias(8)], options: { padding: 1 } },
    { inputs: [x(2, 1, 1, 5), w(5, 5, 5, 3), bias(3)], options: { padding: 2 } },
    { inputs: [x(1, 1, 1, 8), w(1, 1, 8, 8)], options: { stride: 2 } },
    { inputs: [x(1, 1, 9, 4), w(3, 3, 4, 4)], options: { padding: 1, stride: 2 } },
    // Several blocks of pixels and of channels in every family of kernels, none of them full.
    { inputs: [x(1, 11, 9, 12), w(3, 3, 12, 72), bias(72)], options: { padding: 1 } },
    { inputs: [x(1, 17, 19, 24), w(3, 3, 24, 68)], options: { stride: 2, padding: 1 } },
    { inputs: [x(1, 17, 19, 36), w(1, 1, 36, 136), bias(136)] },
    { inputs: [x(1, 19, 21, 3), w(7, 7, 3, 68)], options: { stride: 2, padding: 3 } },
    // Batches, also empty ones.
    { inputs: [x(5, 3, 3, 3), w(3, 3, 3, 4), bias(4)], options: { padding: 1 } },
    { inputs: [x(17, 2, 3, 2), w(2, 2, 2, 3)] },
    { inputs: [x(0, 5, 7, 3), w(3, 3, 3, 4), bias(4)], options: { padding: 1 } },
    { inputs: [x(7, 11, 9, 5), w(3, 3, 5, 6), bias(6)], options: { padding: 1 }, sliced: true },
    { inputs: [x(7, 11, 9, 8), w(3, 3, 8, 4)], options: { padding: 1, stride: 2 }, sliced: true },
    // Values: sums of integers are exact, whatever their order.
    { inputs: [integers(2, 6, 5, 7), integers(3, 3, 7, 5), integers(5)], options: { padding: 1 }, tolerance: exact },
    { inputs: [integers(1, 9, 9, 16), integers(3, 3, 16, 8)], options: { stride: 2, padding: 1 }, tolerance: exact },
    { inputs: [tiny(1, 5, 6, 4), normal(3, 3, 4, 8)], options: { padding: 1 }, tolerance: { largest: 1e-5 } },
    {
      inputs: [huge(1, 5, 6, 4), normal(3, 3, 4, 8)],
      options: { padding: 1 },
      tolerance: { largest: 1e-5 },
      differentiable: [],
    },
    ...notFinite,
  ],
});
