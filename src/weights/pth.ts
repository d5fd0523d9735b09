import { joinBytes } from '../common/join-bytes.ts';
import type { HostTensor } from '../nn/module.ts';
import type { Shape } from '../tensor/shape.ts';
import { storedZip } from './stored-zip.ts';

// PyTorch's format of files since 1.6: a ZIP archive with `data.pkl`, a pickle of everything but the values, and a file of
// values for each tensor. A pickle is a program for a stack machine; a state dict needs the opcodes below (Python's
// pickletools describes them all) and three functions, which PyTorch's safe loading (`weights_only=True`) allows.

/** Opcodes of pickle protocol 2. */
const OP = {
  proto: 0x80,
  mark: 0x28, // (
  tuple: 0x74, // t: everything since the mark
  emptyTuple: 0x29, // )
  emptyDict: 0x7d, // }
  setItems: 0x75, // u: pairs since the mark, into the dict before it
  global: 0x63, // c: a function or class by module and name
  reduce: 0x52, // R: calls a function with a tuple
  persistentId: 0x51, // Q: what `torch.load` finds for a tuple, here a storage
  binInt: 0x4a, // J: 32 bits, signed
  binUnicode: 0x58, // X: length, UTF-8
  newFalse: 0x89,
  stop: 0x2e, // .
} as const;

/** PyTorch takes the name of the archive's folder from its first file. */
const FOLDER = 'archive';

/**
 * Encodes tensors as a file that `torch.load` reads: a dict of float32 tensors by name. Names and layouts are written as they
 * are; see `toTorchvisionStateDict`.
 *
 * @throws RangeError if the file would have 4 GiB or more
 */
export function encodePth(tensors: ReadonlyMap<string, HostTensor>): Uint8Array<ArrayBuffer> {
  const files = new Map<string, Uint8Array>([[`${FOLDER}/data.pkl`, pickled(tensors)]]);
  let key = 0;
  for (const { data } of tensors.values()) {
    files.set(`${FOLDER}/data/${key++}`, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  files.set(`${FOLDER}/version`, new TextEncoder().encode('3\n'));
  return storedZip(files);
}

type Code = readonly (number | Uint8Array)[];

function pickled(tensors: ReadonlyMap<string, HostTensor>): Uint8Array {
  const items = [...tensors].flatMap(([name, value], key): Code => [...text(name), ...tensorCode(value, key)]);
  const code = [OP.proto, 2, OP.emptyDict, OP.mark, ...items, OP.setItems, OP.stop];
  return joinBytes(code.map((part) => (typeof part === 'number' ? Uint8Array.of(part) : part)));
}

/** `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)`. */
function tensorCode({ shape, data }: HostTensor, key: number): Code {
  const storage = tuple(
    text('storage'),
    named('torch', 'FloatStorage'),
    text(`${key}`),
    text('cpu'),
    integer(data.length),
  );
  const hooks = [...named('collections', 'OrderedDict'), OP.emptyTuple, OP.reduce];
  const sizes = tuple(...shape.map(integer));
  const steps = tuple(...strides(shape).map(integer));
  const parameters = tuple([...storage, OP.persistentId], integer(0), sizes, steps, [OP.newFalse], hooks);
  return [...named('torch._utils', '_rebuild_tensor_v2'), ...parameters, OP.reduce];
}

const strides = (shape: Shape): number[] =>
  shape.map((_, axis) => shape.slice(axis + 1).reduce((product, extent) => product * extent, 1));

const tuple = (...items: readonly Code[]): Code => [OP.mark, ...items.flat(), OP.tuple];

const named = (module: string, name: string): Code => [OP.global, new TextEncoder().encode(`${module}\n${name}\n`)];

function text(value: string): Code {
  const bytes = new TextEncoder().encode(value);
  return [OP.binUnicode, int32(bytes.length), bytes];
}

const integer = (value: number): Code => [OP.binInt, int32(value)];

const int32 = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer);
