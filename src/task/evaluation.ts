import { defined } from '../common/check.ts';
import { groupKeys } from '../data/split-groups.ts';
import type { Dataset } from '../data/types.ts';
import { evaluateDetector, type EvaluateOptions, type ImageResult } from '../detector/evaluate.ts';
import type { BatchDetector } from '../detector/survive-loss.ts';
import { judge, type JudgeOptions } from '../evaluation/judge.ts';
import type { Judgement } from '../evaluation/judgement.ts';
import { loadPolygonGeometry } from '../evaluation/polygon-iou.ts';
import type { MatchBy } from '../evaluation/tables.ts';
import type { LabelTable } from '../labels/types.ts';
import type { Replicas } from '../train/replicas.ts';
import { evaluateShared } from '../train/shared-evaluation.ts';

// Evaluation against the ground truth, for training and for `evaluate`.

/** Detections and ground truth of samples of a data set, which replicas divide; null if the signal was aborted. */
export async function detectSamples(
  model: BatchDetector,
  dataset: Dataset,
  indices: readonly number[],
  { replicas, ...options }: EvaluateOptions & { readonly replicas?: Replicas },
): Promise<readonly ImageResult[] | null> {
  if (replicas !== undefined) {
    return (await evaluateShared(replicas, model, dataset, indices, options))?.images ?? null;
  }
  try {
    return (await evaluateDetector(model, dataset, indices, options)).images;
  } catch (error) {
    if (options.signal?.aborted === true) return null;
    throw error;
  }
}

/** Like `judge`. If the ground truth has outlines, also computes the metric of SpaceNet on them. */
export async function judgeTables(
  truth: LabelTable,
  predictions: LabelTable,
  options: JudgeOptions,
): Promise<Judgement> {
  const hasOutlines = truth.images.some(({ objects }) => objects.some(({ polygons }) => polygons !== undefined));
  return judge(truth, predictions, {
    ...options,
    ...defined({ polygonGeometry: hasOutlines ? await loadPolygonGeometry() : undefined }),
  });
}

/**
 * The scene of each image of a table, for `BootstrapOptions.scenes`. Throws an Error for an image whose path does not match.
 */
export const scenesIn = ({ images }: LabelTable, pattern: RegExp): string[] =>
  groupKeys(
    images.map(({ file }) => file),
    pattern,
  );

/**
 * How to match the images of predictions with those of the ground truth: by path if all paths match, otherwise by file
 * name without folder and extension, which must be unique. Throws an Error that names the first image without a match.
 */
export function matchImages(truth: LabelTable, predictions: readonly LabelTable[]): MatchBy {
  const stem = (file: string): string => file.replace(/^.*[\\/]/, '').replace(/(?!^)\.[^.]*$/, '');
  const namesOf = (table: LabelTable, name: (file: string) => string): string[] =>
    table.images.map(({ file }) => name(file));
  const unmatched = (name: (file: string) => string): string[] => {
    const known = new Set(namesOf(truth, name));
    return predictions.flatMap(({ images }) => images.map(({ file }) => file)).filter((file) => !known.has(name(file)));
  };
  if (unmatched((file) => file).length === 0) return 'file';
  const [unknown] = unmatched(stem);
  const [first] = truth.images;
  const which = `the ground truth has ${truth.images.length} images${first === undefined ? '' : `, such as ${first.file}`}`;
  if (unknown !== undefined) {
    throw new Error(
      `there are predictions for ${unknown}, which is not in the ground truth by path or by name: ${which}`,
    );
  }
  for (const table of [truth, ...predictions]) {
    const seen = new Set<string>();
    const duplicate = namesOf(table, stem).find((name) => seen.size === seen.add(name).size);
    if (duplicate !== undefined) {
      throw new Error(
        `the paths of predictions and ground truth differ, and the name ${duplicate} alone is not unique: ${which}; ` +
          `predictions are for images such as ${predictions[0]?.images[0]?.file}`,
      );
    }
  }
  return 'stem';
}
