import type { RetinaNetSpec } from '../retinanet/spec.ts';
import type { Size } from '../retinanet/anchors.ts';
import { trainedSizes } from '../detector/anchor-coverage.ts';
import { gigabytes, type CostReport } from './cost-report.ts';
import type { SuggestedAnchors } from '../detector/fit-anchors.ts';
import { startingRate } from '../train/starting-rate.ts';
import { short } from './types.ts';
import { percent } from '../common/check.ts';

/** A setting that the data and the device speak for, with the reason in one line. */
export interface Recommendation {
  readonly setting:
    | 'image size'
    | 'tiles'
    | 'smallest anchor'
    | 'anchors'
    | 'batch size'
    | 'learning rate'
    | 'learning rate, fine-tuning'
    | 'epochs';
  readonly value: string;
  /** The value for programs; null where it is no single number. */
  readonly number: number | null;
  /** Whether the settings have it already, so that nothing need be set. */
  readonly isPresent?: true;
  readonly reason: string;
}

/** Percentiles of the square roots of the boxes' areas, in pixels of the images as they are. */
export interface SizeSummary {
  readonly p10: number;
  readonly median: number;
  readonly p90: number;
  readonly largest: number;
}

/** The size that images should be trained at, and the network at that size. */
export interface SizeAdvice {
  readonly rows: readonly Recommendation[];
  /** The spec given, with `minSize` changed where another size is better. */
  readonly spec: RetinaNetSpec;
  /** Height and width of what is trained on, before resizing: the usual image, or a tile. */
  readonly image: Size;
  /** Tiles that the usual image becomes. */
  readonly tiles: number;
}

/** What the other recommendations follow from; all at the size of the advice. */
export interface RecommendInput {
  readonly advice: SizeAdvice;
  readonly suggestion: SuggestedAnchors;
  readonly cost: CostReport;
  /** Number of images, or tiles, to train on. */
  readonly train: number;
}

/** Pixels at the trained size: what a small object needs at least, what is comfortable, what is more than needed. */
const [LEAST, ENOUGH, PLENTY] = [8, 12, 64];
/** Longest side that is trained as a whole; torchvision's `maxSize`. */
const LONGEST = 1333;
/** Side of a tile as the network sees it. */
const TILE = 640;
const LARGEST_BATCH = 16;
/** Share of the boxes that other anchors must reach besides, to be worth a change. */
const WORTH = 0.02;
/** Steps of a run from scratch, below which the losses of small detectors still fall fast. */
const STEPS = 3000;

/** Settings for a data set on a device: those of the size, then those that follow from it. */
export function recommend(input: RecommendInput): Recommendation[] {
  return [...input.advice.rows, ...recommendAnchors(input), ...recommendTraining(input)];
}

/** Whether images should be enlarged, shrunk or cut into tiles, by what a small object has in pixels. */
export function adviseSize(spec: RetinaNetSpec, image: Size, sizes: SizeSummary): SizeAdvice {
  const [shorter, longer] = [Math.min(...image), Math.max(...image)];
  const scale = Math.min(...trainedSizes(image, spec).resized) / shorter;
  const now = sizes.p10 * scale;
  const small = `a tenth of the objects is smaller than ${short(sizes.p10)} pixels`;
  const seen = `${small}, ${short(now)} as the network sees them`;
  const to32 = (side: number): number => Math.max(64, Math.round(side / 32) * 32);
  const sized = (side: number, reason: string): SizeAdvice => ({
    rows: [{ setting: 'image size', value: `${side}`, number: side, reason }],
    spec: { ...spec, transform: { ...spec.transform, minSize: side } },
    image,
    tiles: 1,
  });
  if (now < LEAST || longer * scale > LONGEST) {
    // More than four times enlarged, pixels show nothing new.
    const factor = Math.min(4, Math.max(1, ENOUGH / sizes.p10));
    const side = to32(shorter * factor);
    if (longer * factor <= LONGEST)
      return sized(side, `${seen}; at ${side} they have ${short((sizes.p10 * side) / shorter)}`);
    // Large objects must fit into a tile as well.
    const tile = to32(Math.max(TILE / factor, 2 * sizes.p90));
    const why = now < LEAST ? seen : `images of ${longer} pixels take much memory as a whole`;
    const resized = sized(
      to32(tile * factor),
      `of a tile: small objects then have ${short(sizes.p10 * factor)} pixels`,
    );
    const reason = `${why}; tiles of ${tile} pixels hold the largest tenth of the objects twice (${short(sizes.p90)} pixels)`;
    return {
      ...resized,
      rows: [{ setting: 'tiles', value: `${tile}`, number: tile, reason }, ...resized.rows],
      image: [tile, tile],
      tiles: Math.ceil(image[0] / tile) * Math.ceil(image[1] / tile),
    };
  }
  const smaller = to32((shorter * (PLENTY / 2)) / sizes.p10);
  const saved = (shorter * scale) / smaller;
  if (now > PLENTY && saved >= 1.5) {
    const left = short((sizes.p10 * smaller) / shorter);
    return sized(smaller, `${seen}: at ${smaller} they still have ${left}, for ${percent(1 / saved ** 2)} of the work`);
  }
  const side = spec.transform.minSize ?? shorter;
  return {
    rows: [
      { setting: 'image size', value: `${side} (as it is)`, number: side, isPresent: true, reason: `${seen}: enough` },
    ],
    spec,
    image,
    tiles: 1,
  };
}

