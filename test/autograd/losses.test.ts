import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as ops from '../../src/index.ts';
import { leavesNothing, testDevice } from '../support/device.ts';

const device = await testDevice();
const { tensor } = ops;

const x = tensor([
  [1, 2, 3],
  [0, -1, 2],
]);
const classes = tensor(Int32Array.of(0, 2));
const boxes = tensor([
  [0, 0, 2, 2],
  [1, 1, 4, 5],
]);

test('losses leave nothing behind, also outside tidy', async () => {
  const weight = tensor([1, 2, 3]);
  const losses: (() => ops.Tensor)[] = [
    () => ops.bceWithLogits(x, x, { posWeight: weight, weight }),
    () => ops.crossEntropy(x, classes, { weight, labelSmoothing: 0.1 }),
    () => ops.nllLoss(x, classes),
    () => ops.mseLoss(x, x),
    () => ops.l1Loss(x, x),
    () => ops.huberLoss(x, x, { delta: 2 }),
    () => ops.smoothL1Loss(x, x),
    () => ops.sigmoidFocalLoss(x, classes),
    () => ops.giouLoss(boxes, boxes),
  ];
  for (const needsGradient of [false, true]) {
    for (const leaf of [x, boxes]) leaf.requiresGrad = needsGradient;
    for (const loss of losses) await leavesNothing(device, async () => loss().dispose());
  }
  for (const leaf of [x, boxes]) leaf.requiresGrad = false;
  weight.dispose();
});

test('losses refuse shapes, types and options that do not fit', () => {
  const column = tensor([[1], [2]]);
  const row = tensor([1, 2]);
  const cases: [() => unknown, RegExp][] = [
    [() => ops.bceWithLogits(column, row), /^bceWithLogits: shapes \[2,1\] and \[2\] differ, expected the same shape$/],
    [() => ops.bceWithLogits(x, classes), /^bceWithLogits: expected a float32 tensor, got Tensor\(int32 \[2\]\)/],
    [() => ops.bceWithLogits(x, x, { posWeight: NaN }), /^bceWithLogits: posWeight is NaN/],
    [
      () => ops.bceWithLogits(row, row, { weight: column }),
      /^bceWithLogits: weight \[2,1\] does not broadcast to \[2\]/,
    ],
    [() => ops.bceWithLogits(row, row, { posWeight: x }), /^bceWithLogits: shapes \[2,3\] and \[2\] do not broadcast/],
    [() => ops.mseLoss(column, row), /^mseLoss: shapes \[2,1\] and \[2\] differ/],
    [() => ops.l1Loss(x, row), /^l1Loss: shapes/],
    [() => ops.huberLoss(x, row), /^huberLoss: shapes/],
    [() => ops.huberLoss(x, x, { delta: 0 }), /^huberLoss: delta is 0, expected a number > 0/],
    [() => ops.smoothL1Loss(x, row), /^smoothL1Loss: shapes/],
    [() => ops.smoothL1Loss(x, x, { beta: -1 }), /^smoothL1Loss: beta is -1/],
    [
      () => ops.mseLoss(x, x, { reduction: 'average' as 'mean' }),
      /^mseLoss: reduction is "average", expected one of none/,
    ],
    [
      () => ops.crossEntropy(x, row),
      /^crossEntropy: targets Tensor\(float32 \[2\]\) do not fit \[2,3\]: expected int32/,
    ],
    [() => ops.crossEntropy(row, classes), /^crossEntropy: targets Tensor\(int32 \[2\]\) do not fit \[2\]/],
    [() => ops.crossEntropy(classes, classes), /^crossEntropy: expected a float32/],
    [() => ops.crossEntropy(ops.sum(row), classes), /^crossEntropy: Tensor\(float32 \[\]\) has no classes/],
    [() => ops.crossEntropy(x, classes, { weight: row }), /^crossEntropy: weight Tensor\(float32 \[2\]\) does not fit/],
    [() => ops.crossEntropy(x, classes, { labelSmoothing: 2 }), /^crossEntropy: labelSmoothing is 2/],
    [() => ops.crossEntropy(x, classes, { ignoreIndex: 0.5 }), /^crossEntropy: ignoreIndex is 0\.5/],
    [() => ops.crossEntropy(x, classes, { reduction: 'max' as 'sum' }), /^crossEntropy: reduction is "max"/],
    [() => ops.nllLoss(row, classes), /^nllLoss: targets/],
    [() => ops.sigmoidFocalLoss(x, row), /^sigmoidFocalLoss: targets/],
    [() => ops.sigmoidFocalLoss(x, classes, { gamma: NaN }), /^sigmoidFocalLoss: gamma is NaN/],
    [() => ops.giouLoss(x, x), /^giouLoss: boxes \[2,3\] and \[2,3\] do not fit/],
    [() => ops.giouLoss(boxes, boxes, { eps: -1 }), /^giouLoss: eps is -1/],
  ];
  for (const [run, message] of cases) assert.throws(run, message);
  for (const used of [column, row]) used.dispose();
});

test('a row whose target is no class has a NaN loss and no gradient', async () => {
  await leavesNothing(device, async () => {
    const logits = tensor(
      [
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3],
      ],
      { requiresGrad: true },
    );
    const wrong = tensor(Int32Array.of(3, 1, -1));
    const weight = tensor([1, 2, 3]);
    const loss = ops.crossEntropy(logits, wrong, { weight });
    assert.ok(Number.isNaN(await loss.item()));
    ops.backward(loss);
    const gradient = [...(await logits.grad!.data())];
    assert.equal(gradient.slice(0, 3), [0, 0, 0]);
    assert.equal(gradient.slice(6), [0, 0, 0]);
    assert.ok(gradient.slice(3, 6).every((value) => Math.abs(value) > 0.05));
    for (const used of [logits, wrong, weight, loss]) used.dispose();
  });
});

test('binary cross entropy of infinities', async () => {
  const logits = tensor([Infinity, -Infinity, Infinity]);
  const targets = tensor([0, 1, 0.5]);
  const loss = ops.bceWithLogits(logits, targets, { reduction: 'none' });
  assert.equal((await loss.data())[0], Infinity);
  for (const used of [logits, targets, loss]) used.dispose();
});

test.run();
