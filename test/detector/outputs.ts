import { noGrad, tidy, type RetinaNet } from '../../src/index.ts';
import type { ByteImage } from '../../src/imagery/types.ts';
import { defaultDevice } from '../../src/tensor/device.ts';
import { transformImages } from '../../src/retinanet/transform.ts';
import { floats, samplePositions } from '../golden/read.ts';

/** What `layouts.json` keeps of logits or deltas. */
export interface Outputs {
  readonly absmax: number;
  readonly samples: string;
}

/** The largest difference of a model's logits and deltas from PyTorch's, as a fraction of the largest value. */
export async function outputsDistance(
  model: RetinaNet,
  image: ByteImage,
  expected: { readonly logits: Outputs; readonly deltas: Outputs },
): Promise<number> {
  const output = noGrad(() =>
    tidy(() => {
      const { images } = transformImages(defaultDevice(), [image], model.spec.transform);
      const { logits, deltas } = model.forward(images);
      return { logits, deltas };
    }),
  );
  let worst = 0;
  for (const name of ['logits', 'deltas'] as const) {
    const { absmax, samples } = expected[name];
    const found = (await output[name].data()) as Float32Array;
    const values = floats(samples);
    const positions = samplePositions(name, found.length, values.length);
    worst = positions.reduce((most, at, i) => Math.max(most, Math.abs(found[at]! - values[i]!) / absmax), worst);
    output[name].dispose();
  }
  return worst;
}
