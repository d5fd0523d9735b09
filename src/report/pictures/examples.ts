import { checkInteger } from '../../common/check.ts';
import type { ImageJudgement } from '../../evaluation/judgement.ts';

/** Images worth a look; no image is in two lists. */
export interface Examples {
  /** Highest F1; ties go to images with more detected objects. */
  readonly best: readonly ImageJudgement[];
  /** Most wrong detections; ties go to images with lower F1. */
  readonly worst: readonly ImageJudgement[];
  /** Most missed objects; ties go to images with lower F1. */
  readonly missed: readonly ImageJudgement[];
}

const byFile = (a: ImageJudgement, b: ImageJudgement): number => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0);

/**
 * Chooses up to `n` images of each kind: the best, those with most false positives, and those with most missed objects.
 * Errors are chosen first, missed objects and false positives in turn, so that an image with both is chosen once; the best
 * are chosen among images with detected objects. The choice depends only on scores and names, not on the order of the
 * images. Throws a RangeError unless `n` is an integer >= 0.
 */
export function chooseExamples(images: readonly ImageJudgement[], n: number): Examples {
  checkInteger('chooseExamples', 'n', n, { min: 0 });
  const rank = (among: readonly ImageJudgement[], order: (a: ImageJudgement, b: ImageJudgement) => number) =>
    [...among].sort((a, b) => order(a, b) || byFile(a, b));
  const queues = {
    missed: rank(
      images.filter(({ falseNegatives }) => falseNegatives > 0),
      (a, b) => b.falseNegatives - a.falseNegatives || a.f1! - b.f1!,
    ),
    worst: rank(
      images.filter(({ falsePositives }) => falsePositives > 0),
      (a, b) => b.falsePositives - a.falsePositives || a.f1! - b.f1!,
    ),
    best: rank(
      images.filter(({ truePositives }) => truePositives > 0),
      (a, b) => b.f1! - a.f1! || b.truePositives - a.truePositives,
    ),
  };
  const taken = new Set<ImageJudgement>();
  const take = (queue: readonly ImageJudgement[], chosen: ImageJudgement[]) => {
    const next = chosen.length < n ? queue.find((image) => !taken.has(image)) : undefined;
    if (next === undefined) return;
    taken.add(next);
    chosen.push(next);
  };
  const chosen: Record<keyof Examples, ImageJudgement[]> = { best: [], worst: [], missed: [] };
  for (let i = 0; i < n; i++) {
    take(queues.missed, chosen.missed);
    take(queues.worst, chosen.worst);
  }
  for (let i = 0; i < n; i++) take(queues.best, chosen.best);
  return chosen;
}
