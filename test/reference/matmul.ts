import { broadcastShape, broadcastTo, ref, sizeOf, type Ref } from './array.ts';

/** Matrix product of [.., m, k] and [.., k, n] with broadcast batch axes. */
export function matmul(a: Ref, b: Ref): Ref {
  const [m, k] = a.shape.slice(-2) as [number, number];
  const n = b.shape.at(-1)!;
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [x, z] = [broadcastTo(a, [...batch, m, k]).data, broadcastTo(b, [...batch, k, n]).data];
  const y = ref([...batch, m, n]);
  for (let item = 0; item < sizeOf(batch); item++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let total = 0;
        for (let l = 0; l < k; l++) total += x[(item * m + i) * k + l]! * z[(item * k + l) * n + j]!;
        y.data[(item * m + i) * n + j] = total;
      }
    }
  }
  return y;
}
