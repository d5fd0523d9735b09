import { checkNumber } from '../common/check.ts';
import type { Box, Point } from '../imagery/geometry.ts';
import { isInPolygon } from '../imagery/region.ts';
import {
  checkBootstrap,
  imageWeights,
  MIN_SCENES,
  percentileInterval,
  weightedCounts,
  type BootstrapOptions,
} from './bootstrap.ts';
import { meanOf } from './detection-metrics.ts';
import type { Interval } from './judgement.ts';
import { checkIouThreshold, type Matching, type ScoredBoxes, type TrueBoxes } from './match.ts';
import { areaInBox, type Outline } from './polygon-iou.ts';
import { checkImages, matchPool, poolCurves, poolImages } from './pool.ts';
import type { OperatingPoint } from './precision-recall.ts';

/** How `judgeArea` evaluates. */
export interface JudgeAreaOptions extends Omit<BootstrapOptions, 'scenes'> {
  /** Names of the classes, in the order of the labels. */
  readonly classes: readonly string[];
  /** The area of interest, in the coordinates of the boxes (`loadPolygonGeometry`). */
  readonly area: Outline;
  /** Its size on the ground. */
  readonly hectares: number;
  /** Minimum IoU of a correct detection. Default 0.5. */
  readonly iouThreshold?: number;
  /** Detections with a lower score are dropped. Default: the threshold with the highest F1 in this area, which is optimistic. */
  readonly scoreThreshold?: number;
}

/** What became of a truth (`hit` or `miss`) or of a detection (`hit` or `false alarm`) at the score threshold. */
export type Outcome = 'hit' | 'miss' | 'false alarm';

/** What `judgeArea` returns as plain data. Figures that are not defined are null (`operatingPoint`). */
export interface AreaJudgement {
  readonly settings: {
    readonly iouThreshold: number;
    readonly scoreThreshold: number;
    /** Whether the score threshold was given, or is the one with the highest F1 in this area. */
    readonly scoreThresholdFrom: 'given' | 'best';
  };
  readonly hectares: number;
  /** Objects and detections of any score that count, and those that do not because they lie outside the area. */
  readonly counts: {
    readonly truths: number;
    readonly detections: number;
    readonly truthsOutside: number;
    readonly detectionsOutside: number;
  };
  /** All classes together at `settings.scoreThreshold`. */
  readonly chosen: OperatingPoint;
  /** All classes together at the score threshold with the highest F1. */
  readonly best: OperatingPoint;
  /**
   * Average precision at `settings.iouThreshold` of all detections, as COCO samples it, but without its limit of 100
   * detections: mean over the classes with objects; null without.
   */
  readonly averagePrecision: number | null;
  readonly perClass: readonly {
    readonly name: string;
    readonly truths: number;
    readonly detections: number;
    readonly chosen: OperatingPoint;
    readonly best: OperatingPoint;
    readonly averagePrecision: number | null;
  }[];
  /** Objects and detections from `settings.scoreThreshold` on, per hectare. */
  readonly perHectare: { readonly truths: Interval; readonly detections: Interval };
  readonly precision: Interval;
  readonly recall: Interval;
  readonly f1: Interval;
  /** How the intervals were estimated. */
  readonly bootstrap: {
    readonly confidence: number;
    readonly resamples: number;
    readonly seed: number;
    /** Blocks that share ground with the area, and those of them with objects: intervals need at least 5. */
    readonly blocks: number;
    readonly blocksWithObjects: number;
    /** Side of a block, in the units of the boxes. */
    readonly blockSide: number;
  };
}

/** Judgement of an area, with the outcome of each object. */
export interface JudgedArea {
  readonly judgement: AreaJudgement;
  /** Null for an object outside the area. */
  readonly outcomeOfTruth: readonly (Outcome | null)[];
  /** Null for a detection that does not count, or has a lower score than the threshold. */
  readonly outcomeOfDetection: readonly (Outcome | null)[];
  /** The pairs at any score, which no score threshold changes. Detections that do not count are ignored. */
  readonly matching: Matching;
  /** 1 for each object outside the area. */
  readonly isOutside: Uint8Array;
}

/** Blocks along the longer side of the area. */
const BLOCKS = 10;

