import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  AdaptiveAvgPool2d,
  AvgPool2d,
  Conv1d,
  Conv2d,
  ConvTranspose2d,
  readStateDict,
  Sequential,
  tidy,
  zeros,
  type Layer,
  type Module,
} from '../../src/index.ts';
import { leavesNothing, testDevice } from '../support/device.ts';
import { refuses } from '../support/errors.ts';

const device = await testDevice();

const layers: readonly (readonly [name: string, make: () => Module & Layer, x: number[], w: number[], y: number[]])[] =
  [
    ['Conv2d', () => new Conv2d(6, 4, { kernel: 3, padding: 'same' }), [2, 5, 7, 6], [3, 3, 6, 4], [2, 5, 7, 4]],
    ['Conv2d with groups', () => new Conv2d(6, 4, { kernel: 3, groups: 2 }), [1, 5, 7, 6], [3, 3, 3, 4], [1, 3, 5, 4]],
    ['depthwise Conv2d', () => new Conv2d(4, 8, { kernel: 3, groups: 4 }), [1, 5, 7, 4], [3, 3, 1, 8], [1, 3, 5, 8]],
    [
      'ConvTranspose2d',
      () => new ConvTranspose2d(6, 4, { kernel: [2, 3], stride: 2, groups: 2 }),
      [1, 4, 3, 6],
      [2, 3, 2, 6],
      [1, 8, 7, 4],
    ],
    ['Conv1d', () => new Conv1d(6, 4, { kernel: 3, stride: 2, groups: 2 }), [2, 9, 6], [3, 3, 4], [2, 4, 4]],
  ];

for (const [name, make, x, w, y] of layers) {
  test(`${name}: shapes, and initial values as in PyTorch`, async () => {
    await leavesNothing(device, async () => {
      const layer = make();
      const state = await readStateDict(layer.stateDict());
      const weight = state.get('weight')!;
      assert.equal([...weight.shape], w);
      assert.equal([...state.get('bias')!.shape], [y.at(-1)]);
      // fan_in is the number of elements of PyTorch's filter, without its first axis.
      const bound = 1 / Math.sqrt(w.slice(0, -1).reduce((a, b) => a * b, 1));
      const largest = Math.max(...[...weight.data].map(Math.abs));
      assert.ok(largest <= bound && largest > 0.5 * bound, `${largest} against ${bound}`);
      tidy(() => assert.equal([...layer.forward(zeros(x)).shape], y));
      layer.dispose();
    });
  });
}

test('groups that do not divide the channels are refused by every layer', () => {
  const message = 'channels do not divide into 4 groups';
  refuses(() => new Conv2d(6, 4, { kernel: 3, groups: 4 }), `Conv2d: 6 and 4 ${message}`);
  refuses(() => new ConvTranspose2d(8, 6, { kernel: 3, groups: 4 }), `ConvTranspose2d: 8 and 6 ${message}`);
  refuses(() => new Conv1d(8, 6, { kernel: 3, groups: 4 }), `Conv1d: 8 and 6 ${message}`);
});

test('layers without a bias, and pooling layers, in a sequence', () => {
  const model = new Sequential(
    new ConvTranspose2d(4, 4, { kernel: 2, stride: 2, bias: false }),
    new AvgPool2d({ kernel: 3, stride: 2, ceilMode: true }),
    new AdaptiveAvgPool2d([2, 3]),
  );
  assert.equal(model.parameters().length, 1);
  tidy(() => assert.equal([...model.forward(zeros([1, 5, 4, 4])).shape], [1, 2, 3, 4]));
  model.dispose();
});

test.run();
