import { at, build, type Ref } from './array.ts';
import { pair, windows, type Pair } from './conv2d.ts';

export interface MaxPool2dOptions {
  readonly kernel: Pair;
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly dilation?: Pair;
}

export interface AvgPool2dOptions {
  readonly kernel: Pair;
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly countIncludePad?: boolean;
}

/** `f` of the elements of x that each window covers; `area` is the window's size with the padding that it covers. */
function pool(x: Ref, options: MaxPool2dOptions, f: (values: number[], area: number) => number): Ref {
  const [N, H, W, C] = x.shape as [number, number, number, number];
  const [kh, kw] = pair(options.kernel);
  const [sh, sw] = pair(options.stride ?? options.kernel);
  const [ph, pw] = pair(options.padding ?? 0);
  const [dh, dw] = pair(options.dilation ?? 1);
  return build([N, windows(H, kh, sh, ph, dh), windows(W, kw, sw, pw, dw), C], ([n, p, q, c]) => {
    const values: number[] = [];
    for (let r = 0; r < kh; r++) {
      for (let s = 0; s < kw; s++) {
        const h = p! * sh - ph + r * dh;
        const w = q! * sw - pw + s * dw;
        if (h >= 0 && h < H && w >= 0 && w < W) values.push(at(x, [n!, h, w, c!]));
      }
    }
    return f(values, kh * kw);
  });
}

/** Largest element of each window; padding never wins. */
export const maxPool2d = (x: Ref, options: MaxPool2dOptions): Ref =>
  pool(x, options, (values) => values.reduce((a, b) => Math.max(a, b), -Infinity));

/** Mean of each window; padding counts as zeros unless `countIncludePad` is false. */
export const avgPool2d = (x: Ref, options: AvgPool2dOptions): Ref =>
  pool(x, options, (values, area) => {
    const total = values.reduce((a, b) => a + b, 0);
    return total / (options.countIncludePad === false ? values.length : area);
  });
