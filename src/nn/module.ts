import { write } from '../tensor/create.ts';
import { assign } from '../autograd/ops/no-gradient.ts';
import { Tensor } from '../tensor/tensor.ts';
import { sameShape, type Shape } from '../tensor/shape.ts';

/** A tensor that training changes. Parameters belong to their module: scopes do not free them. */
export class Parameter extends Tensor<'float32'> {
  /** Takes over the memory of `values`, which is disposed. */
  constructor(values: Tensor) {
    if (values.dtype !== 'float32') throw new TypeError(`Parameter: expected float32 values, got ${values}`);
    super(values.storage.retain(), values.shape, 'float32', false);
    values.dispose();
    this.requiresGrad = true;
  }
}

/** Values on the host, row-major, in this library's layouts (NHWC, HWIO, [in, out]). */
export interface HostTensor {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** What `loadStateDict` accepts: tensors or host values by name. */
export type StateDict = ReadonlyMap<string, Tensor | HostTensor>;

/** A module that maps one tensor to one tensor, so that it can be part of a Sequential. */
export interface Layer {
  forward(x: Tensor): Tensor;
}

/**
 * Base of everything with parameters. A field with a Parameter is a parameter, with any other Tensor a buffer (state that is
 * saved but not trained), and with a Module or an array of Modules a child. Names are the paths of the fields:
 * `body.layer1.0.conv1.weight`.
 */
export abstract class Module {
  /** Whether layers like batch norm behave as in training. Set by `train` and `eval`. */
  training = true;

  /** Direct children with their names; elements of an array are `name.0`, `name.1`, ... */
  *namedChildren(): Generator<[string, Module]> {
    for (const [name, value] of Object.entries(this)) {
      if (value instanceof Module) yield [name, value];
      else if (Array.isArray(value)) {
        for (const [i, item] of value.entries()) if (item instanceof Module) yield [`${name}.${i}`, item];
      }
    }
  }

  /** All parameters, including frozen ones, with their paths. */
  *namedParameters(prefix = ''): Generator<[string, Parameter]> {
    for (const [name, value] of Object.entries(this)) if (value instanceof Parameter) yield [prefix + name, value];
    for (const [name, child] of this.namedChildren()) yield* child.namedParameters(`${prefix}${name}.`);
  }

  /** All buffers with their paths. */
  *namedBuffers(prefix = ''): Generator<[string, Tensor]> {
    for (const [name, value] of Object.entries(this)) {
      if (value instanceof Tensor && !(value instanceof Parameter)) yield [prefix + name, value];
    }
    for (const [name, child] of this.namedChildren()) yield* child.namedBuffers(`${prefix}${name}.`);
  }

  parameters(): Parameter[] {
    return [...this.namedParameters()].map(([, parameter]) => parameter);
  }

  /** Switches this module and its children to training or, with `false`, to evaluation. */
  train(training = true): this {
    this.training = training;
    for (const [, child] of this.namedChildren()) child.train(training);
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /** Stops (or, with `false`, resumes) training of all parameters in this module. */
  freeze(frozen = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = !frozen;
    return this;
  }

  /** Parameters and buffers by path. The tensors are the module's own, not copies. */
  stateDict(): Map<string, Tensor> {
    return new Map<string, Tensor>([...this.namedParameters(), ...this.namedBuffers()]);
  }

  /**
   * Copies values into parameters and buffers by path. If anything does not fit, nothing is changed.
   *
   * @param options.strict whether missing or unexpected names are an error; default true
   * @returns the missing and unexpected names
   * @throws Error that lists the names that are missing, unexpected or of another shape
   */
  loadStateDict(state: StateDict, { strict = true }: { readonly strict?: boolean } = {}): LoadReport {
    const own = this.stateDict();
    const missing = [...own.keys()].filter((name) => !state.has(name));
    const unexpected = [...state.keys()].filter((name) => !own.has(name));
    const misfits: string[] = [];
    for (const [name, tensor] of own) {
      const value = state.get(name);
      if (value !== undefined && !sameShape(value.shape, tensor.shape)) {
        misfits.push(`${name}: expected [${tensor.shape}], got [${value.shape}]`);
      }
    }
    const problems = [
      ...(strict && missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
      ...(strict && unexpected.length > 0 ? [`unexpected: ${unexpected.join(', ')}`] : []),
      ...(misfits.length > 0 ? [`of another shape: ${misfits.join('; ')}`] : []),
    ];
    if (problems.length > 0) {
      throw new Error(
        `loadStateDict: the state does not fit this ${this.constructor.name}.\n  ${problems.join('\n  ')}` +
          (misfits.length === 0 ? '\nPass { strict: false } to load what fits.' : ''),
      );
    }
    for (const [name, tensor] of own) {
      const value = state.get(name);
      if (value instanceof Tensor) assign(tensor, value);
      else if (value !== undefined) write(tensor, value.data);
    }
    return { missing, unexpected };
  }

  /** Frees parameters and buffers. */
  dispose(): void {
    for (const tensor of this.stateDict().values()) tensor.dispose();
  }
}

/** The names that only a module or only a state dict has. */
export interface LoadReport {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

/** Copies a state dict to the host, for saving. Waits for the GPU. */
export async function readStateDict(state: StateDict): Promise<Map<string, HostTensor>> {
  const values = new Map<string, HostTensor>();
  for (const [name, value] of state) {
    const host = value instanceof Tensor ? { shape: value.shape, data: (await value.data()) as Float32Array } : value;
    values.set(name, host);
  }
  return values;
}
