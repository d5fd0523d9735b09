import { dtypes, type DType } from '../tensor/dtype.ts';
import { broadcastShapes, broadcastStrides, sameShape, sizeOf } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { collapse, padRank } from './collapse.ts';
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
/** Invocations per workgroup, and vectors per invocation, of those that large tensors go through. */
const STREAM = { SIZE: 256, EACH: 4 };
/** Vectors per workgroup. */
const STREAM_VECTORS = STREAM.SIZE * STREAM.EACH;

/** Functions of one operand, by the number that unary.wgsl gives them. */
export const unaryOps = {
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
export const binaryOps = {
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

/** dx = dy f'(x), where v is x or f(x), whichever unary_grad.wgsl wants. */
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
  if (typeof a === 'number' && typeof b === 'number') {
    throw new TypeError(`${op}: expected at least one tensor, got the numbers ${a} and ${b}`);
  }
  const x = (typeof a === 'number' ? b : a) as Tensor;
  const z = (typeof b === 'number' ? a : b) as Tensor;
  const dtype = x.dtype;
  if (x.dtype !== z.dtype) throw new TypeError(`${op}: ${x} and ${z} have different types; convert one with cast()`);
  if (dtype !== 'float32' && !integerOps.has(op)) checkFloat(op, x, z);
  const resultType: DType = comparisons.has(op) ? 'uint32' : dtype;
  const consts = { OP: binaryOps[op], SIZE };
  const aliases = { T: dtypes[dtype].wgsl, U: dtypes[resultType].wgsl };
  const { device } = x;
  if (sameShape(x.shape, z.shape)) {
    const y = empty(device, x.shape, resultType, op);
    const SCALAR = typeof a === 'number' ? 1 : typeof b === 'number' ? 2 : 0;
    const scalar = typeof a === 'number' ? a : typeof b === 'number' ? b : 0;
    inSlices(op, x.size, [x, z], [y], (_, count, [xs, zs, ys]) => {
      const vectors = Math.ceil(count / 4);
      run(device, binaryKernel, {
        op,
        consts: { OP: binaryOps[op], ...STREAM, SCALAR },
        aliases,
        bind: { a: xs!, b: zs!, y: ys! },
        params: { vectors, scalar, beta },
        groups: linearGroups(device, vectors, STREAM_VECTORS),
      });
    });
    return y;
  }
  const shape = broadcastShapes(op, x.shape, z.shape);
  const y = empty(device, shape, resultType, op);
  // Operands that reach along the outermost axis are bound in the same parts as the result, the others whole.
  const rows = shape[0]!;
  const reaches = (t: Tensor): boolean => t.shape.length === shape.length && t.shape[0] === rows;
  const sliced = [x, z].filter((t) => reaches(t));
  const walks = [broadcastStrides(x.shape, shape), broadcastStrides(z.shape, shape)];
  inSlices(op, rows, sliced, [y], (_, count, slices) => {
    const part = [count, ...shape.slice(1)];
    const joined = collapse(op, part, walks);
    const s = padRank(joined.shape, 1);
    const [p, q] = joined.strides.map((strides) => padRank(strides, 0)) as [number[], number[]];
    run(device, binaryBroadcast, {
      op,
      consts,
      aliases,
      bind: { a: reaches(x) ? slices[0]! : x, b: reaches(z) ? slices[sliced.length - 1]! : z, y: slices.at(-1)! },
      params: {
        elements: sizeOf(part),
        beta,
        s1: s[1]!,
        s2: s[2]!,
        s3: s[3]!,
        s4: s[4]!,
        s5: s[5]!,
        a0: p[0]!,
        a1: p[1]!,
        a2: p[2]!,
        a3: p[3]!,
        a4: p[4]!,
        a5: p[5]!,
        b0: q[0]!,
        b1: q[1]!,
        b2: q[2]!,
        b3: q[3]!,
        b4: q[4]!,
        b5: q[5]!,
      },
      groups: linearGroups(device, sizeOf(part), SIZE),
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

/** The same values as another type; floats are cut off towards zero. */
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
