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
};

/** Functions of two numbers. */
export const binary = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  pow: (a: number, b: number) => a ** b,
  minimum: (a: number, b: number) => Math.min(a, b),
  maximum: (a: number, b: number) => Math.max(a, b),
  equal: (a: number, b: number) => Number(a === b),
  notEqual: (a: number, b: number) => Number(a !== b),
  less: (a: number, b: number) => Number(a < b),
  lessEqual: (a: number, b: number) => Number(a <= b),
  greater: (a: number, b: number) => Number(a > b),
  greaterEqual: (a: number, b: number) => Number(a >= b),
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
