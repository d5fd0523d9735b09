import { byteImage, imageShape } from './image.ts';
import type { Raster } from './raster.ts';
import type { ByteImage } from './types.ts';

/** A reduced image of a raster. */
export interface Overview {
  readonly image: ByteImage;
  /** Pixels of the raster along each side of a pixel of the image. */
  readonly factor: number;
}

/** Side of the windows that are read, about. */
const WINDOW = 1024;

/** A raster reduced by an integer factor, by means over squares, so that no side is longer than `maxSide` pixels. */
export async function overviewOf(raster: Raster, maxSide: number): Promise<Overview> {
  const factor = Math.max(1, Math.ceil(Math.max(raster.width, raster.height) / maxSide));
  const whole = { x: 0, y: 0, width: raster.width, height: raster.height };
  if (factor === 1) return { image: (await raster.read(whole)).image, factor };
  const [width, height] = [Math.ceil(raster.width / factor), Math.ceil(raster.height / factor)];
  let out: ByteImage | null = null;
  const step = factor * Math.max(1, Math.floor(WINDOW / factor));
  for (let y = 0; y < raster.height; y += step) {
    for (let x = 0; x < raster.width; x += step) {
      const window = { x, y, width: Math.min(step, raster.width - x), height: Math.min(step, raster.height - y) };
      const { image } = await raster.read(window);
      out ??= byteImage({ height, width, channels: imageShape(image).channels });
      reduce(image, factor, out, x / factor, y / factor);
    }
  }
  return { image: out!, factor };
}

/** Writes the means over squares of `factor` pixels, smaller at the last edges, to a place in `out`. */
function reduce(image: ByteImage, factor: number, out: ByteImage, left: number, top: number): void {
  const [height, width, channels] = image.shape as [number, number, number];
  for (let y = 0; y < height; y += factor) {
    for (let x = 0; x < width; x += factor) {
      const [rows, columns] = [Math.min(factor, height - y), Math.min(factor, width - x)];
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) sum += image.get(y + i, x + j, channel);
        out.set(top + y / factor, left + x / factor, channel, Math.round(sum / (rows * columns)));
      }
    }
  }
}
