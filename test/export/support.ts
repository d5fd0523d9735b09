import { rgbImage } from '../../src/imagery/image.ts';
import type { RgbImage } from '../../src/imagery/types.ts';
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
    anchors: { offset: 0.5 },
    boxCoder: { weights: [10, 10, 5, 5], clamp: 0.5, clampSides: 'both' },
    transform: { minSize: 140, maxSize: 200 },
    postprocess: { topK: 200, maxDetections: 30, scoreThreshold: 0.3 },
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

/** A square image, and the same as [3, side, side] from 0 to 1. */
export function hashedImage(name: string, side: number): { readonly image: RgbImage; readonly planes: Float32Array } {
  const bytes = hashImage(name, side, side);
  const planes = Float32Array.from({ length: bytes.length }, (_, i) => {
    const [channel, pixel] = [Math.floor(i / side ** 2), i % side ** 2];
    return bytes[3 * pixel + channel]! / 255;
  });
  return { image: rgbImage(side, side, bytes), planes };
}
