/** What codecs decode to and encode from. */
export interface RgbaPixels {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and alpha of each pixel, row by row. */
  readonly data: Uint8Array | Uint8ClampedArray;
}
