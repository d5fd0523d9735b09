import { ref, type Ref } from './array.ts';

/** One number for both axes, or [height, width]. */
export type Pair = number | readonly [number, number];

/** [height, width] of a pair. */
export const pair = (value: Pair): readonly [number, number] => (typeof value === 'number' ? [value, value] : value);

export interface Conv2dOptions {
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly dilation?: Pair;
}

/** Positions of a window along one axis. */
export const windows = (extent: number, kernel: number, stride: number, padding: number, dilation: number): number =>
  Math.floor((extent + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;

/** y[n,p,q,k] = bias[k] + sum over r, s, c of x[n, p*stride - pad + r*dilation, .., c] * w[r,s,c,k]; outside x is 0. */
export function conv2d(x: Ref, w: Ref, bias: Ref | null, options: Conv2dOptions = {}): Ref {
  const [N, H, W, C] = x.shape as [number, number, number, number];
  const [R, S, , K] = w.shape as [number, number, number, number];
  const [sh, sw] = pair(options.stride ?? 1);
  const [ph, pw] = pair(options.padding ?? 0);
  const [dh, dw] = pair(options.dilation ?? 1);
  const P = windows(H, R, sh, ph, dh);
  const Q = windows(W, S, sw, pw, dw);
  const y = ref([N, P, Q, K]);
  for (let n = 0; n < N; n++) {
    for (let p = 0; p < P; p++) {
      for (let q = 0; q < Q; q++) {
        for (let k = 0; k < K; k++) {
          let total = bias === null ? 0 : bias.data[k]!;
          for (let r = 0; r < R; r++) {
            for (let s = 0; s < S; s++) {
              const h = p * sh - ph + r * dh;
              const v = q * sw - pw + s * dw;
              if (h < 0 || h >= H || v < 0 || v >= W) continue;
              for (let c = 0; c < C; c++) {
                total += x.data[((n * H + h) * W + v) * C + c]! * w.data[((r * S + s) * C + c) * K + k]!;
              }
            }
          }
          y.data[((n * P + p) * Q + q) * K + k] = total;
        }
      }
    }
  }
  return y;
}
