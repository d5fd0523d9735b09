import { inflateSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openPyTorch } from '../../src/weights/pytorch.ts';
import type { TensorFile } from '../../src/weights/tensor-file.ts';
import { floats, readFixture, type Encoded } from '../golden/read.ts';
import { errorOf } from '../support/errors.ts';
import { pickle, pickleBytes as bytes, type Part } from './pickles.ts';
import { zipOf } from './zips.ts';

const fixture = readFixture<{
  readonly files: Readonly<
    Record<string, { readonly zlib: string; readonly tensors: Readonly<Record<string, Encoded>> }>
  >;
  readonly refused: Readonly<Record<string, string>>;
}>('pytorch-files');
const inflate = (zlib: string): Uint8Array => inflateSync(Buffer.from(zlib, 'base64'));
const fileOf = (name: string): Uint8Array => inflate(fixture.files[name]!.zlib);

test('files of PyTorch give its values: types, views, shared storages, containers, both formats', async () => {
  for (const [name, { tensors }] of Object.entries(fixture.files)) {
    const file = fileOf(name);
    // From bytes, and by range as in a browser.
    for (const source of [file, new Blob([new Uint8Array(file)])]) {
      const opened = await openPyTorch(source, name);
      assert.equal([...opened.tensors.keys()], Object.keys(tensors), name);
      for (const [key, encoded] of Object.entries(tensors)) {
        const { shape, data } = await opened.tensors.get(key)!.read();
        assert.equal([...shape], encoded.shape, `${name} ${key}`);
        assert.equal(data, floats(encoded), `${name} ${key}`);
      }
    }
  }
});

test('the types of stored values are named as in safetensors', async () => {
  const { tensors } = await openPyTorch(fileOf('types'));
  const types = [...tensors.values()].map(({ dtype }) => dtype).join();
  assert.is(types, 'F32,F64,F16,BF16,I64,I32,I16,I8,U8,BOOL,I64,F32');
});

test('of a large file, only its pickle and the tensors that are asked for are read', async () => {
  const file = fileOf('types');
  const ranges: number[] = [];
  const source = {
    size: file.length,
    read: (from: number, to: number) => {
      ranges.push(to - from);
      return Promise.resolve(file.subarray(from, to));
    },
  };
  const { tensors } = await openPyTorch(source);
  ranges.length = 0;
  await tensors.get('half')!.read();
  assert.equal(ranges, [12]);
});

test('whole modules are refused, with the name of their class', async () => {
  for (const zlib of Object.values(fixture.refused)) {
    const { message } = await errorOf(() => openPyTorch(inflate(zlib), 'net.pth'));
    assert.match(
      message,
      /^net\.pth: not a PyTorch file of weights: it names torch\.nn\.modules\.container\.Sequential, which is not allowed; save its state dict only/,
    );
  }
});

test('arrays of NumPy are refused with the conversion that helps', async () => {
  const file = pickle('EMPTY_DICT', 'model', ['numpy.core.multiarray', '_reconstruct'], 'SETITEM');
  const { message } = await errorOf(() => openPyTorch(file, 'model_final.pkl'));
  assert.match(
    message,
    /^model_final\.pkl: .* names numpy\.core\.multiarray\._reconstruct, .*convert it in Python, with torch\.save/,
  );
});

test('every truncation is refused', async () => {
  for (const name of ['parallel', 'views-legacy']) {
    const file = fileOf(name);
    for (let length = 0; length < file.length; length++) {
      const { message } = await errorOf(() => openPyTorch(file.subarray(0, length), 'f'));
      assert.match(message, /^f: not a PyTorch file of weights: /, `${name} ${length}`);
    }
  }
});

test('a damaged byte gives values or an error, never anything else', async () => {
  for (const name of ['parallel', 'views-legacy']) {
    const file = fileOf(name);
    for (let at = 0; at < file.length; at++) {
      const damaged = Uint8Array.from(file);
      damaged[at]! ^= 0x11;
      let opened: TensorFile;
      try {
        opened = await openPyTorch(damaged, 'f');
      } catch (error) {
        assert.match((error as Error).message, /^f: not a PyTorch file/);
        continue;
      }
      for (const tensor of opened.tensors.values()) {
        const { shape, data } = await tensor.read();
        assert.is(
          data.length,
          shape.reduce((a, b) => a * b, 1),
        );
      }
    }
  }
});

