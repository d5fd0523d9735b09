/** What a detector did in one image at a score threshold. */
export interface ImageScore {
  readonly file: string;
  /** Objects that were found. */
  readonly truePositives: number;
  /** Detections that are wrong. */
  readonly falsePositives: number;
  /** Objects that were missed. */
  readonly falseNegatives: number;
  /** 1 where there is nothing and nothing was found; null where it is not defined. */
  readonly f1: number | null;
}

/** Images worth a look, none of them twice. */
export interface Examples<T extends ImageScore> {
  /** Highest F1; of equals those with more objects found. */
  readonly best: readonly T[];
  /** Most wrong detections; of equals those with the lower F1. */
  readonly worst: readonly T[];
  /** Most missed objects; of equals those with the lower F1. */
  readonly missed: readonly T[];
}

const f1Of = ({ f1 }: ImageScore): number => f1 ?? 0;

const byFile = (a: ImageScore, b: ImageScore): number => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0);

/**
 * Chooses up to `n` images of each kind: the best, those with most false positives, and those with most misses. What goes
 * wrong is chosen first, misses and false positives in turn, so that an image with both does not take a place twice; the
 * best are chosen among images with objects found. The choice depends on the scores and names alone, not on the order of
 * the images. Throws a RangeError unless `n` is a whole number from 0.
 */
export function chooseExamples<T extends ImageScore>(images: readonly T[], n: number): Examples<T> {
  if (!Number.isInteger(n) || n < 0) throw new RangeError(`chooseExamples: n is ${n}, expected a whole number from 0`);
  const rank = (among: readonly T[], order: (a: T, b: T) => number) =>
    [...among].sort((a, b) => order(a, b) || byFile(a, b));
  const queues = {
    missed: rank(
      images.filter(({ falseNegatives }) => falseNegatives > 0),
      (a, b) => b.falseNegatives - a.falseNegatives || f1Of(a) - f1Of(b),
    ),
    worst: rank(
      images.filter(({ falsePositives }) => falsePositives > 0),
      (a, b) => b.falsePositives - a.falsePositives || f1Of(a) - f1Of(b),
    ),
    best: rank(
      images.filter(({ truePositives }) => truePositives > 0),
      (a, b) => f1Of(b) - f1Of(a) || b.truePositives - a.truePositives,
    ),
  };
  const taken = new Set<T>();
  const take = (queue: readonly T[], chosen: T[]) => {
    const next = chosen.length < n ? queue.find((image) => !taken.has(image)) : undefined;
    if (next === undefined) return;
    taken.add(next);
    chosen.push(next);
  };
  const chosen = { best: [] as T[], worst: [] as T[], missed: [] as T[] };
  for (let i = 0; i < n; i++) {
    take(queues.missed, chosen.missed);
    take(queues.worst, chosen.worst);
  }
  for (let i = 0; i < n; i++) take(queues.best, chosen.best);
  return chosen;
}
