import type { NdArray } from 'ndarray';

/** An image in host memory: RGB bytes of shape [H, W, 3]. Strides are arbitrary, so crops and flips are views. */
export type RgbImage = NdArray<Uint8Array>;

/** Boxes and classes of one image. */
export interface Annotations {
  /** Four numbers per box, `x1, y1, x2, y2` in pixels: x points right, y down, `x2 > x1`, `y2 > y1`. */
  readonly boxes: Float32Array;
  /** Class index of each box, from 0. */
  readonly labels: Int32Array;
}
