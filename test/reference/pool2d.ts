import { pair, type Pair } from '../../src/measure/reference/windows.ts';
import { maxPool2d as reference, pool2d, type PoolOptions } from '../../src/measure/reference/pool2d.ts';
import { at, build, evaluate, type Ref } from './array.ts';

export type { PoolOptions };

export interface AvgPoolOptions extends PoolOptions {
  readonly countIncludePad?: boolean;
}

/** Largest element of each window; padding never wins. */
export const maxPool2d = (x: Ref, options: PoolOptions): Ref => evaluate(reference(x, options));

/** Mean of each window; padding counts as zeros unless `countIncludePad` is false. 0 of nothing. */
export const avgPool2d = (x: Ref, options: AvgPoolOptions): Ref =>
  evaluate(
    pool2d(x, options, (values, area) => {
      const total = values.reduce((a, b) => a + b, 0);
      return total / Math.max(options.countIncludePad === false ? values.length : area, 1);
    }),
  );

/** Means of P x Q windows, each from floor(p H / P) to ceil((p + 1) H / P). */
export function adaptiveAvgPool2d(x: Ref, size: Pair): Ref {
  const [[P, Q], [N, H, W, C]] = [pair(size), x.shape as [number, number, number, number]];
  return build([N, P, Q, C], ([n, p, q, c]) => {
    const [top, bottom] = [Math.floor((p! * H) / P), Math.ceil(((p! + 1) * H) / P)];
    const [left, right] = [Math.floor((q! * W) / Q), Math.ceil(((q! + 1) * W) / Q)];
    let total = 0;
    for (let h = top; h < bottom; h++) for (let w = left; w < right; w++) total += at(x, [n!, h, w, c!]);
    return total / ((bottom - top) * (right - left));
  });
}
