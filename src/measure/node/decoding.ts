import { ndarray } from '../../common/ndarray.ts';
import { decodePng, encodePng } from '../../imagery/node/png.ts';
import type { Device } from '../../tensor/device.ts';
import type { Workload } from '../workload.ts';

/**
 * A function that decodes a workload's images from PNG files in memory, one after the other. (In training this overlaps with
 * work on the GPU.)
 */
export async function imageDecoder(device: Device, { images }: Workload): Promise<() => Promise<void>> {
  const files = await Promise.all(
    images.map(async (image) => {
      const bytes = Uint8Array.from((await image.data()) as Float32Array, (value) => value * 255);
      return encodePng(ndarray(bytes, [...image.shape]));
    }),
  );
  return async () => {
    for (const file of files) await device.duringHost('data loading', () => decodePng(file, 'image'));
  };
}
