/** Element types of tensors. Code outside this file must not assume the number of bytes of an element. */
export type DType = 'float32' | 'int32' | 'uint32';

/** The host array that holds elements of each type. */
export interface HostArrays {
  float32: Float32Array<ArrayBuffer>;
  int32: Int32Array<ArrayBuffer>;
  uint32: Uint32Array<ArrayBuffer>;
}

interface DTypeInfo<D extends DType> {
  /** Bytes per element in a buffer. */
  readonly bytes: number;
  /** Name of the type in WGSL. */
  readonly wgsl: string;
  /** Makes a host array of `length` zeros, or a view of `buffer`. */
  readonly array: {
    new (length: number): HostArrays[D];
    new (buffer: ArrayBuffer): HostArrays[D];
    new (values: Iterable<number>): HostArrays[D];
  };
}

/** Properties of each element type. */
export const dtypes: { readonly [D in DType]: DTypeInfo<D> } = {
  float32: { bytes: 4, wgsl: 'f32', array: Float32Array },
  int32: { bytes: 4, wgsl: 'i32', array: Int32Array },
  uint32: { bytes: 4, wgsl: 'u32', array: Uint32Array },
};
