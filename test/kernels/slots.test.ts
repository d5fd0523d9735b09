import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adamStep } from '../../src/kernels/wgsl/adam_step.wgsl.ts';
import { scaleAll } from '../../src/kernels/wgsl/scale_all.wgsl.ts';
import { sgdStep } from '../../src/kernels/wgsl/sgd_step.wgsl.ts';
import { specialize, withSlots } from '../../src/kernels/wgsl.ts';

test('one slot is that of the file', () => {
  const { code, bindings, params } = withSlots(sgdStep, 1);
  assert.is(code, sgdStep.code.replaceAll(/\/\* (SLOT|END) \*\//g, ''));
  assert.equal(bindings, sgdStep.bindings);
  assert.equal(params, sgdStep.params);
});

test('more slots repeat it with their number, and number the bindings anew', () => {
  const { code, bindings, params } = withSlots(sgdStep, 4);
  assert.equal(
    Object.keys(bindings),
    [0, 1, 2, 3].flatMap((slot) => [`g${slot}`, `m${slot}`, `p${slot}`]).concat('params'),
  );
  assert.is((bindings as Record<string, string>)['g3'], 'read-only-storage');
  assert.is((bindings as Record<string, string>)['p3'], 'storage');
  assert.equal(Object.keys(params).slice(0, 5), ['vectors0', 'vectors1', 'vectors2', 'vectors3', 'lr']);
  const numbers = [...code.matchAll(/@binding\((\d+)\)/g)].map((match) => Number(match[1]));
  assert.equal(numbers, [...numbers.keys()]);
  assert.match(code, '@group(0) @binding(9) var<storage, read> g3: array<vec4f>;');
  assert.match(code, 'let next = step(g3[i], m3[i], p3[i]);');
  // Zeros that are not those of slots stay.
  assert.match(code, 'params.first != 0u');
});

test('names that end with another number stay', () => {
  const { params } = withSlots(adamStep, 3);
  assert.equal(Object.keys(params).slice(0, 7), [
    'vectors0',
    'vectors1',
    'vectors2',
    'lr',
    'beta1',
    'beta2',
    'oneMinusBeta1',
  ]);
});

test('another number of slots is another kernel, which takes the same constants', () => {
  const [three, seven] = [withSlots(scaleAll, 3), withSlots(scaleAll, 7)];
  assert.is.not(three.file, seven.file);
  assert.is(withSlots(scaleAll, 3), three);
  assert.match(specialize(three, { SIZE: 32 }, {}), 'const SIZE: u32 = u32(32);');
});

test('kernels that are minified, as in the single file, are repeated alike', async () => {
  const file = '../../scripts/minify-wgsl.mjs';
  const { minifyWgsl } = (await import(file)) as { minifyWgsl: (code: string) => string };
  const code = minifyWgsl(sgdStep.code);
  const { code: repeated } = withSlots({ ...sgdStep, file: 'minified', code }, 3);
  assert.is(minifyWgsl(repeated), minifyWgsl(withSlots(sgdStep, 3).code));
});

test.run();
