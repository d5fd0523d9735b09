import type { ConfusionMatrix } from './judgement.ts';
import { findOverlaps, matchOverlaps, type EvaluatedImage } from './match.ts';

/**
 * Counts as which class objects were detected. Detections with a score of at least `scoreThreshold` are matched as in
 * `matchDetections`, but to objects of any class: an object detected as another class is one confusion, not a miss and a
 * false positive. Among objects with equal IoU, one of the detection's own class is preferred. The images must have been
 * checked (`checkImages`).
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
    // Higher scores are matched first, so detections below the threshold do not influence those above.
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
