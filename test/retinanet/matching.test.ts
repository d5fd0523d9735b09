import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../src/common/random.ts';
import { BACKGROUND, IGNORED, matchAnchors } from '../../src/retinanet/matching.ts';
import { assignTargets } from '../../src/retinanet/matching-gpu.ts';
import { retinaNetSpec } from '../../src/retinanet/spec.ts';
import { tensor } from '../../src/tensor/create.ts';
import { matchCases } from '../reference/match-cases.ts';
import { leavesNothing, testDevice } from '../support/device.ts';

const device = await testDevice();
const spec = retinaNetSpec('torchvision');

for (const { name, boxes, anchors, rule, expected } of matchCases) {
  test(`the rule: ${name}`, () => {
    assert.equal([...matchAnchors(anchors.flat(), boxes.flat(), { ...spec.matcher, ...rule })], expected);
  });
}

for (const { name, boxes, anchors, rule, expected } of matchCases) {
  test(`on the GPU: ${name}`, async () => {
    await leavesNothing(device, async () => {
      const a = tensor(Float32Array.from(anchors.flat()), { shape: [anchors.length, 4] });
      const matcher = { ...spec.matcher, ...rule };
      const target = { boxes: Float32Array.from(boxes.flat()), labels: Int32Array.from(boxes, (_, i) => i) };
      const none = { boxes: new Float32Array(0), labels: new Int32Array(0) };
      const result = assignTargets(a, [none, target], Math.max(1, boxes.length), matcher, spec.boxCoder);
      const count = anchors.length;
      const matches = [...(await result.matches.data())];
      assert.equal(
        matches.slice(0, count),
        anchors.map(() => BACKGROUND),
        'an image without boxes',
      );
      assert.equal(matches.slice(count), [...expected]);
      assert.equal([...(await result.labels.data())].slice(count), [...expected]);
      const matched = await result.boxes.data();
      expected.forEach((box, i) => {
        const at = (count + i) * 4;
        assert.equal([...matched.subarray(at, at + 4)], box < 0 ? [0, 0, 0, 0] : [...boxes[box]!].map(Math.fround));
      });
      for (const t of [a, result.matches, result.labels, result.boxes, result.deltas]) t.dispose();
    });
  });
}

test('targets that would spoil training are refused', () => {
  const a = tensor([0, 0, 8, 8], { shape: [1, 4] });
  const call = (boxes: number[], label: number) => () =>
    assignTargets(
      a,
      [{ boxes: Float32Array.from(boxes), labels: Int32Array.of(label) }],
      2,
      spec.matcher,
      spec.boxCoder,
    );
  assert.throws(call([1, 1, 1, 5], 0), /image 0: box 0 \[1, 1, 1, 5\] is not x1, y1, x2, y2 with a positive size/);
  assert.throws(call([1, 1, NaN, 5], 0), /is not x1, y1, x2, y2/);
  assert.throws(call([1, 1, 2, 5], 2), /label of box 0 is 2, expected an integer from 0 to 1/);
  assert.throws(call([1, 1, 2], 0), /3 coordinates do not fit 1 labels/);
  a.dispose();
});

test('kernels match random boxes as the rule does', async () => {
  const rng = new Random('matching');
  // Small whole numbers: overlaps that are equal for the rule, in float64, are equal in float32 too.
  const random = (count: number, side: number): number[] =>
    Array.from({ length: count }, () => {
      const [x, y] = [rng.int(24), rng.int(24)];
      return [x, y, x + 1 + rng.int(side), y + 1 + rng.int(side)];
    }).flat();
  const anchors = Array.from({ length: 4 }, () => random(40, 9)).flat();
  const images = [random(1, 9), random(12, 9), [], [...random(5, 9), 90, 90, 99, 99]];
  const targets = images.map((boxes) => ({
    boxes: Float32Array.from(boxes),
    labels: Int32Array.from({ length: boxes.length / 4 }, () => rng.int(3)),
  }));
  const seen = new Set<number>();
  await leavesNothing(device, async () => {
    for (const lowQuality of ['none', 'own', 'reassign'] as const) {
      for (const zeroOverlapGuard of [true, false]) {
        const rule = { high: 0.55, low: 0.35, lowQuality, zeroOverlapGuard };
        const a = tensor(anchors, { shape: [anchors.length / 4, 4] });
        const result = assignTargets(a, targets, 3, rule, spec.boxCoder);
        const expected = images.map((boxes) => [...matchAnchors(anchors, boxes, rule)]);
        const labels = expected.flatMap((matches, n) =>
          matches.map((box) => (box < 0 ? box : targets[n]!.labels[box]!)),
        );
        assert.equal([...(await result.matches.data())], expected.flat(), `${lowQuality} ${zeroOverlapGuard}`);
        assert.equal([...(await result.labels.data())], labels);
        for (const label of labels) seen.add(label);
        for (const t of [a, result.matches, result.labels, result.boxes, result.deltas]) t.dispose();
      }
    }
  });
  assert.equal(
    [...seen].sort((a, b) => a - b),
    [IGNORED, BACKGROUND, 0, 1, 2],
    'every kind of label occurs',
  );
});

test('the kernels name the same labels', () => {
  const named = {
    match_anchors: { BACKGROUND, IGNORED },
    encode_matches: { BACKGROUND, IGNORED },
    focal_loss: { IGNORED },
  };
  for (const [kernel, labels] of Object.entries(named)) {
    const code = readFileSync(new URL(`../../src/kernels/wgsl/${kernel}.wgsl`, import.meta.url), 'utf8');
    for (const [name, value] of Object.entries(labels)) {
      assert.ok(code.includes(`const ${name}: i32 = ${value};`), `${kernel}: ${name}`);
    }
  }
});

test.run();
