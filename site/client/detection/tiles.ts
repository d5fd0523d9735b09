// Synthetic overhead images, made in the page, as the detector of the site was trained on.
import { applyStretch, generateChip, rgbImage, type RgbImage } from 'retinagrad/data';
import model from '../../data/model.json';

/** An image, its objects, and what a page needs to show it. */
export interface Tile {
  readonly width: number;
  readonly height: number;
  readonly image: RgbImage;
  /** Four numbers for each building: x1, y1, x2, y2 in pixels. */
  readonly boxes: Float32Array;
  readonly labels: Int32Array;
  /** The image as an address for `<image>` and `<img>`. */
  readonly url: string;
}

/** Tiles that training has not seen have another seed than 1. */
const SEED = 2024;

export interface TileOptions {
  readonly size?: number;
  readonly metresPerPixel?: number;
}

/** Tile number `index`, with the brightness that the detector knows. */
export function makeTile(index: number, { size = 128, metresPerPixel = 0.5 }: TileOptions = {}): Tile {
  const { levels, footprints } = generateChip(SEED, index, { size, metresPerPixel });
  const bytes = applyStretch(levels, model.stretch);
  const boxes = Float32Array.from(
    footprints.flatMap((ring) => {
      const xs = ring.map(([x]) => x);
      const ys = ring.map(([, y]) => y);
      return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    }),
  );
  const image = rgbImage(size, size, bytes);
  const url = urlOf(bytes, size, size);
  return { width: size, height: size, image, boxes, labels: new Int32Array(footprints.length), url };
}

/** An image of the reader's, its middle square at the size of a tile. It has no labels. */
export async function tileOfFile(file: File, size = 128): Promise<Tile> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${file.name} is not an image that this browser reads: choose a JPEG, PNG or WebP file.`);
  });
  const side = Math.min(bitmap.width, bitmap.height);
  const canvas = document.createElement('canvas');
  canvas.width = size;
  canvas.height = size;
  const context = canvas.getContext('2d')!;
  context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, size, size);
  bitmap.close();
  const { data } = context.getImageData(0, 0, size, size);
  const bytes = new Uint8Array(size * size * 3);
  for (let i = 0; i < size * size; i++) bytes.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
  const image = rgbImage(size, size, bytes);
  return {
    width: size,
    height: size,
    image,
    boxes: new Float32Array(),
    labels: new Int32Array(),
    url: canvas.toDataURL(),
  };
}

/** RGB bytes as the address of a picture. */
function urlOf(rgb: Uint8Array, width: number, height: number): string {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) rgba.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
  canvas.getContext('2d')!.putImageData(new ImageData(rgba, width, height), 0, 0);
  return canvas.toDataURL();
}
