import { assignTargets, type Assignment, type BoxBatch } from '../autograd/ops/matching.ts';
import { tensor } from '../tensor/create.ts';
import { tidy } from '../tensor/scope.ts';
import type { Device } from '../tensor/device.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { BoxCoderSpec, MatcherSpec } from './spec.ts';

// Which anchor is responsible for which object (Focal Loss paper, section 4): one that overlaps it by at least half is
// to find it, one that overlaps nothing by 0.4 is background, and those between are left out of the loss.

/** Objects of one image, in pixels of the image that the network sees. */
export interface Target {
  /** Four numbers per box: x1, y1, x2, y2. */
  readonly boxes: Float32Array;
  /** Class of each box, from 0. */
  readonly labels: Int32Array;
}

/**
 * Matches anchors with objects, on the GPU.
 *
 * @param anchors [A, 4]
 * @param classes number of classes, to check labels against
 */
export function assign(
  anchors: Tensor,
  targets: readonly Target[],
  classes: number,
  matcher: MatcherSpec,
  coder: BoxCoderSpec,
): Assignment {
  return tidy(() => assignTargets(anchors, upload(anchors.device, targets, classes), matcher, coder.weights));
}

/** Copies targets to the GPU, padded to the largest number in one image. */
function upload(device: Device, targets: readonly Target[], classes: number): BoxBatch {
  const most = Math.max(1, ...targets.map((target) => target.labels.length));
  const boxes = new Float32Array(targets.length * most * 4);
  const labels = new Int32Array(targets.length * most);
  targets.forEach((target, n) => {
    checkTarget(target, n, classes);
    boxes.set(target.boxes, n * most * 4);
    labels.set(target.labels, n * most);
  });
  const counts = Int32Array.from(targets, (target) => target.labels.length);
  return {
    boxes: tensor(boxes, { device, shape: [targets.length, most, 4] }),
    classes: tensor(labels, { device, shape: [targets.length, most], dtype: 'int32' }),
    counts: tensor(counts, { device, dtype: 'int32' }),
  };
}

/** A degenerate box makes the loss NaN, and a wrong label trains the wrong thing: neither may pass. */
function checkTarget({ boxes, labels }: Target, n: number, classes: number): void {
  if (boxes.length !== labels.length * 4) {
    throw new RangeError(`targets of image ${n}: ${boxes.length} coordinates do not fit ${labels.length} labels`);
  }
  labels.forEach((label, i) => {
    const [x1, y1, x2, y2] = boxes.subarray(i * 4, i * 4 + 4) as unknown as [number, number, number, number];
    if (!(x2 > x1 && y2 > y1 && Number.isFinite(x1 + y1 + x2 + y2))) {
      throw new RangeError(
        `targets of image ${n}: box ${i} [${x1}, ${y1}, ${x2}, ${y2}] is not x1, y1, x2, y2 with a positive size`,
      );
    }
    if (!(label >= 0 && label < classes)) {
      throw new RangeError(`targets of image ${n}: label ${label} of box ${i} is outside 0 to ${classes - 1}`);
    }
  });
}
