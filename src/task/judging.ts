import { describeSample, readLabels, tableOf, type Dataset, type LabelTable, type openDataset } from '../data.ts';
import { placeKey } from '../labels/node/spacenet-layout.ts';
import type { RetinaNet } from '../node.ts';
import { evaluateDetector, type EvaluateOptions, type ImageResult } from '../train.ts';
import { judge, loadPolygonGeometry, type JudgeOptions, type Judgement, type MatchBy } from '../evaluation.ts';

// What a detector finds against what is there: shared by train and evaluate.

/** What a detector finds in images of a data set, beside what is there; null when the signal stops it. */
export async function imageResults(
  model: RetinaNet,
  dataset: Dataset,
  indices: readonly number[],
  options: EvaluateOptions & { readonly signal: AbortSignal },
): Promise<readonly ImageResult[] | null> {
  try {
    return (await evaluateDetector(model, dataset, indices, options)).images;
  } catch (error) {
    if (options.signal.aborted) return null;
    throw error;
  }
}

/** With outlines in the truth, SpaceNet's metric is judged on them, too. */
export async function judgeTables(
  truth: LabelTable,
  predictions: LabelTable,
  options: JudgeOptions,
): Promise<Judgement> {
  const outlined = truth.images.some(({ objects }) => objects.some(({ polygons }) => polygons !== undefined));
  return judge(truth, predictions, {
    ...options,
    ...(outlined ? { polygonGeometry: await loadPolygonGeometry() } : {}),
  });
}

/**
 * How the images of predictions are found in the truth: by their paths if that finds all, otherwise by their names without
 * folders and endings, which must not occur twice. Throws an Error that names an image that neither finds.
 */
export function matchingOf(truth: LabelTable, predictions: readonly LabelTable[]): MatchBy {
  const stem = (file: string): string => file.replace(/^.*[\\/]/, '').replace(/(?!^)\.[^.]*$/, '');
  const namesOf = (table: LabelTable, name: (file: string) => string): string[] =>
    table.images.map(({ file }) => name(file));
  const strangers = (name: (file: string) => string): string[] => {
    const known = new Set(namesOf(truth, name));
    return predictions.flatMap(({ images }) => images.map(({ file }) => file)).filter((file) => !known.has(name(file)));
  };
  if (strangers((file) => file).length === 0) return 'file';
  const [stranger] = strangers(stem);
  const which = `the truth has ${truth.images.length} images, such as ${truth.images[0]?.file}`;
  if (stranger !== undefined) {
    throw new Error(`there are predictions for ${stranger}, which is none of the truth's by path or by name: ${which}`);
  }
  for (const table of [truth, ...predictions]) {
    const names = namesOf(table, stem);
    const twice = names.find((name, i) => names.indexOf(name) < i);
    if (twice !== undefined) {
      throw new Error(
        `predictions name images by other paths than the truth, and the name ${twice} alone occurs twice: ${which}; ` +
          `predictions are for images such as ${predictions[0]?.images[0]?.file}`,
      );
    }
  }
  return 'stem';
}

/**
 * A data set as a detector sees it: labels numbered by the detector's classes, among which its own must be, and images
 * named as the label file names them, so that detections can be compared with it; and the truth of these images as the
 * label file has it, with crowds, difficult objects and outlines, which a data set leaves out.
 *
 * @param images folder of the images, where it is not around the labels
 */
export async function judgedData(
  path: string,
  dataset: Awaited<ReturnType<typeof openDataset>>,
  classes: readonly string[],
  images: string | undefined,
): Promise<{ readonly dataset: Dataset; readonly truth: LabelTable }> {
  // In a SpaceNet tree `images` is the name of folders, and one file of labels may serve several images.
  const isTree = 'root' in dataset.report;
  const labels = isTree
    ? await readLabels(path).catch(() => null)
    : await readLabels(path, images === undefined ? {} : { images });
  const byName = new Map(labels?.images.map((image) => [isTree ? placeKey(image.file) : image.file, image]));
  const found = dataset.ids.map((id) => byName.get(id));
  if (labels === null || found.some((image) => image === undefined)) {
    const renumbered = withClasses(dataset, classes, dataset.ids);
    return { dataset: renumbered, truth: await tableOf(renumbered) };
  }
  const own = found.map((image) => image!);
  return {
    dataset: withClasses(
      dataset,
      classes,
      own.map(({ file }) => file),
    ),
    truth: {
      classes: [...labels.classes, ...classes.filter((name) => !labels.classes.includes(name))],
      images: own,
    },
  };
}

function withClasses(dataset: Dataset, classes: readonly string[], ids: readonly string[]): Dataset {
  const numbers = dataset.classes.map((name) => classes.indexOf(name));
  const renumber = <T extends { readonly labels: Int32Array }>(sample: T): T => ({
    ...sample,
    labels: sample.labels.map((label) => numbers[label]!),
  });
  return {
    classes,
    ids,
    decoding: dataset.decoding,
    get: async (index) => renumber(await dataset.get(index)),
    describe: async (index) => renumber(await describeSample(dataset, index)),
  };
}
