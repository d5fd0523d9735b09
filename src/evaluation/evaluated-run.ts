import { checkNumber } from '../common/check.ts';
import type { LabelTable } from '../labels/types.ts';
import { matchCoco, type CocoClass } from './coco-match.ts';
import { checkIouThreshold, type Matching } from './match.ts';
import { matchPool, poolCurves, poolImages, type Pool, type PoolCurves } from './pool.ts';
import { joinTables, type JoinedImage, type MatchBy } from './tables.ts';

/** Counts of each image at one score threshold. */
export interface ImageCounts {
  readonly truePositives: Int32Array;
  readonly falsePositives: Int32Array;
  readonly falseNegatives: Int32Array;
}

/** The predictions of one run, matched with the truth: all figures are computed from this. */
export interface EvaluatedRun {
  readonly classes: readonly string[];
  readonly images: readonly JoinedImage[];
  readonly iouThreshold: number;
  readonly scoreThreshold: number;
  readonly scoreThresholdFrom: 'given' | 'best';
  readonly pool: Pool;
  readonly matchings: readonly Matching[];
  readonly curves: PoolCurves;
  readonly perImage: ImageCounts;
  readonly coco: readonly CocoClass[];
}

function countImages(
  images: readonly JoinedImage[],
  pool: Pool,
  matchings: readonly Matching[],
  scoreThreshold: number,
): ImageCounts {
  const truePositives = new Int32Array(images.length);
  const falsePositives = new Int32Array(images.length);
  const falseNegatives = new Int32Array(images.length);
  matchings.forEach(({ truthOf, ignored }, i) => {
    let [right, wrong, objects] = [0, 0, 0];
    images[i]?.detections.scores.forEach((score, k) => {
      if (score < scoreThreshold || ignored[k] === 1) return;
      if (truthOf[k] === -1) wrong++;
      else right++;
    });
    for (let j = 0; j < (pool.overlaps[i]?.truths ?? 0); j++) if (!pool.overlaps[i]?.isIgnored(j)) objects++;
    truePositives[i] = right;
    falsePositives[i] = wrong;
    falseNegatives[i] = objects - right;
  });
  return { truePositives, falsePositives, falseNegatives };
}

/** Joins two tables and matches them by both rules, that of `matchDetections` and COCO's. `op` starts the errors. */
export function evaluateRun(
  op: string,
  truth: LabelTable,
  predictions: LabelTable,
  settings: {
    readonly iouThreshold?: number | undefined;
    readonly scoreThreshold?: number | undefined;
    readonly matchBy?: MatchBy | undefined;
  },
): EvaluatedRun {
  const { iouThreshold = 0.5, scoreThreshold: given, matchBy = 'file' } = settings;
  checkIouThreshold(op, iouThreshold);
  if (given !== undefined) checkNumber(op, 'scoreThreshold', given);
  const { classes } = truth;
  const images = joinTables(op, truth, predictions, matchBy);
  const pool = poolImages(images, classes.length, iouThreshold);
  const matchings = matchPool(pool, iouThreshold);
  const curves = poolCurves(pool, matchings);
  const scoreThreshold = given ?? curves.all.best().threshold;
  return {
    classes,
    images,
    iouThreshold,
    scoreThreshold,
    scoreThresholdFrom: given === undefined ? 'best' : 'given',
    pool,
    matchings,
    curves,
    perImage: countImages(images, pool, matchings, scoreThreshold),
    coco: matchCoco(images, classes.length),
  };
}
