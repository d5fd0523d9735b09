import { Random } from '../../src/data/random.ts';
import type { Annotations } from '../../src/data/types.ts';
import { cocoAveragePrecision, evaluateDetections } from '../../src/evaluation/detection-metrics.ts';
import { matchDetections } from '../../src/evaluation/match.ts';
import type { Detections } from '../../src/evaluation/match.ts';
import { operatingPoint } from '../../src/evaluation/precision-recall.ts';
import type { PrecisionRecallCurve } from '../../src/evaluation/precision-recall.ts';
import type { JudgedCurve, ReportJudgement } from '../../src/report/judgement-parts.ts';

/** An image that was made up: its name, what is there and what was found. */
export interface MadeUpImage {
  readonly file: string;
  readonly truth: Annotations;
  readonly detections: Detections;
}

/** What a middling detector might find of a truth: most objects, shifted a little, some of another class; and ghosts. */
export function madeUpDetections(truth: Annotations, classes: number, side: number, random: Random): Detections {
  const boxes: number[] = [];
  const labels: number[] = [];
  const scores: number[] = [];
  const add = (box: number[], label: number, score: number) => {
    boxes.push(...box);
    labels.push(label);
    scores.push(Math.min(0.99, Math.max(0.05, score)));
  };
  truth.labels.forEach((label, i) => {
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = truth.boxes.subarray(4 * i, 4 * i + 4);
    const small = x2 - x1 < 8 ? 0.35 : 0;
    if (random.uniform() < 0.12 + small) return;
    const [dx, dy] = [random.normal(0, 0.06) * (x2 - x1), random.normal(0, 0.06) * (y2 - y1)];
    const taken =
      classes > 1 && random.uniform() < 0.12 ? (label + 1 + random.int(Math.min(3, classes - 1))) % classes : label;
    add([x1 + dx, y1 + dy, x2 + dx, y2 - dy], taken, random.normal(taken === label ? 0.7 : 0.45, 0.18));
  });
  for (let ghosts = random.int(4); ghosts > 0; ghosts--) {
    const [x, y, size] = [random.uniform(0, side), random.uniform(0, side), random.uniform(6, 24)];
    add([x, y, x + size, y + size], random.int(classes), random.normal(0.25, 0.12));
  }
  return { boxes: Float32Array.from(boxes), labels: Int32Array.from(labels), scores: Float32Array.from(scores) };
}

/** Images with up to 12 boxes of random classes. */
export function madeUpImages(n: number, classes: number, seed = 1): MadeUpImage[] {
  const random = new Random('made up', seed);
  const side = 256;
  return Array.from({ length: n }, (_, i) => {
    const objects = random.int(13);
    const boxes: number[] = [];
    const labels: number[] = [];
    for (let k = 0; k < objects; k++) {
      const [x, y] = [random.uniform(0, side - 60), random.uniform(0, side - 60)];
      boxes.push(x, y, x + 4 * 2 ** random.uniform(0, 3.8), y + 4 * 2 ** random.uniform(0, 3.8));
      labels.push(Math.min(random.int(classes), random.int(classes)));
    }
    const truth = { boxes: Float32Array.from(boxes), labels: Int32Array.from(labels) };
    return { file: `tiles/img${i}.tif`, truth, detections: madeUpDetections(truth, classes, side, random) };
  });
}

function curveOf(curve: PrecisionRecallCurve, most: number): JudgedCurve {
  const stride = Math.max(1, Math.ceil(curve.length / most));
  const points = Array.from({ length: curve.length }, (_, k) => curve.at(k)).filter((_, k) => k % stride === 0);
  return {
    thresholds: points.map(({ threshold }) => threshold),
    precision: points.map(({ precision }) => precision),
    recall: points.map(({ recall }) => recall),
    f1: points.map(({ f1 }) => f1),
  };
}

