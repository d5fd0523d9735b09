import { checkFloat, unaryGrad } from '../../kernels/elementwise.ts';
import { sameShape, type Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

// Convolution and batch normalisation can end with what most often follows them, in the pass that writes their result
// anyway: a tensor read and written less, and an activation less to keep.

/** What an operation does to its result before it writes it: y = relu(result + add). */
export interface Epilogue {
  /** A tensor of the result's shape, such as the shortcut around a residual block. Default none. */
  readonly add?: Tensor | null;
  /** Whether negative values become zero. Default false. */
  readonly relu?: boolean;
}

/** Throws if what is to be added does not fit a result of `shape`. */
export function checkEpilogue(op: string, shape: Shape, { add = null }: Epilogue): void {
  if (add === null) return;
  checkFloat(op, add);
  if (!sameShape(add.shape, shape)) {
    throw new RangeError(`${op}: add [${add.shape}] does not fit the result: expected [${shape}]`);
  }
}

/** The gradient before ReLU, given the one after it and the result y; without y, there was no ReLU. */
export const throughRelu = (dy: Tensor, y: Tensor | null): Tensor => (y === null ? dy : unaryGrad('relu', y, dy));

/** A function that computes once. */
export function lazy<T>(compute: () => T): () => T {
  let result: { readonly value: T } | null = null;
  return () => (result ??= { value: compute() }).value;
}
