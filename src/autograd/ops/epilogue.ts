import { optionsOf } from '../../common/check.ts';
import { checkFloat, unary, unaryGrad } from '../../kernels/elementwise.ts';
import { sameShape, type Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { isRecording } from '../tape.ts';
import { masked } from './binary.ts';

// Convolution and batch normalisation can end with the operations that most often follow them, in the pass that writes
// their result. That saves reading and writing a tensor, and keeping an activation.

/** What an operation does to its result before it writes it: y = relu(result + add). */
export interface Epilogue {
  /** A tensor of the result's shape, for example the shortcut around a residual block. Default none. */
  readonly add?: Tensor | null;
  /** Whether negative values become zero. Default false. */
  readonly relu?: boolean;
}

/** The options with their defaults. Throws if they are others, or the tensor to add does not fit a result of `shape`. */
export function epilogueOf(op: string, shape: Shape, after: Epilogue): Required<Epilogue> {
  const filled = optionsOf(op, after, { add: null, relu: false });
  const { add } = filled;
  if (add === null) return filled;
  checkFloat(op, add);
  if (!sameShape(add.shape, shape)) {
    throw new RangeError(`${op}: add [${add.shape}] does not fit the result: expected [${shape}]`);
  }
  return filled;
}

/** The gradient before ReLU, given the one after it and the result y; without y, there was no ReLU. */
export function throughRelu(dy: Tensor, y: Tensor | null): Tensor {
  if (y === null) return dy;
  return isRecording() ? masked(dy, unary('sign', y)) : unaryGrad('relu', y, dy);
}

/** A function that computes its value at the first call only. */
export function lazy<T>(compute: () => T): () => T {
  let result: { readonly value: T } | null = null;
  return () => (result ??= { value: compute() }).value;
}
