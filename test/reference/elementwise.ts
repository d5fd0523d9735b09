import { broadcastShape, broadcastTo, ref, type Ref } from './array.ts';

/** Functions of one number. */
export const unary = {
  neg: (x: number) => -x,
  exp: (x: number) => Math.exp(x),
  log: (x: number) => Math.log(x),
  sqrt: (x: number) => Math.sqrt(x),
  abs: (x: number) => Math.abs(x),
  square: (x: number) => x * x,
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
  relu: (x: number) => (x < 0 ? 0 : x),
  softplus: (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  reciprocal: (x: number) => 1 / x,
  tanh: (x: number) => Math.tanh(x),
  sign: (x: number) => (x > 0 ? 1 : x < 0 ? -1 : 0),
  floor: (x: number) => Math.floor(x),
  ceil: (x: number) => Math.ceil(x),
  round: (x: number) => roundHalfToEven(x),
  trunc: (x: number) => Math.trunc(x),
  sin: (x: number) => Math.sin(x),
  cos: (x: number) => Math.cos(x),
  tan: (x: number) => Math.tan(x),
  asin: (x: number) => Math.asin(x),
  acos: (x: number) => Math.acos(x),
  atan: (x: number) => Math.atan(x),
  sinh: (x: number) => Math.sinh(x),
  cosh: (x: number) => Math.cosh(x),
  erf: (x: number) => erf(x),
  log1p: (x: number) => Math.log1p(x),
  expm1: (x: number) => Math.expm1(x),
  rsqrt: (x: number) => 1 / Math.sqrt(x),
  gelu: (x: number) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  silu: (x: number) => x / (1 + Math.exp(-x)),
  hardSwish: (x: number) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
};

/** The approximation of GELU by tanh. */
export const geluTanh = (x: number): number =>
  0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  if (x - below === 0.5) return below % 2 === 0 ? below : below + 1;
  return Math.round(x);
}

/** Error function: its Taylor series for small x, the continued fraction of erfc for large x. */
function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const m = Math.abs(x);
  if (m > 6) return Math.sign(x);
  if (m < 2.5) {
    let [sum, term] = [m, m];
    for (let n = 1; Math.abs(term) > 1e-18 * sum; n++) {
      term *= -(m * m) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let tail = m;
  for (let n = 60; n > 0; n--) tail = m + n / 2 / tail;
  return Math.sign(x) * (1 - Math.exp(-m * m) / (tail * Math.sqrt(Math.PI)));
}

/** Functions of two numbers. */
export const binary = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  // C's pow, where 1 to any power is 1, unlike JavaScript's.
  pow: (a: number, b: number) => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b),
  minimum: (a: number, b: number) => Math.min(a, b),
  maximum: (a: number, b: number) => Math.max(a, b),
  equal: (a: number, b: number) => Number(a === b),
  notEqual: (a: number, b: number) => Number(a !== b),
  less: (a: number, b: number) => Number(a < b),
  lessEqual: (a: number, b: number) => Number(a <= b),
  greater: (a: number, b: number) => Number(a > b),
  greaterEqual: (a: number, b: number) => Number(a >= b),
  logicalAnd: (a: number, b: number) => Number(a !== 0 && b !== 0),
  logicalOr: (a: number, b: number) => Number(a !== 0 || b !== 0),
  logicalXor: (a: number, b: number) => Number((a !== 0) !== (b !== 0)),
  atan2: (a: number, b: number) => Math.atan2(a, b),
};

/** f of each element. */
export const map = (x: Ref, f: (x: number) => number): Ref => ref(x.shape, x.data.map(f));

/** f of each pair of elements, with broadcasting. */
export function zip(a: Ref, b: Ref, f: (a: number, b: number) => number): Ref {
  const shape = broadcastShape(a.shape, b.shape);
  const [x, z] = [broadcastTo(a, shape), broadcastTo(b, shape)];
  return ref(
    shape,
    x.data.map((value, i) => f(value, z.data[i]!)),
  );
}

/** x limited to [low, high]. */
export const clamp = (x: Ref, low: number, high: number): Ref => map(x, (v) => Math.min(Math.max(v, low), high));

/** a where the condition is not 0, otherwise b, all three broadcast together. */
export function where(condition: Ref, a: Ref, b: Ref): Ref {
  const shape = broadcastShape(broadcastShape(condition.shape, a.shape), b.shape);
  const [c, x, z] = [broadcastTo(condition, shape), broadcastTo(a, shape), broadcastTo(b, shape)];
  return ref(
    shape,
    c.data.map((chosen, i) => (chosen !== 0 ? x.data[i]! : z.data[i]!)),
  );
}
