import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeSafetensors, encodeSafetensors } from '../../src/weights/safetensors.ts';

const tensors = new Map([
  ['a.weight', { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, 1e-40, Infinity) }],
  ['empty', { shape: [0, 4], data: new Float32Array(0) }],
  ['__proto__', { shape: [], data: Float32Array.of(7) }],
]);
const file = (header: unknown, values = 0, length?: number): Uint8Array => {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + values);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  bytes.set(text, 8);
  return bytes;
};
const entry = (shape: unknown, range: unknown, dtype = 'F32'): object => ({ x: { dtype, shape, data_offsets: range } });

test('what is written is read back, at any address', () => {
  const bytes = encodeSafetensors(tensors, { epoch: '3' });
  assert.is((bytes.length - 7 * 4) % 8, 0);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  for (const view of [bytes, shifted.subarray(1), Buffer.from(bytes)]) {
    const read = decodeSafetensors(view);
    assert.equal([...read.tensors], [...tensors]);
    assert.equal(read.metadata, { epoch: '3' });
  }
});

test('tensors to ignore may be of any type, but not lie outside', () => {
  const header = {
    count: { dtype: 'I64', shape: [], data_offsets: [0, 8] },
    x: { dtype: 'F32', shape: [1], data_offsets: [8, 12] },
  };
  const ignore = (name: string): boolean => name === 'count';
  assert.equal([...decodeSafetensors(file(header, 12), 'x', { ignore }).tensors.keys()], ['x']);
  assert.throws(() => decodeSafetensors(file(header, 12)), /count is I64, expected F32/);
  assert.throws(() => decodeSafetensors(file(header, 11), 'x', { ignore }), /reaches past the end/);
});

test('damaged and hostile files are refused with the reason', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(3), /it has 3 bytes/],
    ['a huge header', file('{}', 0, 2 ** 40), /claims 1099511627776 bytes/],
    ['a header past the end', file('{}', 0, 100), /claims 100 bytes, the file has 10/],
    ['no JSON', file('{"x"'), /not JSON/],
    ['an array', file('[]'), /not an object/],
    ['another type', file(entry([1], [0, 2], 'F16'), 2), /x is F16, expected F32/],
    ['a negative extent', file(entry([-1], [0, 4]), 4), /no shape/],
    ['a wrong size', file(entry([2], [0, 4]), 4), /x \[2\] does not take 4 bytes/],
    ['an overflow', file(entry([2 ** 40, 2 ** 40], [0, 4]), 4), /does not take 4 bytes/],
    ['a range past the end', file(entry([2], [0, 8]), 4), /past the end/],
    ['a gap', file(entry([1], [4, 8]), 8), /have a gap at byte 4/],
    [
      'an overlap',
      file({ ...entry([1], [0, 4]), y: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }, 4),
      /overlap at byte 0/,
    ],
    ['bytes left over', file(entry([1], [0, 4]), 9), /5 bytes follow/],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }), /metadata is not text/],
  ];
  for (const [name, bytes, reason] of cases)
    assert.throws(() => decodeSafetensors(bytes, 'f.safetensors'), reason, name);
});

test('every truncation is refused', () => {
  const bytes = encodeSafetensors(tensors);
  for (let length = 0; length < bytes.length; length++)
    assert.throws(() => decodeSafetensors(bytes.subarray(0, length)), /not a valid/);
});

test.run();
