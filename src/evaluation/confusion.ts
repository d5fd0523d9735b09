import type { ConfusionMatrix } from './judgement.ts';
import { findOverlaps, matchOverlaps, type EvaluatedImage } from './match.ts';

/**
 * Counts what objects were taken for. Detections with a score of at least `scoreThreshold` are matched as in
 * `matchDetections`, but to objects of any class, so that an object found as another class is one confusion instead of a
 * miss and a false positive; of objects with equal IoU one of the detection's own class is taken. Images must have been
 * checked.
 */
export function confusionMatrix(
  images: readonly EvaluatedImage[],
  classes: readonly string[],
  iouThreshold: number,
  scoreThreshold: number,
): ConfusionMatrix {
  const background = classes.length;
  const counts = Array.from({ length: background + 1 }, () => new Array<number>(background + 1).fill(0));
  const count = (truth: number, found: number) => {
    const row = counts[truth]!;
    row[found] = row[found]! + 1;
  };
  for (const { truth, detections } of images) {
    const overlaps = findOverlaps(detections, truth, iouThreshold, { anyClass: true });
    const { truthOf, detectionOf, ignored } = matchOverlaps(overlaps, iouThreshold);
    // Surer detections take their turn first: those below the threshold have no influence on them.
    const isCounted = (k: number) => detections.scores[k]! >= scoreThreshold;
    truth.labels.forEach((label, j) => {
      if (overlaps.isIgnored(j)) return;
      const k = detectionOf[j]!;
      count(label, k !== -1 && isCounted(k) ? detections.labels[k]! : background);
    });
    detections.labels.forEach((label, k) => {
      if (isCounted(k) && truthOf[k] === -1 && ignored[k] === 0) count(background, label);
    });
  }
  return { classes: [...classes, 'background'], counts };
}
