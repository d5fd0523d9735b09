import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeSafetensors, encodeSafetensors, openSafetensors } from '../../src/weights/safetensors.ts';
import type { ByteSource } from '../../src/weights/byte-source.ts';
import { openWeights } from '../../src/weights/open-weights.ts';
import { errorOf } from '../support/errors.ts';

const tensors = new Map([
  ['a.weight', { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, 1e-40, Infinity) }],
  ['empty', { shape: [0, 4], data: new Float32Array(0) }],
  ['constructor', { shape: [], data: Float32Array.of(7) }],
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

test('every flipped bit is noticed', () => {
  const bytes = encodeSafetensors(tensors, { epoch: '3' });
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Uint8Array.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    try {
      const read = decodeSafetensors(flipped);
      // The name of the checksum itself may change; then there is none.
      assert.is(Object.keys(read.metadata).length, 2, `bit ${bit}`);
      assert.equal([...read.tensors], [...tensors]);
    } catch (error) {
      assert.match((error as Error).message, /not a valid safetensors file/);
    }
  }
});

test('the checksum does not depend on the order in a header, and files without one are read', () => {
  const two = new Map([...tensors].slice(0, 2));
  const { metadata } = decodeSafetensors(encodeSafetensors(two, { a: '1', b: '2' }));
  assert.equal(metadata, { a: '1', b: '2' });
  const bytes = encodeSafetensors(two, { a: '1', b: '2' });
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<string, unknown>;
  const rewrite = (changed: object): Uint8Array => {
    const out = file(changed, bytes.length - 8 - length);
    out.set(bytes.subarray(8 + length), out.length - (bytes.length - 8 - length));
    return out;
  };
  const { __metadata__: all, ...entries } = header;
  const reversed = Object.fromEntries(Object.entries(all as object).reverse());
  const turned = { ...Object.fromEntries(Object.entries(entries).reverse()), __metadata__: reversed };
  assert.equal(decodeSafetensors(rewrite(turned)).metadata, { a: '1', b: '2' });
  assert.is(decodeSafetensors(rewrite(entries)).tensors.size, 2);
  assert.throws(
    () => decodeSafetensors(rewrite({ ...header, __metadata__: { ...(all as object), a: '9' } })),
    /its checksum/,
  );
});

/** A file with one tensor per type; `values` are the bytes of each. */
function fileOf(tensors: readonly (readonly [dtype: string, values: ArrayBufferView])[]): Uint8Array {
  const header: Record<string, object> = {};
  let end = 0;
  for (const [dtype, { byteLength }] of tensors) {
    const length = (byteLength * 8) / (bits[dtype] ?? 8);
    header[`x.${dtype}`] = { dtype, shape: [length], data_offsets: [end, (end += byteLength)] };
  }
  const bytes = file(header, end);
  let at = bytes.length - end;
  for (const [, { buffer, byteOffset, byteLength }] of tensors) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return bytes;
}
const bits: Readonly<Record<string, number>> = { BOOL: 8, U8: 8, I8: 8, U16: 16, I16: 16, F16: 16, BF16: 16, F4: 4 };
for (const type of ['U32', 'I32', 'F32']) Object.assign(bits, { [type]: 32 });
for (const type of ['U64', 'I64', 'F64', 'C64']) Object.assign(bits, { [type]: 64 });

