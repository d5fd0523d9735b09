import { checkInteger } from '../common/check.ts';
import { bitsOf, checkValue, dtypes, type DType } from '../tensor/dtype.ts';
import { broadcastShapes, broadcastStrides, sameShape, sizeOf } from '../tensor/shape.ts';
import { checkTensor, empty, type Tensor } from '../tensor/tensor.ts';
import { collapse, extentParams, padRank, strideParams } from './collapse.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { binary as binaryKernel } from './wgsl/binary.wgsl.ts';
import { cast as castKernel } from './wgsl/cast.wgsl.ts';
import { fill as fillKernel } from './wgsl/fill.wgsl.ts';
import { trigonometry } from './wgsl/trigonometry.wgsl.ts';
import { unary as unaryKernel } from './wgsl/unary.wgsl.ts';
import { unaryInteger } from './wgsl/unary_integer.wgsl.ts';
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
  floor: 12,
  ceil: 13,
  round: 14,
  trunc: 15,
  sinh: 16,
  cosh: 17,
  erf: 18,
  log1p: 19,
  expm1: 20,
  rsqrt: 21,
  gelu: 22,
  geluTanh: 23,
  silu: 24,
  leakyRelu: 25,
  elu: 26,
  hardSwish: 27,
} as const;

/** Trigonometric functions, by the number that trigonometry.wgsl gives them. */
const trigonometricOps = { sin: 0, cos: 1, tan: 2, asin: 3, acos: 4, atan: 5 } as const;
type TrigonometricOp = keyof typeof trigonometricOps;

export type UnaryOp = keyof typeof unaryOps | TrigonometricOp;

/** Functions that integers have, too: see unary_integer.wgsl. */
const integerUnaryOps: ReadonlySet<UnaryOp> = new Set<UnaryOp>(['neg', 'abs', 'square', 'relu', 'sign']);

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
  logicalAnd: 13,
  logicalOr: 14,
  logicalXor: 15,
  atan2: 16,
  clamp: 17,
  smoothL1: 18,
  minimumGrad: 19,
  maximumGrad: 20,
  clampGrad: 21,
  smoothL1Grad: 22,
  powGradBase: 23,
  powGradExponent: 24,
  same: 25,
  masked: 26,
} as const;
export type BinaryOp = keyof typeof binaryOps;

/** Functions of floats only. */
const floatOps: ReadonlySet<BinaryOp> = new Set<BinaryOp>([
  'pow',
  'atan2',
  'smoothL1',
  'minimumGrad',
  'maximumGrad',
  'clampGrad',
  'smoothL1Grad',
  'powGradBase',
  'powGradExponent',
  'masked',
]);
/** Functions with a bool as result. They also take bools, of which the ordered comparisons hold false for less than true. */
const boolOps: ReadonlySet<BinaryOp> = new Set<BinaryOp>([
  'equal',
  'notEqual',
  'less',
  'lessEqual',
  'greater',
  'greaterEqual',
  'logicalAnd',
  'logicalOr',
  'logicalXor',
  'same',
]);

/** Throws a TypeError unless every tensor holds floats. */
export function checkFloat(op: string, ...tensors: readonly Tensor[]): void {
  for (const t of tensors) {
    checkTensor(op, 'an operand', t);
    if (t.dtype !== 'float32')
      throw new TypeError(`${op}: expected a float32 tensor, got ${t}; convert it with cast()`);
  }
}

/** y = f(x). `parameter` belongs to functions that have one: see unary.wgsl. */
export function unary(op: UnaryOp, x: Tensor, parameter = 0): Tensor {
  checkTensor(op, 'the operand', x);
  if (x.dtype !== 'float32') return unaryOfIntegers(op, x);
  return launchUnary(op, op, x, null, parameter);
}

/** dx = dy f'(x), where v is x or f(x): see unary.wgsl for which one. */
export function unaryGrad(op: UnaryOp, v: Tensor, dy: Tensor, parameter = 0): Tensor {
  return launchUnary(op, `${op} gradient`, v, dy, parameter);
}

