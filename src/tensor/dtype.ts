import { described } from '../common/check.ts';
import { didYouMean } from '../common/did-you-mean.ts';

/**
 * Element types of tensors. A `bool` is 0 or 1; comparisons return it. Code outside this file must not assume the number of
 * bytes of an element.
 */
export type DType = 'float32' | 'int32' | 'uint32' | 'bool';

/** The host array that holds elements of each type. */
export interface HostArrays {
  float32: Float32Array<ArrayBuffer>;
  int32: Int32Array<ArrayBuffer>;
  uint32: Uint32Array<ArrayBuffer>;
  bool: Uint8Array<ArrayBuffer>;
}

/** Values as a buffer holds them. */
export type BufferValues = HostArrays['float32' | 'int32' | 'uint32'];

interface DTypeInfo<D extends DType> {
  /** Bytes per element in a buffer. */
  readonly bytes: number;
  /** Name of the type in WGSL. A bool takes 32 bits, because a kernel can neither read nor write less. */
  readonly wgsl: string;
  /** The limits of integers; null for floats. */
  readonly range: readonly [min: number, max: number] | null;
  /** Makes a host array of `length` zeros. */
  readonly array: new (length: number) => HostArrays[D];
  /** The elements in a copy of a buffer. */
  readonly fromBuffer: (buffer: ArrayBuffer) => HostArrays[D];
  /** Host values as a buffer holds them. */
  readonly toBuffer: (values: HostArrays[D]) => BufferValues;
}

/** Properties of each element type. */
export const dtypes: { readonly [D in DType]: DTypeInfo<D> } = {
  float32: {
    bytes: 4,
    wgsl: 'f32',
    range: null,
    array: Float32Array,
    fromBuffer: (buffer) => new Float32Array(buffer),
    toBuffer: (values) => values,
  },
  int32: {
    bytes: 4,
    wgsl: 'i32',
    range: [-(2 ** 31), 2 ** 31 - 1],
    array: Int32Array,
    fromBuffer: (buffer) => new Int32Array(buffer),
    toBuffer: (values) => values,
  },
  uint32: {
    bytes: 4,
    wgsl: 'u32',
    range: [0, 2 ** 32 - 1],
    array: Uint32Array,
    fromBuffer: (buffer) => new Uint32Array(buffer),
    toBuffer: (values) => values,
  },
  bool: {
    bytes: 4,
    wgsl: 'u32',
    range: [0, 1],
    array: Uint8Array,
    fromBuffer: (buffer) => Uint8Array.from(new Uint32Array(buffer)),
    toBuffer: (values) => Uint32Array.from(values),
  },
};

/** Throws a RangeError unless `dtype` is the name of an element type. */
export function checkDType(op: string, dtype: DType): void {
  if (typeof dtype === 'string' && Object.hasOwn(dtypes, dtype)) return;
  const names = Object.keys(dtypes);
  const guess = typeof dtype === 'string' ? didYouMean(dtype, names) : '';
  throw new RangeError(`${op}: dtype is ${described(dtype)}, expected one of ${names.join(', ')}${guess}`);
}

/** Throws a RangeError unless a tensor of the type holds the value: integer types refuse fractions, NaN and overflow. */
export function checkValue(op: string, value: number, dtype: DType): void {
  const { range } = dtypes[dtype];
  const fits =
    range === null ? typeof value === 'number' : Number.isInteger(value) && value >= range[0] && value <= range[1];
  if (fits) return;
  const integers = range === null ? 'a number' : `an integer from ${range[0]} to ${range[1]}`;
  const expected = dtype === 'bool' ? 'true or false (1 or 0)' : integers;
  throw new RangeError(`${op}: ${described(value)} is not a value of type ${dtype}, expected ${expected}`);
}

/** The bits of a float32 NaN, for kernels: WGSL has no constant for it. */
export const NAN_BITS = 0x7fc00000;

const word = new DataView(new ArrayBuffer(4));

/**
 * The 32 bits of a number as an element of the type, for parameters of kernels. A float parameter would round integers
 * beyond 2^24.
 *
 * @throws RangeError if the type does not hold the number
 */
export function bitsOf(op: string, value: number, dtype: DType): number {
  checkValue(op, value, dtype);
  if (dtype !== 'float32') return value >>> 0;
  word.setFloat32(0, value);
  return word.getUint32(0);
}
