import type { NdArray } from 'ndarray';

/** An image on the host: RGB bytes of shape [H, W, 3]. Any strides are legal, so that crops and flips are views. */
export type RgbImage = NdArray<Uint8Array>;

/** Boxes and classes of one image. */
export interface Annotations {
  /** Four numbers per box, `x1, y1, x2, y2` in pixels of the image: x to the right, y down, `x2 > x1`, `y2 > y1`. */
  readonly boxes: Float32Array;
  /** Class index of each box, from 0. */
  readonly labels: Int32Array;
}

/** What a detector found in one image. */
export interface Detections extends Annotations {
  /** Score of each box, in any order; a detector of this package gives probabilities, highest first. */
  readonly scores: Float32Array;
}
