import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeSafetensors } from '../../src/weights/safetensors.ts';
import { openShards } from '../../src/weights/shards.ts';
import { errorOf } from '../support/errors.ts';

const shard = (...names: string[]): Uint8Array =>
  encodeSafetensors(new Map(names.map((name, i) => [name, { shape: [1], data: Float32Array.of(i) }])));
const files: Readonly<Record<string, Uint8Array>> = {
  'model-00001-of-00002.safetensors': shard('a', 'b'),
  'model-00002-of-00002.safetensors': shard('c'),
};
const [first, second] = Object.keys(files) as [string, string];
const opened: string[] = [];
const open = (file: string): Promise<Uint8Array> => {
  opened.push(file);
  return Promise.resolve(files[file]!);
};
const index = (map: unknown): string => JSON.stringify({ metadata: { total_size: 12 }, weight_map: map });

test('the files of an index are one', async () => {
  const { tensors } = await openShards(index({ c: second, a: first, b: first }), open);
  assert.equal([...tensors.keys()], ['c', 'a', 'b']);
  assert.equal(opened, [second, first]);
  assert.equal((await tensors.get('b')!.read()).data, Float32Array.of(1));
});

test('an index that is wrong, or leaves its folder, is refused', async () => {
  const cases: [json: string, reason: RegExp][] = [
    ['{', /^i: truncated: /],
    ['[]', /^i: not an index of safetensors files: it has no weight_map/],
    [index({}), /no weight_map/],
    [index({ a: 3 }), /the file of a is 3, expected the name of a .safetensors file/],
    ...[
      '../a.safetensors',
      '/etc/a.safetensors',
      'a\\b.safetensors',
      '.safetensors',
      'C:a.safetensors',
      'pickle.bin',
    ].map((file): [string, RegExp] => [index({ a: file }), /^i: the file of a is ".*", expected the name/]),
    [index({ a: first, b: first, x: second, c: second }), /x is not in model-00002-of-00002/],
    [index({ a: first, c: second }), /b is in model-00001-of-00002.safetensors, but the index does not have it/],
    [index({ a: first, b: second, c: second }), /b is in model-00001-.*, but the index places it in model-00002/],
  ];
  for (const [json, reason] of cases) assert.match((await errorOf(() => openShards(json, open, 'i'))).message, reason);
});

test.run();
