/** Limits on what is decoded, so that a small malicious file cannot exhaust the memory. */
export interface ImageLimits {
  /** Maximum number of pixels of an image. Default 100 million. */
  readonly maxPixels?: number;
}

/** `maxPixels` where no other limit is given. */
export const defaultMaxPixels = 100_000_000;

/** Throws an Error when an image has more pixels than the limits allow. */
export function checkPixels(width: number, height: number, { maxPixels = defaultMaxPixels }: ImageLimits): void {
  if (width * height > maxPixels) throw new Error(`${width} x ${height} pixels exceed maxPixels = ${maxPixels}`);
}
