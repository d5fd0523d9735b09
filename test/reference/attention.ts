import { at, build, type Ref } from './array.ts';

/** softmax(q k^T scale) v over the keys that `allows` permits, with `bias` added to the scores; zeros without any key. */
export function attention(
  q: Ref,
  k: Ref,
  v: Ref,
  scale: number,
  allows: (query: number, key: number) => boolean = () => true,
  bias: (query: number, key: number) => number = () => 0,
): Ref {
  const [keys, features] = k.shape.slice(-2) as [number, number];
  return build([...q.shape.slice(0, -1), v.shape.at(-1)!], (index) => {
    const lead = index.slice(0, -2);
    const [query, column] = index.slice(-2) as [number, number];
    let [total, weights] = [0, 0];
    for (let key = 0; key < keys; key++) {
      if (!allows(query, key)) continue;
      let score = bias(query, key);
      for (let e = 0; e < features; e++) score += scale * at(q, [...lead, query, e]) * at(k, [...lead, key, e]);
      const weight = Math.exp(score);
      weights += weight;
      total += weight * at(v, [...lead, key, column]);
    }
    return weights === 0 ? 0 : total / weights;
  });
}
