import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../src/common/random.ts';
import { boxIouFloat32, suppress } from '../../src/imagery/boxes.ts';
import { nonMaxSuppression, tensor, tidy, zeros, type Tensor } from '../../src/index.ts';
import { readFixture, floats, type Encoded } from '../golden/read.ts';
import { leavesNothing, testDevice } from '../support/device.ts';
import { refuses } from '../support/errors.ts';

const device = await testDevice();

interface Scene {
  readonly boxes: readonly number[];
  readonly scores: readonly number[];
  readonly classes?: readonly number[];
}

/** The picks on the GPU, without what is left over. */
async function picks(
  { boxes, scores, classes }: Scene,
  options: { iouThreshold?: number; scoreThreshold?: number; maxOutputs: number },
): Promise<number[]> {
  const { indices, count } = tidy(() => {
    const more = classes === undefined ? {} : { classes: tensor(Int32Array.from(classes)) };
    const b = tensor(boxes, { shape: [scores.length, 4] });
    return nonMaxSuppression(b, tensor(scores), { ...options, ...more });
  });
  const list = [...(await indices.data())];
  const n = await count.item();
  indices.dispose();
  count.dispose();
  assert.is(list.length, options.maxOutputs);
  assert.ok(list.slice(n).every((index) => index === -1));
  return list.slice(0, n);
}

/** Boxes around a few centres, so that many overlap; scores with ties. */
function scene(name: string, n: number, centres: number, classes: number): Required<Scene> {
  const random = new Random(name);
  const around = Array.from({ length: centres }, () => [random.uniform(0, 500), random.uniform(0, 500)] as const);
  const boxes = Array.from({ length: n }, () => {
    const [x, y] = around[random.int(centres)]!;
    const [left, top] = [x + random.uniform(-12, 12), y + random.uniform(-12, 12)];
    return [left, top, left + random.uniform(8, 50), top + random.uniform(8, 50)];
  });
  return {
    boxes: [...Float32Array.from(boxes.flat())],
    scores: Array.from({ length: n }, () => random.int(200) / 256),
    classes: Array.from({ length: n }, () => random.int(classes)),
  };
}

/** The picks of the detector on the host. */
const onHost = ({ boxes, scores, classes }: Required<Scene>, iouThreshold: number): number[] =>
  suppress(
    scores.map((score, i) => ({ box: boxes.slice(4 * i, 4 * i + 4), score, label: classes[i]!, i })),
    iouThreshold,
    boxIouFloat32,
  ).map(({ i }) => i);

for (const [n, centres, classes, iouThreshold] of [
  [1, 1, 1, 0.5],
  [50, 5, 1, 0.5],
  [300, 20, 3, 0.3],
  [1000, 40, 1, 0.7],
  [3000, 100, 4, 0.5],
  [700, 30, 2, 0],
  [400, 10, 1, 1],
] as const) {
  test(`${n} boxes of ${classes} classes, threshold ${iouThreshold}: the picks of the detector on the host`, async () => {
    const boxes = scene(`${n} ${classes}`, n, centres, classes);
    const expected = onHost(boxes, iouThreshold);
    assert.equal(await picks(boxes, { iouThreshold, maxOutputs: n }), expected);
    const few = Math.ceil(expected.length / 2);
    assert.equal(await picks(boxes, { iouThreshold, maxOutputs: few }), expected.slice(0, few));
    const scoreThreshold = 0.5;
    const above = expected.filter((i) => boxes.scores[i]! > scoreThreshold);
    assert.equal(await picks(boxes, { iouThreshold, scoreThreshold, maxOutputs: n }), above);
  });
}

interface Case {
  readonly name: string;
  readonly boxes: Encoded;
  readonly scores: Encoded;
  readonly classes: readonly number[] | null;
  readonly iouThreshold: number;
  readonly picks: readonly number[];
}

for (const c of readFixture<{ nms: Case[] }>('selection').nms) {
  test(`${c.name}: the picks of torchvision`, async () => {
    const classes = c.classes === null ? {} : { classes: c.classes };
    const boxes = { boxes: [...floats(c.boxes)], scores: [...floats(c.scores)], ...classes };
    const { iouThreshold } = c;
    assert.equal(await picks(boxes, { iouThreshold, maxOutputs: boxes.scores.length }), [...c.picks]);
  });
}

test('boxes and scores with NaN are never picked; infinite scores are', async () => {
  const far = (i: number): number[] => [100 * i, 0, 100 * i + 10, 10];
  const boxes = [far(0), [NaN, 0, 1, 1], far(2), far(3), [0, 0, 1, NaN], far(5)].flat();
  const scores = [NaN, 1, Infinity, -Infinity, 1, -0];
  assert.equal(await picks({ boxes, scores }, { maxOutputs: 6 }), [2, 5, 3]);
  assert.equal(await picks({ boxes, scores }, { maxOutputs: 6, scoreThreshold: -1 }), [2, 5]);
});

test('a threshold that float32 does not hold decides as it does in float64', async () => {
  // The IoU of the two is 3 / 10 in float32, which is above 0.3 in float64.
  const boxes = [0, 0, 10, 1, 7, 0, 10, 1];
  assert.equal(await picks({ boxes, scores: [1, 0.5] }, { iouThreshold: 0.3, maxOutputs: 2 }), [0]);
  assert.equal(await picks({ boxes, scores: [1, 0.5] }, { iouThreshold: 0.31, maxOutputs: 2 }), [0, 1]);
  const scores = [Math.fround(0.1), 0.05];
  assert.equal(await picks({ boxes, scores }, { iouThreshold: 1, scoreThreshold: 0.1, maxOutputs: 2 }), [0]);
});

test('no boxes, boxes without area, and no picks wanted', async () => {
  assert.equal(await picks({ boxes: [], scores: [] }, { maxOutputs: 3 }), []);
  assert.equal(await picks({ boxes: [1, 1, 1, 1, 1, 1, 1, 1], scores: [1, 2] }, { maxOutputs: 2 }), [1, 0]);
  assert.equal(await picks({ boxes: [0, 0, 1, 1], scores: [1] }, { maxOutputs: 0 }), []);
});

test('nothing is left behind outside tidy', () =>
  leavesNothing(device, async () => {
    const inputs = [tensor([0, 0, 1, 1], { shape: [1, 4] }), tensor([1])] as const;
    const { indices, count } = nonMaxSuppression(...inputs, { maxOutputs: 1 });
    for (const t of [...inputs, indices, count]) t.dispose();
  }));

test('errors', () => {
  const boxes = zeros([3, 4]);
  const call =
    (scores: Tensor, options = {}) =>
    () =>
      nonMaxSuppression(boxes, scores, { maxOutputs: 1, ...options });
  const scores = zeros([3]);
  refuses(call(zeros([2])), 'nonMaxSuppression: scores [2], expected [3] for boxes [3,4]');
  refuses(() => nonMaxSuppression(scores, scores, { maxOutputs: 1 }), 'nonMaxSuppression: boxes [3], expected [N, 4]');
  refuses(call(scores, { iouThreshold: 2 }), 'nonMaxSuppression: iouThreshold is 2, expected a number from 0 to 1');
  refuses(call(scores, { maxOutputs: -1 }), 'nonMaxSuppression: maxOutputs is -1, expected an integer >= 0');
  refuses(call(scores, { scoreThreshold: NaN }), 'nonMaxSuppression: scoreThreshold is NaN, expected a number');
  assert.throws(
    call(scores, { classes: scores }),
    /^nonMaxSuppression: classes .* must be int32; convert them with cast\(\)$/,
  );
});

test.run();
