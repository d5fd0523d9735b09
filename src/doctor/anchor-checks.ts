import { counted, percent } from '../common/check.ts';
import { coverageOf, type AnchorCoverage, type PlacedBoxes } from '../detector/anchor-coverage.ts';
import type { MatcherSpec, RetinaNetSpec } from '../retinanet/spec.ts';
import type { AnchorSuggestion } from './anchor-suggestion.ts';
import { describeObject, findingAt, type Finding, type Inventory, type Item } from './types.ts';

/** Fraction of unreached boxes from which a warning is due, and from which training cannot succeed. */
const [SOME, MANY] = [0.02, 0.2];
/** Fraction of boxes that only the low-quality rule reaches from which training is slower and recall lower. */
const RESCUED = 0.15;
/** Square root of the area in pixels of the resized image below which little is left to recognise. */
const SMALL = 8;
/** Fraction of small objects from which a warning is due. */
const MANY_SMALL = 0.1;

/** Checks how the network's anchors, image size and limits suit the boxes; `ious` are those of `bestIous`. */
export function checkAnchors(
  { items }: Inventory,
  { matcher, postprocess }: Pick<RetinaNetSpec, 'matcher' | 'postprocess'>,
  boxes: PlacedBoxes,
  ious: Float64Array,
  suggestion: AnchorSuggestion | null,
): Finding[] {
  const coverage = coverageOf(boxes, ious, matcher);
  const remedy = anchorRemedy(coverage, suggestion);
  const locate = (isChosen: (n: number) => boolean): string[] =>
    Array.from(ious.keys())
      .filter(isChosen)
      .map((n) => locationOf(items, boxes, n, ious[n]!));
  const unreached = locate((n) => ious[n]! < coverage.low);
  const rescued = locate((n) => ious[n]! < coverage.high);
  const small = locate((n) => Math.sqrt(boxes.widths[n]! * boxes.heights[n]!) < SMALL);
  return [
    ...checkUnreached(coverage, matcher, unreached, remedy),
    ...checkRescued(coverage, matcher, rescued, remedy),
    ...findingAt({
      severity: 'warning',
      kind: 'object-small',
      locations: small.length >= MANY_SMALL * ious.length ? small : [],
      message: `${counted(small.length, `of ${ious.length} boxes is`, `of ${ious.length} boxes are`)} smaller than ${SMALL} x ${SMALL} pixels after resizing`,
      remedy: 'Enlarge the images or cut them into tiles: see the recommendations',
      where: 'image size',
    }),
    ...checkCrowding(items, postprocess.maxDetections),
  ];
}

function locationOf(items: readonly Item[], boxes: PlacedBoxes, n: number, iou: number): string {
  const { image } = items[boxes.images[n]!]!;
  return `${describeObject(image, image.objects[boxes.objects[n]!]!)}, IoU ${iou.toFixed(2)}`;
}

function checkUnreached(
  { belowLow, low, boxes }: AnchorCoverage,
  { lowQuality }: MatcherSpec,
  unreached: readonly string[],
  remedy: string,
): Finding[] {
  const of = `of ${boxes} boxes (${percent(belowLow)})`;
  return findingAt({
    severity: belowLow >= MANY ? 'error' : 'warning',
    kind: 'anchor-unreached',
    locations: belowLow >= SOME ? unreached : [],
    message:
      `${counted(unreached.length, `${of} has`, `${of} have`)} no anchor of IoU >= ${low}: ` +
      (lowQuality === 'none'
        ? 'they are trained as background'
        : 'each is trained on at most one poorly fitting anchor'),
    remedy,
    where: 'anchors',
  });
}

function checkRescued(
  { belowHigh, high, boxes }: AnchorCoverage,
  { lowQuality }: MatcherSpec,
  rescued: readonly string[],
  remedy: string,
): Finding[] {
  const of = `of ${boxes} boxes (${percent(belowHigh)})`;
  return findingAt({
    severity: 'warning',
    kind: 'anchor-rescued',
    locations: belowHigh >= RESCUED ? rescued : [],
    message:
      `${counted(rescued.length, `${of} has`, `${of} have`)} no anchor of IoU >= ${high}: ` +
      (lowQuality === 'none'
        ? 'no anchor is trained to detect them'
        : 'only one anchor each, assigned by force, is trained to detect them'),
    remedy,
    where: 'anchors',
  });
}

function checkCrowding(items: readonly Item[], maximum: number): Finding[] {
  const crowded = items.filter(({ image }) => image.objects.filter(({ crowd }) => crowd !== true).length > maximum);
  return findingAt({
    severity: 'warning',
    kind: 'object-many',
    locations: crowded.map(({ image }) => `${image.file}: ${image.objects.length} boxes`),
    message: `${counted(crowded.length, 'image has', 'images have')} more boxes than the ${maximum} detections that are kept per image`,
    remedy: 'Cut the images into tiles, or raise model.maxDetections: objects beyond the limit count as missed',
  });
}

function anchorRemedy({ belowHigh, high }: AnchorCoverage, suggestion: AnchorSuggestion | null): string {
  if (suggestion === null) return 'Use smaller anchors or other aspect ratios';
  const { smallestAnchor, withSmallestAnchor, after } = suggestion;
  const fitted = `sizes and ratios to the boxes, which leaves ${percent(after.belowHigh)}`;
  if (withSmallestAnchor.belowHigh < belowHigh) {
    return `Use a smallest anchor of ${smallestAnchor} pixels, which leaves ${percent(withSmallestAnchor.belowHigh)} of the boxes below IoU ${high}, or fit ${fitted}`;
  }
  return after.belowHigh < belowHigh
    ? `Fit ${fitted} of them below IoU ${high}; other sizes alone do not help`
    : 'Enlarge the images or cut them into tiles: other anchors do not help';
}