test('values of all types of numbers become float32', () => {
  // One byte first, so that no other tensor is aligned.
  const bytes = fileOf([
    ['BOOL', Uint8Array.of(2)],
    ['U8', Uint8Array.of(0, 255)],
    ['I8', Int8Array.of(-128, 127)],
    ['U16', Uint16Array.of(65535)],
    ['I16', Int16Array.of(-32768)],
    ['U32', Uint32Array.of(2 ** 32 - 2 ** 8)],
    ['I32', Int32Array.of(-(2 ** 31))],
    ['U64', BigUint64Array.of(2n ** 63n)],
    ['I64', BigInt64Array.of(-(2n ** 62n), 3n)],
    ['F64', Float64Array.of(1 / 3, 1e300)],
    ['F32', Float32Array.of(1 / 3, -0)],
    // 1, -2, the largest, the smallest normal and subnormal numbers, -0, infinity, NaN.
    ['F16', Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000, 0x7c00, 0x7e01)],
    ['BF16', Uint16Array.of(0x3f80, 0xc040, 0x7f7f, 0x0001, 0xff80)],
  ]);
  const read = (type: string): number[] => [...decodeSafetensors(bytes).tensors.get(`x.${type}`)!.data];
  const { fround } = Math;
  const expected: Record<string, number[]> = {
    BOOL: [1],
    U8: [0, 255],
    I8: [-128, 127],
    U16: [65535],
    I16: [-32768],
    U32: [2 ** 32 - 2 ** 8],
    I32: [-(2 ** 31)],
    U64: [2 ** 63],
    I64: [-(2 ** 62), 3],
    F64: [fround(1 / 3), Infinity],
    F32: [fround(1 / 3), -0],
    F16: [1, -2, 65504, 2 ** -14, 2 ** -24, -0, Infinity, NaN],
    BF16: [1, -3, 3.3895313892515355e38, 2 ** -133, -Infinity],
  };
  for (const [type, values] of Object.entries(expected)) {
    const found = read(type);
    assert.ok(
      values.length === found.length && values.every((value, i) => Object.is(value, found[i])),
      `${type}: ${found}`,
    );
  }
});

test('types without a conversion are named, when their values are needed', async () => {
  const bytes = fileOf([
    ['F8_E5M2', Uint8Array.of(1, 2)],
    ['F4', Uint8Array.of(1)],
    ['C64', new Uint8Array(8)],
    ['F32', Float32Array.of(5)],
  ]);
  assert.throws(
    () => decodeSafetensors(bytes, 'f'),
    /^f: x\.F8_E5M2 is F8_E5M2 \(8 bits\), expected one of F64, F32, F16/,
  );
  const { tensors } = await openSafetensors(bytes, 'f');
  assert.equal((await tensors.get('x.F32')!.read()).data, Float32Array.of(5));
  assert.equal([tensors.get('x.F4')!.shape, tensors.get('x.C64')!.dtype], [[2], 'C64']);
  assert.match((await errorOf(() => tensors.get('x.C64')!.read())).message, /x\.C64 is C64 \(64 bits\)/);
});

test('a file is read by range: its header, each tensor for the checksum, then the tensors that are asked for', async () => {
  const bytes = encodeSafetensors(tensors, { epoch: '3' });
  const ranges: [number, number][] = [];
  const source: ByteSource = {
    size: bytes.length,
    read: (from, to) => {
      ranges.push([from, to]);
      return Promise.resolve(bytes.subarray(from, to));
    },
  };
  const opened = await openSafetensors(source);
  const start = bytes.length - 7 * 4;
  assert.equal(ranges, [
    [0, 8],
    [8, start],
    [start, start + 24],
    [start + 24, start + 28],
    [start + 24, start + 24],
  ]);
  assert.equal(opened.metadata, { epoch: '3' });
  assert.equal(await opened.tensors.get('a.weight')!.read(), tensors.get('a.weight'));
  assert.equal(ranges.slice(5), [[start, start + 24]]);
  const damaged = bytes.slice();
  damaged[start + 5]! ^= 1;
  assert.match(
    (await errorOf(() => openSafetensors(damaged, 'f'))).message,
    /^f: .*its checksum is not that of its content/,
  );
  // As a browser has it.
  const blob = await openSafetensors(new Blob([bytes]));
  for (const [name, value] of tensors) assert.equal(await blob.tensors.get(name)!.read(), value);
});

test('a file whose header has a length that starts like a pickle is opened as safetensors', async () => {
  const lengths = new Set<number>();
  for (let padding = 0; padding < 300; padding++) {
    const bytes = encodeSafetensors(tensors, { padding: 'x'.repeat(padding) });
    lengths.add(bytes[0]!);
    assert.is((await openWeights(bytes)).format, 'safetensors');
  }
  assert.ok(lengths.has(0x80));
});

test('names that readers refuse are not written', () => {
  for (const name of ['', '__proto__', 'a.__proto__', 'a\n', 'a\u202eb', 'x'.repeat(1001)]) {
    const bad = new Map([[name, { shape: [], data: Float32Array.of(1) }]]);
    assert.throws(() => encodeSafetensors(bad), /^encodeSafetensors: /, name);
  }
});

