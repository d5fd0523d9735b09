import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  PickleGlobal,
  PickleObject,
  readPickle,
  type PickleRules,
  type PickleValue,
} from '../../src/weights/pickle.ts';
import { pickle, type Part } from './pickles.ts';

class Box extends PickleObject {
  readonly items: unknown[] = [];
  override setState(state: PickleValue): void {
    this.items.push(state);
  }
}
const rules: PickleRules = {
  globals: [new PickleGlobal('lib.Box', () => new Box()), new PickleGlobal('lib.Name')],
  persistent: (id) => [id, 'found'],
};
const read = (bytes: Uint8Array): PickleValue => readPickle(bytes, rules).value;
const raw = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);

test('values of Python', () => {
  const double = Buffer.alloc(9, 0x47);
  double.writeDoubleBE(-1.5, 1);
  const parts: Part[] = [
    'NONE',
    raw(136),
    raw(137),
    raw(75, 200),
    raw(77, 1, 2),
    -5,
    double,
    'tëxt',
    raw(138, 1, 255),
    raw(138, 0),
    raw(138, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1),
    raw(140, 1, 97),
    raw(67, 2, 7, 8),
  ];
  assert.equal(read(Uint8Array.from(pickle('MARK', ...parts, 'TUPLE'))), [
    null,
    true,
    false,
    200,
    513,
    -5,
    -1.5,
    'tëxt',
    -1,
    0,
    2n ** 64n,
    'a',
    raw(7, 8),
  ]);
  const map = read(pickle('EMPTY_DICT', 'MARK', 'a', 1, 'b', 2, 'SETITEMS', 'c', 'EMPTY_LIST', 3, 'APPEND', 'SETITEM'));
  assert.equal(
    map,
    new Map<unknown, unknown>([
      ['a', 1],
      ['b', 2],
      ['c', [3]],
    ]),
  );
  assert.equal(read(pickle('MARK', 'x', 'MEMOIZE', raw(0x68, 0), 'TUPLE')), ['x', 'x']);
  assert.equal(read(pickle('k', 'BINPERSID')), ['k', 'found']);
  const box = read(pickle(['lib', 'Box'], 'EMPTY_TUPLE', 'REDUCE', 3, 'BUILD')) as Box;
  assert.equal(box.items, [3]);
  // Attributes of a dictionary are dropped.
  assert.equal(read(pickle('EMPTY_DICT', 'EMPTY_DICT', 'BUILD')), new Map());
  const { length } = readPickle(Buffer.concat([pickle(1), pickle(2)]), rules);
  assert.is(length, pickle(1).length);
});

