import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  digest,
  floats,
  hashImage,
  hashTensor,
  hashUniform,
  readFixture,
  toHwio,
  toNchw,
  toNhwc,
  toOihw,
} from './read.ts';

interface Weights {
  readonly tensors: readonly { name: string; shape: number[]; seed: number; digest: number; head: string }[];
  readonly images: readonly { name: string; size: [number, number]; digest: number; head: number[] }[];
  readonly uniform: { name: string; shape: number[]; seed: number; scale: number; centre: number; digest: number };
}

const fixture = readFixture<Weights>('weights');

test('hashed weights have the bits that Python made', () => {
  for (const { name, shape, seed, digest: expected, head } of fixture.tensors) {
    const values = hashTensor(name, shape, seed);
    assert.equal([...values.subarray(0, 8)], [...floats(head)], name);
    assert.is(digest(values), expected, name);
  }
});

test('hashed images and uniform values have the bits that Python made', () => {
  for (const { name, size, digest: expected, head } of fixture.images) {
    const image = hashImage(name, ...size);
    assert.equal([...image.subarray(0, 12)], head, name);
    assert.is(digest(image), expected, name);
  }
  const { name, shape, seed, scale, centre, digest: expected } = fixture.uniform;
  assert.is(digest(hashUniform(name, shape, seed, scale, centre)), expected);
});

test('the weights of a whole model have the bits that Python made', () => {
  const { case: spec, stateDict } = readFixture<{
    case: { seed: number };
    stateDict: { digest: number; tensors: [string, number[]][] };
  }>('retinanet-r18-bn');
  let sum = 0;
  for (const [name, shape] of stateDict.tensors) {
    if (!name.endsWith('num_batches_tracked')) sum = (sum + digest(hashTensor(name, shape, spec.seed))) >>> 0;
  }
  assert.is(sum, stateDict.digest);
});

test('changing the order of axes and back gives the values again', () => {
  const values = Float32Array.from({ length: 120 }, (_, i) => i);
  assert.equal(toNchw(toNhwc(values, [2, 3, 4, 5]), [2, 4, 5, 3]), values);
  assert.equal(toOihw(toHwio(values, [2, 3, 4, 5]), [4, 5, 3, 2]), values);
  assert.is(toNhwc(values, [2, 3, 4, 5])[1], 20);
  assert.is(toHwio(values, [2, 3, 4, 5])[1], 60);
});

test.run();
