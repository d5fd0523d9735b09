import type { Matching } from '../../evaluation/match.ts';
import type { LabelledObject } from '../../labels/types.ts';
import type { MapObject } from './contents.ts';

type Labelled = Pick<LabelledObject, 'label' | 'box' | 'score'>;

/**
 * The objects of a map of an evaluation: detections as hits and false alarms, and each object of the ground truth as a miss
 * with, if there is one, the score of the detection that finds it (see `MapObject`). What the evaluation ignores is left
 * out: detections that the matching ignores, and objects of which `isIgnored` says so.
 *
 * @param detections with scores
 */
export function mapOutcomes<T extends Labelled>(
  truths: readonly T[],
  detections: readonly T[],
  { truthOf, detectionOf, ignored }: Matching,
  isIgnored: (truth: number) => boolean,
): (T & MapObject)[] {
  const misses = truths.flatMap((object, j) => {
    if (isIgnored(j)) return [];
    const { score: _none, ...rest } = object;
    const score = detections[detectionOf[j]!]?.score;
    return [{ ...rest, kind: 'miss', ...(score === undefined ? {} : { score }) } as T & MapObject];
  });
  const found = detections.flatMap((object, k) =>
    ignored[k] === 1 ? [] : [{ ...object, kind: truthOf[k] === -1 ? 'false alarm' : 'hit' } as T & MapObject],
  );
  return [...misses, ...found];
}
