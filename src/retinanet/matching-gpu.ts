import { encodeMatches, matchAnchors, type Assignment, type BoxBatch } from '../kernels/matching.ts';
import { tensor } from '../tensor/create.ts';
import type { Device } from '../tensor/device.ts';
import { tidy } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { BoxCoderSpec, MatcherSpec } from './spec.ts';
import { checkTarget, type Target } from './targets.ts';

// The rule of matching.ts for a batch, in two kernels, and a third that turns matches into what the heads must predict.

export type { Assignment, BoxBatch };

/**
 * Decides on the GPU what each anchor of each image has to predict. It has no gradient.
 *
 * @param anchors [A, 4]
 * @param classes number of classes, to check labels against
 *
 * @example
 * const anchors = tensor([[0, 0, 10, 10], [5, 0, 15, 10], [50, 50, 60, 60]]);
 * const target = { boxes: Float32Array.of(0, 0, 10, 12), labels: Int32Array.of(1) };
 * const { matcher, boxCoder } = presets.torchvision;
 * const { labels, deltas } = assignTargets(anchors, [target], 2, matcher, boxCoder);
 * await labels.print(); // Tensor(int32 [1,3]) [[ 1, -1, -1]]
 * await deltas.print();
 * // Tensor(float32 [1,3,4])
 * // [[[0.0000, 0.1000, 0.0000, 0.1823],
 * //   [0.0000, 0.0000, 0.0000, 0.0000],
 * //   [0.0000, 0.0000, 0.0000, 0.0000]]]
 */
export function assignTargets(
  anchors: Tensor,
  targets: readonly Target[],
  classes: number,
  matcher: MatcherSpec,
  coder: BoxCoderSpec,
): Assignment {
  return tidy(() => assignBoxes(anchors, uploadTargets(anchors.device, targets, classes), matcher, coder));
}

/** `assignTargets` for boxes that are on the GPU. */
export function assignBoxes(anchors: Tensor, batch: BoxBatch, matcher: MatcherSpec, coder: BoxCoderSpec): Assignment {
  const matches = matchAnchors(anchors, batch, matcher);
  return { matches, ...encodeMatches(anchors, batch, matches, coder.weights) };
}

/** Checks targets and copies them to the GPU, padded to the largest number of boxes in one image and at least `minRows`. */
export function uploadTargets(device: Device, targets: readonly Target[], classes: number, minRows = 1): BoxBatch {
  targets.forEach((target, n) => checkTarget(target, n, classes));
  const rows = Math.max(minRows, ...targets.map((target) => target.labels.length));
  const boxes = new Float32Array(targets.length * rows * 4);
  const labels = new Int32Array(targets.length * rows);
  targets.forEach((target, n) => {
    boxes.set(target.boxes, n * rows * 4);
    labels.set(target.labels, n * rows);
  });
  const counts = Int32Array.from(targets, (target) => target.labels.length);
  return {
    boxes: tensor(boxes, { device, shape: [targets.length, rows, 4] }),
    classes: tensor(labels, { device, shape: [targets.length, rows], dtype: 'int32' }),
    counts: tensor(counts, { device, dtype: 'int32' }),
  };
}
