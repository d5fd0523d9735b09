// Writes ONNX models: protocol buffers, of which a graph needs four messages. Field numbers are those of onnx.proto3.

type Part = Uint8Array;

/** Attribute of an operator: an integer, integers or a text. */
export type Attribute = number | readonly number[] | string;

const encoder = new TextEncoder();

function varint(value: number): number[] {
  const bytes = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}

const integer = (field: number, value: number): Part => Uint8Array.from([...varint(field * 8), ...varint(value)]);

function bytes(field: number, content: Part): Part {
  const head = [...varint(field * 8 + 2), ...varint(content.length)];
  const result = new Uint8Array(head.length + content.length);
  result.set(head);
  result.set(content, head.length);
  return result;
}

const text = (field: number, value: string): Part => bytes(field, encoder.encode(value));

/** A message within another. */
function message(field: number, parts: readonly Part[]): Part {
  return bytes(field, joined(parts));
}

function joined(parts: readonly Part[]): Part {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

const FLOAT = 1;
const INT64 = 7;
const INTS = 7;

function attribute(name: string, value: Attribute): Part {
  if (typeof value === 'number') return message(5, [text(1, name), integer(3, value), integer(20, 2)]);
  if (typeof value === 'string') return message(5, [text(1, name), text(4, value), integer(20, 3)]);
  return message(5, [text(1, name), ...value.map((one) => integer(8, one)), integer(20, INTS)]);
}

/** Shape and type of an input or output of the graph. */
function valueInfo(field: number, name: string, shape: readonly number[]): Part {
  const dimensions = shape.map((size) => message(1, [integer(1, size)]));
  return message(field, [text(1, name), message(2, [message(1, [integer(1, FLOAT), message(2, dimensions)])])]);
}

/** A graph that is built up operator by operator; values are names. */
export class OnnxGraph {
  readonly #nodes: Part[] = [];
  readonly #initializers: Part[] = [];
  readonly #inputs: Part[] = [];
  readonly #outputs: Part[] = [];
  #count = 0;

  input(name: string, shape: readonly number[]): string {
    this.#inputs.push(valueInfo(11, name, shape));
    return name;
  }

  /** A constant of float32, or of int64 if the values are plain numbers. */
  constant(shape: readonly number[], values: Float32Array | readonly number[]): string {
    const name = `c${this.#count++}`;
    const isFloat = values instanceof Float32Array;
    const data = isFloat ? values : BigInt64Array.from(values, BigInt);
    this.#initializers.push(
      message(5, [
        ...shape.map((size) => integer(1, size)),
        integer(2, isFloat ? FLOAT : INT64),
        text(8, name),
        bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
      ]),
    );
    return name;
  }

  /** Adds an operator with one result. An empty input is one that is left out. */
  op(type: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const name = `v${this.#count++}`;
    const parts = Object.entries(attributes).map(([key, value]) => attribute(key, value));
    this.#nodes.push(message(1, [...inputs.map((input) => text(1, input)), text(2, name), text(4, type), ...parts]));
    return name;
  }

  output(name: string, shape: readonly number[]): void {
    this.#outputs.push(valueInfo(12, name, shape));
  }

  /** The model as a file's content. */
  encode(): Uint8Array {
    const graph = [...this.#nodes, text(2, 'graph'), ...this.#initializers, ...this.#inputs, ...this.#outputs];
    return joined([integer(1, 8), message(7, graph), message(8, [text(1, ''), integer(2, 13)])]);
  }
}
