// Reads pickles, the format in which Python saves objects: a program for a small stack machine. Python's own reader calls any
// function that a pickle names, so that opening a file can run anything. This one knows only the operations that PyTorch
// writes for weights (protocols 2 to 4), and only the names that its caller lists; nothing else is looked up or called.
// PyTorch's own safe reader (torch/_weights_only_unpickler.py) follows the same rule.

/** A value of a pickle. Tuples and lists are arrays, dictionaries are Maps, integers beyond 2^53 are bigints. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | PickleGlobal
  | PickleObject;

/** A name of Python that a pickle may use. */
export class PickleGlobal {
  /** For example `torch.FloatStorage`. */
  readonly name: string;
  /** The result of calling it; undefined for names that are only mentioned. */
  readonly call: ((args: readonly PickleValue[]) => PickleValue) | undefined;

  constructor(name: string, call?: (args: readonly PickleValue[]) => PickleValue) {
    this.name = name;
    this.call = call;
  }
}

/** Base of the objects that callers make. */
export abstract class PickleObject {
  /** Receives what the object's class saved beside its arguments. */
  setState?(state: PickleValue): void;
}

/** What a pickle may use. */
export interface PickleRules {
  /** Names that the pickle may mention. */
  readonly globals: readonly PickleGlobal[];
  /** The object of a persistent id, by which PyTorch refers to storages. */
  readonly persistent: (id: PickleValue) => PickleValue;
}

/** Thrown for a pickle that is damaged, or that uses what it may not. The message starts with the reason. */
export class PickleError extends Error {
  override readonly name = 'PickleError';
  /** Whether the bytes end before the pickle does. */
  readonly isTruncated: boolean;
  /** The name that the pickle uses and may not, if that is the reason. */
  readonly refused: string | undefined;

  constructor(message: string, { isTruncated = false, refused }: { isTruncated?: boolean; refused?: string } = {}) {
    super(message);
    this.isTruncated = isTruncated;
    this.refused = refused;
  }
}

/** Maximum number of operations, which limits the objects that a pickle makes: about 30,000 tensors. */
const MAX_OPERATIONS = 2_000_000;
/** Maximum number of containers that are filled at the same time. */
const MAX_NESTING = 500;

/**
 * Reads the pickle at the start of the bytes.
 *
 * @returns the value, and the number of bytes that it took
 * @throws PickleError
 */
export function readPickle(bytes: Uint8Array, rules: PickleRules): { value: PickleValue; length: number } {
  return new Machine(bytes, rules).run();
}

/** The kind of a value, for errors: never its contents, which may be endless. */
export function kindOf(value: PickleValue | undefined): string {
  if (value === null) return 'None';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Map) return 'a dictionary';
  if (value instanceof PickleGlobal) return value.name;
  if (value instanceof Uint8Array) return 'bytes';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'bigint' ? 'an integer' : `a ${typeof value}`;
}

