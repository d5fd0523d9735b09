import type { EvaluatedImage } from '../../src/evaluation/match.ts';

/**
 * The same figures worked out the slow way: for every score threshold the detections are filtered and matched from
 * scratch, areas are counted cell by cell (boxes must have whole coordinates), and average precision is a mean over
 * objects. Shares no code with what it checks.
 */

type Numbers = Float32Array | Float64Array;

interface Item {
  readonly cells: Set<number>;
  readonly label: number;
  readonly score: number;
}

function itemsOf(boxes: Numbers, labels: Int32Array, scores?: Numbers): Item[] {
  return Array.from(labels, (label, i) => {
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = boxes.subarray(4 * i);
    const cells = new Set<number>();
    for (let y = y1; y < y2; y++) for (let x = x1; x < x2; x++) cells.add(y * 1000 + x);
    return { cells, label, score: scores?.[i] ?? 0 };
  });
}

function iouOf(a: Item, b: Item): number {
  const both = [...a.cells].filter((cell) => b.cells.has(cell)).length;
  return both / (a.cells.size + b.cells.size - both);
}

/** Counts at a score threshold, for one class or for all (`label` undefined). */
export function countsAt(images: readonly EvaluatedImage[], iouThreshold: number, least: number, label?: number) {
  let [tp, fp, fn] = [0, 0, 0];
  for (const { detections, truth } of images) {
    const wanted = (item: Item) => label === undefined || item.label === label;
    let free = itemsOf(truth.boxes, truth.labels).filter(wanted);
    const waiting = itemsOf(detections.boxes, detections.labels, detections.scores)
      .filter((item) => wanted(item) && item.score >= least)
      .sort((a, b) => b.score - a.score);
    for (const item of waiting) {
      const able = free.filter((one) => one.label === item.label && iouOf(item, one) >= iouThreshold);
      const best = Math.max(...able.map((one) => iouOf(item, one)));
      const taken = able.find((one) => iouOf(item, one) === best);
      if (taken === undefined) fp++;
      else tp++;
      free = free.filter((one) => one !== taken);
    }
    fn += free.length;
  }
  return { tp, fp, fn };
}

/** The distinct scores of one class or of all, descending. */
export function distinctScores(images: readonly EvaluatedImage[], label?: number): number[] {
  const scores = images.flatMap(({ detections }) =>
    Array.from(detections.scores).filter((_, i) => label === undefined || detections.labels[i] === label),
  );
  return [...new Set(scores)].sort((a, b) => b - a);
}

/** Average precision of one class: for each object in turn the best precision of a threshold that finds that many. */
export function averagePrecisions(images: readonly EvaluatedImage[], iouThreshold: number, label: number) {
  const counts = distinctScores(images, label).map((score) => countsAt(images, iouThreshold, score, label));
  const truths = countsAt(images, iouThreshold, Infinity, label).fn;
  if (truths === 0) return { area: null, coco: null };
  const bestAt = (least: number) =>
    Math.max(0, ...counts.filter(({ tp }) => tp >= least).map(({ tp, fp }) => tp / (tp + fp)));
  const perObject = Array.from({ length: truths }, (_, m) => bestAt(m + 1));
  const sampled = Array.from({ length: 101 }, (_, r) => bestAt(Math.ceil((r * truths) / 100)));
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { area: mean(perObject), coco: mean(sampled) };
}
