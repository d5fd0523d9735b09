import { stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { counted } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { listFiles } from '../../imagery/node/files.ts';
import { imageEnding } from '../../imagery/node/image-size.ts';
import { reporter, type OnProblem, type Report } from '../problems.ts';
import { splitNames, type SplitImages, type SplitName } from '../splits.ts';
import type { LabelledImage, LabelTable } from '../types.ts';
import { listName, type FoundSplits, type SplitSource } from './find-splits.ts';
import type { ReadLabels } from '../read-result.ts';

/** The labels of one source, with the folder of its images. */
type SourceTable = LabelTable & Pick<ReadLabels, 'imagesRoot' | 'coco'> & { readonly notes?: readonly string[] };

/** How a data set with splits is read. */
interface SplitOptions {
  /** Default: all splits. */
  readonly split?: SplitName | undefined;
  /** Folder of the images, if it is not that of the labels. */
  readonly images?: string | undefined;
  readonly onProblem?: OnProblem | undefined;
  /** Reads the labels of a source, whose images are in the folder `images` if it is given. */
  readonly read: (source: SplitSource, images: string | undefined) => Promise<SourceTable>;
}

type ReadSplits = LabelTable & Pick<ReadLabels, 'imagesRoot' | 'otherSplits' | 'splits' | 'notes' | 'coco'>;

/**
 * Reads one split of a data set, or all of them as one table. Paths are relative to the folder of the data set, so that
 * images of different splits may have the same name. An image in several splits is a problem.
 */
export async function readSplits(found: FoundSplits, options: SplitOptions): Promise<ReadSplits> {
  const { split, images: given, onProblem, read } = options;
  const { path, names, by, inSplits } = found;
  if (split !== undefined && !names.includes(split)) {
    throw new InputError(OP, `${path}: no labels of a split ${split}, only of ${names.join(', ')} (${by})`);
  }
  const report = reporter(onProblem);
  const sources = found.sources.filter((source) => split === undefined || [null, split].includes(source.split));
  const tables: { readonly source: SplitSource; readonly table: SourceTable }[] = [];
  for (const source of sources) tables.push({ source, table: await read(source, await imagesOf(source, given)) });

  const root = given ?? rootOf(path, tables);
  const files = (await listFiles(root)).filter((file) => imageEnding.test(file));
  const classes = joinClasses(tables.map(({ table }) => table.classes));
  const images = new Map<string, LabelledImage & { readonly splits: readonly SplitName[] }>();
  let outside = 0;
  for (const { source, table } of tables) {
    const labels = table.classes.map((name) => classes.indexOf(name));
    for (const image of table.images) {
      const file = pathIn(root, join(table.imagesRoot, image.file));
      const splits = source.split === null ? inSplits(file) : [source.split];
      if (splits.length === 0) outside++;
      if (split !== undefined && !splits.includes(split)) continue;
      const other = images.get(file);
      const objects = image.objects.map((object) => ({ ...object, label: labels[object.label]! }));
      if (other === undefined) images.set(file, { ...image, file, objects, splits });
      else report('image', { file: source.path }, `image ${file} is in ${other.splits.join()} and in ${splits.join()}`);
    }
  }
  if (split !== undefined && images.size === 0) {
    throw new InputError(OP, `${path}: no image of the split ${split} has labels (${by})`);
  }
  checkListed(found, split, [...files, ...images.keys()], report);
  const [only, ...more] = tables;
  const listed = [...images.values()];
  const members = splitNames.map((name) => [name, listed.filter(({ splits }) => splits.includes(name))] as const);
  const none = `${counted(outside, 'image is', 'images are')} in no split of ${by}`;
  return {
    classes,
    images: listed.map(({ file, width, height, objects }) => ({ file, width, height, objects })),
    imagesRoot: root,
    splits: Object.fromEntries(
      members.flatMap(([name, own]) => (own.length === 0 ? [] : [[name, own.map(({ file }) => file)]])),
    ) satisfies SplitImages,
    otherSplits: split === undefined ? [] : files.filter((file) => !inSplits(file).includes(split)),
    notes: [
      ...new Set([
        ...tables.flatMap(({ table }) => table.notes ?? []),
        ...(split !== undefined && outside > 0 ? [none] : []),
      ]),
    ],
    // Each file has ids of its own.
    ...(only?.table.coco === undefined || more.length > 0 ? {} : { coco: idsIn(root, only.table) }),
  };
}

const OP = 'readLabels';

/** The folder of the images of a source below a given folder of images. */
async function imagesOf({ folder }: SplitSource, given: string | undefined): Promise<string | undefined> {
  if (given === undefined || folder === null) return given;
  const inside = join(given, folder);
  return (await stat(inside).catch(() => null))?.isDirectory() === true ? inside : given;
}

/** The data set's folder or, if images are elsewhere, the innermost one around it that has them all. */
function rootOf(path: string, tables: readonly { readonly table: SourceTable }[]): string {
  let root = path;
  const isOutside = ({ table }: { readonly table: SourceTable }): boolean =>
    relative(root, table.imagesRoot).split(sep)[0] === '..';
  while (tables.some(isOutside)) root = dirname(resolve(root));
  return root;
}

const pathIn = (root: string, file: string): string => relative(root, file).split(sep).join('/');

/** The classes of all tables: sorted if those of each are, otherwise in the order of their first occurrence. */
export function joinClasses(lists: readonly (readonly string[])[]): readonly string[] {
  const all = [...new Set(lists.flat())];
  const isSorted = (list: readonly string[]): boolean => list.every((name, i) => i === 0 || list[i - 1]! <= name);
  return lists.every(isSorted) ? all.sort() : all;
}

/** Reports images of the lists that do not exist, and those for training that are also in another list. */
function checkListed(
  { listed = [] }: FoundSplits,
  split: SplitName | undefined,
  files: readonly string[],
  report: Report,
): void {
  const all = new Set(listed.map(({ name }) => name));
  const train = new Set(listed.filter((line) => line.split === 'train').map(({ name }) => name));
  const known = new Set(files.map((file) => listName(file, (name) => all.has(name))));
  for (const { name, split: own, origin } of listed) {
    if (own !== 'train' && train.has(name))
      report('image', origin, `image ${name} is in the lists of train and ${own}`);
    else if ((split === undefined || split === own) && !known.has(name)) {
      report('image', origin, `there is no image ${name}`);
    }
  }
}

function idsIn(root: string, { coco, imagesRoot }: SourceTable): NonNullable<ReadLabels['coco']> {
  const { images, categories } = coco!;
  return { images: new Map([...images].map(([id, file]) => [id, pathIn(root, join(imagesRoot, file))])), categories };
}