function launchUnary(op: UnaryOp, name: string, x: Tensor, dy: Tensor | null, parameter: number): Tensor {
  const y = empty(x.device, x.shape, 'float32', name);
  inSlices(name, x.size, [x, dy ?? x], [y], (_, count, [xs, dys, ys]) => {
    const vectors = Math.ceil(count / 4);
    const bind = { x: xs!, dy: dys!, y: ys! };
    if (isTrigonometric(op)) {
      run(x.device, trigonometry, {
        op: name,
        consts: { OP: trigonometricOps[op], GRADIENT: dy !== null, SIZE },
        bind,
        params: { vectors },
        groups: linearGroups(x.device, vectors, SIZE),
      });
    } else {
      run(x.device, unaryKernel, {
        op: name,
        consts: { OP: unaryOps[op], GRADIENT: dy !== null, ...STREAM },
        bind,
        params: { vectors, parameter },
        groups: linearGroups(x.device, vectors, STREAM_VECTORS),
      });
    }
  });
  return y;
}

const isTrigonometric = (op: UnaryOp): op is TrigonometricOp => op in trigonometricOps;

function unaryOfIntegers(op: UnaryOp, x: Tensor): Tensor {
  if (x.dtype === 'bool' || !integerUnaryOps.has(op)) checkFloat(op, x);
  const y = empty(x.device, x.shape, x.dtype, op);
  inSlices(op, x.size, [x], [y], (_, count, [xs, ys]) => {
    const vectors = Math.ceil(count / 4);
    run(x.device, unaryInteger, {
      op,
      consts: { OP: unaryOps[op as keyof typeof unaryOps], SIZE },
      aliases: { V: `vec4<${dtypes[x.dtype].wgsl}>` },
      bind: { x: xs!, y: ys! },
      params: { vectors },
      groups: linearGroups(x.device, vectors, SIZE),
    });
  });
  return y;
}

/**
 * y = f(a, b) with broadcasting; either operand may be a number that the other's type holds. `second` is a parameter of
 * that type: see binary.wgsl.
 */
export function binary(op: BinaryOp, a: Tensor | number, b: Tensor | number, second = 0): Tensor {
  if (typeof a !== 'number') checkTensor(op, 'a', a, 'a tensor or a number');
  if (typeof b !== 'number') checkTensor(op, 'b', b, 'a tensor or a number');
  if (typeof a === 'number') {
    if (typeof b === 'number') {
      throw new TypeError(`${op}: expected at least one tensor, got the numbers ${a} and ${b}`);
    }
    return binaryDense(op, b, b, second, { side: 1, value: a });
  }
  if (typeof b === 'number') return binaryDense(op, a, a, second, { side: 2, value: b });
  if (a.dtype !== b.dtype) {
    throw new TypeError(`${op}: ${a} and ${b} have different types; convert one with cast()`);
  }
  return sameShape(a.shape, b.shape) ? binaryDense(op, a, b, second) : binaryBroadcasted(op, a, b, second);
}

/** Checks that f takes operands of a type, and returns the type of its result. */
function binaryType(op: BinaryOp, a: Tensor, b: Tensor): DType {
  if (boolOps.has(op)) return 'bool';
  if (a.dtype !== 'float32' && floatOps.has(op)) checkFloat(op, a, b);
  if (a.dtype === 'bool') throw new TypeError(`${op}: expected numbers, got ${a}; convert it with cast()`);
  return a.dtype;
}

/** The constants and types with which the kernel takes vectors of four elements, or single ones. */
function binarySpecialisation(op: BinaryOp, dtype: DType, resultType: DType, vector: boolean) {
  const of = (type: string): string => (vector ? `vec4<${type}>` : type);
  const T = dtypes[dtype].wgsl;
  return {
    consts: { OP: binaryOps[op], FLOAT: dtype === 'float32' },
    aliases: { T, A: of(T), Y: of(dtypes[resultType].wgsl), F: of('f32'), N: of('u32'), B: of('bool') },
  };
}

/** Extents and strides of operands that do not stretch, which the kernel does not read. */
const noStrides = {
  ...extentParams(new Array<number>(6).fill(1)),
  ...strideParams('a', new Array<number>(6).fill(0)),
  ...strideParams('b', new Array<number>(6).fill(0)),
};

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
  second: number,
  scalar: ScalarOperand = { side: 0, value: 0 },
): Tensor {
  const { device } = a;
  const resultType = binaryType(op, a, b);
  const bits = { scalar: bitsOf(op, scalar.value, a.dtype), second: bitsOf(op, second, a.dtype) };
  const y = empty(device, a.shape, resultType, op);
  const { consts, aliases } = binarySpecialisation(op, a.dtype, resultType, true);
  inSlices(op, a.size, [a, b], [y], (_, elements, [as, bs, ys]) => {
    const count = Math.ceil(elements / 4);
    run(device, binaryKernel, {
      op,
      consts: { ...consts, ...STREAM, SCALAR: scalar.side },
      aliases,
      bind: { a: as!, b: bs!, y: ys! },
      params: { count, ...bits, ...noStrides },
      groups: linearGroups(device, count, STREAM_VECTORS),
    });
  });
  return y;
}

