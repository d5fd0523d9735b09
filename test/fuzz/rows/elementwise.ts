import { broadcastShape, ref, type Ref } from '../../reference/array.ts';
import { binary, clamp, geluTanh, map, unary, where, zip } from '../../reference/elementwise.ts';
import { smoothL1 } from '../../reference/losses.ts';
import type { Fill } from '../../support/fill.ts';
import { broadcasts, type Draw } from '../draw.ts';
import type { Accuracy, Argument, Operand, Row, Value } from '../program.ts';

type Binary = keyof typeof binary;
type Both = Value | number;

/** Where a function is defined, and what fills such inputs. */
type Domain = readonly [low: number, high: number, fill: Fill];
const POSITIVE: Domain = [0.01, 100, 'positive'];
const REAL: Domain = [-80, 80, 'normal'];

const ANY: Domain = [-Infinity, Infinity, 'normal'];
const UNIT: Domain = [-0.999, 0.999, 'probability'];

const unaryRow = (f: (x: number) => number, accuracy: Accuracy, domain: Domain = REAL): Row => ({
  draw: (d) => [d.within(...domain)],
  reference: (x: Value) => map(x, f),
  accuracy,
});

/** A function whose derivative is a difference, as 1 - y^2: it is off by a rounding of 1, however small. */
const saturating = (f: (x: number) => number, accuracy: Accuracy, domain: Domain = REAL): Row => ({
  ...unaryRow(f, accuracy, domain),
  cancels: ([x]: readonly [Value], _: readonly unknown[], isForGradient) => (isForGradient ? x : ref(x.shape)),
});

/** A function that takes integers, too. */
const numericRow = (f: (x: number) => number, more: Partial<Row> = {}): Row => ({
  ...unaryRow(f, 'exact'),
  draw: (d) => [
    d.operand(
      (v) => v.dtype !== 'bool',
      () => d.leaf(d.shape(), 'any', d.pick(NUMERIC)),
    ),
  ],
  dtype: (x: Value) => x.dtype,
  ...more,
});

/** A function with an option, whose derivative may be a difference. */
const withOption = <T extends string | number>(
  f: (x: number, option?: T) => number,
  name: string,
  values: readonly T[],
  accuracy: Accuracy,
): Row => ({
  draw: (d) => [d.within(...REAL), d.options({ [name]: d.pick(values) })],
  reference: (x: Value, options: Readonly<Record<string, T>>) => map(x, (v) => f(v, options[name])),
  cancels: ([x]: readonly [Value], _: readonly unknown[], isForGradient) => (isForGradient ? x : ref(x.shape)),
  accuracy,
});

/** A question about each element of any type. */
const questionRow = (f: (x: number) => boolean): Row => ({
  draw: (d) => [d.tensor()],
  reference: (x: Value) => map(x, (v) => Number(f(v))),
  dtype: () => 'bool',
  accuracy: 'exact',
});

const rounded = (y: number): Accuracy => ({ ulps: y });

const asRef = (v: Both): Ref => (typeof v === 'number' ? ref([], [Math.fround(v)]) : v);
const typeOf = (a: Both, b: Both): Value['dtype'] => (typeof a === 'number' ? (b as Value).dtype : a.dtype);

/** Two operands that broadcast, or one and a number. */
function pair(
  d: Draw,
  types: readonly Value['dtype'][] = ['float32'],
  fill: Fill | 'any' = 'any',
): [Argument, Argument] | null {
  const a = d.operand(
    (v) => types.includes(v.dtype),
    () => d.leaf(d.shape(), 'any', d.pick(types)),
  );
  const { shape, dtype } = d.value(a);
  if (d.chance(4)) {
    const number = dtype === 'float32' ? d.number() : d.int(dtype === 'bool' ? 0 : 1, dtype === 'bool' ? 1 : 5);
    return d.chance(2) ? [a, number] : [number, a];
  }
  const b = d.beside(shape, dtype, fill);
  return d.chance(2) && fill === 'any' ? [b, a] : [a, b];
}

const NUMERIC = ['float32', 'float32', 'int32', 'uint32'] as const;

/** WGSL's: what cannot be divided stays as it is. */
const integerDivision = (a: number, b: number): number => (b === 0 ? a : Math.trunc(a / b));

