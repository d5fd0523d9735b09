import { encodeMatches, matchAnchors, type Assignment, type BoxBatch, type MatchRule } from '../../kernels/matching.ts';
import type { Tensor } from '../../tensor/tensor.ts';

export type { Assignment, BoxBatch, MatchRule };

/**
 * Decides on the GPU what each anchor of each image has to predict. It has no gradient.
 *
 * @param anchors [A, 4]: x1, y1, x2, y2
 * @param weights factors of the four offsets
 */
export function assignTargets(
  anchors: Tensor,
  batch: BoxBatch,
  rule: MatchRule,
  weights: readonly [number, number, number, number],
): Assignment {
  const matches = matchAnchors(anchors, batch, rule);
  return { matches, ...encodeMatches(anchors, batch, matches, weights) };
}
