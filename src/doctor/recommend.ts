import { percent } from '../common/check.ts';
import { trainedSizes } from '../detector/anchor-coverage.ts';
import type { Size } from '../retinanet/anchors.ts';
import type { RetinaNetSpec } from '../retinanet/spec.ts';
import { startingRate } from '../train/starting-rate.ts';
import type { AnchorSuggestion } from './anchor-suggestion.ts';
import { gigabytes, type CostReport } from './cost-report.ts';
import type { SizeSummary } from './sizes.ts';
import { short } from './types.ts';

/** A value of a setting that suits the data and the device. */
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
  /** The value for programs; null if it is not a single number. */
  readonly number: number | null;
  /** Present if the setting has this value already. */
  readonly isPresent?: true;
  /** One line. */
  readonly reason: string;
}

/** The size that images should be trained at, and the network at that size. */
export interface SizeAdvice {
  readonly rows: readonly Recommendation[];
  /** The spec given, with another `minSize` if another size is better. */
  readonly spec: RetinaNetSpec;
  /** Height and width, before resizing, of what is trained on: a whole image of median size, or a tile. */
  readonly image: Size;
  /** Number of tiles of such an image. */
  readonly tiles: number;
}

/** What the other recommendations follow from; all at the size of the advice. */
export interface RecommendInput {
  readonly advice: SizeAdvice;
  readonly suggestion: AnchorSuggestion;
  readonly cost: CostReport;
  /** Number of training images or tiles. */
  readonly train: number;
}

/** Pixels of a small object after resizing: the minimum, a comfortable number, more than needed. */
const [LEAST, ENOUGH, PLENTY] = [8, 12, 64];
/** Longest side that is trained as a whole; torchvision's `maxSize`. */
const LONGEST = 1333;
/** Side of a tile after resizing. */
const TILE = 640;
const LARGEST_BATCH = 16;
/** Fraction of the boxes that other anchors must reach in addition to be worth a change. */
const WORTH = 0.02;
/** Steps of a run from scratch, below which the loss of small detectors is still falling fast. */
const STEPS = 3000;

/** Settings for a data set on a device: image size first, then the settings that follow from it. */
export function recommend(input: RecommendInput): Recommendation[] {
  return [
    ...input.advice.rows,
    recommendSmallestAnchor(input),
    ...recommendAnchors(input),
    ...recommendTraining(input),
  ];
}

/** Whether to enlarge or shrink images or to cut them into tiles, judged by the size of small objects in pixels. */
export function adviseSize(spec: RetinaNetSpec, image: Size, sizes: SizeSummary): SizeAdvice {
  const [shorter, longer] = [Math.min(...image), Math.max(...image)];
  const scale = Math.min(...trainedSizes(image, spec).resized) / shorter;
  const side = sizes.p10 * scale;
  const now = `10 % of the objects are smaller than ${short(sizes.p10)} pixels, ${short(side)} after resizing`;
  const resized = (to: number, reason: string): SizeAdvice => ({
    rows: [{ setting: 'image size', value: `${to}`, number: to, reason }],
    spec: { ...spec, transform: { ...spec.transform, minSize: to } },
    image,
    tiles: 1,
  });
  const at = (to: number): string => short((sizes.p10 * to) / shorter);
  if (side < LEAST || longer * scale > LONGEST) {
    // Enlarged more than four times, pixels show nothing new.
    const factor = Math.min(4, Math.max(1, ENOUGH / sizes.p10));
    const larger = multipleOf32(shorter * factor);
    if (longer * factor <= LONGEST) return resized(larger, `${now}; at ${larger} they have ${at(larger)}`);
    const why = side < LEAST ? now : `whole images of ${longer} pixels need much memory`;
    return adviseTiles(resized, image, sizes, factor, why);
  }
  const smaller = multipleOf32((shorter * (PLENTY / 2)) / sizes.p10);
  const saved = (shorter * scale) / smaller;
  if (side > PLENTY && saved >= 1.5) {
    return resized(
      smaller,
      `${now}; at ${smaller} they still have ${at(smaller)}, at ${percent(1 / saved ** 2)} of the cost`,
    );
  }
  const present = spec.transform.minSize ?? shorter;
  const reason = `${now}: enough`;
  return {
    rows: [{ setting: 'image size', value: `${present} (unchanged)`, number: present, isPresent: true, reason }],
    spec,
    image,
    tiles: 1,
  };
}

/** A side of an image that is a multiple of 32, at least 64. */
const multipleOf32 = (side: number): number => Math.max(64, Math.round(side / 32) * 32);

function adviseTiles(
  resized: (to: number, reason: string) => SizeAdvice,
  [height, width]: Size,
  { p10, p90 }: SizeSummary,
  factor: number,
  why: string,
): SizeAdvice {
  // Large objects must fit into a tile as well.
  const tile = multipleOf32(Math.max(TILE / factor, 2 * p90));
  const advice = resized(
    multipleOf32(tile * factor),
    `size of a tile after resizing: small objects then have ${short(p10 * factor)} pixels`,
  );
  const reason = `${why}; tiles of ${tile} pixels hold large objects, too (90 % are smaller than ${short(p90)} pixels)`;
  return {
    ...advice,
    rows: [{ setting: 'tiles', value: `${tile}`, number: tile, reason }, ...advice.rows],
    image: [tile, tile],
    tiles: Math.ceil(height / tile) * Math.ceil(width / tile),
  };
}

