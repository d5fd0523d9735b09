import { postprocess, type Detections } from '../../src/retinanet/postprocess.ts';
import { retinaNetSpec } from '../../src/retinanet/spec.ts';
import { CLASSES } from './retinanet.ts';
import { IMAGE_SIZE, networkAnchors } from './values.ts';

const spec = retinaNetSpec('torchvision');
const { anchors, levels } = networkAnchors();

/** Boxes from what the network computed, on the host, for libraries that have no such thing. */
export function detections(logits: Float32Array, deltas: Float32Array): Detections {
  const raw = { logits, deltas, anchors, classes: CLASSES, levels, size: [IMAGE_SIZE, IMAGE_SIZE] as const };
  return postprocess(raw, spec.postprocess, spec.boxCoder);
}
