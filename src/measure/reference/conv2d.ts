import type { Reference, Values } from './array.ts';
import { walks, type Walk, type WindowOptions } from './windows.ts';

type Shape4 = readonly [number, number, number, number];

/** A convolution's extents, and its walks over the image. */
function geometry(xShape: readonly number[], wShape: readonly number[], options: WindowOptions) {
  const [N, H, W, C] = xShape as Shape4;
  const [R, S, perGroup, K] = wShape as Shape4;
  const [down, across] = walks([H, W], [R, S], options);
  const groups = perGroup === 0 ? 1 : C / perGroup;
  /** The first input channel of the group of output channel k. */
  const firstOf = (k: number): number => Math.floor((k * groups) / K) * perGroup;
  return { N, H, W, C, R, S, K, P: down.count, Q: across.count, down, across, perGroup, firstOf };
}

/** Shape [N, P, Q, K] of the result of a convolution. */
export function conv2dShape(x: readonly number[], w: readonly number[], options: WindowOptions = {}): Shape4 {
  const { N, P, Q, K } = geometry(x, w, options);
  return [N, P, Q, K];
}

/**
 * y[n,p,q,k] = bias[k] + sum over r, s, c of x[n, p*stride - pad + r*dilation, .., c] * w[r,s,c,k]; outside x is 0. If w has
 * fewer channels than x, c counts those of the group of k.
 */
export function conv2d(x: Values, w: Values, bias: Values | null, options: WindowOptions = {}): Reference {
  const { N, H, W, C, R, S, K, P, Q, down, across, perGroup, firstOf } = geometry(x.shape, w.shape, options);
  const [xs, ws] = [x.data, w.data];
  return {
    shape: [N, P, Q, K],
    at(n: number, p: number, q: number, k: number) {
      let total = bias === null ? 0 : bias.data[k]!;
      for (let r = 0; r < R; r++) {
        const h = down.input(p, r);
        if (h < 0) continue;
        for (let s = 0; s < S; s++) {
          const v = across.input(q, s);
          if (v < 0) continue;
          const pixel = ((n * H + h) * W + v) * C + firstOf(k);
          const tap = (r * S + s) * perGroup * K + k;
          for (let c = 0; c < perGroup; c++) total += xs[pixel + c]! * ws[tap + c * K]!;
        }
      }
      return total;
    },
  };
}

/** Every position of a window at which one of its taps reads input `i`, with that tap. */
function readersOf(i: number, { count, taps, input }: Walk): [position: number, tap: number][] {
  const readers: [number, number][] = [];
  for (let position = 0; position < count; position++) {
    for (let tap = 0; tap < taps; tap++) if (input(position, tap) === i) readers.push([position, tap]);
  }
  return readers;
}

/**
 * The gradient of x, or a transposed convolution: dx[n,h,v,c] = sum of dy[n,p,q,k] * w[r,s,c,k] over the windows p, q whose
 * tap r, s reads h, v, and the k of c's group.
 */
export function conv2dGradInput(
  dy: Values,
  w: Values,
  xShape: readonly number[],
  options: WindowOptions = {},
): Reference {
  const { S, K, P, Q, down, across, perGroup, firstOf } = geometry(xShape, w.shape, options);
  return {
    shape: xShape,
    at(n: number, h: number, v: number, c: number) {
      let total = 0;
      const columns = readersOf(v, across);
      for (const [p, r] of readersOf(h, down)) {
        for (const [q, s] of columns) {
          const [pixel, tap] = [((n * P + p) * Q + q) * K, ((r * S + s) * perGroup + (c % perGroup)) * K];
          for (let k = 0; k < K; k++) {
            if (firstOf(k) === c - (c % perGroup)) total += dy.data[pixel + k]! * w.data[tap + k]!;
          }
        }
      }
      return total;
    },
  };
}

/** The gradient of w: dw[r,s,c,k] = sum over n, p, q of dy[n,p,q,k] times the x that tap r, s reads there. */
export function conv2dGradWeight(
  dy: Values,
  x: Values,
  wShape: readonly number[],
  options: WindowOptions = {},
): Reference {
  const { N, H, W, C, K, P, Q, down, across, firstOf } = geometry(x.shape, wShape, options);
  return {
    shape: wShape,
    at(r: number, s: number, c: number, k: number) {
      let total = 0;
      for (let n = 0; n < N; n++) {
        for (let p = 0; p < P; p++) {
          const h = down.input(p, r);
          if (h < 0) continue;
          for (let q = 0; q < Q; q++) {
            const v = across.input(q, s);
            const pixel = ((n * H + h) * W + v) * C + firstOf(k);
            if (v >= 0) total += dy.data[((n * P + p) * Q + q) * K + k]! * x.data[pixel + c]!;
          }
        }
      }
      return total;
    },
  };
}