function recommendAnchors({ advice, suggestion }: RecommendInput): Recommendation[] {
  const { before, after, smallestAnchor, withSmallestAnchor } = suggestion;
  const { sizes: present, ratios } = advice.spec.anchors;
  const out: Recommendation[] = [];
  if (before.belowHigh <= withSmallestAnchor.belowHigh + WORTH) {
    const side = Math.min(...present.flat());
    const reason = `${percent(before.belowHigh)} of the boxes have no anchor with IoU ${before.high} at this size; the best one (${smallestAnchor}) leaves ${percent(withSmallestAnchor.belowHigh)}`;
    out.push({ setting: 'smallest anchor', value: `${side} (as it is)`, number: side, isPresent: true, reason });
  } else {
    const reason = `${percent(withSmallestAnchor.belowHigh)} of the boxes then have no anchor with IoU ${before.high}; with the present anchors ${percent(before.belowHigh)}`;
    out.push({ setting: 'smallest anchor', value: `${smallestAnchor}`, number: smallestAnchor, reason });
  }
  // Other shapes are worth the trouble where they reach markedly more.
  const best = Math.min(before.belowHigh, withSmallestAnchor.belowHigh);
  if (best - after.belowHigh >= WORTH) {
    out.push({
      setting: 'anchors',
      value: `sizes ${JSON.stringify(suggestion.sizes)}, ratios ${JSON.stringify(suggestion.ratios)}`,
      number: null,
      reason: `fitted to the boxes: ${percent(after.belowHigh)} without an anchor of IoU ${before.high}, mean IoU ${after.meanIou.toFixed(2)} in place of ${before.meanIou.toFixed(2)} (as many anchors as now: ${ratios.length} ratios)`,
    });
  }
  return out;
}

function recommendTraining({ advice: { spec, tiles }, cost, train }: RecommendInput): Recommendation[] {
  const limit = cost.memoryLimit;
  const fitting = cost.batches.filter(({ batch, bytes }) => batch <= LARGEST_BATCH && bytes <= 0.8 * limit);
  // A handful of steps in an epoch leaves the schedule and the averaged weights nothing to work with.
  const useful = fitting.filter(({ batch }) => batch === 1 || batch * 8 <= train);
  const batch = useful.at(-1)?.batch ?? 1;
  const room = `${gigabytes(limit)}${cost.limitIsAssumed ? ' (assumed: WebGPU does not tell)' : ''}`;
  const bytes = cost.batches.find((row) => row.batch === batch)?.bytes ?? 0;
  const cause =
    fitting.length === 0
      ? `even one image takes ${gigabytes(bytes)} of ${room}: use smaller images, a smaller model or backbone.checkpoint`
      : batch === LARGEST_BATCH
        ? `takes ${gigabytes(bytes)} of ${room}; larger ones gain little`
        : useful.length < fitting.length
          ? `${train} ${tiles > 1 ? 'tiles' : 'images'} to train on: larger ones leave too few steps in an epoch (${gigabytes(bytes)} of ${room})`
          : `takes ${gigabytes(bytes)} of ${room}, and twice as many images would pass 80 % of it`;

  const steps = Math.max(1, Math.floor(train / batch));
  const epochs = Math.min(100, Math.max(12, Math.ceil(STEPS / steps)));
  const rateOf = (images: number, isPretrained: boolean): number =>
    startingRate({ optimizer: 'adamw', width: spec.backbone.width, images, isPretrained });
  const [fresh, tuned] = [rateOf(batch, false), rateOf(batch, true)];
  return [
    { setting: 'batch size', value: `${batch}`, number: batch, reason: cause },
    {
      setting: 'learning rate',
      value: rate(fresh),
      number: fresh,
      reason: `from scratch with AdamW: ${rate(rateOf(4, false))} at batch 4 for this width, times the root of ${short(batch / 4)} (Adam's step grows with the root of the batch)`,
    },
    {
      setting: 'learning rate, fine-tuning',
      value: rate(tuned),
      number: tuned,
      reason: `torchvision's recipe has AdamW 1e-4 at batch 16 (8 GPUs of 2), times the root of ${short(batch / 16)}; rates of such recipes diverge on one GPU as they are`,
    },
    {
      setting: 'epochs',
      value: `${epochs}`,
      number: epochs,
      reason: `${steps} steps an epoch: ${epochs * steps} steps in all${epochs === 12 ? '' : `, about ${STEPS} are needed from scratch`}; stop early on held-out F1`,
    },
  ];
}

/** A learning rate with two digits. */
const rate = (value: number): string => value.toExponential(1).replace('.0e', 'e');
