import { defined } from '../common/check.ts';
import type { Dataset } from '../data/types.ts';
import { evaluateDetector, type EvaluateOptions, type ImageResult } from '../detector/evaluate.ts';
import { judge, type JudgeOptions } from '../evaluation/judge.ts';
import type { Judgement } from '../evaluation/judgement.ts';
import { loadPolygonGeometry } from '../evaluation/polygon-iou.ts';
import type { MatchBy } from '../evaluation/tables.ts';
import type { LabelTable } from '../labels/types.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';

// What a detector finds against the ground truth: shared by training and evaluation.

/** What a detector finds in samples of a data set, beside their ground truth; null when the signal stops it. */
export async function detectSamples(
  model: RetinaNet,
  dataset: Dataset,
  indices: readonly number[],
  options: EvaluateOptions,
): Promise<readonly ImageResult[] | null> {
  try {
    return (await evaluateDetector(model, dataset, indices, options)).images;
  } catch (error) {
    if (options.signal?.aborted === true) return null;
    throw error;
  }
}

/** As `judge`; with outlines in the ground truth, SpaceNet's metric is computed on them, too. */
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
 * How the images of predictions are found in the ground truth: by their paths if that finds all, otherwise by their names
 * without folders and endings, which must be unique. Throws an Error that names an image that neither finds.
 */
export function matchImages(truth: LabelTable, predictions: readonly LabelTable[]): MatchBy {
  const stem = (file: string): string => file.replace(/^.*[\\/]/, '').replace(/(?!^)\.[^.]*$/, '');
  const namesOf = (table: LabelTable, name: (file: string) => string): string[] =>
    table.images.map(({ file }) => name(file));
  const strangers = (name: (file: string) => string): string[] => {
    const known = new Set(namesOf(truth, name));
    return predictions.flatMap(({ images }) => images.map(({ file }) => file)).filter((file) => !known.has(name(file)));
  };
  if (strangers((file) => file).length === 0) return 'file';
  const [stranger] = strangers(stem);
  const [first] = truth.images;
  const which = `the ground truth has ${truth.images.length} images${first === undefined ? '' : `, such as ${first.file}`}`;
  if (stranger !== undefined) {
    throw new Error(
      `there are predictions for ${stranger}, which is not in the ground truth by path or by name: ${which}`,
    );
  }
  for (const table of [truth, ...predictions]) {
    const seen = new Set<string>();
    const twice = namesOf(table, stem).find((name) => seen.size === seen.add(name).size);
    if (twice !== undefined) {
      throw new Error(
        `predictions name images by other paths than the ground truth, and the name ${twice} alone is not unique: ${which}; ` +
          `predictions are for images such as ${predictions[0]?.images[0]?.file}`,
      );
    }
  }
  return 'stem';
}