/**
 * Evaluates detections over an area of ground, as one image without edges: detections are matched by the rule of
 * `matchDetections`. An object counts if the centre of its box lies in the area. A detection goes with the object that it is
 * matched with; without a match it is a false alarm if the centre of its box lies in the area. So no pair is divided by
 * the border of the area.
 *
 * Intervals are percentiles of a bootstrap over square blocks of ground, a tenth of the longer side of the area, because
 * neighbouring objects are alike (Hall, 1985, "Resampling a coverage pattern"): the blocks are drawn with replacement, with
 * all that lies in them. Densities are ratios of the sums of counts and of areas of the blocks drawn.
 *
 * @throws RangeError for arrays that do not fit together, numbers that are not finite, an area without size, and options
 *   out of range
 */
export function judgeArea(truth: TrueBoxes, detections: ScoredBoxes, options: JudgeAreaOptions): JudgedArea {
  const { classes, area, hectares, iouThreshold = 0.5, scoreThreshold: given } = options;
  const op = 'judgeArea';
  checkIouThreshold(op, iouThreshold);
  if (given !== undefined) checkNumber(op, 'scoreThreshold', given);
  checkNumber(op, 'hectares', hectares, { above: 0, finite: true });
  checkNumber(op, 'area.area', area.area, { above: 0, finite: true });
  checkBootstrap(op, options);
  checkImages(op, [{ truth, detections }], classes.length);
  const truthCentres = centresOf(truth.boxes);
  const centres = centresOf(detections.boxes);
  const isOutside = Uint8Array.from(truthCentres, (centre) => Number(!contains(area, centre)));
  const pool = poolImages([{ truth: { ...truth, difficult: isOutside }, detections }], classes.length, iouThreshold);
  const [matched] = matchPool(pool, iouThreshold) as [Matching];
  const { truthOf, detectionOf } = matched;
  const ignored = matched.ignored.map((one, k) =>
    truthOf[k] === -1 && (one === 1 || !contains(area, centres[k]!)) ? 1 : 0,
  );
  const curves = poolCurves(pool, [{ truthOf, detectionOf, ignored }]);
  const best = curves.all.best();
  const scoreThreshold = given ?? best.threshold;
  const isKept = (k: number): boolean => detections.scores[k]! >= scoreThreshold;
  const outcomeOfTruth = Array.from(detectionOf, (k, j): Outcome | null =>
    isOutside[j] === 1 ? null : k !== -1 && isKept(k) ? 'hit' : 'miss',
  );
  const outcomeOfDetection = Array.from(truthOf, (j, k): Outcome | null =>
    ignored[k] === 1 || !isKept(k) ? null : j === -1 ? 'false alarm' : 'hit',
  );
  const chosen = curves.all.atThreshold(scoreThreshold);
  const perClass = classes.map((name, label) => {
    const curve = curves.byClass[label]!;
    return {
      name,
      truths: curve.truths,
      detections: detectionsOf(curve.total()),
      chosen: curve.atThreshold(scoreThreshold),
      best: curve.best(),
      averagePrecision: curve.averagePrecision101(),
    };
  });
  // A hit lies where its object does.
  const places = [
    ...outcomeOfTruth.map((outcome, j) => ({ outcome, at: truthCentres[j]! })),
    ...outcomeOfDetection.map((outcome, k) => ({ outcome: outcome === 'hit' ? null : outcome, at: centres[k]! })),
  ];
  const judgement: AreaJudgement = {
    settings: { iouThreshold, scoreThreshold, scoreThresholdFrom: given === undefined ? 'best' : 'given' },
    hectares,
    counts: {
      truths: curves.all.truths,
      detections: detectionsOf(curves.all.total()),
      truthsOutside: truth.labels.length - curves.all.truths,
      detectionsOutside: ignored.reduce((sum, one) => sum + one, 0),
    },
    chosen,
    best,
    averagePrecision: meanOf(perClass.map(({ averagePrecision }) => averagePrecision)),
    perClass,
    ...intervalsOf(places, chosen, options),
  };
  const matching = { truthOf, detectionOf, ignored: Uint8Array.from(ignored) };
  return { judgement, outcomeOfTruth, outcomeOfDetection, matching, isOutside };
}

const detectionsOf = ({ truePositives, falsePositives }: OperatingPoint): number => truePositives + falsePositives;

const centresOf = (boxes: ArrayLike<number>): Point[] =>
  Array.from({ length: boxes.length / 4 }, (_, i) => [
    (boxes[4 * i]! + boxes[4 * i + 2]!) / 2,
    (boxes[4 * i + 1]! + boxes[4 * i + 3]!) / 2,
  ]);