function recommendSmallestAnchor({ advice, suggestion }: RecommendInput): Recommendation {
  const { before, smallestAnchor, withSmallestAnchor } = suggestion;
  const [now, then] = [percent(before.belowHigh), percent(withSmallestAnchor.belowHigh)];
  if (before.belowHigh <= withSmallestAnchor.belowHigh + WORTH) {
    const side = Math.min(...advice.spec.anchors.sizes.flat());
    const reason = `${now} of the boxes have no anchor of IoU >= ${before.high} at this size; the best smallest anchor (${smallestAnchor}) leaves ${then}`;
    return { setting: 'smallest anchor', value: `${side} (unchanged)`, number: side, isPresent: true, reason };
  }
  const reason = `leaves ${then} of the boxes without an anchor of IoU >= ${before.high}, instead of ${now} with the present anchors`;
  return { setting: 'smallest anchor', value: `${smallestAnchor}`, number: smallestAnchor, reason };
}

/** Other shapes of anchors, if they reach markedly more boxes. */
function recommendAnchors({ advice, suggestion }: RecommendInput): Recommendation[] {
  const { before, after, withSmallestAnchor, sizes, ratios } = suggestion;
  if (Math.min(before.belowHigh, withSmallestAnchor.belowHigh) - after.belowHigh < WORTH) return [];
  const fit = `${percent(after.belowHigh)} without an anchor of IoU >= ${before.high}, mean IoU ${after.meanIou.toFixed(2)} instead of ${before.meanIou.toFixed(2)}`;
  return [
    {
      setting: 'anchors',
      value: `sizes ${JSON.stringify(sizes)}, ratios ${JSON.stringify(ratios)}`,
      number: null,
      reason: `fitted to the boxes: ${fit} (the same number of anchors, with ${advice.spec.anchors.ratios.length} ratios)`,
    },
  ];
}

function recommendTraining(input: RecommendInput): Recommendation[] {
  const { advice, train } = input;
  const batchSize = recommendBatch(input);
  const batch = batchSize.number;
  const steps = Math.max(1, Math.floor(train / batch));
  const epochs = Math.min(100, Math.max(12, Math.ceil(STEPS / steps)));
  const rateOf = (images: number, isPretrained: boolean): number =>
    startingRate({ optimizer: 'adamw', width: advice.spec.backbone.width, images, isPretrained });
  const [fresh, tuned] = [rateOf(batch, false), rateOf(batch, true)];
  return [
    batchSize,
    {
      setting: 'learning rate',
      value: rate(fresh),
      number: fresh,
      reason: `AdamW from scratch: ${rate(rateOf(4, false))} at batch size 4 for this backbone width, times the square root of ${short(batch / 4)} (Adam's steps scale with the square root of the batch size)`,
    },
    {
      setting: 'learning rate, fine-tuning',
      value: rate(tuned),
      number: tuned,
      reason: `torchvision's recipe has AdamW with 1e-4 at batch size 16 (8 GPUs with 2 images each), times the square root of ${short(batch / 16)}; unscaled, the rates of such recipes diverge on one GPU`,
    },
    {
      setting: 'epochs',
      value: `${epochs}`,
      number: epochs,
      reason: `${steps} steps per epoch, ${epochs * steps} in total${epochs === 12 ? '' : `; training from scratch needs about ${STEPS}`}; stop early by held-out F1`,
    },
  ];
}

/** The largest batch that fits into the memory and leaves enough steps per epoch. */
function recommendBatch({ advice: { tiles }, cost, train }: RecommendInput): Recommendation & { number: number } {
  const limit = cost.memoryLimit;
  const fitting = cost.batches.filter(({ batch, bytes }) => batch <= LARGEST_BATCH && bytes <= 0.8 * limit);
  // With few steps per epoch, the schedule and the averaged weights have no effect.
  const useful = fitting.filter(({ batch }) => batch === 1 || batch * 8 <= train);
  const batch = useful.at(-1)?.batch ?? 1;
  const bytes = cost.batches.find((row) => row.batch === batch)?.bytes ?? 0;
  const memory = `${gigabytes(bytes)} of ${gigabytes(limit)}${cost.limitIsAssumed ? ' (assumed: WebGPU does not report it)' : ''}`;
  const images = `${train} training ${tiles > 1 ? 'tiles' : 'images'}`;
  const reason =
    fitting.length === 0
      ? `even one image needs ${memory}: use smaller images, a smaller model or backbone.checkpoint`
      : batch === LARGEST_BATCH
        ? `needs ${memory}; larger batches gain little`
        : useful.length < fitting.length
          ? `with ${images}, larger batches leave too few steps per epoch (${memory})`
          : `needs ${memory}; twice the batch size would exceed 80 % of it`;
  return { setting: 'batch size', value: `${batch}`, number: batch, reason };
}

/** A learning rate with two significant digits. */
const rate = (value: number): string => value.toExponential(1).replace('.0e', 'e');
