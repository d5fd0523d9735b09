// Operations per byte of the benchmark's cases, from which the page of the benchmarks draws the roofline model.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { kernelCases, SIZES } from '../../src/measure/kernel-cases.ts';
import { comparedTasks, convTasks, matmulTask } from '../../src/measure/tasks.ts';

test('a product of n x n matrices has n / 6 operations per byte', () => {
  assert.is(matmulTask(1024).work.intensity, 1024 / 6);
});

test('a convolution and its two gradients touch the same bytes', () => {
  const tasks = convTasks({ x: [1, 8, 8, 4], w: [3, 3, 4, 16], stride: 1, padding: 1 });
  const bytes = 4 * (8 * 8 * 4 + 3 * 3 * 4 * 16 + 8 * 8 * 16);
  assert.equal(
    tasks.map(({ work }) => work.intensity),
    Array.from({ length: 3 }, () => (2 * 8 * 8 * 16 * 3 * 3 * 4) / bytes),
  );
});

test('every case has an intensity, which is 0 only for upsampling', () => {
  for (const { name, work } of kernelCases([SIZES['256']]))
    assert.is(work.intensity === 0, name.startsWith('upsample'), name);
});

test('libraries are compared by cases of the suite, or of its kinds', () => {
  const names = comparedTasks().map(({ name }) => name);
  assert.is(new Set(names).size, names.length);
  assert.ok(names.includes('conv 3x3 256->256 @32x32 dw'));
});

test.run();
