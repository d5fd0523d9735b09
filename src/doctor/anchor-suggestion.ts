import { bestIous, coverageOf, type AnchorCoverage, type PlacedBoxes } from '../detector/anchor-coverage.ts';
import { fitAnchors, fitSmallestAnchor, steppedSizes } from '../detector/fit-anchors.ts';
import type { AnchorSpec, RetinaNetSpec } from '../retinanet/spec.ts';

/** Anchors that fit a data set better, and what they gain. */
export interface AnchorSuggestion {
  /** Fitted to the boxes (`fitAnchors`), with the same number of sizes and ratios as the anchors given. */
  readonly sizes: AnchorSpec['sizes'];
  readonly ratios: AnchorSpec['ratios'];
  /** Coverage with the anchors given. */
  readonly before: AnchorCoverage;
  /** Coverage with `sizes` and `ratios`. */
  readonly after: AnchorCoverage;
  /** The best smallest anchor (`fitSmallestAnchor`), in pixels of the resized image. */
  readonly smallestAnchor: number;
  /** Coverage with the anchors of `smallestAnchor` (`steppedSizes`) and the ratios given. */
  readonly withSmallestAnchor: AnchorCoverage;
}

/** Fits anchors to boxes and compares their coverage with that of the network's own. Throws a RangeError without boxes. */
export function suggestAnchors(
  boxes: PlacedBoxes,
  { anchors, matcher }: Pick<RetinaNetSpec, 'anchors' | 'matcher'>,
  seed = 1,
): AnchorSuggestion {
  const fitted = fitAnchors(boxes, anchors, { seed });
  const smallestAnchor = fitSmallestAnchor(boxes, anchors, { seed });
  const coverage = (changed: Partial<AnchorSpec>): AnchorCoverage =>
    coverageOf(boxes, bestIous(boxes, { ...anchors, ...changed }), matcher);
  return {
    ...fitted,
    before: coverage({}),
    after: coverage(fitted),
    smallestAnchor,
    withSmallestAnchor: coverage({ sizes: steppedSizes(smallestAnchor) }),
  };
}
