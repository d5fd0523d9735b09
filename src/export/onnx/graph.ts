import type { OnnxAttribute, OnnxNode, OnnxTensor } from './model.ts';

/** Collects the nodes and constants of a graph. Values are known by their names, as in the file. */
export class OnnxGraph {
  readonly nodes: OnnxNode[] = [];
  readonly #constants = new Map<string, OnnxTensor>();

  /** Every constant once. */
  get initializers(): OnnxTensor[] {
    return [...this.#constants.values()];
  }

  /** Adds a node with one output, and returns its name. */
  add(type: string, inputs: readonly string[], attributes: OnnxNode['attributes'] = {}, name?: string): string {
    return this.addMany(type, inputs, 1, attributes, name)[0]!;
  }

  /** Adds a node with several outputs, and returns their names. */
  addMany(
    type: string,
    inputs: readonly string[],
    count: number,
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    name = `${type}_${this.nodes.length}`,
  ): string[] {
    const outputs = Array.from({ length: count }, (_, i) => (count === 1 ? `${name}_out` : `${name}_out${i}`));
    this.nodes.push({ type, name, inputs, outputs, attributes });
    return outputs;
  }

  /** Gives a value another name: that of an output of the graph. */
  output(value: string, name: string): void {
    this.nodes.push({ type: 'Identity', name: `${name}_output`, inputs: [value], outputs: [name], attributes: {} });
  }

  /** A constant, made once for each name. */
  constant(name: string, make: () => Omit<OnnxTensor, 'name'>): string {
    if (!this.#constants.has(name)) this.#constants.set(name, { name, ...make() });
    return name;
  }

  /** Real numbers as a constant; a number is a scalar. */
  floats(values: number | readonly number[], shape?: readonly number[]): string {
    const list = typeof values === 'number' ? [values] : values;
    const extents = shape ?? (typeof values === 'number' ? [] : [list.length]);
    const name = `float_${extents.join('x')}_${list.join('_')}`;
    return this.constant(name, () => ({ shape: extents, data: Float32Array.from(list) }));
  }

  /** Integers as a constant; a number is a scalar. */
  integers(values: number | readonly number[], shape?: readonly number[]): string {
    const list = typeof values === 'number' ? [values] : values;
    const extents = shape ?? (typeof values === 'number' ? [] : [list.length]);
    const name = `int64_${extents.join('x')}_${list.join('_')}`;
    return this.constant(name, () => ({ shape: extents, data: BigInt64Array.from(list, BigInt) }));
  }

  reshape(value: string, shape: readonly number[]): string {
    return this.add('Reshape', [value, this.integers(shape)]);
  }
}
