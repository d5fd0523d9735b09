import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { withoutExtension } from '../../common/file-names.ts';
import { listFiles } from '../../imagery/node/files.ts';
import { imageEnding } from '../../imagery/node/image-size.ts';
import { LabelError, type OnProblem } from '../problems.ts';
import type { LabelTable } from '../types.ts';
import { UniqueNames } from '../unique-names.ts';
import { parseVoc, type VocDocument } from '../voc.ts';
import { isVocName } from './find-labels.ts';
import { firstWith, readText } from './label-files.ts';

/** How Pascal VOC's labels are read. */
interface VocOptions {
  readonly classes?: readonly string[] | undefined;
  readonly images?: string | undefined;
  readonly onProblem?: OnProblem | undefined;
  /** Folders of all labels of the data set, which count pixels alike. Default: those that are read. */
  readonly alike?: readonly string[] | undefined;
}

/** Reads the XML files of a folder, or one of them; the images are in a folder next to them or in the same one. */
export async function readVoc(
  path: string,
  { classes, images, onProblem, alike }: VocOptions,
): Promise<LabelTable & { imagesRoot: string; notes: readonly string[] }> {
  const single = (await stat(path)).isFile();
  const folder = single ? dirname(path) : path;
  const documents = await readDocuments(folder, single ? [basename(path)] : undefined);
  if (documents.length === 0) {
    const reason = "no .xml file in this folder, expected Pascal VOC's annotations";
    throw new LabelError('syntax', { file: path }, reason);
  }
  const fromZero = documents.filter(countsFromZero).map((document) => `${folder}/${document.path}`);
  for (const other of alike ?? []) {
    if (fromZero.length > 0 || other === path) continue;
    const found = (await readDocuments(other)).find(countsFromZero);
    if (found !== undefined) fromZero.push(`${other}/${found.path}`);
  }
  const usual = [...['../JPEGImages', '../images', 'images'].map((name) => join(folder, name)), folder];
  const roots = images === undefined ? usual : [images];
  const near = await imagesByName(roots);
  const names = new UniqueNames(near.values());
  const findImage = (bare: string): string | undefined => near.get(bare);
  const firstPixel = fromZero.length > 0 ? 0 : 1;
  const table = parseVoc(documents, { name: folder, classes, onProblem, findImage, byName: names.find, firstPixel });
  const offset = `xmin or ymin is 0 in ${fromZero[0]}: corners count from 0, not from 1 as Pascal VOC's do`;
  return {
    ...table,
    imagesRoot: images ?? (await firstWith(roots, table)),
    notes: [...names.notes(), ...(fromZero.length > 0 ? [offset] : [])],
  };
}

/** The XML files of a folder, or some of them. Sequentially: there may be more files than a process may open at once. */
async function readDocuments(folder: string, files?: readonly string[]): Promise<VocDocument[]> {
  const documents: VocDocument[] = [];
  for (const file of files ?? (await listFiles(folder)).filter(isVocName)) {
    documents.push({ path: file, text: await readText(join(folder, file)) });
  }
  return documents;
}

/** Whether a corner is 0, which no pixel is if they count from 1: tools other than VOC's own write edges from 0. */
const countsFromZero = ({ text }: VocDocument): boolean => /<[xy]min>\s*0+(\.0*)?\s*</.test(text);

/** The images in some folders by their paths without extension; the first folder wins. */
async function imagesByName(roots: readonly string[]): Promise<Map<string, string>> {
  const images = new Map<string, string>();
  for (const root of roots) {
    for (const file of await listFiles(root).catch(() => [])) {
      const bare = withoutExtension(file);
      if (imageEnding.test(file) && !images.has(bare)) images.set(bare, file);
    }
  }
  return images;
}
