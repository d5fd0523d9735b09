import { byteImage } from '../../src/imagery/image.ts';
import type { ByteImage } from '../../src/imagery/types.ts';
import type { DetectorDescription } from '../../src/detector/detector.ts';
import type { HostTensor } from '../../src/nn/module.ts';
import { RetinaNet } from '../../src/retinanet/retinanet.ts';
import { retinaNetSpec, type RetinaNetSpec } from '../../src/retinanet/spec.ts';
import { fromTorchvisionStateDict, toTorchvisionStateDict } from '../../src/weights/torchvision.ts';
import { hashImage, hashTensor } from '../golden/read.ts';

/** Small networks that cover every decision that an export depends on. */
export const specs: Readonly<Record<string, RetinaNetSpec>> = {
  'ResNet-18 with batch norm, as it is trained': retinaNetSpec('torchvision', {
    backbone: { depth: 18, width: 8, norm: 'batch' },
    pyramid: { channels: 16 },
    head: { channels: 16, convs: 1 },
    transform: { minSize: null },
    postprocess: { topK: 300, maxDetections: 50, scoreThreshold: 0.3 },
  }),
  'ResNet-50 with everything that is different': retinaNetSpec('detectron2', {
    backbone: { depth: 50, width: 8, normEps: 1e-3 },
    pyramid: { channels: 16, reluBeforeP7: false },
    head: { channels: 16, convs: 2, normGroups: 4 },
    // Some boxes lie outside of the image.
    anchors: { offset: 4 },
    boxCoder: { weights: [10, 10, 5, 5], clamp: 0.5, clampSides: 'both' },
    transform: { minSize: 140, maxSize: 200 },
    postprocess: { topK: 200, maxDetections: 30, scoreThreshold: 0.3 },
  }),
  'group norms in the backbone': retinaNetSpec('torchvision', {
    backbone: { depth: 18, width: 8, norm: 'group', normEps: 1e-3 },
    pyramid: { channels: 16 },
    head: { channels: 16, convs: 1 },
    transform: { minSize: null },
    postprocess: { topK: 300, maxDetections: 50, scoreThreshold: 0.3 },
  }),
  'four bands with a normalisation of their own': retinaNetSpec('torchvision', {
    backbone: { depth: 18, width: 8, norm: 'batch' },
    pyramid: { channels: 16 },
    head: { channels: 16, convs: 1 },
    transform: { minSize: null, mean: [0.2, 0.5, 0.4, 0.7], std: [0.1, 0.3, 0.2, 0.4] },
    postprocess: { topK: 300, maxDetections: 50, scoreThreshold: 0.3 },
  }),
};

/** A model with hashed weights, its weights on the host, and a description with two classes. */
export function hashedDetector(
  spec: RetinaNetSpec,
  classes: readonly string[] = ['house', "farmer's tree"],
): { readonly model: RetinaNet; readonly weights: Map<string, HostTensor>; readonly description: DetectorDescription } {
  const model = new RetinaNet(classes.length, spec).eval();
  const shapes = new Map(
    [...model.stateDict()].map(([name, { shape, size }]) => [name, { shape, data: new Float32Array(size) }]),
  );
  const hashed = [...toTorchvisionStateDict(shapes)].map(([name, { shape }]): [string, HostTensor] => [
    name,
    { shape, data: spread(name, hashTensor(name, shape, 3)) },
  ]);
  const weights = fromTorchvisionStateDict(new Map(hashed));
  model.loadStateDict(weights);
  const description = { classes, spec, scoreThreshold: 0.4, decoding: { groundResolution: 0.3 }, tile: 160 };
  return { model, weights, description };
}

/** Scores that differ more than those of the hashed weights, which are those of an untrained network. */
function spread(name: string, values: Float32Array): Float32Array {
  if (!name.includes('cls_logits')) return values;
  return name.endsWith('bias') ? values.map((value) => value + 3.5) : values.map((value) => value * 1.5);
}

/** A square image of up to six channels, and the same as [channels, side, side] from 0 to 1. */
export function hashedImage(
  name: string,
  side: number,
  channels = 3,
): { readonly image: ByteImage; readonly planes: Float32Array } {
  const [rgb, others] = [hashImage(name, side, side), hashImage(`${name}.others`, side, side)];
  const bytes = Uint8Array.from({ length: side ** 2 * channels }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / channels), i % channels];
    return channel < 3 ? rgb[3 * pixel + channel]! : others[3 * pixel + channel - 3]!;
  });
  const planes = Float32Array.from({ length: bytes.length }, (_, i) => {
    const [channel, pixel] = [Math.floor(i / side ** 2), i % side ** 2];
    return bytes[channels * pixel + channel]! / 255;
  });
  return { image: byteImage({ height: side, width: side, channels }, bytes), planes };
}
