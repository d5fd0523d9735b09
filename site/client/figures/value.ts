// Reverse mode for numbers in forty lines, after Karpathy's micrograd (2020).

let count = 0;

export class Value {
  readonly id = count++;
  readonly data: number;
  readonly inputs: readonly Value[];
  readonly name: string;
  /** The gradients of the inputs, given that of this value. */
  readonly pass: (dy: number) => readonly number[];
  gradient = 0;

  constructor(data: number, inputs: readonly Value[] = [], name = '', pass: Value['pass'] = () => []) {
    this.data = data;
    this.inputs = inputs;
    this.name = name;
    this.pass = pass;
  }

  add = (b: Value): Value => new Value(this.data + b.data, [this, b], '+', (dy) => [dy, dy]);
  sub = (b: Value): Value => new Value(this.data - b.data, [this, b], '-', (dy) => [dy, -dy]);
  mul = (b: Value): Value => new Value(this.data * b.data, [this, b], '*', (dy) => [dy * b.data, dy * this.data]);
  div = (b: Value): Value =>
    new Value(this.data / b.data, [this, b], '/', (dy) => [dy / b.data, (-dy * this.data) / b.data ** 2]);

  /** f(this), with the derivative at `this.data`. */
  apply = (name: string, y: number, slope: number): Value => new Value(y, [this], name, (dy) => [dy * slope]);
  exp = (): Value => this.apply('exp', Math.exp(this.data), Math.exp(this.data));
  tanh = (): Value => this.apply('tanh', Math.tanh(this.data), 1 - Math.tanh(this.data) ** 2);
  relu = (): Value => this.apply('relu', Math.max(0, this.data), this.data > 0 ? 1 : 0);
}

/** All values that `root` was computed from, and itself, latest first. */
export function tape(root: Value): Value[] {
  const found = new Set([root]);
  for (const value of found) for (const input of value.inputs) found.add(input);
  return [...found].sort((a, b) => b.id - a.id);
}

/** Adds to each value's gradient that of `root`; of the tape's first `steps` entries only. */
export function backward(root: Value, steps = Infinity): void {
  root.gradient = 1;
  for (const value of tape(root).slice(0, steps)) {
    const gradients = value.pass(value.gradient);
    for (const [i, input] of value.inputs.entries()) input.gradient += gradients[i]!;
  }
}