test('names that are not listed are refused by name, however they are written', () => {
  const hostile: [string, string][] = [
    ['os', 'system'],
    ['posix', 'system'],
    ['nt', 'system'],
    ['builtins', 'eval'],
    ['builtins', 'exec'],
    ['builtins', 'getattr'],
    ['__builtin__', 'apply'],
    ['subprocess', 'Popen'],
    ['torch', 'load'],
    ['torch.hub', 'load'],
    ['lib', '__proto__'],
    ['lib', 'constructor'],
    ['lib.Box', 'call'],
    ['', ''],
  ];
  for (const [module, name] of hostile) {
    const reason = new RegExp(`^it names ${module.replace('.', '\\.')}\\.${name}, which is not allowed$`);
    assert.throws(() => read(pickle([module, name], 'MARK', 'rm -rf ~', 'TUPLE', 'REDUCE')), reason);
    assert.throws(() => read(pickle(module, name, 'STACK_GLOBAL', 'MARK', 'rm -rf ~', 'TUPLE', 'REDUCE')), reason);
  }
  // What Python's `pickle.dumps` writes for an object whose __reduce__ returns (os.system, ('id',)), protocols 0 and 4.
  assert.throws(() => read(Buffer.from('cposix\nsystem\np0\n(Vid\np1\ntp2\nRp3\n.')), /it names posix\.system/);
  const four = '80049520000000000000008c05706f736978948c0673797374656d9493948c02696494859452942e';
  assert.throws(() => read(Buffer.from(four, 'hex')), /it names posix\.system/);
  assert.throws(() => read(pickle(['a\u001b[2J', 'b'])), /it names a\?\[2J\.b, which/);
});

test('names that are only mentioned are not called, and other values neither', () => {
  const call = (...callee: Part[]): Uint8Array => pickle(...callee, 'EMPTY_TUPLE', 'REDUCE');
  assert.throws(() => read(call(['lib', 'Name'])), /it calls lib\.Name with a list, which is not allowed/);
  assert.throws(() => read(call('text')), /it calls a string/);
  assert.throws(() => read(pickle(['lib', 'Box'], 'x', 'REDUCE')), /it calls lib\.Box with a string/);
  assert.throws(
    () => read(pickle(['lib', 'Name'], 'NONE', 'BUILD')),
    /sets the state of lib\.Name, which is not allowed/,
  );
  assert.throws(() => read(pickle('x', 1, 'APPEND')), /appends to a string, expected a list/);
  assert.throws(() => read(pickle('EMPTY_LIST', 1, 2, 'SETITEM')), /sets items of a list, expected a dictionary/);
  assert.throws(() => read(pickle('EMPTY_DICT', 'MARK', 1, 'SETITEMS')), /a key has no value/);
  assert.throws(() => read(pickle(1, 2, 'STACK_GLOBAL')), /names a number and a number, expected two texts/);
});

test('of 256 operations, 38 are known, and the others are refused, by their names where they have one', () => {
  const isRefused = (code: number): boolean => {
    try {
      // Enough operands for any operation.
      read(raw(0x5d, 0x5d, 0x28, code, ...new Array<number>(300).fill(0)));
      return false;
    } catch (error) {
      return /^its operation .* at byte 3 is not allowed$/.test((error as Error).message);
    }
  };
  const refused = [...Array(256).keys()].filter(isRefused);
  assert.is(refused.length, 256 - 38);
  const named: [number, string][] = [
    [0x69, 'INST'],
    [0x6f, 'OBJ'],
    [0x81, 'NEWOBJ'],
    [0x92, 'NEWOBJ_EX'],
    [0x82, 'EXT1'],
    [0x50, 'PERSID'],
    [0x97, 'NEXT_BUFFER'],
    [0xff, '0xff'],
  ];
  for (const [code, name] of named) {
    assert.throws(() => read(raw(code)), new RegExp(`^its operation ${name} at byte 0 is not allowed$`));
  }
});

test('every truncation is refused as one', () => {
  const bytes = pickle(
    ['lib', 'Box'],
    'MARK',
    'text',
    300,
    raw(0x8a, 2, 1, 1),
    'TUPLE',
    'REDUCE',
    'EMPTY_DICT',
    'BUILD',
  );
  read(bytes);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(
      () => read(bytes.subarray(0, length)),
      (error: Error & { isTruncated?: boolean }) => error.isTruncated === true,
      `${length}`,
    );
  }
  // Lengths that no file has.
  assert.throws(() => read(raw(0x58, 255, 255, 255, 255)), /truncated/);
  assert.throws(() => read(raw(0x8a, 255, 1)), /truncated/);
});

test('nesting, operations and objects of the memo are limited', () => {
  assert.throws(() => read(Buffer.alloc(600, 0x28)), /nested deeper than 500/);
  assert.throws(() => read(Buffer.alloc(3_000_000, 0x4e)), /more than 2000000 operations/);
  assert.throws(() => read(pickle('x', raw(0x68, 9))), /refers to object 9, which it does not have/);
  // A memo index of 2^32 - 1 takes no more memory than another.
  assert.is(read(pickle('x', raw(0x72, 255, 255, 255, 255), raw(0x6a, 255, 255, 255, 255))), 'x');
  assert.throws(() => read(raw(0x2e)), /its stack is empty/);
  assert.throws(() => read(pickle('TUPLE')), /there is no mark/);
  // A list in itself, and one that contains itself twice at each of 60 levels: read, never walked.
  const twice = [
    'MEMOIZE',
    'TUPLE1',
    ...Array.from({ length: 60 }, (_, i) => ['MEMOIZE', raw(0x68, i + 1), 'TUPLE2']).flat(),
  ];
  read(pickle('EMPTY_LIST', ...(twice as Part[])));
  assert.throws(() => read(pickle('EMPTY_LIST', ...(twice as Part[]), 'BUILD')), /stack is empty/);
});

test.run();