/** Operands that stretch to a common shape. */
function binaryBroadcasted(op: BinaryOp, a: Tensor, b: Tensor, second: number): Tensor {
  const { device } = a;
  const resultType = binaryType(op, a, b);
  const bits = { scalar: 0, second: bitsOf(op, second, a.dtype) };
  const shape = broadcastShapes(op, a.shape, b.shape);
  const y = empty(device, shape, resultType, op);
  const { consts, aliases } = binarySpecialisation(op, a.dtype, resultType, false);
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
    run(device, binaryKernel, {
      op,
      consts: { ...consts, SIZE, EACH: 1, BROADCAST: true },
      aliases,
      bind: { a: isSliced(a) ? slices[0]! : a, b: isSliced(b) ? slices[sliced.length - 1]! : b, y: slices.at(-1)! },
      params: {
        count,
        ...bits,
        ...extentParams(padRank(joined.shape, 1)),
        ...strideParams('a', p),
        ...strideParams('b', q),
      },
      groups: linearGroups(device, count, SIZE),
    });
  });
  return y;
}

/** Bits of an element that are not all 0 where the element is not: -0 is a zero. */
const truthMask = (dtype: DType): number => (dtype === 'float32' ? 0x7fffffff : 0xffffffff);

/** y = condition ? a : b for three tensors of one shape; the condition holds where its element is not 0. */
export function where(condition: Tensor, a: Tensor, b: Tensor): Tensor {
  const op = 'where';
  const y = empty(a.device, a.shape, a.dtype, op);
  inSlices(op, a.size, [condition, a, b], [y], (_, count, [cs, as, bs, ys]) => {
    const vectors = Math.ceil(count / 4);
    run(a.device, whereKernel, {
      op,
      consts: { SIZE, MASK: truthMask(condition.dtype) },
      bind: { condition: cs!, a: as!, b: bs!, y: ys! },
      params: { vectors },
      groups: linearGroups(a.device, vectors, SIZE),
    });
  });
  return y;
}

/** The same values as another type: see `cast` in autograd/ops/cast.ts. */
export function cast<D extends DType>(x: Tensor, dtype: D): Tensor<D> {
  const y = empty(x.device, x.shape, dtype, 'cast');
  inSlices('cast', x.size, [x], [y], (_, count, [xs, ys]) => {
    const vectors = Math.ceil(count / 4);
    run(x.device, castKernel, {
      op: 'cast',
      consts: { SIZE, TRUTH: dtype === 'bool', MASK: truthMask(x.dtype) },
      aliases: { T: dtypes[x.dtype].wgsl, U: dtypes[dtype].wgsl },
      bind: { x: xs!, y: ys! },
      params: { vectors },
      groups: linearGroups(x.device, vectors, SIZE),
    });
  });
  return y;
}

/**
 * Writes start, start + step, ... into a tensor, in place.
 *
 * @throws RangeError if the tensor's type does not hold all of them
 */
export function fill(target: Tensor, start: number, step = 0, op = 'fill'): void {
  const { dtype } = target;
  const bits = { start: bitsOf(op, start, dtype), step: stepBits(op, step, dtype) };
  checkValue(op, start + step * Math.max(0, target.size - 1), dtype);
  inSlices(op, target.size, [], [target], (first, count, [ys]) => {
    run(target.device, fillKernel, {
      op,
      consts: { SIZE },
      aliases: { T: dtypes[dtype].wgsl },
      bind: { y: ys! },
      params: { elements: count, first, ...bits },
      groups: linearGroups(target.device, count, SIZE),
    });
  });
}

/** The bits of a step, which may be negative for unsigned integers, too: they count in the ring of 32 bits. */
function stepBits(op: string, step: number, dtype: DType): number {
  if (dtype === 'float32') return bitsOf(op, step, dtype);
  checkInteger(op, 'step', step);
  return step >>> 0;
}
