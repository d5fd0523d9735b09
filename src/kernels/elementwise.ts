import { dtypes, type DType } from '../tensor/dtype.ts';
import { broadcastShapes, broadcastStrides, sameShape, sizeOf } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { collapse, extentParams, padRank, strideParams } from './collapse.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { binary as binaryKernel } from './wgsl/binary.wgsl.ts';
import { binaryBroadcast } from './wgsl/binary_broadcast.wgsl.ts';
import { cast as castKernel } from './wgsl/cast.wgsl.ts';
import { fill as fillKernel } from './wgsl/fill.wgsl.ts';
import { unary as unaryKernel } from './wgsl/unary.wgsl.ts';
import { unaryGrad as unaryGradKernel } from './wgsl/unary_grad.wgsl.ts';
import { where as whereKernel } from './wgsl/where.wgsl.ts';

/** Invocations per workgroup of the element-wise kernels. */
const SIZE = 64;
/** Invocations per workgroup and vectors per invocation of the kernels that process large tensors. */
const STREAM = { SIZE: 256, EACH: 4 };
/** Vectors per workgroup. */
const STREAM_VECTORS = STREAM.SIZE * STREAM.EACH;

/** Functions of one operand, by the number that unary.wgsl gives them. */
const unaryOps = {
  neg: 0,
  exp: 1,
  log: 2,
  sqrt: 3,
  abs: 4,
  square: 5,
  sigmoid: 6,
  relu: 7,
  softplus: 8,
  reciprocal: 9,
  tanh: 10,
  sign: 11,
} as const;
export type UnaryOp = keyof typeof unaryOps;

/** Functions of two operands, by the number that binary.wgsl gives them. */
const binaryOps = {
  add: 0,
  sub: 1,
  mul: 2,
  div: 3,
  pow: 4,
  minimum: 5,
  maximum: 6,
  equal: 7,
  notEqual: 8,
  less: 9,
  lessEqual: 10,
  greater: 11,
  greaterEqual: 12,
  minimumGrad: 13,
  maximumGrad: 14,
  smoothL1: 15,
  smoothL1Grad: 16,
  powGradExponent: 17,
} as const;
export type BinaryOp = keyof typeof binaryOps;

const integerOps: ReadonlySet<BinaryOp> = new Set<BinaryOp>([
  'add',
  'sub',
  'mul',
  'div',
  'minimum',
  'maximum',
  'equal',
  'notEqual',
  'less',
  'lessEqual',
  'greater',
  'greaterEqual',
]);
const comparisons: ReadonlySet<BinaryOp> = new Set<BinaryOp>([
  'equal',
  'notEqual',
  'less',
  'lessEqual',
  'greater',
  'greaterEqual',
]);

/** Throws a TypeError unless every tensor holds floats. */
export function checkFloat(op: string, ...tensors: readonly Tensor[]): void {
  for (const t of tensors) {
    if (t.dtype !== 'float32')
      throw new TypeError(`${op}: expected a float32 tensor, got ${t}; convert it with cast()`);
  }
}

/** y = f(x). */
export function unary(op: UnaryOp, x: Tensor): Tensor {
  checkFloat(op, x);
  const y = empty(x.device, x.shape, 'float32', op);
  inSlices(op, x.size, [x], [y], (_, count, [xs, ys]) => {
    const vectors = Math.ceil(count / 4);
    run(x.device, unaryKernel, {
      op,
      consts: { OP: unaryOps[op], ...STREAM },
      bind: { x: xs!, y: ys! },
      params: { vectors },
      groups: linearGroups(x.device, vectors, STREAM_VECTORS),
    });
  });
  return y;
}

/** dx = dy f'(x), where v is x or f(x): see unary_grad.wgsl for which one. */
export function unaryGrad(op: UnaryOp, v: Tensor, dy: Tensor): Tensor {
  const dx = empty(v.device, v.shape, 'float32', `${op} gradient`);
  inSlices(op, v.size, [v, dy], [dx], (_, count, [vs, dys, dxs]) => {
    const vectors = Math.ceil(count / 4);
    run(v.device, unaryGradKernel, {
      op: `${op} gradient`,
      consts: { OP: unaryOps[op], ...STREAM },
      bind: { v: vs!, dy: dys!, dx: dxs! },
      params: { vectors },
      groups: linearGroups(v.device, vectors, STREAM_VECTORS),
    });
  });
  return dx;
}

/** y = f(a, b) with broadcasting; either operand may be a number. `beta` belongs to smooth L1. */
export function binary(op: BinaryOp, a: Tensor | number, b: Tensor | number, beta = 1): Tensor {
  if (typeof a === 'number') {
    if (typeof b === 'number') {
      throw new TypeError(`${op}: expected at least one tensor, got the numbers ${a} and ${b}`);
    }
    return binaryDense(op, b, b, beta, { side: 1, value: a });
  }
  if (typeof b === 'number') return binaryDense(op, a, a, beta, { side: 2, value: b });
  if (a.dtype !== b.dtype) {
    throw new TypeError(`${op}: ${a} and ${b} have different types; convert one with cast()`);
  }
  return sameShape(a.shape, b.shape) ? binaryDense(op, a, b, beta) : binaryBroadcasted(op, a, b, beta);
}