/** A judgement of images, but for its intervals, which are made up. */
export function madeUpJudgement(images: readonly MadeUpImage[], classes: readonly string[]): ReportJudgement {
  const evaluation = evaluateDetections(images, { classes });
  const coco = cocoAveragePrecision(images, { classes });
  const { best } = evaluation;
  const kept = images.map(({ file, truth, detections }) => {
    const { truthOf, detectionOf } = matchDetections(detections, truth, { iouThreshold: 0.5 });
    const shown = (k: number) => k >= 0 && (detections.scores[k] as number) >= Math.fround(best.threshold);
    const wrong = [...truthOf.keys()].filter((k) => shown(k) && (truthOf[k] as number) < 0);
    const missed = [...detectionOf.keys()].filter((j) => !shown(detectionOf[j] as number));
    return { file, truth, detections, wrong, missed };
  });
  const counts = [...classes, ''].map(() => [...classes, ''].map(() => 0));
  const add = (row: number, column: number) => {
    (counts[row] as number[])[column] = (counts[row]?.[column] ?? 0) + 1;
  };
  for (const { truth, detections, wrong, missed } of kept) {
    truth.labels.forEach((label, j) => {
      if (!missed.includes(j)) add(label, label);
    });
    // Misses and wrong detections of other classes are paired as they come: near enough for a picture.
    missed.forEach((j, i) => {
      const other = wrong.length > i && i % 2 === 0 ? detections.labels[wrong[i] as number] : undefined;
      add(truth.labels[j] as number, other ?? classes.length);
    });
    wrong.forEach((k, i) => {
      if (missed.length <= i || i % 2 === 1) add(classes.length, detections.labels[k] as number);
    });
  }
  const near = (estimate: number | null) =>
    estimate === null
      ? { estimate, low: null, high: null }
      : { estimate, low: Math.max(0, estimate - 0.021), high: Math.min(1, estimate + 0.018) };
  return {
    settings: { iouThreshold: 0.5, scoreThreshold: best.threshold, scoreThresholdFrom: 'best' },
    counts: { images: images.length, truths: evaluation.truths, detections: evaluation.detections },
    chosen: best,
    best,
    thresholds: Array.from({ length: 21 }, (_, i) => evaluation.curve.atThreshold(i / 20)),
    curve: curveOf(evaluation.curve, 1000),
    perClass: evaluation.classes.map((entry, i) => ({
      name: entry.name,
      truths: entry.truths,
      detections: entry.detections,
      chosen: entry.curve.atThreshold(best.threshold),
      best: entry.curve.best(),
      averagePrecision: entry.averagePrecision,
      cocoAp: entry.averagePrecision === null ? null : entry.averagePrecision * (0.6 + (i % 5) / 50),
      curve: curveOf(entry.curve, 200),
    })),
    perImage: kept.map(({ file, truth, wrong, missed }) => {
      const found = truth.labels.length - missed.length;
      const point = operatingPoint(best.threshold, found, wrong.length, truth.labels.length);
      return {
        file,
        truePositives: point.truePositives,
        falsePositives: point.falsePositives,
        falseNegatives: point.falseNegatives,
        f1: point.f1,
      };
    }),
    confusion: { classes: [...classes, 'background'], counts },
    coco: { ...coco, apSmall: 0.31, apMedium: 0.52, apLarge: null, ar1: 0.12, ar10: 0.51, ar100: 0.58 },
    intervals:
      images.length < 2
        ? null
        : {
            confidence: 0.95,
            precision: near(best.precision),
            recall: near(best.recall),
            f1: near(best.f1),
            ap50: near(coco.ap50),
          },
  };
}

/** The log of a run that learns: a falling, noisy loss and a score that rises, peaks and falls a little. */
export function madeUpTraining(steps: number, evaluations: number, seed = 1) {
  const random = new Random('made up training', seed);
  return {
    steps: Array.from({ length: steps }, (_, i) => {
      const done = i / steps;
      const noise = Math.exp(random.normal(0, 0.15));
      const classification = (0.12 + 1.1 * Math.exp(-12 * done)) * noise;
      const boxRegression = (0.2 + 0.5 * Math.exp(-6 * done)) * noise;
      return {
        step: i + 1,
        loss: classification + boxRegression,
        classification,
        boxRegression,
        gradientNorm: (0.6 + 4 * Math.exp(-20 * done)) * Math.exp(random.normal(0, 0.4)),
        learningRate: 3e-3 * (done < 0.2 ? done / 0.2 : 0.5 + 0.5 * Math.cos((Math.PI * (done - 0.2)) / 0.8)),
      };
    }),
    evaluations: Array.from({ length: evaluations }, (_, i) => {
      const done = (i + 1) / evaluations;
      const f1 = 0.86 * (1 - Math.exp(-4 * done)) - 0.03 * Math.max(0, done - 0.7) + random.normal(0, 0.006);
      return {
        step: Math.round(done * steps),
        epoch: i + 1,
        f1,
        precision: f1 + 0.03,
        recall: f1 - 0.028,
        threshold: 0.3 + random.uniform(0, 0.1),
        averagePrecision: i === 0 ? null : f1 + 0.015,
      };
    }),
  };
}

/** Sizes of boxes, and how well the anchors of a preset might reach them. */
export function madeUpSizes(n: number, seed = 1) {
  const random = new Random('made up sizes', seed);
  const sizes = Array.from({ length: n }, () => 2 ** random.normal(4.3, 0.9));
  const anchorSizes = [16, 32, 64, 128, 256].flatMap((base) => [base, base * 2 ** (1 / 3), base * 2 ** (2 / 3)]);
  return {
    sizes,
    anchorSizes,
    foregroundIou: 0.5,
    bestIou: sizes.map((size) => Math.min(1, (0.75 * Math.min(size, 16)) / 16 + random.uniform(-0.15, 0.15) + 0.1)),
  };
}
