import { appendFileSync, readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { crc32c } from '../../common/crc32c.ts';
import { joinBytes } from '../../common/join-bytes.ts';
import { writeError } from '../../common/node/replace-file.ts';

// TensorBoard event files: protobuf messages of type Event (tensorflow/core/util/event.proto), each in a TFRecord frame
// (tensorflow/core/lib/io/record_writer.h). Only scalars are supported.

/** An open event file. */
export interface EventFile {
  readonly path: string;
  /** Appends the values of a step, by tag. Values that are not finite are written too; TensorBoard marks them. */
  scalars(step: number, values: Readonly<Record<string, number>>): void;
}

let opened = 0;

/**
 * Creates an event file in a folder. TensorBoard shows all event files of a folder as one run.
 *
 * @param resumedAt number of steps before the run was resumed: TensorBoard discards later steps of the interrupted run
 */
export function openEventFile(folder: string, resumedAt = 0): EventFile {
  const now = (): number => Date.now() / 1000;
  const name = `events.out.tfevents.${Math.max(Math.floor(now()), newestTime(folder) + 1)}.${hostname()}.${process.pid}.${opened++}`;
  const path = join(folder, name);
  const append = (...event: Uint8Array[]): void => {
    try {
      appendFileSync(path, frame(joinBytes([double(1, now()), ...event])));
    } catch (error) {
      throw writeError('openEventFile', path, error);
    }
  };
  append(bytes(3, new TextEncoder().encode('brain.Event:2')));
  // A session log with status START makes TensorBoard purge the events at or after this step.
  if (resumedAt > 0) append(varint(2, resumedAt + 1), bytes(7, varint(1, 1)));
  return {
    path,
    scalars(step, values) {
      const summary = Object.entries(values).map(([tag, value]) =>
        bytes(1, joinBytes([bytes(1, new TextEncoder().encode(tag)), float(2, value)])),
      );
      append(varint(2, step), bytes(5, joinBytes(summary)));
    },
  };
}

/** The time in the name of the newest event file. TensorBoard reads files in this order, but the clock may be set back. */
function newestTime(folder: string): number {
  const times = readdirSync(folder).map((name) => Number(/^events\.out\.tfevents\.(\d+)\./.exec(name)?.[1] ?? 0));
  return Math.max(0, ...times);
}

/** A TFRecord frame: the length and the data, each followed by its checksum. */
function frame(data: Uint8Array): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(data.length), true);
  return joinBytes([length, checksum(length), data, checksum(data)]);
}

/** A CRC-32C, masked as TFRecord requires (rotated, plus a constant): data may contain CRCs themselves. */
function checksum(data: Uint8Array): Uint8Array {
  const crc = crc32c(data);
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0, true);
  return out;
}

// Protobuf fields: a key of field number and wire type, then the value.

const key = (field: number, wireType: number): number[] => [(field << 3) | wireType];

function varint(field: number, value: number): Uint8Array {
  return Uint8Array.from([...key(field, 0), ...varintBytes(value)]);
}

function varintBytes(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  return [...out, rest];
}

function double(field: number, value: number): Uint8Array {
  const out = Uint8Array.from([...key(field, 1), ...new Uint8Array(8)]);
  new DataView(out.buffer).setFloat64(1, value, true);
  return out;
}

function float(field: number, value: number): Uint8Array {
  const out = Uint8Array.from([...key(field, 5), ...new Uint8Array(4)]);
  new DataView(out.buffer).setFloat32(1, value, true);
  return out;
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return joinBytes([Uint8Array.from([...key(field, 2), ...varintBytes(value.length)]), value]);
}