const one = '"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}';

test('damaged and hostile files are refused with the reason', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(3), /it has 3 bytes/],
    ['a huge header', file('{}', 0, 2 ** 40), /claims 1099511627776 bytes/],
    ['a header past the end', file('{}', 0, 100), /claims 100 bytes, the file has 10/],
    ['no JSON', file('{"x"'), /not JSON/],
    ['an array', file('[]'), /not an object/],
    ['a space first', file(' {}'), /does not start with \{/],
    ['no UTF-8', Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0x7d), /not JSON/],
    ['an unknown type', file(entry([1], [0, 2], 'F17'), 2), /x is of the unknown type "F17"/],
    ['a type that objects have', file(entry([1], [0, 2], 'toString'), 2), /unknown type "toString"/],
    ['half a byte', file(entry([1], [0, 1], 'F4'), 1), /x \[1\] of type F4 does not take 1 bytes/],
    ['a name twice', file(`{${one},${one.replace('0,4', '4,8')}}`, 8), /the name "x" occurs twice/],
    ['a name twice, written differently', file(`{${one},${one.replace('x', '\\u0078')}}`, 4), /occurs twice/],
    [
      'a field twice',
      file('{"x":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
      /"dtype" occurs twice/,
    ],
    ['a fraction', file(`{${one.replace('[1]', '[1.0]')}}`, 4), /the number 1.0 is not an integer/],
    ['an exponent', file(`{${one.replace('[1]', '[1e0]')}}`, 4), /the number 1e0 is not an integer/],
    ['the prototype', file(`{${one.replace('x', '__proto__')}}`, 4), /a tensor is called __proto__/],
    ['no name', file(`{${one.replace('x', '')}}`, 4), /name of a tensor is empty/],
    [
      'an escape sequence',
      file(`{${one.replace('x', '\\u001b[2J')}}`, 4),
      /the name "\\u001b\[2J" has control characters/,
    ],
    ['a long name', file(`{${one.replace('x', 'x'.repeat(1001))}}`, 4), /has 1001 characters/],
    ['a negative extent', file(entry([-1], [0, 4]), 4), /the number -1 is not an integer >= 0/],
    ['a wrong size', file(entry([2], [0, 4]), 4), /x \[2\] of type F32 does not take 4 bytes/],
    ['an overflow', file(entry([2 ** 40, 2 ** 40], [0, 4]), 4), /does not take 4 bytes/],
    ['an overflow times zero', file(entry([2 ** 40, 2 ** 40, 0], [0, 0])), /does not take 0 bytes/],
    ['a range that ends first', file(entry([1], [8, 4]), 8), /does not take -4 bytes/],
    ['a range past the end', file(entry([2], [0, 8]), 4), /past the end/],
    ['a gap', file(entry([1], [4, 8]), 8), /have a gap at byte 4/],
    [
      'an overlap',
      file({ ...entry([1], [0, 4]), y: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }, 4),
      /overlap at byte 0/,
    ],
    ['bytes left over', file(entry([1], [0, 4]), 9), /5 bytes follow/],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }), /metadata is not text/],
    ['metadata that is nothing', file({ __metadata__: null }), /metadata is not text/],
  ];
  for (const [name, bytes, reason] of cases)
    assert.throws(() => decodeSafetensors(bytes, 'f.safetensors'), reason, name);
});

test('every truncation is refused', async () => {
  const bytes = encodeSafetensors(tensors);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeSafetensors(bytes.subarray(0, length)), /not a valid/);
    assert.match((await errorOf(() => openSafetensors(bytes.subarray(0, length)))).message, /not a valid/);
  }
});

test('a file of PyTorch is named as one where only safetensors will do', () => {
  for (const start of ['504b0304', '80028a0a'])
    assert.throws(
      () => decodeSafetensors(Buffer.from(`${start}6cfc9c46f920`, 'hex'), 'state.safetensors'),
      /^state\.safetensors: not a valid safetensors file: it is a PyTorch file \(\.pth\)/,
    );
});

test.run();