/** Checks that f takes operands of a type, and returns the type of its result. */
function binaryType(op: BinaryOp, a: Tensor, b: Tensor): DType {
  if (a.dtype !== 'float32' && !integerOps.has(op)) checkFloat(op, a, b);
  return comparisons.has(op) ? 'uint32' : a.dtype;
}

/** A number that stands for the operand on one side (1: a, 2: b), whose tensor is then not read; 0 for neither. */
interface ScalarOperand {
  readonly side: 0 | 1 | 2;
  readonly value: number;
}

/** Operands of one shape, element by element. */
function binaryDense(
  op: BinaryOp,
  a: Tensor,
  b: Tensor,
  beta: number,
  scalar: ScalarOperand = { side: 0, value: 0 },
): Tensor {
  const { device } = a;
  const resultType = binaryType(op, a, b);
  const y = empty(device, a.shape, resultType, op);
  inSlices(op, a.size, [a, b], [y], (_, elements, [as, bs, ys]) => {
    const count = Math.ceil(elements / 4);
    run(device, binaryKernel, {
      op,
      consts: { OP: binaryOps[op], ...STREAM, SCALAR: scalar.side },
      aliases: { T: dtypes[a.dtype].wgsl, U: dtypes[resultType].wgsl },
      bind: { a: as!, b: bs!, y: ys! },
      params: { count, scalar: scalar.value, beta },
      groups: linearGroups(device, count, STREAM_VECTORS),
    });
  });
  return y;
}

/** Operands that stretch to a common shape. */
function binaryBroadcasted(op: BinaryOp, a: Tensor, b: Tensor, beta: number): Tensor {
  const { device } = a;
  const resultType = binaryType(op, a, b);
  const shape = broadcastShapes(op, a.shape, b.shape);
  const y = empty(device, shape, resultType, op);
  // Operands that extend along the outermost axis are sliced like the result; the others are bound as a whole.
  const rows = shape[0]!;
  const isSliced = (t: Tensor): boolean => t.shape.length === shape.length && t.shape[0] === rows;
  const sliced = [a, b].filter((t) => isSliced(t));
  const walks = [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)];
  inSlices(op, rows, sliced, [y], (_, sliceRows, slices) => {
    const part = [sliceRows, ...shape.slice(1)];
    const count = sizeOf(part);
    const joined = collapse(op, part, walks);
    const [p, q] = joined.strides.map((strides) => padRank(strides, 0)) as [number[], number[]];
    run(device, binaryBroadcast, {
      op,
      consts: { OP: binaryOps[op], SIZE },
      aliases: { T: dtypes[a.dtype].wgsl, U: dtypes[resultType].wgsl },
      bind: { a: isSliced(a) ? slices[0]! : a, b: isSliced(b) ? slices[sliced.length - 1]! : b, y: slices.at(-1)! },
      params: {
        count,
        beta,
        ...extentParams(padRank(joined.shape, 1)),
        ...strideParams('a', p),
        ...strideParams('b', q),
      },
      groups: linearGroups(device, count, SIZE),
    });
  });
  return y;
}

/** y = condition ? a : b for three tensors of one shape; the condition holds where its element is not 0. */
export function where(condition: Tensor, a: Tensor, b: Tensor): Tensor {
  const op = 'where';
  const y = empty(a.device, a.shape, a.dtype, op);
  inSlices(op, a.size, [condition, a, b], [y], (_, count, [cs, as, bs, ys]) => {
    const vectors = Math.ceil(count / 4);
    run(a.device, whereKernel, {
      op,
      consts: { SIZE },
      aliases: { C: dtypes[condition.dtype].wgsl, T: dtypes[a.dtype].wgsl },
      bind: { condition: cs!, a: as!, b: bs!, y: ys! },
      params: { vectors },
      groups: linearGroups(a.device, vectors, SIZE),
    });
  });
  return y;
}

/** The same values as another type; floats are truncated towards zero. */
export function cast<D extends DType>(x: Tensor, dtype: D): Tensor<D> {
  const y = empty(x.device, x.shape, dtype, 'cast');
  inSlices('cast', x.size, [x], [y], (_, count, [xs, ys]) => {
    const vectors = Math.ceil(count / 4);
    run(x.device, castKernel, {
      op: 'cast',
      consts: { SIZE },
      aliases: { T: dtypes[x.dtype].wgsl, U: dtypes[dtype].wgsl },
      bind: { x: xs!, y: ys! },
      params: { vectors },
      groups: linearGroups(x.device, vectors, SIZE),
    });
  });
  return y;
}

/** Writes start, start + step, ... into a tensor, in place. */
export function fill(target: Tensor, start: number, step = 0): void {
  inSlices('fill', target.size, [], [target], (first, count, [ys]) => {
    run(target.device, fillKernel, {
      op: 'fill',
      consts: { SIZE },
      aliases: { T: dtypes[target.dtype].wgsl },
      bind: { y: ys! },
      params: { elements: count, first, start, step },
      groups: linearGroups(target.device, count, SIZE),
    });
  });
}
