import { matmul as product } from '../../src/measure/reference/matmul.ts';
import { at, broadcastShape, broadcastTo, build, evaluate, ref, sizeOf, sumTo, type Ref } from './array.ts';

/** Matrix product of [.., m, k] and [.., k, n] with broadcast batch axes. */
export function matmul(a: Ref, b: Ref): Ref {
  const [m, k] = a.shape.slice(-2) as [number, number];
  const n = b.shape.at(-1)!;
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [x, z] = [broadcastTo(a, [...batch, m, k]).data, broadcastTo(b, [...batch, k, n]).data];
  const y = ref([...batch, m, n]);
  for (let item = 0; item < sizeOf(batch); item++) {
    const left = { shape: [m, k], data: x.subarray(item * m * k, (item + 1) * m * k) };
    const right = { shape: [k, n], data: z.subarray(item * k * n, (item + 1) * k * n) };
    y.data.set(evaluate(product(left, right)).data, item * m * n);
  }
  return y;
}

const transposed = (x: Ref): Ref =>
  build([...x.shape.slice(0, -2), x.shape.at(-1)!, x.shape.at(-2)!], (index) =>
    at(x, [...index.slice(0, -2), index.at(-1)!, index.at(-2)!]),
  );

/** The gradients of both factors, for a gradient of the product. */
export const matmulGradients = (dy: Ref, a: Ref, b: Ref): [da: Ref, db: Ref] => [
  sumTo(matmul(dy, transposed(b)), a.shape),
  sumTo(matmul(transposed(a), dy), b.shape),
];
