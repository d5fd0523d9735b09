import type { Reference, Values } from './array.ts';
import { pair, walks, type Pair, type WindowOptions } from './windows.ts';

/** `stride` is `kernel` by default. */
export interface PoolOptions extends Omit<WindowOptions, 'padding'> {
  readonly kernel: Pair;
  /** Default 0. */
  readonly padding?: Pair;
}

/** `f` of the elements of x that each window covers; `area` counts those of the padding that it covers, too. */
export function pool2d(x: Values, options: PoolOptions, f: (values: number[], area: number) => number): Reference {
  const [N, H, W, C] = x.shape as readonly [number, number, number, number];
  const [R, S] = pair(options.kernel);
  const [down, across] = walks([H, W], [R, S], { stride: options.kernel, ...options });
  return {
    shape: [N, down.count, across.count, C],
    at(n: number, p: number, q: number, c: number) {
      const values: number[] = [];
      let area = 0;
      for (let r = 0; r < R; r++) {
        for (let s = 0; s < S; s++) {
          const [h, v] = [down.input(p, r), across.input(q, s)];
          if (down.isPadded(p, r) && across.isPadded(q, s)) area++;
          if (h >= 0 && v >= 0) values.push(x.data[((n * H + h) * W + v) * C + c]!);
        }
      }
      return f(values, area);
    },
  };
}

/** Largest element of each window; padding never wins. */
export const maxPool2d = (x: Values, options: PoolOptions): Reference =>
  pool2d(x, options, (values) => values.reduce((a, b) => Math.max(a, b), -Infinity));
