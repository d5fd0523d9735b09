import type { NdArray, TypedArray } from 'ndarray';
import { ndarray } from '../common/ndarray.ts';
import type { Shape } from './shape.ts';

/** Values that `tensor` accepts as an ndarray: any numeric data, any strides. */
export type HostArray = NdArray<TypedArray | number[]>;

/** Whether a value is an `ndarray`. */
export function isNdarray(value: unknown): value is HostArray {
  return typeof value === 'object' && value !== null && 'stride' in value && 'offset' in value && 'data' in value;
}

/** Wraps row-major values. */
export function toNdarray<T extends TypedArray>(data: T, shape: Shape): NdArray<T> {
  return ndarray(data, shape);
}

/** Copies a view of any strides into `out` in row-major order. */
export function pack<T extends { [index: number]: number }>(view: HostArray, out: T): T {
  const { shape, stride, data } = view;
  const rank = shape.length;
  if (rank === 0) {
    out[0] = data[view.offset]!;
    return out;
  }
  // The innermost axis is a plain loop; the outer ones advance like the digits of an odometer.
  const inner = shape[rank - 1]!;
  const step = stride[rank - 1]!;
  const index = new Array<number>(rank).fill(0);
  let position = view.offset;
  for (let written = 0; written < view.size;) {
    for (let i = 0; i < inner; i++) out[written++] = data[position + i * step]!;
    for (let d = rank - 2; d >= 0; d--) {
      position += stride[d]!;
      if (++index[d]! < shape[d]!) break;
      position -= stride[d]! * shape[d]!;
      index[d] = 0;
    }
  }
  return out;
}