function binaryRow(
  op: Binary,
  accuracy: Accuracy,
  fill: Fill | 'any' = 'any',
  types: readonly Value['dtype'][] = NUMERIC,
): Row {
  const integers: Partial<Record<Binary, (a: number, b: number) => number>> = { div: integerDivision, mul: Math.imul };
  return {
    draw: (d) => pair(d, types, fill),
    reference: (a: Both, b: Both) => {
      const f = typeOf(a, b) === 'float32' ? binary[op] : (integers[op] ?? binary[op]);
      return zip(asRef(a), asRef(b), f);
    },
    dtype: (a: Both, b: Both) => typeOf(a, b),
    accuracy,
  };
}

const comparison = (op: Binary): Row => ({
  ...binaryRow(op, 'exact', 'any', ['float32', 'float32', 'int32', 'uint32', 'bool']),
  dtype: () => 'bool',
});

/** Numerator and a divisor away from zero. */
const quotient: Row = {
  ...binaryRow('div', rounded(3)),
  draw: (d) => {
    const a = d.operand(
      (v) => v.dtype === 'float32' || v.dtype === 'int32',
      () => d.leaf(d.shape(), 'any', d.pick(['float32', 'int32'])),
    );
    const { shape, dtype } = d.value(a);
    if (dtype === 'int32') return [a, d.beside(shape, dtype, { low: 1, high: 5 })];
    return [a, d.special ? d.beside(shape) : d.beside(shape, 'float32', d.pick<Fill>(['positive', 'apart']))];
  },
};

/** Any base with small whole exponents, or a positive base with any. */
const power: Row = {
  draw: (d) => {
    if (d.chance(2)) return [d.within(-20, 20, 'normal'), d.pick([2, 3, 1, 0, 2])];
    const a = d.within(0.05, 20, 'positive');
    return [a, d.chance(2) ? d.pick([0.5, -1, 1.5, -0.5]) : d.beside(d.shapeOf(a))];
  },
  reference: (a: Both, b: Both) => zip(asRef(a), asRef(b), binary.pow),
  accuracy: { ulps: 64, exactInputs: true },
};

