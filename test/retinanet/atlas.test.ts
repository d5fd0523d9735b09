import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { backward } from '../../src/autograd/tape.ts';
import { concat, reshape } from '../../src/autograd/ops/shape.ts';
import { mul } from '../../src/autograd/ops/binary.ts';
import { sum } from '../../src/autograd/ops/broadcast.ts';
import { manualSeed } from '../../src/autograd/seeds.ts';
import type { Conv2d, Sequential } from '../../src/nn/layers.ts';
import type { Size } from '../../src/retinanet/anchors.ts';
import { Atlas, placesOf } from '../../src/retinanet/atlas.ts';
import { RetinaNetHead } from '../../src/retinanet/heads.ts';
import { ones } from '../../src/autograd/ops/create.ts';
import { tensor, write } from '../../src/tensor/create.ts';
import { tidy } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { assertClose, gradientTolerance } from '../support/compare.ts';
import { leavesNothing, testDevice } from '../support/device.ts';
import { uniformValues } from '../support/fill.ts';

const device = await testDevice();

const pyramids: Size[][] = [
  [
    [32, 32],
    [16, 16],
    [8, 8],
    [4, 4],
    [2, 2],
  ],
  [
    [7, 21],
    [4, 11],
    [2, 6],
    [1, 3],
    [1, 2],
  ],
  [
    [5, 1],
    [3, 1],
    [2, 1],
    [1, 1],
    [1, 1],
  ],
  [[3, 2]],
];

test('levels in an atlas lie apart from each other, diagonals included', () => {
  for (const sizes of pyramids) {
    const owner = new Map<string, number>();
    for (const [level, { top, left, size }] of placesOf(sizes).entries()) {
      for (let i = 0; i < size[0] * size[1]; i++) {
        const [row, column] = [top + Math.floor(i / size[1]), left + (i % size[1])];
        for (const [down, right] of [-1, 0, 1].flatMap((d) => [-1, 0, 1].map((r) => [d, r] as const))) {
          const other = owner.get(`${row + down},${column + right}`);
          assert.ok(other === undefined || other === level, `levels ${other} and ${level} of ${sizes.join(' | ')}`);
        }
        owner.set(`${row},${column}`, level);
      }
    }
  }
});

test('an atlas is at most a fifth larger than levels that are each half the size of the one before', () => {
  for (const size of [32, 64, 100, 128]) {
    const sizes = Array.from({ length: 5 }, (_, i): Size => [
      Math.ceil(size / 2 ** i),
      Math.ceil((1.6 * size) / 2 ** i),
    ]);
    const cells = sizes.reduce((sum, [h, w]) => sum + h * w, 0);
    const atlas = tidy(() => new Atlas(device, sizes));
    assert.ok(atlas.height * atlas.width < 1.2 * cells, `${atlas.height} x ${atlas.width} for ${cells}`);
    assert.is(atlas.gaps.size, atlas.height * atlas.width - cells);
    atlas.dispose();
  }
});

/** Outputs of a head, and the gradients of its parameters and inputs for a weighted sum of them. */
async function results(head: RetinaNetHead, levels: Tensor[], run: () => Tensor): Promise<Float32Array[]> {
  const y = tidy(() => {
    const y = run();
    const weights = tensor(uniformValues('weights', y.size), { shape: y.shape });
    backward(sum(mul(y, weights)));
    return y;
  });
  const leaves = [...head.parameters(), ...levels];
  const values = await Promise.all(
    [y, ...leaves.map(({ grad }) => grad!)].map(async (t) => (await t.data()) as Float32Array),
  );
  y.dispose();
  for (const leaf of leaves) {
    leaf.grad!.dispose();
    leaf.grad = null;
  }
  return values;
}

for (const normGroups of [null, 2]) {
  test(`the subnets give what they give level by level${normGroups === null ? '' : ', with group norm'}`, async () => {
    await leavesNothing(device, async () => {
      manualSeed(3);
      const head = new RetinaNetHead(32, 2, 3, { channels: 32, convs: 2, prior: 0.01, normGroups });
      // Biases that are not zero make the gaps of an atlas differ from zero.
      for (const [name, parameter] of head.namedParameters()) {
        write(
          parameter,
          uniformValues(name, parameter.size).map((value) => value / 4),
        );
      }
      const levels = pyramids[1]!.map(([h, w], i) =>
        tensor(uniformValues(`level ${i}`, 2 * h * w * 32), { shape: [2, h, w, 32], requiresGrad: true }),
      );
      const together = (): Tensor => {
        const { logits, deltas } = head.forward(levels);
        return concat([logits, deltas], 2);
      };
      const { classificationHead, regressionHead } = head;
      const alone = (tower: Sequential, last: Conv2d, width: number): Tensor =>
        concat(
          levels.map((level) => reshape(last.forward(tower.forward(level)), [2, -1, width])),
          1,
        );
      const apart = (): Tensor =>
        concat(
          [
            alone(classificationHead.conv, classificationHead.clsLogits, 3),
            alone(regressionHead.conv, regressionHead.bboxReg, 4),
          ],
          2,
        );
      const [actual, expected] = [await results(head, levels, together), await results(head, levels, apart)];
      for (const [i, values] of actual.entries())
        assertClose(values, expected[i]!, {
          tolerance: gradientTolerance(9 * 32),
          label: i === 0 ? 'outputs' : `gradient ${i}`,
        });
      for (const level of levels) level.dispose();
      head.dispose();
    });
  });
}

test('the number of launches does not depend on the number of levels, except for copying them', () => {
  const head = new RetinaNetHead(8, 1, 1, { channels: 8, convs: 2, prior: 0.01, normGroups: null });
  const launches = (sizes: readonly Size[]): number => {
    const before = device.counters().dispatches;
    tidy(() => void head.forward(sizes.map(([h, w]) => ones([1, h, w, 8]))));
    return device.counters().dispatches - before - 2 * sizes.length; // The levels are made and copied.
  };
  assert.is(launches(pyramids[1]!), launches(pyramids[1]!.slice(0, 2)));
  head.dispose();
});

test.run();