class Machine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #rules: PickleRules;
  readonly #globals: ReadonlyMap<string, PickleGlobal>;
  readonly #memo = new Map<number, PickleValue>();
  /** Stacks that a MARK has put aside. */
  readonly #marked: PickleValue[][] = [];
  #stack: PickleValue[] = [];
  #at = 0;

  constructor(bytes: Uint8Array, rules: PickleRules) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#rules = rules;
    this.#globals = new Map(rules.globals.map((global) => [global.name, global]));
  }

  run(): { value: PickleValue; length: number } {
    for (let count = 0; ; count++) {
      if (count === MAX_OPERATIONS) throw new PickleError(`it has more than ${MAX_OPERATIONS} operations`);
      const start = this.#at;
      const code = this.#byte();
      if (code === STOP) return { value: this.#pop(), length: this.#at };
      const operation = operations.get(code);
      if (operation === undefined) {
        const name = refused.get(code) ?? `0x${code.toString(16).padStart(2, '0')}`;
        throw new PickleError(`its operation ${name} at byte ${start} is not allowed`);
      }
      operation(this);
    }
  }

  // The operands of an operation.

  #take(count: number): number {
    const start = this.#at;
    if (count > this.#bytes.length - start) {
      throw new PickleError(`it is truncated at byte ${this.#bytes.length}`, { isTruncated: true });
    }
    this.#at += count;
    return start;
  }

  #byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  /** An unsigned integer of 1, 2, 4 or 8 bytes. */
  unsigned(size: 1 | 2 | 4 | 8): number {
    const at = this.#take(size);
    if (size === 1) return this.#view.getUint8(at);
    if (size === 2) return this.#view.getUint16(at, true);
    // More than 2^53 bytes are more than any file has.
    return size === 4 ? this.#view.getUint32(at, true) : Number(this.#view.getBigUint64(at, true));
  }

  signed(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  /** An integer of any number of bytes, in two's complement. */
  long(size: number): number | bigint {
    const start = this.#take(size);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[start + i]!);
    value = BigInt.asIntN(size * 8, value);
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }

  bytes(size: number): Uint8Array {
    const start = this.#take(size);
    return this.#bytes.subarray(start, start + size);
  }

  text(size: number): string {
    const bytes = this.bytes(size);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      throw new PickleError(`a text before byte ${this.#at} is not UTF-8`);
    }
  }

  /** Text up to the end of the line. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) this.#take(Infinity);
    const text = this.text(end - this.#at);
    this.#at = end + 1;
    return text;
  }

  // The stack.

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  #pop(): PickleValue {
    return this.popMany(1)[0]!;
  }

  popMany(count: number): PickleValue[] {
    if (this.#stack.length < count) throw new PickleError(`its stack is empty at byte ${this.#at}`);
    return this.#stack.splice(this.#stack.length - count, count);
  }

  #top(): PickleValue {
    if (this.#stack.length === 0) throw new PickleError(`its stack is empty at byte ${this.#at}`);
    return this.#stack.at(-1)!;
  }

  mark(): void {
    if (this.#marked.length === MAX_NESTING) throw new PickleError(`it is nested deeper than ${MAX_NESTING}`);
    this.#marked.push(this.#stack);
    this.#stack = [];
  }

  /** What was pushed since the last MARK, which is removed. */
  sinceMark(): PickleValue[] {
    const items = this.#stack;
    const before = this.#marked.pop();
    if (before === undefined) throw new PickleError(`there is no mark at byte ${this.#at}`);
    this.#stack = before;
    return items;
  }

  append(items: readonly PickleValue[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw new PickleError(`it appends to ${kindOf(list)}, expected a list`);
    for (const item of items) list.push(item);
  }

  setItems(items: readonly PickleValue[]): void {
    const map = this.#top();
    if (!(map instanceof Map)) throw new PickleError(`it sets items of ${kindOf(map)}, expected a dictionary`);
    if (items.length % 2 !== 0) throw new PickleError(`a key has no value at byte ${this.#at}`);
    for (let i = 0; i < items.length; i += 2) map.set(items[i]!, items[i + 1]!);
  }

  // Names and objects.

  put(index = this.#memo.size): void {
    this.#memo.set(index, this.#top());
  }

  get(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw new PickleError(`it refers to object ${index}, which it does not have`);
    this.push(value);
  }

  global(module: string, name: string): void {
    const global = this.#globals.get(`${module}.${name}`);
    if (global === undefined) {
      const refused = `${module}.${name}`;
      throw new PickleError(`it names ${printable(refused)}, which is not allowed`, { refused });
    }
    this.push(global);
  }

  stackGlobal(): void {
    const [module, name] = this.popMany(2);
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw new PickleError(`it names ${kindOf(module)} and ${kindOf(name)}, expected two texts`);
    }
    this.global(module, name);
  }

  reduce(): void {
    const [global, args] = this.popMany(2);
    if (!(global instanceof PickleGlobal) || global.call === undefined || !Array.isArray(args)) {
      throw new PickleError(`it calls ${kindOf(global)} with ${kindOf(args)}, which is not allowed`);
    }
    this.push(global.call(args));
  }

  /** Attributes of dictionaries, for example the versions of modules in a state dict, are not needed. */
  build(): void {
    const state = this.#pop();
    const object = this.#top();
    if (object instanceof Map) return;
    if (!(object instanceof PickleObject) || object.setState === undefined) {
      throw new PickleError(`it sets the state of ${kindOf(object)}, which is not allowed`);
    }
    object.setState(state);
  }

  persistent(): void {
    this.push(this.#rules.persistent(this.#pop()));
  }
}

