import type { NdArray } from 'ndarray';
import type { Stretch } from './stretch.ts';

/** An image in host memory: RGB bytes of shape [H, W, 3]. Strides are arbitrary, so crops and flips are views. */
export type RgbImage = NdArray<Uint8Array>;

/** Boxes and classes of one image. */
export interface Annotations {
  /** Four numbers per box, `x1, y1, x2, y2` in pixels: x points right, y down, `x2 > x1`, `y2 > y1`. */
  readonly boxes: Float32Array;
  /** Class index of each box, from 0. */
  readonly labels: Int32Array;
}

/** How the images of a data set are decoded; `readImage` takes it for further images, so that they look the same. */
export interface ImageDecoding {
  /** Bands that become red, green and blue, from 1. Default: the first three, or the first for all. */
  readonly bands?: readonly [number, number, number];
  /** Levels of images with more than 8 bits. Default: measured in each image. */
  readonly stretch?: Stretch;
  /** Median size of a pixel on the ground in metres, where it is known. */
  readonly groundResolution?: number;
}

/** What a detector found in one image. */
export interface Detections extends Annotations {
  /** Score of each box, in any order; a detector of this package gives probabilities, highest first. */
  readonly scores: Float32Array;
}
