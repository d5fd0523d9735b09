// Image files to pixels, by the browser.
import { rgbImage, type RgbImage } from 'retinagrad/data';

/** Files that browsers decode. */
const imageName = /\.(?:png|jpe?g|webp|gif|bmp|avif)$/i;

/** Whether a file may be an image, by its name. */
export const isImageName = (path: string): boolean => imageName.test(path) || /\.tiff?$/i.test(path);

/** Decodes an image file, upright as its EXIF says. Rejects with an Error that names it. */
export async function decodeImage(file: Blob, name: string): Promise<RgbImage> {
  // Colour profiles are left alone, as the command does.
  const options = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' } as const;
  const bitmap = await createImageBitmap(file, options).catch(() => null);
  if (bitmap === null) {
    const known = imageName.test(name)
      ? 'the file is damaged'
      : 'PNG, JPEG, WebP, GIF, BMP, AVIF and TIFF are read here';
    throw new Error(`${name} is not an image that can be read: ${known}`);
  }
  return rgbOfBitmap(bitmap);
}

/** The pixels of a bitmap, which is closed. */
export function rgbOfBitmap(bitmap: ImageBitmap): RgbImage {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
  canvas.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = canvas.getImageData(0, 0, width, height);
  const bytes = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) for (let k = 0; k < 3; k++) bytes[3 * i + k] = data[4 * i + k]!;
  return rgbImage(height, width, bytes);
}