export const elementwise: Readonly<Record<string, Row>> = {
  add: binaryRow('add', 'rounded'),
  sub: binaryRow('sub', 'rounded'),
  mul: binaryRow('mul', 'rounded'),
  div: quotient,
  pow: power,
  minimum: { ...binaryRow('minimum', 'exact'), selects: true },
  maximum: { ...binaryRow('maximum', 'exact'), selects: true },
  equal: comparison('equal'),
  notEqual: comparison('notEqual'),
  less: comparison('less'),
  lessEqual: comparison('lessEqual'),
  greater: comparison('greater'),
  greaterEqual: comparison('greaterEqual'),
  smoothL1: {
    draw: (d) => {
      const [a, b] = pair(d) ?? [];
      return a === undefined ? null : [a, b, d.options({ beta: d.pick([1, 0.11, 10, 0.5]) })];
    },
    reference: (a: Both, b: Both, { beta }: { beta?: number }) => smoothL1(asRef(a), asRef(b), beta),
    accuracy: rounded(6),
    mayOverflow: true,
  },
  clamp: {
    draw: (d) => {
      const low = d.pick([-1, 0, -0.5, 0.25]);
      return [d.float(), low, low + d.pick(d.special ? [1, 0.5, 0] : [1, 0.5, 2])];
    },
    reference: (x: Value, low: number, high: number) => clamp(x, low, high),
    accuracy: 'exact',
    selects: true,
  },
  where: {
    draw: (d) => {
      const a = d.tensor();
      const { shape, dtype } = d.value(a);
      const condition = d.operand(
        (v) => v.dtype !== 'float32' && broadcasts(v.shape, shape),
        () => d.leaf(d.partner(shape), { low: 0, high: 1 }, 'bool'),
      );
      const b = dtype === 'float32' && d.chance(4) ? d.number() : besideBoth(d, a, condition);
      if (b === null) return null;
      return d.chance(2) ? [condition, b, a] : [condition, a, b];
    },
    reference: (condition: Value, a: Both, b: Both) => where(condition, asRef(a), asRef(b)),
    dtype: (_: Value, a: Both, b: Both) => typeOf(a, b),
    accuracy: 'exact',
    selects: true,
  },
  atan2: {
    draw: (d) => pair(d, ['float32'], 'apart'),
    reference: (a: Both, b: Both) => zip(asRef(a), asRef(b), binary.atan2),
    accuracy: { ulps: 16, absolute: 1e-7 },
  },
  logicalAnd: comparison('logicalAnd'),
  logicalOr: comparison('logicalOr'),
  logicalXor: comparison('logicalXor'),
  logicalNot: questionRow((v) => v === 0),
  isNaN: questionRow((v) => Number.isNaN(v)),
  isFinite: questionRow((v) => Number.isFinite(v)),
  isInfinite: questionRow((v) => Math.abs(v) === Infinity),
  neg: numericRow(unary.neg, { selects: true }),
  abs: numericRow(unary.abs),
  relu: numericRow(unary.relu, { selects: true }),
  sign: numericRow(unary.sign),
  square: {
    ...numericRow(unary.square, { accuracy: 'rounded' }),
    reference: (x: Value) => map(x, x.dtype === 'float32' ? unary.square : (v) => Math.imul(v, v)),
  },
  floor: unaryRow(unary.floor, 'exact', ANY),
  ceil: unaryRow(unary.ceil, 'exact', ANY),
  round: unaryRow(unary.round, 'exact', ANY),
  trunc: unaryRow(unary.trunc, 'exact', ANY),
  exp: unaryRow(unary.exp, rounded(32), [-20, 8, 'normal']),
  expm1: saturating(unary.expm1, rounded(32), [-20, 8, 'normal']),
  log: unaryRow(unary.log, { ulps: 4, absolute: 2 ** -21 }, POSITIVE),
  log1p: unaryRow(unary.log1p, rounded(16), [-0.9, 100, 'positive']),
  sqrt: unaryRow(unary.sqrt, rounded(5), [0, 1e4, 'positive']),
  rsqrt: unaryRow(unary.rsqrt, rounded(8), POSITIVE),
  reciprocal: unaryRow(unary.reciprocal, rounded(3), POSITIVE),
  sigmoid: saturating(unary.sigmoid, rounded(32)),
  softplus: saturating(unary.softplus, rounded(32)),
  silu: saturating(unary.silu, rounded(32)),
  gelu: withOption(
    (v, approximate) => (approximate === 'tanh' ? geluTanh(v) : unary.gelu(v)),
    'approximate',
    ['tanh', 'none'],
    { ulps: 32, absolute: 5e-7 },
  ),
  leakyRelu: withOption<number>(
    (v, slope = 0.01) => (v > 0 ? v : Math.fround(slope) * v),
    'slope',
    [0.2, 0, -1.5],
    rounded(1),
  ),
  elu: withOption<number>((v, alpha = 1) => (v > 0 ? v : alpha * Math.expm1(v)), 'alpha', [0.25, 2], rounded(32)),
  hardSwish: unaryRow(unary.hardSwish, { ulps: 4 }),
  sin: saturating(unary.sin, { ulps: 4, absolute: 1.5e-7 }),
  cos: saturating(unary.cos, { ulps: 4, absolute: 1.5e-7 }),
  tan: unaryRow(unary.tan, { ulps: 64, absolute: 1.5e-7 }, [-1.4, 1.4, 'probability']),
  asin: saturating(unary.asin, rounded(16), UNIT),
  acos: saturating(unary.acos, { ulps: 16, absolute: 2e-7 }, UNIT),
  atan: unaryRow(unary.atan, rounded(8)),
  sinh: unaryRow(unary.sinh, rounded(32), [-8, 8, 'normal']),
  cosh: unaryRow(unary.cosh, rounded(32), [-8, 8, 'normal']),
  tanh: saturating(unary.tanh, rounded(16)),
  erf: saturating(unary.erf, rounded(16)),
};

/** An operand that broadcasts with two others. */
function besideBoth(d: Draw, a: Operand, b: Operand): Operand | null {
  const shape = broadcastShape(d.shapeOf(a), d.shapeOf(b));
  const { dtype } = d.value(a);
  return d.beside(shape, dtype);
}
