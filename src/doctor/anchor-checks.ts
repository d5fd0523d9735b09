import type { RetinaNetSpec } from '../retinanet/spec.ts';
import { coverageOf, type AnchorCoverage, type PlacedBoxes } from '../detector/anchor-coverage.ts';
import type { SuggestedAnchors } from '../detector/fit-anchors.ts';
import { findingAt, placeOf, type Finding, type Inventory } from './types.ts';
import { counted, percent } from '../common/check.ts';

/** Share of boxes without an anchor from which it is worth a warning, and from which training cannot succeed. */
const [SOME, MANY] = [0.02, 0.2];
/** Share of boxes that only the rescue rule reaches from which training is slower and recall lower. */
const RESCUED = 0.15;
/** Square root of the area in pixels of the trained size below which little is left to recognise. */
const SMALL = 8;
/** Share of small objects that is worth a warning. */
const MANY_SMALL = 0.1;

/** Checks what the network's anchors, image size and limits make of the boxes. */
export function checkAnchors(
  { items }: Inventory,
  spec: RetinaNetSpec,
  boxes: PlacedBoxes,
  ious: Float64Array,
  suggestion: SuggestedAnchors | null,
): Finding[] {
  const coverage = coverageOf(boxes, ious, spec.matcher);
  const { high, low } = coverage;
  const places = (chosen: (n: number) => boolean): string[] =>
    Array.from(ious.keys())
      .filter(chosen)
      .map((n) => {
        const image = items[boxes.images[n]!]?.image;
        const object = image?.objects[boxes.objects[n]!];
        return image === undefined || object === undefined
          ? ''
          : `${placeOf(image, object)}, IoU ${ious[n]!.toFixed(2)}`;
      });
  const unreached = places((n) => ious[n]! < low);
  const rescued = places((n) => ious[n]! < high);
  const small = places((n) => Math.sqrt(boxes.widths[n]! * boxes.heights[n]!) < SMALL);
  const most = spec.postprocess.maxDetections;
  const crowded = items.filter(({ image }) => image.objects.filter(({ crowd }) => crowd !== true).length > most);
  return [
    ...(coverage.belowLow >= SOME
      ? findingAt(
          coverage.belowLow >= MANY ? 'error' : 'warning',
          'anchor-unreached',
          unreached,
          `${unreached.length} of ${ious.length} boxes (${percent(coverage.belowLow)}) without an anchor of IoU ${low}: ` +
            (spec.matcher.lowQuality === 'none'
              ? 'they are trained as background'
              : 'each has a badly fitting one at most'),
          anchorRemedy(coverage, suggestion),
          'anchors',
        )
      : []),
    ...(coverage.belowHigh >= RESCUED
      ? findingAt(
          'warning',
          'anchor-rescued',
          rescued,
          `${rescued.length} of ${ious.length} boxes (${percent(coverage.belowHigh)}) without an anchor of IoU ${high}: ` +
            (spec.matcher.lowQuality === 'none'
              ? 'nothing is trained to find them'
              : 'one anchor each, forced, is trained to find them'),
          anchorRemedy(coverage, suggestion),
          'anchors',
        )
      : []),
    ...(small.length >= MANY_SMALL * ious.length
      ? findingAt(
          'warning',
          'object-small',
          small,
          `${small.length} of ${ious.length} boxes smaller than ${SMALL} x ${SMALL} pixels at the size that the network sees`,
          'Enlarge the images or cut them into tiles: see the recommendation',
          'image size',
        )
      : []),
    ...findingAt(
      'warning',
      'object-many',
      crowded.map(({ image }) => `${image.file}: ${image.objects.length} boxes`),
      `${counted(crowded.length, 'image has', 'images have')} more boxes than the ${most} that are reported of an image`,
      'Cut them into tiles, or raise postprocess.maxDetections: what is beyond counts as missed',
    ),
  ];
}

function anchorRemedy(coverage: AnchorCoverage, suggestion: SuggestedAnchors | null): string {
  if (suggestion === null) return 'Choose smaller or differently shaped anchors';
  const { smallestAnchor, withSmallestAnchor, after } = suggestion;
  const better = withSmallestAnchor.belowHigh < coverage.belowHigh;
  const best = `sizes and ratios fitted to the boxes leave ${percent(after.belowHigh)} below ${after.high}`;
  return better
    ? `A smallest anchor of ${smallestAnchor} pixels leaves ${percent(withSmallestAnchor.belowHigh)} below ${after.high}; ${best}`
    : after.belowHigh < coverage.belowHigh
      ? `The anchors' shapes limit it: ${best}`
      : 'Other anchors do not help: enlarge the images or cut them into tiles';
}
