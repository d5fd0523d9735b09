import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defined } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import type { OpenOptions } from '../../data/node/open-dataset.ts';
import type { Dataset } from '../../data/types.ts';
import { takeHeaders } from '../../doctor/node/read.ts';
import { quickCheck } from '../../doctor/quick-check.ts';
import type { Finding } from '../../doctor/types.ts';
import type { Region } from '../../imagery/region.ts';
import { readLabels } from '../../labels/node/read-labels.ts';
import { placeKey } from '../../labels/spacenet-names.ts';
import type { LabelledImage } from '../../labels/types.ts';

/** A data set that was opened for training. */
export interface OpenedData {
  readonly role: 'training' | 'validation';
  readonly path: string;
  readonly options: OpenOptions;
  readonly dataset: Dataset & { readonly report: object };
}

/**
 * Examines the labels and the headers of the image files of data sets before training (`quickCheck`), and returns what
 * impairs the results, a line each. Rejects with an InputError that lists everything that would end the training or make it
 * learn the wrong thing.
 */
export async function checkData(sets: readonly OpenedData[]): Promise<string[]> {
  const warnings: string[] = [];
  const errors: string[] = [];
  for (const opened of sets) {
    const { path } = opened;
    const findings = await findingsOf(opened);
    const bad = findings.filter(({ severity }) => severity === 'error');
    if (bad.length > 0) errors.push(`${path}:\n${bad.map(inFull).join('\n')}\n  ${hint(path)}`);
    else if (findings.length > 0) warnings.push(...findings.map((one) => `${path}: ${inShort(one)}`), hint(path));
  }
  if (errors.length === 0) return warnings;
  throw new InputError('openTrainingData', `${errors.join('\n')}\ndata.checks=false trains nevertheless`);
}

const hint = (path: string): string => `retinagrad doctor ${path} shows all findings, and what to do`;

const inShort = ({ severity, message, kind }: Finding): string => `${severity}: ${message} [${kind}]`;

function inFull({ examples, count, remedy, ...finding }: Finding): string {
  const more = count > examples.length && examples.length > 0 ? [`... and ${count - examples.length} more`] : [];
  const lines = [...examples, ...more].map((line) => `    ${line}`);
  return [`  ${inShort({ examples, count, remedy, ...finding })}`, ...lines, `    -> ${remedy}`].join('\n');
}

/** An image with the objects that its region leaves. */
export const inRegion = (image: LabelledImage, region: Region | null): LabelledImage =>
  region === null ? image : { ...image, objects: image.objects.filter(({ box }) => region.containsCentre(box)) };

/** The folder of the images of a SpaceNet tree that are used; undefined if it has several. */
function imagesOf({ root, images }: { readonly root?: unknown; readonly images?: unknown }): string | undefined {
  const folder = join(String(root), String(images));
  return existsSync(folder) ? folder : undefined;
}

async function findingsOf({ role, path, options, dataset }: OpenedData): Promise<Finding[]> {
  const { images, format, classes, split, classProperty, pointSize, layer } = options;
  // In a SpaceNet tree, `images` is the name of folders, and images are named after the place that they show.
  const isTree = 'root' in dataset.report;
  const chosen = isTree
    ? defined({ images: imagesOf(dataset.report) })
    : defined({ images, format, classes, split, classProperty, pointSize, layer });
  // What a data set leaves out, such as labels of other images in a tree, is not trained on.
  const reading = readLabels(path, { ...chosen, onProblem: () => undefined });
  // Images of a tree need no labels; its reader opens every image before training.
  const labels = await (isTree ? reading.catch(() => null) : reading);
  if (labels === null) return [];
  const used = new Map(labels.images.map((image) => [isTree ? placeKey(image.file) : image.file, image]));
  const listed = dataset.ids.flatMap((id, index): LabelledImage[] => {
    const image = used.get(id);
    if (image !== undefined) return [inRegion(image, dataset.region?.(index) ?? null)];
    return isTree ? [] : [{ file: id, width: null, height: null, objects: [] }];
  });
  const table = { classes: labels.classes, images: listed };
  // The reader of a tree has compared the bands.
  const bands = isTree ? undefined : (dataset.decoding?.bands ?? options.bands);
  const findings = quickCheck(await takeHeaders(table, labels.imagesRoot, bands));
  // Classes are learnt from the training images: others may lack some of them.
  return findings.filter(({ kind }) => role === 'training' || !kind.startsWith('class-'));
}
