import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { add, backward, GroupNorm, manualSeed, relu, retinaNetSpec, sum, tensor, tidy } from '../../src/index.ts';
import { ResNet } from '../../src/retinanet/resnet.ts';
import { groupsOf } from '../../src/retinanet/spec.ts';
import { assertClose } from '../support/compare.ts';
import { leavesNothing, testDevice } from '../support/device.ts';

const device = await testDevice();
const ramp = (shape: readonly number[], step: number) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * step)),
    { shape },
  );

test('groups are 32, or so many that each has two channels', () => {
  const expected = { 1: 1, 6: 1, 7: 1, 8: 4, 16: 8, 48: 8, 64: 32, 128: 32, 2048: 32 };
  for (const [channels, groups] of Object.entries(expected)) assert.is(groupsOf(Number(channels)), groups, channels);
});

test('a group norm adds a shortcut and applies ReLU, with their gradients', async () => {
  await leavesNothing(device, async () => {
    const layer = new GroupNorm(2, 4);
    const [x, other] = [ramp([2, 3, 3, 4], 0.7), ramp([2, 3, 3, 4], 1.3)];
    const gradients: Float32Array[] = [];
    const results: Float32Array[] = [];
    for (const forward of [
      () => layer.forward(x, { add: other, relu: true }),
      () => relu(add(layer.forward(x), other)),
    ]) {
      const y = tidy(() => {
        const y = forward();
        backward(sum(y));
        return y;
      });
      results.push((await y.data()) as Float32Array);
      gradients.push((await layer.weight.grad!.data()) as Float32Array);
      for (const parameter of layer.parameters()) {
        parameter.grad!.dispose();
        parameter.grad = null;
      }
      y.dispose();
    }
    assert.equal(results[0], results[1]);
    assert.equal(gradients[0], gradients[1]);
    assert.ok(gradients[0]!.some((value) => value !== 0));
    for (const used of [layer, x, other]) used.dispose();
  });
});

test('the features of an image do not depend on the others of its batch', async () => {
  manualSeed(3);
  const { backbone } = retinaNetSpec('torchvision', { backbone: { depth: 18, width: 8, norm: 'group' } });
  const body = new ResNet(backbone).train();
  const [one, two] = [ramp([1, 64, 64, 3], 0.37), ramp([2, 64, 64, 3], 0.37)];
  const alone = body.forward(one);
  const together = body.forward(two);
  for (const [level, features] of alone.entries()) {
    const values = (await features.data()) as Float32Array;
    const first = ((await together[level]!.data()) as Float32Array).subarray(0, values.length);
    assertClose(first, values, { tolerance: { relative: 1e-5, absolute: 1e-5 }, label: `level ${level}` });
    assert.ok(values.every(Number.isFinite) && values.some((value) => value > 0));
  }
  for (const used of [...alone, ...together, one, two, body]) used.dispose();
});

test.run();
