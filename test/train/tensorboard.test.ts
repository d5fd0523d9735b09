import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { crc32c } from '../../src/common/crc32c.ts';
import { openEventFile } from '../../src/train/node/tensorboard.ts';

const root = mkdtempSync(join(tmpdir(), 'retinagrad-events-'));
test.after(() => rmSync(root, { recursive: true }));

/** CRC-32C bit by bit, as a division of polynomials. */
function slowCrc(data: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of data) {
    for (let bit = 0; bit < 8; bit++) {
      const odd = ((rest ^ (byte >>> bit)) & 1) === 1;
      rest = (rest >>> 1) ^ (odd ? 0x82f63b78 : 0);
    }
  }
  return ~rest >>> 0;
}

test('CRC-32C has the values of RFC 3720', () => {
  const cases: [Uint8Array, number][] = [
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    [Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    [new TextEncoder().encode('123456789'), 0xe3069283],
    [new Uint8Array(0), 0],
  ];
  for (const [data, crc] of cases) assert.is(crc32c(data), crc);
});

type Field = readonly [number: number, value: bigint | Uint8Array];

/** Any protobuf message as its fields, by the wire format alone. */
function decode(message: Uint8Array): Field[] {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let [value, shift] = [0n, 0n];
    for (;;) {
      const byte = message[at++]!;
      value |= BigInt(byte & 127) << shift;
      shift += 7n;
      if (byte < 128) return value;
    }
  };
  const fields: Field[] = [];
  while (at < message.length) {
    const key = Number(varint());
    const take = (length: number): Uint8Array => message.subarray(at, (at += length));
    const wire = key & 7;
    const value = wire === 0 ? varint() : take(wire === 1 ? 8 : wire === 5 ? 4 : Number(varint()));
    fields.push([key >>> 3, value]);
  }
  assert.is(at, view.byteLength);
  return fields;
}

/** The messages of a TFRecord file, each checked against both of its checksums. */
function records(file: Uint8Array): Field[][] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const unmask = (masked: number): number => {
    const rotated = (masked - 0xa282ead8) >>> 0;
    return ((rotated >>> 17) | (rotated << 15)) >>> 0;
  };
  const out: Field[][] = [];
  let at = 0;
  while (at < file.length) {
    const length = Number(view.getBigUint64(at, true));
    assert.is(unmask(view.getUint32(at + 8, true)), slowCrc(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    assert.is(unmask(view.getUint32(at + 12 + length, true)), slowCrc(data));
    out.push(decode(data));
    at += 16 + length;
  }
  assert.is(at, file.length);
  return out;
}

const text = (value: bigint | Uint8Array): string => new TextDecoder().decode(value as Uint8Array);
const read = (path: string): Field[][] => records(Uint8Array.from(readFileSync(path)));

test('scalars are events of summaries, after the version', () => {
  const before = Date.now() / 1000;
  const events = openEventFile(root);
  events.scalars(1, { 'train/loss': 0.75, 'held-out/f1': 1 });
  events.scalars(300_000_000_000, { ['long'.repeat(60)]: Number.NaN });
  const [version, first, second, ...rest] = read(events.path);
  assert.equal(rest, []);
  assert.match(events.path, /events\.out\.tfevents\.\d{10}\./);
  assert.equal(
    version!.map(([field]) => field),
    [1, 3],
  );
  assert.is(text(version![1]![1]), 'brain.Event:2');
  for (const event of [version!, first!, second!]) {
    const time = event[0]![1] as Uint8Array;
    const seconds = new DataView(time.buffer, time.byteOffset).getFloat64(0, true);
    assert.ok(seconds >= before && seconds <= Date.now() / 1000);
  }
  const scalars = (event: Field[]): [bigint, [string, number][]] => {
    assert.equal(
      event.map(([field]) => field),
      [1, 2, 5],
    );
    const values = decode(event[2]![1] as Uint8Array).map(([field, value]): [string, number] => {
      assert.is(field, 1);
      const [tag, number] = decode(value as Uint8Array);
      assert.equal([tag![0], number![0]], [1, 2]);
      const bytes = number![1] as Uint8Array;
      return [text(tag![1]), new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true)];
    });
    return [event[1]![1] as bigint, values];
  };
  assert.equal(scalars(first!), [
    1n,
    [
      ['train/loss', 0.75],
      ['held-out/f1', 1],
    ],
  ]);
  assert.equal(scalars(second!), [300_000_000_000n, [['long'.repeat(60), Number.NaN]]]);
});

test('a resumed run makes TensorBoard discard the later steps', () => {
  const before = readdirSync(root).length;
  const events = openEventFile(root, 5);
  assert.is(readdirSync(root).length, before + 1, 'a separate file');
  const [, start] = read(events.path);
  assert.equal(
    start!.map(([field]) => field),
    [1, 2, 7],
  );
  assert.is(start![1]![1], 6n);
  assert.equal(decode(start![2]![1] as Uint8Array), [[1, 1n]]);
});

test.run();
