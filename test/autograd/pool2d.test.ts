import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as ops from '../../src/index.ts';
import { testDevice } from '../support/device.ts';
import { refuses } from '../support/errors.ts';

await testDevice();

test('the gradient of a window wholly in the padding goes nowhere', async () => {
  const x = ops.tensor([-5, 2, -Infinity, 4], { shape: [1, 1, 1, 4], requiresGrad: true });
  const options = { kernel: 2, stride: 1, padding: 1, dilation: 2 };
  const y = ops.maxPool2d(x, options); // One window, between the rows before and after the image.
  assert.equal([...(await y.data())], [-Infinity, -Infinity, -Infinity, -Infinity]);
  const [dx] = ops.grad(y, [x], { gradient: ops.ones([1, 1, 1, 4]) });
  assert.equal([...(await dx!.data())], [0, 0, 0, 0]);
  for (const t of [x, y, dx!]) t.dispose();
});

test('an infinite gradient of a maximum reaches only the element that was largest', async () => {
  const x = ops.tensor([0, -1, -2, -3], { shape: [1, 2, 2, 1], requiresGrad: true });
  const y = ops.tidy(() => ops.sqrt(ops.maxPool2d(x, { kernel: 2 })));
  const [dx] = ops.grad(y, [x], { gradient: ops.ones([1, 1, 1, 1]) });
  assert.equal([...(await dx!.data())], [Infinity, 0, 0, 0]);
  for (const t of [x, y, dx!]) t.dispose();
});

test('options that do not fit are refused', () => {
  ops.tidy(() => {
    const x = ops.zeros([1, 4, 4, 2]);
    const pool = (options: object) => () => ops.maxPool2d(x, options as ops.PoolOptions);
    refuses(pool({ kernel: 3, padding: 2 }), 'maxPool2d: padding [2,2] is more than half of the window [3,3]');
    refuses(pool({ kernel: 5 }), 'maxPool2d: a window [5,5] is larger than the input [1,4,4,2] with padding [0,0]');
    refuses(pool({ kernel: [2] }), 'maxPool2d: kernel is [2], expected an integer or a pair of integers');
    refuses(pool({}), 'maxPool2d: kernel is undefined, expected an integer >= 1');
    refuses(pool({ kernel: 2, dilation: 0 }), 'maxPool2d: dilation is 0, expected an integer >= 1');
  });
});

test.run();
