import { conv2d as reference, conv2dGradInput, conv2dGradWeight } from '../../src/measure/reference/conv2d.ts';
import { pair, type Pair, type WindowOptions } from '../../src/measure/reference/windows.ts';
import { at, build, evaluate, indices, ref, sumTo, type Ref } from './array.ts';

/** Convolution of x [N, H, W, C] with w [R, S, C, K], plus the bias [K] if there is one. */
export const conv2d = (x: Ref, w: Ref, bias: Ref | null, options: WindowOptions = {}): Ref =>
  evaluate(reference(x, w, bias, options));

/** The gradients of x, w and the bias, for a gradient of the result. */
export const conv2dGradients = (dy: Ref, x: Ref, w: Ref, options: WindowOptions): [dx: Ref, dw: Ref, db: Ref] => [
  evaluate(conv2dGradInput(dy, w, x.shape, options)),
  evaluate(conv2dGradWeight(dy, x, w.shape, options)),
  sumTo(dy, [w.shape[3]!]),
];

export interface TransposedOptions {
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly dilation?: Pair;
  readonly outputPadding?: Pair;
  readonly groups?: number;
}

/** Transposed convolution of x [N, H, W, K] with w [R, S, C / groups, K]: each pixel adds the filter times itself. */
export function convTranspose2d(x: Ref, w: Ref, bias: Ref | null, options: TransposedOptions = {}): Ref {
  const { stride = 1, padding = 0, dilation = 1, outputPadding = 0, groups = 1 } = options;
  const [[sh, sw], [ph, pw], [dh, dw], [oh, ow]] = [pair(stride), pair(padding), pair(dilation), pair(outputPadding)];
  const [N, H, W, K] = x.shape as [number, number, number, number];
  const [R, S, perGroup] = w.shape as [number, number, number];
  const P = (H - 1) * sh - 2 * ph + dh * (R - 1) + oh + 1;
  const Q = (W - 1) * sw - 2 * pw + dw * (S - 1) + ow + 1;
  const shape = [N, P, Q, perGroup * groups];
  const y = bias === null ? ref(shape) : build(shape, (index) => at(bias, [index[3]!]));
  /** Adds to pixel p, q what the taps r, s send there from pixel h, v. */
  const add = (n: number, h: number, v: number, r: number, s: number, p: number, q: number): void => {
    for (let k = 0; k < K; k++) {
      const value = x.data[((n * H + h) * W + v) * K + k]!;
      const target = ((n * P + p) * Q + q) * perGroup * groups + Math.floor((k * groups) / K) * perGroup;
      for (let c = 0; c < perGroup; c++) y.data[target + c]! += value * w.data[((r * S + s) * perGroup + c) * K + k]!;
    }
  };
  for (const [n, h, v] of indices([N, H, W])) {
    for (const [r, s] of indices([R, S])) {
      const [p, q] = [h! * sh - ph + r! * dh, v! * sw - pw + s! * dw];
      if (p >= 0 && p < P && q >= 0 && q < Q) add(n!, h!, v!, r!, s!, p, q);
    }
  }
  return y;
}

export interface Conv1dOptions {
  readonly stride?: number;
  readonly padding?: number | readonly [number, number] | 'same';
  readonly dilation?: number;
}

/** Convolution of x [N, L, C] with w [R, C / groups, K], plus the bias [K] if there is one. */
export function conv1d(x: Ref, w: Ref, bias: Ref | null, options: Conv1dOptions = {}): Ref {
  const { stride = 1, padding = 0, dilation = 1 } = options;
  const [N, L, C] = x.shape as [number, number, number];
  const [R, perGroup, K] = w.shape as [number, number, number];
  const reach = dilation * (R - 1);
  const sides = typeof padding === 'number' ? [padding, padding] : padding;
  const [before, after] = sides === 'same' ? [Math.floor(reach / 2), Math.ceil(reach / 2)] : sides;
  const P = Math.floor((L + before! + after! - reach - 1) / stride) + 1;
  return build([N, P, K], ([n, p, k]) => {
    const first = Math.floor((k! * C) / perGroup / K) * perGroup;
    let total = bias === null ? 0 : bias.data[k!]!;
    for (const [r, c] of indices([R, perGroup])) {
      const l = p! * stride - before! + r! * dilation;
      if (l >= 0 && l < L) total += at(x, [n!, l, first + c!]) * at(w, [r!, c!, k!]);
    }
    return total;
  });
}