/** Printable ASCII of a name that a file gives, not longer than a line. */
function printable(name: string): string {
  return name.replace(/[^ -~]/g, '?').slice(0, 120);
}

const STOP = 0x2e;

/** The operations of protocols 2 to 4 that PyTorch and NumPy write. */
const operations = new Map<number, (machine: Machine) => void>([
  [0x80, (m) => void m.unsigned(1)], // PROTO
  [0x95, (m) => void m.unsigned(8)], // FRAME
  [0x28, (m) => m.mark()],
  [0x4e, (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  [0x4a, (m) => m.push(m.signed())], // BININT
  [0x4b, (m) => m.push(m.unsigned(1))], // BININT1
  [0x4d, (m) => m.push(m.unsigned(2))], // BININT2
  [0x8a, (m) => m.push(m.long(m.unsigned(1)))], // LONG1
  [0x47, (m) => m.push(m.double())], // BINFLOAT
  [0x58, (m) => m.push(m.text(m.unsigned(4)))], // BINUNICODE
  [0x8c, (m) => m.push(m.text(m.unsigned(1)))], // SHORT_BINUNICODE
  [0x55, (m) => m.push(m.text(m.unsigned(1)))], // SHORT_BINSTRING, of Python 2
  [0x42, (m) => m.push(m.bytes(m.unsigned(4)))], // BINBYTES
  [0x43, (m) => m.push(m.bytes(m.unsigned(1)))], // SHORT_BINBYTES
  [0x7d, (m) => m.push(new Map())], // EMPTY_DICT
  [0x5d, (m) => m.push([])], // EMPTY_LIST
  [0x29, (m) => m.push([])], // EMPTY_TUPLE
  [0x74, (m) => m.push(m.sinceMark())], // TUPLE
  [0x85, (m) => m.push(m.popMany(1))], // TUPLE1
  [0x86, (m) => m.push(m.popMany(2))], // TUPLE2
  [0x87, (m) => m.push(m.popMany(3))], // TUPLE3
  [0x61, (m) => m.append(m.popMany(1))], // APPEND
  [0x65, (m) => m.append(m.sinceMark())], // APPENDS
  [0x73, (m) => m.setItems(m.popMany(2))], // SETITEM
  [0x75, (m) => m.setItems(m.sinceMark())], // SETITEMS
  [0x71, (m) => m.put(m.unsigned(1))], // BINPUT
  [0x72, (m) => m.put(m.unsigned(4))], // LONG_BINPUT
  [0x94, (m) => m.put()], // MEMOIZE
  [0x68, (m) => m.get(m.unsigned(1))], // BINGET
  [0x6a, (m) => m.get(m.unsigned(4))], // LONG_BINGET
  [0x63, (m) => m.global(m.line(), m.line())], // GLOBAL
  [0x93, (m) => m.stackGlobal()], // STACK_GLOBAL
  [0x52, (m) => m.reduce()], // REDUCE
  [0x62, (m) => m.build()], // BUILD
  [0x51, (m) => m.persistent()], // BINPERSID
]);

/** Names of the other operations of pickles, for errors. */
const refused = new Map<number, string>([
  [0x30, 'POP'],
  [0x31, 'POP_MARK'],
  [0x32, 'DUP'],
  [0x46, 'FLOAT'],
  [0x49, 'INT'],
  [0x4c, 'LONG'],
  [0x50, 'PERSID'],
  [0x53, 'STRING'],
  [0x54, 'BINSTRING'],
  [0x56, 'UNICODE'],
  [0x64, 'DICT'],
  [0x67, 'GET'],
  [0x69, 'INST'],
  [0x6c, 'LIST'],
  [0x6f, 'OBJ'],
  [0x70, 'PUT'],
  [0x81, 'NEWOBJ'],
  [0x82, 'EXT1'],
  [0x83, 'EXT2'],
  [0x84, 'EXT4'],
  [0x8b, 'LONG4'],
  [0x8d, 'BINUNICODE8'],
  [0x8e, 'BINBYTES8'],
  [0x8f, 'EMPTY_SET'],
  [0x90, 'ADDITEMS'],
  [0x91, 'FROZENSET'],
  [0x92, 'NEWOBJ_EX'],
  [0x96, 'BYTEARRAY8'],
  [0x97, 'NEXT_BUFFER'],
  [0x98, 'READONLY_BUFFER'],
]);
