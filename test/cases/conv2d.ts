import * as ops from '../../src/index.ts';
import type { WindowOptions } from '../../src/measure/reference/windows.ts';
import { conv2d } from '../reference/conv2d.ts';
import { exact, tolerance } from '../support/compare.ts';
import { casesOf, huge, integers, normal, tiny, type CaseInput, type OpCase } from '../support/op-case.ts';

const x = normal;
const w = normal;
const bias = (k: number): CaseInput => normal(k);

export const cases: readonly OpCase[] = casesOf<WindowOptions>({
  op: 'conv2d',
  run: ([x, w, bias], options) => ops.conv2d(x!, w!, bias ?? null, options),
  reference: ([x, w, bias], options) => conv2d(x!, w!, bias ?? null, options),
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
  ],
});
