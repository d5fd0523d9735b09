import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rgbImage } from '../../src/imagery/image.ts';
import { joinDatasets } from '../../src/data/join.ts';
import { describeSample, type Dataset } from '../../src/data/types.ts';

const make = (ids: readonly string[], width: number, classes: readonly string[] = ['a', 'b']): Dataset => ({
  classes,
  ids,
  get: (index) =>
    Promise.resolve({
      id: ids[index]!,
      image: rgbImage(4, width),
      boxes: Float32Array.of(0, 0, index + 1, 2),
      labels: Int32Array.of(index % 2),
    }),
});

test('samples of the second follow those of the first', async () => {
  const joined = joinDatasets([make(['x', 'y'], 5), make([], 1), make(['z'], 7)]);
  assert.equal(joined.ids, ['x', 'y', 'z']);
  assert.equal((await joined.get(1)).image.shape, [4, 5, 3]);
  const { id, image, labels } = await joined.get(2);
  assert.equal([id, image.shape[1], [...labels]], ['z', 7, [0]]);
  assert.equal(
    { ...(await describeSample(joined, 2)) },
    {
      id: 'z',
      width: 7,
      height: 4,
      boxes: Float32Array.of(0, 0, 1, 2),
      labels: Int32Array.of(0),
    },
  );
});

test('ids that occur twice are told apart', async () => {
  const joined = joinDatasets([make(['x'], 5), make(['x'], 7)]);
  assert.equal(joined.ids, ['1/x', '2/x']);
  assert.is((await joined.get(1)).id, '2/x');
});

test('what does not fit together is refused', async () => {
  assert.throws(() => joinDatasets([]), /no data sets/);
  assert.throws(() => joinDatasets([make([], 1), make([], 1, ['b', 'a'])]), /classes are b, a beside a, b/);
  let message = '';
  await joinDatasets([make(['x'], 1)])
    .get(1)
    .catch((error: Error) => (message = error.message));
  assert.match(message, /index 1, expected 0 to 0/);
});

test.run();
