// Image files as rasters, which are read window by window: GeoTIFF by the library, whatever its size; others by the browser.
import type { ImageDecoding, Raster } from 'retinagrad/data';
import { decodeImage } from './decode.ts';

/** The signatures of TIFF and BigTIFF, little- and big-endian. */
const TIFF = /^(?:II[*+]\0|MM\0[*+])/;

/** Whether a file is a TIFF file, by its first bytes. */
export const isTiff = async (file: Blob): Promise<boolean> =>
  TIFF.test(String.fromCharCode(...new Uint8Array(await file.slice(0, 4).arrayBuffer())));

/** Opens an image as the training images were decoded. Rejects with an Error that names the file. */
export async function openRaster(file: Blob, name: string, { bands, stretch }: ImageDecoding): Promise<Raster> {
  if (await isTiff(file)) {
    // Loaded when it is needed, with the packages that decode blocks and coordinate systems.
    const { openTiffBlob } = await import('retinagrad/geo');
    return openTiffBlob(file, name, { ...(bands && { bands }), ...(stretch && { stretch }) });
  }
  const image = await decodeImage(file, name);
  const [height, width, channels] = image.shape as [number, number, number];
  return {
    path: name,
    width,
    height,
    affine: null,
    epsg: null,
    geographic: null,
    read: async (window) => ({
      image: image.lo(window.y, window.x, 0).hi(window.height, window.width, channels),
      valid: null,
    }),
    close: async () => {},
  };
}

/** The window of all pixels. */
export const wholeOf = ({ width, height }: Pick<Raster, 'width' | 'height'>) => ({ x: 0, y: 0, width, height });