/** Whether a point lies in an outline. */
function contains({ polygons, bounds: [x1, y1, x2, y2] }: Outline, point: Point): boolean {
  const [x, y] = point;
  return x >= x1 && x <= x2 && y >= y1 && y <= y2 && polygons.some((polygon) => isInPolygon(polygon, point));
}

type Intervals = Pick<AreaJudgement, 'perHectare' | 'precision' | 'recall' | 'f1' | 'bootstrap'>;

function intervalsOf(
  places: readonly { readonly outcome: Outcome | null; readonly at: Point }[],
  chosen: OperatingPoint,
  { area, hectares, ...options }: JudgeAreaOptions,
): Intervals {
  const { resamples, confidence, seed } = checkBootstrap('judgeArea', options);
  const { side, fractions, blockOf } = divide(area);
  const size = fractions.length;
  const counts = { hit: new Int32Array(size), miss: new Int32Array(size), 'false alarm': new Int32Array(size) };
  for (const { outcome, at } of places) {
    if (outcome === null) continue;
    const block = blockOf(at);
    counts[outcome][block] = counts[outcome][block]! + 1;
  }
  const perBlock = { truePositives: counts.hit, falsePositives: counts['false alarm'], falseNegatives: counts.miss };
  const objects = (block: number): number => counts.hit[block]! + counts.miss[block]!;
  const used = [...fractions.keys()].filter((k) => fractions[k]! > 0 || objects(k) + counts['false alarm'][k]! > 0);
  const blocksWithObjects = used.filter((block) => objects(block) > 0).length;
  const drawn: Record<'precision' | 'recall' | 'f1' | 'truths' | 'detections', number[]> = {
    precision: [],
    recall: [],
    f1: [],
    truths: [],
    detections: [],
  };
  const members = blocksWithObjects < MIN_SCENES ? [] : used.map((block) => [block]);
  for (const weights of imageWeights(members, size, members.length === 0 ? 0 : resamples, seed)) {
    const point = weightedCounts(perBlock, weights);
    const ground = weights.reduce((sum, weight, block) => sum + weight * fractions[block]!, 0) * hectares;
    const hasObjects = point.recall !== null;
    drawn.precision.push(hasObjects ? point.precision! : NaN);
    drawn.recall.push(point.recall ?? NaN);
    drawn.f1.push(hasObjects ? point.f1! : NaN);
    drawn.truths.push(ground > 0 ? (point.truePositives + point.falseNegatives) / ground : NaN);
    drawn.detections.push(ground > 0 ? detectionsOf(point) / ground : NaN);
  }
  const of = (name: keyof typeof drawn, estimate: number | null): Interval =>
    percentileInterval(estimate, Float64Array.from(drawn[name]), confidence);
  return {
    precision: of('precision', chosen.precision),
    recall: of('recall', chosen.recall),
    f1: of('f1', chosen.f1),
    perHectare: {
      truths: of('truths', (chosen.truePositives + chosen.falseNegatives) / hectares),
      detections: of('detections', detectionsOf(chosen) / hectares),
    },
    bootstrap: { confidence, resamples, seed, blocks: used.length, blocksWithObjects, blockSide: side },
  };
}

/** Square blocks over the bounds of an area: the fraction of the area in each, and the block of a point (the nearest one). */
function divide({ bounds: [x1, y1, x2, y2], polygons, area }: Outline) {
  const side = Math.max(x2 - x1, y2 - y1) / BLOCKS;
  // Rounding must not add a row.
  const columns = Math.max(1, Math.ceil((x2 - x1) / side - 1e-9));
  const rows = Math.max(1, Math.ceil((y2 - y1) / side - 1e-9));
  const fractions = Float64Array.from({ length: columns * rows }, (_, block) => {
    const [left, bottom] = [x1 + (block % columns) * side, y1 + Math.floor(block / columns) * side];
    const box: Box = [left, bottom, left + side, bottom + side];
    return areaInBox(polygons, box) / area;
  });
  const cell = (offset: number, cells: number): number => Math.min(Math.max(Math.floor(offset / side), 0), cells - 1);
  const blockOf = ([x, y]: Point): number => cell(y - y1, rows) * columns + cell(x - x1, columns);
  return { side, fractions, blockOf };
}
