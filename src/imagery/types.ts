import type { NdArray } from 'ndarray';
import type { Stretch } from './stretch.ts';

/**
 * An image in host memory: bytes of shape [H, W, C], a channel for each band that was read. Strides are arbitrary, so crops
 * and flips are views.
 */
export type ByteImage = NdArray<Uint8Array>;

/** A `ByteImage` of shape [H, W, 3]: red, green and blue. Pictures are of this kind. */
export type RgbImage = ByteImage;

/** Numbers, from 1, of the bands that become the channels of an image, such as `[3, 2, 1]`. */
export type Bands = readonly number[];

/** Bands to read: by their numbers, or all except alpha. */
export type BandSelection = Bands | 'all';

/**
 * How the images of a data set become bytes, for `readImage` to read others alike, and how large their pixels are on the
 * ground.
 */
export interface ImageDecoding {
  /** The levels that become 0 and 255, where they are not bytes. */
  readonly stretch?: Stretch;
  /** Missing: red, green and blue, as each file says. */
  readonly bands?: Bands;
  /**
   * Channels, from 0, that pictures show as red, green and blue, where the files say it of `bands`. Default: the first three,
   * or the first as grey if there are fewer.
   */
  readonly shown?: readonly [red: number, green: number, blue: number];
  /** Median side of a pixel on the ground, in metres, over georeferenced images; missing where it is not known. */
  readonly groundResolution?: number;
}

/** A rectangle of pixels within an image. */
export interface PixelWindow {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Boxes and classes of one image. */
export interface Annotations {
  /** Four numbers per box, `x1, y1, x2, y2` in pixels: x points right, y down, `x2 > x1`, `y2 > y1`. */
  readonly boxes: Float32Array;
  /** Class index of each box, from 0. */
  readonly labels: Int32Array;
}

/** What a detector found in one image. */
export interface Detections extends Annotations {
  /** Score of each box, in any order; a detector of this package gives probabilities, highest first. */
  readonly scores: Float32Array;
  /** Scores of what was found and left out because of a maximum number of detections. Absent if nothing was. */
  readonly omitted?: Float32Array;
}
