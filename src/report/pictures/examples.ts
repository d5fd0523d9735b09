import type { ImageJudgement } from '../../evaluation/judgement.ts';

/** Images worth a look, none of them twice. */
export interface Examples {
  /** Highest F1; of equals those with more objects found. */
  readonly best: readonly ImageJudgement[];
  /** Most wrong detections; of equals those with the lower F1. */
  readonly worst: readonly ImageJudgement[];
  /** Most missed objects; of equals those with the lower F1. */
  readonly missed: readonly ImageJudgement[];
}

const byFile = (a: ImageJudgement, b: ImageJudgement): number => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0);

/**
 * Chooses up to `n` images of each kind: the best, those with most false positives, and those with most misses. What goes
 * wrong is chosen first, misses and false positives in turn, so that an image with both does not take a place twice; the
 * best are chosen among images with objects found. The choice depends on the scores and names alone, not on the order of
 * the images. Throws a RangeError unless `n` is a whole number from 0.
 */
export function chooseExamples(images: readonly ImageJudgement[], n: number): Examples {
  if (!Number.isInteger(n) || n < 0) throw new RangeError(`chooseExamples: n is ${n}, expected a whole number from 0`);
  const rank = (among: readonly ImageJudgement[], order: (a: ImageJudgement, b: ImageJudgement) => number) =>
    [...among].sort((a, b) => order(a, b) || byFile(a, b));
  const queues = {
    missed: rank(
      images.filter(({ falseNegatives }) => falseNegatives > 0),
      (a, b) => b.falseNegatives - a.falseNegatives || a.f1 - b.f1,
    ),
    worst: rank(
      images.filter(({ falsePositives }) => falsePositives > 0),
      (a, b) => b.falsePositives - a.falsePositives || a.f1 - b.f1,
    ),
    best: rank(
      images.filter(({ truePositives }) => truePositives > 0),
      (a, b) => b.f1 - a.f1 || b.truePositives - a.truePositives,
    ),
  };
  const taken = new Set<ImageJudgement>();
  const take = (queue: readonly ImageJudgement[], chosen: ImageJudgement[]) => {
    const next = chosen.length < n ? queue.find((image) => !taken.has(image)) : undefined;
    if (next === undefined) return;
    taken.add(next);
    chosen.push(next);
  };
  const chosen = { best: [] as ImageJudgement[], worst: [] as ImageJudgement[], missed: [] as ImageJudgement[] };
  for (let i = 0; i < n; i++) {
    take(queues.missed, chosen.missed);
    take(queues.worst, chosen.worst);
  }
  for (let i = 0; i < n; i++) take(queues.best, chosen.best);
  return chosen;
}
