import { counted, percent } from '../common/check.ts';
import { startingRate } from '../train/starting-rate.ts';
import type { AnchorSuggestion } from './anchor-suggestion.ts';
import { duration, gigabytes, type CostReport } from './cost-report.ts';
import type { SizeAdvice } from './size-advice.ts';
import { short, type Recommendation } from './types.ts';

/** What the other recommendations follow from; all at the size of the advice. */
export interface RecommendInput {
  readonly advice: SizeAdvice;
  readonly suggestion: AnchorSuggestion;
  readonly cost: CostReport;
  /** Number of training images or tiles. */
  readonly train: number;
}

const LARGEST_BATCH = 16;
/** Fraction of the boxes that other anchors must reach in addition to be worth a change. */
const WORTH = 0.02;
/** Steps of a run from scratch, below which the loss of small detectors is still falling fast. */
const STEPS = 3000;
/** Fewer epochs leave the schedule no time to lower the rate. */
const FEWEST_EPOCHS = 12;
/** More epochs than this are a reason for smaller batches, down to `SMALL_BATCH`. */
const MOST_EPOCHS = 100;
const SMALL_BATCH = 4;
/** Evaluations of a run, of which `train.patience` waits for ten without improvement. */
const EVALUATIONS = 100;
/** Seconds from which a shorter run is named, too. */
const LONG = 3600;

/** Settings for a data set on a device: image size first, then the settings that follow from it. */
export function recommend(input: RecommendInput): Recommendation[] {
  return [
    ...input.advice.rows,
    recommendSmallestAnchor(input),
    ...recommendAnchors(input),
    ...recommendTraining(input),
  ];
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
  const { advice, cost } = input;
  const batchSize = recommendBatch(input);
  const batch = batchSize.number;
  const steps = stepsOf(input, batch);
  const epochs = Math.max(FEWEST_EPOCHS, epochsFor(input, batch));
  const rateOf = (images: number, isPretrained: boolean): number =>
    startingRate({ optimizer: 'adamw', width: advice.spec.backbone.width, images, isPretrained });
  const [fresh, tuned] = [rateOf(batch, false), rateOf(batch, true)];
  const every = Math.ceil(epochs / EVALUATIONS);
  const epochSeconds = cost.batches.find((row) => row.batch === batch)?.epochSeconds ?? null;
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
      reason: `${counted(steps, 'step', 'steps')} per epoch, ${epochs * steps} in total; training from scratch needs about ${STEPS}`,
    },
    ...(every === 1
      ? []
      : [
          {
            setting: 'epochs between evaluations' as const,
            value: `${every}`,
            number: every,
            reason: `${Math.ceil(epochs / every)} evaluations in ${epochs} epochs; more would take time, and end a run too early that improves slowly`,
          },
        ]),
    ...(epochSeconds === null ? [] : [trainingTime(input, batch, epochs, epochSeconds)]),
  ];
}

/** Steps of an epoch with batches of a size. */
const stepsOf = ({ train }: RecommendInput, batch: number): number => Math.max(1, Math.floor(train / batch));

/** Epochs with `STEPS` steps. */
const epochsFor = (input: RecommendInput, batch: number): number => Math.ceil(STEPS / stepsOf(input, batch));

/** How long the recommended run takes and, if that is long, what would take less. */
function trainingTime(input: RecommendInput, batch: number, epochs: number, epochSeconds: number): Recommendation {
  const total = epochs * epochSeconds;
  const reason = `${counted(epochs, 'epoch', 'epochs')} of ${duration(epochSeconds)}, by the measured step, without the evaluations in between`;
  const row = { setting: 'training time', value: duration(total), number: null } as const;
  if (total <= LONG) return { ...row, reason };
  const shorter = input.cost.batches.flatMap((own) => {
    if (own.batch > batch || own.epochSeconds === null) return [];
    const fewest = epochsFor(input, own.batch);
    return [{ batch: own.batch, epochs: fewest, seconds: fewest * own.epochSeconds }];
  });
  // The largest batch that ends within the hour; if none does, the fastest.
  const fitting = shorter.filter(({ seconds }) => seconds <= LONG).at(-1);
  const choice = fitting ?? shorter.reduce((a, b) => (b.seconds < a.seconds ? b : a));
  const settings = `train.batchSize=${choice.batch} train.epochs=${choice.epochs} train.learningRate=auto`;
  const instead =
    choice.seconds < total
      ? `${settings} takes ${duration(choice.seconds)}`
      : 'no other batch size or number of epochs takes less';
  const faster = fitting === undefined ? '; a smaller model.network or smaller images take less, as does a GPU' : '';
  return { ...row, reason: `${reason}: more than an hour; ${instead}${faster}` };
}

/** The largest batch that fits into the memory and leaves enough steps per epoch. */
function recommendBatch(input: RecommendInput): Recommendation & { number: number } {
  const { advice, cost, train } = input;
  const limit = cost.memoryLimit;
  const fitting = cost.batches.filter(({ batch, bytes }) => batch <= LARGEST_BATCH && bytes <= 0.8 * limit);
  // Of a small data set, large batches make so few steps per epoch that a run needs hundreds of epochs.
  const useful = fitting.filter(
    ({ batch }) =>
      batch === 1 || epochsFor(input, batch) <= MOST_EPOCHS || (batch <= SMALL_BATCH && stepsOf(input, batch) >= 8),
  );
  const batch = useful.at(-1)?.batch ?? 1;
  const bytes = cost.batches.find((row) => row.batch === batch)?.bytes ?? 0;
  const memory = `${gigabytes(bytes)} of ${gigabytes(limit)}${cost.limitIsAssumed ? ' (assumed: WebGPU does not report it)' : ''}`;
  const images = advice.tile === null ? counted(train, 'training image', 'training images') : `${train} training tiles`;
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
