import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { globalNorm } from '../../src/autograd/ops/no-gradient.ts';
import { tensor } from '../../src/tensor/create.ts';
import { assertClose } from '../support/compare.ts';
import { leavesNothing, testDevice, withDevice } from '../support/device.ts';
import { Random } from '../../src/common/random.ts';

const device = await testDevice();
/** One part of the sum covers 256 elements. */
const sizes = [1, 3, 4, 5, 255, 256, 257, 1023, 2050, 20_001];

/** The norm on the GPU against the sum in float64. */
async function check(list: readonly number[], scale: number): Promise<void> {
  const rng = new Random('global norm');
  const values = list.map((size) => Float32Array.from({ length: size }, () => scale * rng.uniform(-1, 1)));
  const expected = Math.sqrt(values.flatMap((v) => [...v]).reduce((sum, v) => sum + v * v, 0));
  const tensors = values.map((v) => tensor(v));
  const norm = globalNorm(tensors);
  assert.equal(norm.shape, []);
  assertClose([await norm.item()], [expected], { tolerance: { relative: 1e-6 }, label: `sizes ${list}` });
  for (const used of [...tensors, norm]) used.dispose();
}

test('tensors of all sizes, each alone and all together', async () => {
  await leavesNothing(device, async () => {
    for (const size of sizes) await check([size], 1);
    await check(sizes, 1);
    await check(sizes, 1e-12);
    await check(sizes, 1e15);
  });
});

test('as many tensors as can be bound share a launch', async () => {
  const tensors = Array.from({ length: 31 }, (_, i) => tensor([i, 1]));
  const before = device.counters().dispatches;
  const norm = globalNorm(tensors);
  const slots = Math.min(16, device.limits.maxStorageBuffersPerShaderStage) - 1;
  // The sums of squares, the sum of those, and the root.
  assert.is(device.counters().dispatches - before, Math.ceil(31 / slots) + 1 + 1);
  assertClose([await norm.item()], [Math.sqrt(9455 + 31)], { tolerance: { relative: 1e-6 }, label: 'norm' });
  for (const used of [...tensors, norm]) used.dispose();
});

test('tensors larger than the binding limit', async () => {
  await withDevice({ bindingLimit: 4096 }, () => check(sizes, 1));
});

test.run();
