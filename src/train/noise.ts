import { Random } from '../common/random.ts';
import type { Sample } from '../data/types.ts';
import { byteImage } from '../imagery/image.ts';
import type { Size } from '../retinanet/anchors.ts';
import { inputChannels, type RetinaNetSpec } from '../retinanet/spec.ts';

/** A batch of images of noise with an object each, to measure a step with: one image of each size (height, width). */
export function noiseSamples(spec: RetinaNetSpec, sizes: readonly Size[]): Sample[] {
  const random = new Random('measure');
  return sizes.map(([height, width], i): Sample => {
    const image = byteImage({ height, width, channels: inputChannels(spec) });
    for (let k = 0; k < image.data.length; k++) image.data[k] = random.bits() & 255;
    const boxes = Float32Array.of(0.1 * width, 0.1 * height, 0.5 * width, 0.6 * height);
    return { id: `noise-${i}`, image, boxes, labels: new Int32Array(1) };
  });
}
