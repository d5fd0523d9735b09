import { described, optionsOf } from '../common/check.ts';
import { defaultDevice, Device } from './device.ts';
import { checkDType, checkValue, dtypes, type BufferValues, type DType, type HostArrays } from './dtype.ts';
import { isNdarray, pack, type HostArray } from './host.ts';
import { checkShape, sizeOf, type Shape } from './shape.ts';
import { checkTensor, empty, type Tensor } from './tensor.ts';

/** Numbers or truth values nested to any depth; every level must have equal lengths. */
export type Nested = number | boolean | readonly Nested[];

export interface CreateOptions<D extends DType = DType> {
  /** Default: that of the typed array or ndarray given, `bool` for truth values, otherwise `float32`. */
  readonly dtype?: D;
  /** Default: the device that `init` opened last. */
  readonly device?: Device;
  /** Whether `backward` accumulates a gradient for this tensor. Default false. */
  readonly requiresGrad?: boolean;
}

/** Defaults of the options of most functions that make tensors. */
const FLOATS = { dtype: 'float32', device: undefined, requiresGrad: false } as const;

/** Some functions have no choice of type. */
interface CreateDefaults {
  readonly dtype: DType | undefined;
  readonly device: undefined;
  readonly requiresGrad: false;
}

/** Checks the options of a function that makes a tensor, and fills in their defaults. */
export function createOptions<D extends DType>(
  op: string,
  options: CreateOptions<D>,
  defaults: object = FLOATS,
): { readonly dtype: D; readonly device: Device; readonly requiresGrad: boolean } {
  const filled = optionsOf<CreateOptions, CreateDefaults>(op, options, defaults as CreateDefaults);
  const { dtype = 'float32', device, requiresGrad } = filled;
  checkDType(op, dtype);
  if (device !== undefined && !(device instanceof Device)) {
    throw new TypeError(`${op}: device is ${described(device)}, expected a Device, which init() returns`);
  }
  if (requiresGrad && dtype !== 'float32')
    throw new TypeError(`${op}: requiresGrad needs float32, the type is ${dtype}`);
  return { dtype: dtype as D, device: device ?? defaultDevice(), requiresGrad };
}

/**
 * Copies values to the GPU: a number, nested arrays, a typed array, or an `ndarray` of any strides.
 *
 * @param options.shape shape of the result, for values in row-major order. Default: that of `values`; a typed array has
 *   one axis
 *
 * @example
 * await tensor([[1, 2], [3, 4]]).print();
 * // Tensor(float32 [2,2])
 * // [[1., 2.],
 * //  [3., 4.]]
 * await tensor([true, false]).print(); // Tensor(bool [2]) [ true, false]
 * await tensor(Int32Array.of(1, 2, 3, 4), { shape: [2, 2] }).print();
 * // Tensor(int32 [2,2])
 * // [[1, 2],
 * //  [3, 4]]
 */
export function tensor<D extends DType = 'float32'>(
  values: Nested | ArrayBufferView | HostArray,
  options: CreateOptions<D> & { readonly shape?: Shape } = {},
): Tensor<D> {
  const defaults = { shape: undefined, ...FLOATS, dtype: dtypeOf(values) };
  const { dtype, device, requiresGrad } = createOptions('tensor', options, defaults);
  let shape: Shape;
  let list: ArrayLike<number>;
  if (isNdarray(values)) {
    shape = values.shape;
    // Only float32 takes any number; others are checked before they are converted.
    list = pack(values, dtype === 'float32' ? new Float32Array(values.size) : new Float64Array(values.size));
  } else if (isTypedArray(values)) {
    shape = [values.length];
    list = values;
  } else {
    const flat: number[] = [];
    shape = flatten(values as Nested, flat, 0);
    list = flat;
  }
  const data = toBufferValues('tensor', list, dtype);
  if (options.shape !== undefined) {
    checkShape('tensor', options.shape);
    if (sizeOf(options.shape) !== data.length) {
      throw new RangeError(`tensor: ${data.length} values do not fill the shape [${options.shape}]`);
    }
    shape = options.shape;
  }
  const result = empty(device, shape, dtype, 'tensor');
  if (data.length > 0) device.write(result.storage.buffer, data);
  result.requiresGrad = requiresGrad;
  return result;
}

/**
 * Replaces the values of a tensor in place. `values` has one element for each of the tensor's.
 *
 * @example
 * const x = zeros([2, 2]);
 * write(x, [1, 2, 3, 4]);
 * await x.print();
 * // Tensor(float32 [2,2])
 * // [[1., 2.],
 * //  [3., 4.]]
 */
export function write(target: Tensor, values: ArrayLike<number>): void {
  checkTensor('write', 'target', target);
  if (!isTypedArray(values) && !Array.isArray(values)) {
    throw new TypeError(`write: values are ${described(values)}, expected an array of numbers or a typed array`);
  }
  if (values.length !== target.size) {
    throw new RangeError(`write: ${values.length} values do not fill a tensor of shape [${target.shape}]`);
  }
  target.device.write(target.storage.buffer, toBufferValues('write', values, target.dtype));
  target.storage.changed();
}

/** Whether a value is a typed array of numbers. */
function isTypedArray(value: unknown): value is ArrayLike<number> & ArrayBufferView {
  return (
    ArrayBuffer.isView(value) &&
    !(value instanceof DataView || value instanceof BigInt64Array || value instanceof BigUint64Array)
  );
}

/** Values as a buffer of the type holds them: an array of the type itself, or a converted copy. */
function toBufferValues<D extends DType>(op: string, values: ArrayLike<number>, dtype: D): BufferValues {
  const { array, range, toBuffer } = dtypes[dtype];
  // The bytes of a Uint8Array may be other than 0 and 1.
  const fits = dtype !== 'bool' && values instanceof array && values.buffer instanceof ArrayBuffer;
  if (fits) return toBuffer(values as HostArrays[D]);
  // Every number is a float32, but a list may have other things.
  if (range !== null || Array.isArray(values))
    for (let i = 0; i < values.length; i++) checkValue(op, values[i]!, dtype);
  const converted = new array(values.length);
  converted.set(values);
  return toBuffer(converted);
}

function dtypeOf(values: unknown): DType {
  const data = isNdarray(values) ? values.data : values;
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Uint32Array) return 'uint32';
  let first = data;
  while (Array.isArray(first)) first = first[0];
  return typeof first === 'boolean' ? 'bool' : 'float32';
}

function flatten(values: Nested, out: number[], depth: number): number[] {
  if (typeof values === 'number' || typeof values === 'boolean') {
    out.push(Number(values));
    return [];
  }
  if (!Array.isArray(values))
    throw new TypeError(
      `tensor: expected numbers, arrays of numbers, a typed array of numbers or an ndarray, got ${described(values)}`,
    );
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