/** A file in the ZIP format around a pickle, with a storage `0` of eight bytes. */
const archive = (data: Uint8Array, others: Readonly<Record<string, Uint8Array>> = {}): Uint8Array =>
  zipOf({ 'net/data.pkl': data, 'net/data/0': new Uint8Array(8), ...others });

const storage: Part[] = ['MARK', 'storage', ['torch', 'FloatStorage'], '0', 'cpu', 2, 'TUPLE', 'BINPERSID'];
const list = (...values: number[]): Part[] => ['MARK', ...values, 'TUPLE'];
const rebuild: Part = ['torch._utils', '_rebuild_tensor_v2'];
/** A state dict with one tensor. */
const stateWith = (shape: number[], stride: number[], offset = 0, of = storage): Uint8Array =>
  pickle(
    'EMPTY_DICT',
    'x',
    rebuild,
    'MARK',
    ...of,
    offset,
    ...list(...shape),
    ...list(...stride),
    'TUPLE',
    'REDUCE',
    'SETITEM',
  );

test('hostile tensors, storages and files are refused', async () => {
  const good = await openPyTorch(archive(stateWith([2], [1])));
  assert.equal((await good.tensors.get('x')!.read()).data, new Float32Array(2));
  const typed = (type: string, length = 2, key = '0'): Part[] => {
    return ['MARK', 'storage', ['torch', type], key, 'cpu', length, 'TUPLE', 'BINPERSID'];
  };
  const cases: [string, Uint8Array, RegExp][] = [
    ['past the end', archive(stateWith([3], [1])), /a tensor \[3\] reaches past the end of its storage, which has 2/],
    ['an offset past the end', archive(stateWith([1], [1], 2)), /reaches past the end/],
    ['a huge offset', archive(stateWith([1], [1], 2 ** 31 - 1)), /reaches past the end/],
    ['a huge tensor of one value', archive(stateWith([2 ** 30], [0])), /has more elements than its storage/],
    ['an overflow', archive(stateWith([2 ** 30, 2 ** 30], [0, 0])), /has more elements/],
    ['negative strides', archive(stateWith([2], [-1], 1)), /are not integers >= 0/],
    ['fewer strides', archive(stateWith([2], [])), /are not integers >= 0/],
    ['no storage', archive(stateWith([2], [1], 0, [3])), /has a number as its storage/],
    ['a storage of another length', archive(stateWith([2], [1], 0, typed('FloatStorage', 3))), /storage 0 has 8 bytes/],
    ['a storage of another type', archive(stateWith([2], [1], 0, typed('DoubleStorage'))), /expected 2 values of F64/],
    [
      'a storage without values',
      archive(stateWith([2], [1], 0, typed('FloatStorage', 2, '1'))),
      /no entry for storage "1"/,
    ],
    ['a path', archive(stateWith([2], [1], 0, typed('FloatStorage', 2, '../0'))), /no entry for storage "\.\.\/0"/],
    [
      'an unknown storage',
      archive(stateWith([2], [1], 0, typed('QInt8Storage'))),
      /names torch\.QInt8Storage, which is not/,
    ],
    ['no tensors', archive(pickle('EMPTY_DICT', 'epoch', 3, 'SETITEM')), /it has no state dict, only epoch$/],
    ['a number', archive(pickle(3)), /it holds a number, expected a state dict/],
    ['a name that terminals obey', archive(bytes(stateWith([2], [1]), 'x', '\u001b')), /has control characters/],
    ['big endian', archive(stateWith([2], [1]), { 'net/byteorder': Buffer.from('big') }), /byte order is "big"/],
    ['TorchScript', archive(stateWith([2], [1]), { 'net/constants.pkl': pickle(3) }), /it is a TorchScript program/],
    ['two objects', archive(stateWith([2], [1]), { 'b/data.pkl': pickle(3) }), /2 entries NAME\/data\.pkl, expected 1/],
    ['another ZIP file', zipOf({ 'word/document.xml': new Uint8Array(9) }), /0 entries NAME\/data\.pkl/],
    ['a text', Buffer.from('no weights at all'), /operation APPENDS? at byte|operation .* at byte/],
    ['another pickle', pickle('EMPTY_DICT'), /it is a pickle of something else/],
  ];
  for (const [what, file, reason] of cases) {
    assert.match((await errorOf(() => openPyTorch(file, 'f'))).message, reason, what);
  }
});

test.run();
