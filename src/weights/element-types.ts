// The types of stored values, by their names in safetensors, and their conversion to float32.

/** How values of a type are read: from bytes that start at a multiple of eight. */
type Convert = (bytes: ArrayBuffer) => ArrayLike<number>;

const converters: Readonly<Record<string, { readonly bits: number; readonly convert: Convert }>> = {
  F64: { bits: 64, convert: (bytes) => new Float64Array(bytes) },
  F32: { bits: 32, convert: (bytes) => new Float32Array(bytes) },
  F16: { bits: 16, convert: (bytes) => Float32Array.from(new Uint16Array(bytes), fromFloat16) },
  BF16: {
    bits: 16,
    convert: (bytes) => new Float32Array(Uint32Array.from(new Uint16Array(bytes), (bits) => bits << 16).buffer),
  },
  I64: { bits: 64, convert: (bytes) => Array.from(new BigInt64Array(bytes), Number) },
  I32: { bits: 32, convert: (bytes) => new Int32Array(bytes) },
  I16: { bits: 16, convert: (bytes) => new Int16Array(bytes) },
  I8: { bits: 8, convert: (bytes) => new Int8Array(bytes) },
  U64: { bits: 64, convert: (bytes) => Array.from(new BigUint64Array(bytes), Number) },
  U32: { bits: 32, convert: (bytes) => new Uint32Array(bytes) },
  U16: { bits: 16, convert: (bytes) => new Uint16Array(bytes) },
  U8: { bits: 8, convert: (bytes) => new Uint8Array(bytes) },
  BOOL: { bits: 8, convert: (bytes) => new Uint8Array(bytes).map((value) => Math.min(value, 1)) },
};

/** Types of the format that have no conversion: quantised numbers, whose scale is elsewhere, and complex ones. */
const others: Readonly<Record<string, number>> = {
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  C64: 64,
};

/** Bits of a value of a type; undefined for types that the format does not have. */
export function bitsOf(dtype: string): number | undefined {
  return Object.hasOwn(converters, dtype)
    ? converters[dtype]!.bits
    : Object.hasOwn(others, dtype)
      ? others[dtype]
      : undefined;
}

/** Names of the types that `toFloat32` converts. */
export const readableTypes = Object.keys(converters);

/**
 * Converts little-endian values to float32. A copy, at any address of the bytes. Integers above 2^24 and float64 values are
 * rounded; a float64 value above the range of float32 becomes infinite.
 *
 * @param dtype one of `readableTypes`
 */
export function toFloat32(dtype: string, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  // `slice` of a Buffer does not copy.
  const aligned = Uint8Array.prototype.slice.call(bytes).buffer;
  const values = converters[dtype]!.convert(aligned);
  return values instanceof Float32Array ? (values as Float32Array<ArrayBuffer>) : Float32Array.from(values);
}

/** The value of the bits of a float16 number. */
function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  // Without an exponent there is no leading one: subnormal numbers, down to 2^-24.
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
