/** What torch.test.ts does not cover: the references against values computed by hand and against identities. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../src/common/random.ts';
import { batchNormGradients } from '../../src/measure/reference/batch-norm.ts';
import { conv2dGradInput, conv2dGradWeight, conv2dShape } from '../../src/measure/reference/conv2d.ts';
import { centralDifference } from '../support/central-difference.ts';
import { assertClose } from '../support/compare.ts';
import { filled } from '../support/fill.ts';
import { broadcastTo, build, evaluate, indices, offsetOf, ref, sizeOf, stridesOf, type Ref } from './array.ts';
import { boxIou, decodeBoxes, encodeBoxes } from './boxes.ts';
import { conv2d } from './conv2d.ts';
import { binary, clamp, map, unary, where, zip } from './elementwise.ts';
import { matmul } from './matmul.ts';
import { batchNorm, batchNormInference, groupNorm } from './normalization.ts';
import { philox4x32 } from './philox.ts';
import { avgPool2d, maxPool2d } from './pool2d.ts';
import { argmax, max, mean, min, sum } from './reduce.ts';
import { concat, gather, pad, reshape, slice, topK, transpose } from './shape.ts';
import { sigmoidFocalLoss } from './losses.ts';
import { upsampleBilinear, upsampleNearest } from './upsample.ts';

const normal = (...shape: number[]): Ref => ref(shape, filled('normal', sizeOf(shape), new Random(`${shape}`)));
const list = (x: Ref): number[] => [...x.data];
const counting = (...shape: number[]): Ref => ref(shape, [...Array(sizeOf(shape)).keys()]);
const close = (a: Ref, b: Ref | readonly number[], label: string): void => {
  if ('shape' in b) assert.equal(a.shape, b.shape, label);
  assertClose(a.data, b, { tolerance: { relative: 1e-7, absolute: 1e-12 }, label });
};

test('arrays: offsets, strides, indices, broadcasting', () => {
  assert.equal(stridesOf([2, 3, 4]), [12, 4, 1]);
  assert.is(offsetOf([2, 3, 4], [1, 2, 3]), 23);
  assert.equal([...indices([2, 2])].length, 4);
  assert.equal(list(build([2, 3], ([i, j]) => i! * 10 + j!)), [0, 1, 2, 10, 11, 12]);
  assert.equal([...indices([])].length, 1);
  assert.equal([...indices([2, 0])].length, 0);
  assert.equal(list(broadcastTo(ref([2, 1], [1, 2]), [2, 2, 3])), [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2]);
  assert.throws(() => ref([2, 2], [1, 2, 3]), /3 values do not fill \[2,2\]/);
});

test('element-wise functions', () => {
  const x = ref([4], [-2, -0.5, 0, 3]);
  close(map(x, unary.sigmoid), [0.11920292202211755, 0.3775406687981454, 0.5, 0.9525741268224334], 'sigmoid');
  close(map(x, unary.softplus), [0.12692801104297252, 0.4740769841801067, Math.LN2, 3.048587351573742], 'softplus');
  assert.equal(list(map(x, unary.relu)), [0, 0, 0, 3]);
  assert.ok(Number.isNaN(unary.relu(NaN)));
  close(map(ref([2], [-50, 50]), unary.softplus), [Math.exp(-50), 50], 'softplus far out');
  assert.equal(list(zip(ref([2, 1], [1, 2]), ref([3], [10, 20, 30]), binary.add)), [11, 21, 31, 12, 22, 32]);
  assert.equal(list(zip(x, ref([], [0]), binary.lessEqual)), [1, 1, 1, 0]);
  assert.equal(list(clamp(x, -1, 1)), [-1, -0.5, 0, 1]);
  assert.equal(list(where(ref([4], [1, 0, 2, 0]), x, ref([], [9]))), [-2, 9, 0, 9]);
});

test('reductions over all axes, some, none, and nothing', () => {
  const x = counting(2, 3, 2);
  assert.equal(list(sum(x)), [66]);
  assert.equal(sum(x).shape, []);
  assert.equal(list(sum(x, [0, 2])), [14, 22, 30]);
  assert.equal(sum(x, [0, 2], true).shape, [1, 3, 1]);
  assert.equal(list(sum(x, -1)), [1, 5, 9, 13, 17, 21]);
  assert.equal(sum(x, []), x);
  assert.equal(list(sum(ref([2, 0]), 1)), [0, 0]);
  assert.equal(list(mean(x, 1)), [2, 3, 8, 9]);
  assert.equal(list(max(x, [0, 1])), [10, 11]);
  assert.equal(list(min(x, 0)), [0, 1, 2, 3, 4, 5]);
  assert.equal(list(argmax(ref([2, 3], [1, 5, 5, 7, 0, 7]), 1)), [1, 0]);
});

test('shapes: reshape, transpose, slice, pad, concat, gather', () => {
  const x = counting(2, 3);
  assert.equal(reshape(x, [-1, 2]).shape, [3, 2]);
  assert.equal(list(transpose(x)), [0, 3, 1, 4, 2, 5]);
  assert.equal(transpose(counting(2, 3, 4), [2, 0, 1]).shape, [4, 2, 3]);
  assert.equal(transpose(transpose(counting(2, 3, 4), [2, 0, 1]), [1, 2, 0]), counting(2, 3, 4));
  assert.equal(list(slice(x, [0, 1], [-1, 2])), [1, 2, 4, 5]);
  assert.equal(list(pad(ref([2], [1, 2]), [[1, 2]], 9)), [9, 1, 2, 9, 9]);
  assert.equal(
    slice(
      pad(x, [
        [1, 0],
        [2, 1],
      ]),
      [1, 2],
      [2, 3],
    ),
    x,
  );
  assert.equal(list(concat([x, ref([2, 0]), ref([2, 1], [8, 9])], 1)), [0, 1, 2, 8, 3, 4, 5, 9]);
  assert.equal(list(gather(x, ref([2, 2], [2, 0, 1, 1]), 1)), [2, 0, 1, 1, 5, 3, 4, 4]);
  assert.equal(gather(x, ref([2, 2], [2, 0, 1, 1]), 1).shape, [2, 2, 2]);
  const top = topK(ref([2, 4], [1, 3, 3, 2, 5, 5, 5, 5]), 3);
  assert.equal(list(top.values), [3, 3, 2, 5, 5, 5]);
  assert.equal(list(top.indices), [1, 2, 3, 0, 1, 2]);
});

test('matmul by hand, with a broadcast batch, and over nothing', () => {
  const a = ref([2, 3], [1, 2, 3, 4, 5, 6]);
  const b = ref([3, 2], [7, 8, 9, 10, 11, 12]);
  assert.equal(list(matmul(a, b)), [58, 64, 139, 154]);
  const batch = matmul(ref([2, 1, 1, 3], [1, 2, 3, 4, 5, 6]), reshape(b, [1, 3, 2]));
  assert.equal(batch.shape, [2, 1, 1, 2]);
  assert.equal(list(batch), [58, 64, 139, 154]);
  assert.equal(list(matmul(ref([2, 0]), ref([0, 2]))), [0, 0, 0, 0]);
});

test('a convolution with 1x1 filters is a matrix product', () => {
  const [x, w] = [normal(2, 3, 4, 5), normal(1, 1, 5, 7)];
  const product = matmul(reshape(x, [24, 5]), reshape(w, [5, 7]));
  close(conv2d(x, w, null), reshape(product, [2, 3, 4, 7]), 'conv2d 1x1');
});

test('a convolution of an impulse gives the filter, rotated by 180 degrees', () => {
  const impulse = ref([1, 5, 5, 1]);
  impulse.data[2 * 5 + 2] = 1;
  const y = conv2d(impulse, counting(3, 3, 1, 1), ref([1], [100]));
  assert.equal(list(y), [108, 107, 106, 105, 104, 103, 102, 101, 100]);
});

test('the gradients that benchmarks are checked with are those of the references', () => {
  const gradientOf = (f: (inputs: readonly Ref[]) => Ref, inputs: readonly Ref[], k: number, dy: Ref): Ref =>
    ref(inputs[k]!.shape, centralDifference(f, inputs, k, dy.data).values);
  const near = (a: Ref, b: Ref, label: string): void =>
    assertClose(a.data, b, { tolerance: { relative: 1e-7, largest: 1e-7 }, label });
  const [x, w, dy] = [normal(2, 7, 6, 3), normal(3, 2, 3, 4), normal(2, 4, 7, 4)];
  const options = { stride: [2, 1], padding: [1, 2], dilation: [1, 3] } as const;
  const conv = ([x, w]: readonly Ref[]): Ref => conv2d(x!, w!, null, options);
  assert.equal(conv([x, w]).shape, conv2dShape(x.shape, w.shape, options));
  assert.equal(conv([x, w]).shape, [2, 4, 7, 4]);
  near(evaluate(conv2dGradInput(dy, w, x.shape, options)), gradientOf(conv, [x, w], 0, dy), 'dx');
  near(evaluate(conv2dGradWeight(dy, x, w.shape, options)), gradientOf(conv, [x, w], 1, dy), 'dw');

  const inputs = [normal(3, 5, 4), normal(4), ref([4], [1, -2, 0, 0.5])];
  const upstream = map(normal(3, 5, 4), (v) => v + 0.1 * v * v);
  const norm = ([x, gamma, beta]: readonly Ref[]): Ref => batchNorm(x!, gamma!, beta!).y;
  const gradients = Object.entries(batchNormGradients(inputs[0]!, inputs[1]!, upstream));
  assert.is(gradients.length, 3);
  for (const [k, [name, gradient]] of gradients.entries()) {
    near(evaluate(gradient), gradientOf(norm, inputs, k, upstream), name);
  }
});

test('pooling by hand; an average over a constant leaves it', () => {
  const x = counting(1, 4, 4, 1);
  assert.equal(list(maxPool2d(x, { kernel: 2 })), [5, 7, 13, 15]);
  assert.equal(list(avgPool2d(x, { kernel: 2 })), [2.5, 4.5, 10.5, 12.5]);
  const ones = map(x, () => 1);
  const options = { kernel: 3, stride: 2, padding: 1 };
  assert.equal(list(avgPool2d(ones, { ...options, countIncludePad: false })), [1, 1, 1, 1]);
  close(avgPool2d(ones, options), [4 / 9, 6 / 9, 6 / 9, 1], 'padding counts');
});

test('normalisation: moments by hand, and what it must leave behind', () => {
  const x = ref([2, 1, 1, 2], [1, 10, 3, 30]);
  const { mean: m, variance } = batchNorm(x, ref([2], [1, 1]), ref([2]));
  assert.equal(
    [list(m), list(variance)],
    [
      [2, 20],
      [1, 100],
    ],
  );
  const one = map(ref([6]), () => 1);
  const z = batchNorm(normal(3, 4, 5, 6), one, ref([6]), 0).y;
  close(mean(z, [0, 1, 2]), ref([6]), 'mean 0');
  close(mean(map(z, unary.square), [0, 1, 2]), one, 'variance 1');
  // As many groups as channels, on one image, is batch normalisation.
  const image = normal(1, 4, 5, 6);
  close(groupNorm(image, 6, one, ref([6])), batchNorm(image, one, ref([6])).y, 'groups of one channel');
  assert.equal(
    list(
      batchNormInference(
        ref([1, 2], [3, 5]),
        ref([2], [2, 1]),
        ref([2], [1, 0]),
        ref([2], [1, 1]),
        ref([2], [4, 1]),
        0,
      ),
    ),
    [3, 4],
  );
});

test('upsampling by hand', () => {
  const x = ref([1, 1, 2, 1], [0, 4]);
  assert.equal(list(upsampleBilinear(x, [1, 4])), [0, 1, 3, 4]);
  assert.equal(list(upsampleNearest(x, [2, 3])), [0, 0, 4, 0, 0, 4]);
  const y = normal(2, 3, 4, 5);
  assert.equal(upsampleBilinear(y, [3, 4]), y);
  assert.equal(upsampleNearest(y, [3, 4]), y);
});

test('focal loss: ignored rows, far-out logits, and cross entropy at gamma 0', () => {
  const far = sigmoidFocalLoss(ref([2, 2], [-100, 100, 5, 5]), ref([2], [0, -2]));
  assert.equal(list(far), [25, 75, 0, 0]);
  const plain = sigmoidFocalLoss(ref([1, 2], [0, 0]), ref([1], [-1]), -1, 0);
  close(plain, [Math.LN2, Math.LN2], 'gamma 0');
});

test('IoU and the box code', () => {
  const a = ref([2, 4], [0, 0, 10, 10, 5, 5, 15, 15]);
  close(boxIou(a, a), [1, 25 / 175, 25 / 175, 1], 'IoU');
  assert.ok(Number.isNaN(boxIou(ref([1, 4]), ref([1, 4])).data[0]));
  const anchors = ref([1, 4], [0, 0, 10, 20]);
  const code = encodeBoxes(ref([1, 4], [5, 10, 25, 20]), anchors, [10, 10, 5, 5]);
  close(code, [10, 2.5, 5 * Math.LN2, -5 * Math.LN2], 'code');
  close(decodeBoxes(code, anchors, [10, 10, 5, 5]), [5, 10, 25, 20], 'decoded');
  const huge = decodeBoxes(ref([1, 4], [0, 0, 50, -50]), anchors);
  close(huge, [5 - 312.5, 10 - 10 * Math.exp(-50), 5 + 312.5, 10 + 10 * Math.exp(-50)], 'held from above only');
});

test('philox gives the known answers of the paper', () => {
  const hex = (words: readonly number[]): string => words.map((word) => word.toString(16).padStart(8, '0')).join(' ');
  assert.is(hex(philox4x32([0, 0, 0, 0], [0, 0])), '6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  const ones = 0xffff_ffff;
  assert.is(hex(philox4x32([ones, ones, ones, ones], [ones, ones])), '408f276d 41c83b0e a20bc7c6 6d5451fd');
  const pi = philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]);
  assert.is(hex(pi), 'd16cfe09 94fdcceb 5001e420 24126ea1');
});

test.run();
