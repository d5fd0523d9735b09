import { conv2d as reference } from '../../src/measure/reference/conv2d.ts';
import type { WindowOptions } from '../../src/measure/reference/windows.ts';
import { evaluate, type Ref } from './array.ts';

/** Convolution of x [N, H, W, C] with w [R, S, C, K], plus the bias [K] if there is one. */
export const conv2d = (x: Ref, w: Ref, bias: Ref | null, options: WindowOptions = {}): Ref =>
  evaluate(reference(x, w, bias, options));
