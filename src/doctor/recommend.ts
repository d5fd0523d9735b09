import type { RetinaNetSpec, Size } from '../index.ts';
import { trainedSizes } from './anchor-coverage.ts';
import type { CostReport } from './cost-report.ts';
import type { SuggestedAnchors } from './suggest-anchors.ts';
import { percent, short } from './types.ts';

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
  /** As it would be entered. */
  readonly value: string;
  readonly reason: string;
}

/** Percentiles of the square roots of the boxes' areas, in pixels of the images as they are. */
export interface SizeSummary {
  readonly p10: number;
  readonly median: number;
  readonly p90: number;
  readonly largest: number;
}

/** What recommendations follow from. */
export interface RecommendInput {
  readonly spec: RetinaNetSpec;
  /** Size of a usual image. */
  readonly image: Size;
  readonly sizes: SizeSummary;
  readonly suggestion: SuggestedAnchors;
  readonly cost: CostReport;
  /** Number of images to train on. */
  readonly train: number;
}

/** Pixels at the trained size: what a small object needs at least, what is comfortable, what is more than needed. */
const [LEAST, ENOUGH, PLENTY] = [8, 12, 40];
/** Longest side that is trained as a whole; torchvision's `maxSize`. */
const LONGEST = 1333;
/** Side of a tile as the network sees it. */
const TILE = 640;
const LARGEST_BATCH = 16;
/** Steps of a run from scratch, below which the losses of small detectors still fall fast. */
const STEPS = 3000;

/** Settings for a data set on a device. */
export function recommend(input: RecommendInput): Recommendation[] {
  return [...recommendSize(input), ...recommendAnchors(input), ...recommendTraining(input)];
}

function recommendSize({ spec, image, sizes }: RecommendInput): Recommendation[] {
  const [shorter, longer] = [Math.min(...image), Math.max(...image)];
  const { resized } = trainedSizes(image, spec);
  const scale = Math.min(...resized) / shorter;
  const now = sizes.p10 * scale;
  const small = `a tenth of the objects is smaller than ${short(sizes.p10)} pixels`;
  const to32 = (side: number): number => Math.max(64, Math.round(side / 32) * 32);
  const present: Recommendation = {
    setting: 'image size',
    value: spec.transform.minSize === null ? `${shorter} (as it is)` : `${spec.transform.minSize}`,
    reason: `${small}, ${short(now)} as the network sees them: enough`,
  };
  if (now < LEAST || longer * scale > LONGEST) {
    // More than four times enlarged, pixels show nothing new.
    const factor = Math.min(4, Math.max(1, ENOUGH / sizes.p10));
    const side = to32(shorter * factor);
    if (longer * factor <= LONGEST) {
      return [
        {
          setting: 'image size',
          value: `${side}`,
          reason: `${small}, ${short(now)} as the network sees them; at ${side} they have ${short((sizes.p10 * side) / shorter)}`,
        },
      ];
    }
    const tile = to32(Math.max(TILE / factor, 2 * sizes.p90));
    const why =
      now < LEAST ? `${small}, ${short(now)} as the network sees them` : `images of ${longer} pixels take much memory`;
    return [
      {
        setting: 'tiles',
        value: `${tile}`,
        reason: `${why}; tiles of ${tile} pixels keep objects up to half their side and batches small`,
      },
      {
        setting: 'image size',
        value: `${to32(tile * factor)}`,
        reason: `of a tile: small objects then have ${short(sizes.p10 * factor)} pixels`,
      },
    ];
  }
  if (now > PLENTY) {
    const side = to32((shorter * (PLENTY / 2)) / sizes.p10);
    const saved = (shorter * scale) / side;
    if (saved >= 1.5) {
      const reason = `${small}, ${short(now)} as the network sees them: at ${side} they still have ${short((sizes.p10 * side) / shorter)}, for ${percent(1 / saved ** 2)} of the work`;
      return [{ ...present, value: `${side}`, reason }];
    }
  }
  return [present];
}

function recommendAnchors({ spec, suggestion }: RecommendInput): Recommendation[] {
  const { before, after, smallestAnchor, withSmallestAnchor } = suggestion;
  const out: Recommendation[] = [
    {
      setting: 'smallest anchor',
      value: `${smallestAnchor}`,
      reason: `${percent(withSmallestAnchor.belowHigh)} of the boxes then have no anchor with IoU ${before.high}; with the present anchors ${percent(before.belowHigh)}`,
    },
  ];
  // Other shapes are worth the trouble where they reach markedly more.
  const best = Math.min(before.belowHigh, withSmallestAnchor.belowHigh);
  if (best - after.belowHigh >= 0.03) {
    out.push({
      setting: 'anchors',
      value: `sizes ${JSON.stringify(suggestion.sizes)}, ratios ${JSON.stringify(suggestion.ratios)}`,
      reason: `fitted to the boxes: ${percent(after.belowHigh)} without an anchor of IoU ${before.high}, mean IoU ${after.meanIou.toFixed(2)} in place of ${before.meanIou.toFixed(2)} (as many anchors as now: ${spec.anchors.ratios.length} ratios)`,
    });
  }
  return out;
}

function recommendTraining({ spec, cost, train }: RecommendInput): Recommendation[] {
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
          ? `${train} images to train on: larger ones leave too few steps in an epoch (${gigabytes(bytes)} of ${room})`
          : `takes ${gigabytes(bytes)} of ${room}, and twice as many images would pass 80 % of it`;

  // Present defaults at batch 4: 3e-3 for a backbone of width 16 and 5e-4 for 64, between them a power law.
  const scratch = 3e-3 * (16 / Math.max(16, spec.backbone.width)) ** (Math.log(6) / Math.log(4));
  const steps = Math.max(1, Math.floor(train / batch));
  const epochs = Math.min(100, Math.max(12, Math.ceil(STEPS / steps)));
  return [
    { setting: 'batch size', value: `${batch}`, reason: cause },
    {
      setting: 'learning rate',
      value: rate(scratch * Math.sqrt(batch / 4)),
      reason: `from scratch with AdamW: ${rate(scratch)} at batch 4 for this width, times the root of ${short(batch / 4)} (Adam's step grows with the root of the batch)`,
    },
    {
      setting: 'learning rate, fine-tuning',
      value: rate(1e-4 * Math.sqrt(batch / 16)),
      reason: `torchvision's recipe has AdamW 1e-4 at batch 16 (8 GPUs of 2), times the root of ${short(batch / 16)}; rates of such recipes diverge on one GPU as they are`,
    },
    {
      setting: 'epochs',
      value: `${epochs}`,
      reason: `${steps} steps an epoch: ${epochs * steps} steps in all${epochs === 12 ? '' : `, about ${STEPS} are needed from scratch`}; stop early on held-out F1`,
    },
  ];
}

/** A learning rate with two digits. */
const rate = (value: number): string => value.toExponential(1).replace('.0e', 'e');

/** Bytes in the unit that fits. */
export function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
