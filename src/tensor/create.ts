import { defaultDevice, type Device } from './device.ts';
import { dtypes, type DType, type HostArrays } from './dtype.ts';
import { isNdarray, pack, type HostArray } from './host.ts';
import { checkShape, sizeOf, type Shape } from './shape.ts';
import { empty, type Tensor } from './tensor.ts';

/** Numbers nested to any depth; every level must have equal lengths. */
export type Nested = number | readonly Nested[];

export interface CreateOptions<D extends DType = DType> {
  /** Default: that of the typed array or ndarray given, otherwise `float32`. */
  readonly dtype?: D;
  /** Default: the device that `init` opened last. */
  readonly device?: Device;
  /** Whether `backward` accumulates a gradient for this tensor. Default false. */
  readonly requiresGrad?: boolean;
}

/**
 * Copies values to the GPU: a number, nested arrays, a typed array, or an `ndarray` of any strides.
 *
 * @param options.shape shape of the result, for values in row-major order. Default: that of `values`; a typed array has
 *   one axis
 */
export function tensor<D extends DType = 'float32'>(
  values: Nested | ArrayBufferView | HostArray,
  options: CreateOptions<D> & { readonly shape?: Shape } = {},
): Tensor<D> {
  const dtype = (options.dtype ?? dtypeOf(values)) as D;
  let shape: Shape;
  let data: HostArrays[DType];
  if (isNdarray(values)) {
    shape = values.shape;
    data = pack(values, new dtypes[dtype].array(values.size));
  } else if (ArrayBuffer.isView(values)) {
    const typed = values as unknown as ArrayLike<number>;
    shape = [typed.length];
    data = convert(typed, dtype);
  } else {
    const flat: number[] = [];
    shape = flatten(values, flat, 0);
    data = new dtypes[dtype].array(flat);
  }
  if (options.shape !== undefined) {
    checkShape('tensor', options.shape);
    if (sizeOf(options.shape) !== data.length) {
      throw new RangeError(`tensor: ${data.length} values do not fill the shape [${options.shape}]`);
    }
    shape = options.shape;
  }
  const device = options.device ?? defaultDevice();
  const result = empty(device, shape, dtype, 'tensor');
  if (data.length > 0) device.write(result.storage.buffer, data);
  result.requiresGrad = options.requiresGrad ?? false;
  return result;
}

/** Replaces the values of a tensor in place. `values` has one element for each of the tensor's. */
export function write(target: Tensor, values: ArrayLike<number>): void {
  target.checkUsable('write');
  if (values.length !== target.size) {
    throw new RangeError(`write: ${values.length} values do not fill a tensor of shape [${target.shape}]`);
  }
  target.device.write(target.storage.buffer, convert(values, target.dtype));
  target.storage.version++;
}

function convert(values: ArrayLike<number>, dtype: DType): HostArrays[DType] {
  const { array } = dtypes[dtype];
  if (values instanceof array && values.buffer instanceof ArrayBuffer) return values as HostArrays[DType];
  const out = new array(values.length);
  out.set(values);
  return out;
}

function dtypeOf(values: unknown): DType {
  const data = isNdarray(values) ? values.data : values;
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Uint32Array) return 'uint32';
  return 'float32';
}

function flatten(values: Nested, out: number[], depth: number): number[] {
  if (typeof values === 'number') {
    out.push(values);
    return [];
  }
  if (!Array.isArray(values))
    throw new TypeError(`tensor: expected numbers or arrays of numbers, got ${typeof values}`);
  let inner: number[] | null = null;
  for (const item of values as readonly Nested[]) {
    const shape = flatten(item, out, depth + 1);
    if (inner === null) inner = shape;
    else if (inner.length !== shape.length || inner.some((extent, d) => extent !== shape[d])) {
      throw new RangeError(`tensor: nested arrays of different shapes at depth ${depth}: [${inner}] and [${shape}]`);
    }
  }
  return [values.length, ...(inner ?? [])];
}
