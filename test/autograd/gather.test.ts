import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { gather } from '../../src/autograd/ops/gather.ts';
import { sum } from '../../src/autograd/ops/broadcast.ts';
import { backward } from '../../src/autograd/tape.ts';
import { tensor } from '../../src/tensor/create.ts';
import { tidy } from '../../src/tensor/scope.ts';
import { testDevice } from '../support/device.ts';

await testDevice();

test('an index outside gives a value that cannot be overlooked, and no gradient', async () => {
  const indices = tensor(Int32Array.of(1, -1, 2, 3, 2 ** 31 - 1));
  const x = tensor([5, 6, 7], { requiresGrad: true });
  const y = gather(x, indices);
  assert.equal([...(await y.data())], [6, NaN, 7, NaN, NaN]);
  tidy(() => backward(sum(y)));
  assert.equal([...(await x.grad!.data())], [0, 1, 1]);
  const whole = gather(tensor(Int32Array.of(5, 6, 7)), indices);
  assert.equal([...(await whole.data())], [6, -(2 ** 31), 7, -(2 ** 31), -(2 ** 31)]);
  const unsigned = gather(tensor(Uint32Array.of(5, 6, 7)), indices);
  assert.equal([...(await unsigned.data())], [6, 2 ** 32 - 1, 7, 2 ** 32 - 1, 2 ** 32 - 1]);
});

test.run();
