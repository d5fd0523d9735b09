import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parseCoco, parseCocoResults, type CocoIds, type ResultsTruth } from '../coco.ts';
import { parseClassMapping, parseLabelCsv } from '../csv.ts';
import type { LabelFormat } from '../formats.ts';
import type { OnProblem } from '../problems.ts';
import { checkClasses } from '../table-builder.ts';
import type { LabelTable } from '../types.ts';
import { parseVoc, type VocDocument } from '../voc.ts';
import { parseClassList } from '../yolo.ts';
import { checkFolder, listFiles } from '../../imagery/node/files.ts';
import { imageEnding } from '../../imagery/node/image-size.ts';
import { findLabels, isVocName } from './find-labels.ts';
import { readGeojson, readSpaceNetCsv } from './read-spacenet.ts';
import { readYolo } from './read-yolo.ts';
import { loadXmlReader } from './xml.ts';
import { reasonOf } from '../../common/check.ts';

/** How labels are read. */
export interface ReadLabelsOptions {
  /** Default: found by names and first lines. */
  readonly format?: LabelFormat;
  /** Folder that the paths of the images are relative to. Default: searched for around the labels. */
  readonly images?: string;
  /**
   * Names of the classes in the order of the labels, or a file of them: a name on each line, or `name,id` in a `.csv`.
   * Objects of other classes are a problem. Default: as the labels have them; sorted where they give no order.
   */
  readonly classes?: readonly string[] | string;
  /** The truth that detections refer to: for COCO's results, and for the names of images in SpaceNet's proposals. */
  readonly like?: ResultsTruth;
  /** One split of a YOLO `data.yaml`. Default: the images of all. */
  readonly split?: 'train' | 'val' | 'test';
  /** Takes what does not make sense; the entry is skipped. Without it the first problem is thrown. */
  readonly onProblem?: OnProblem;
}

/** Labels with where they come from. */
export interface ReadLabels extends LabelTable {
  readonly format: LabelFormat;
  /** The file or folder of the labels. */
  readonly path: string;
  /** Folder that `images[].file` is relative to. */
  readonly imagesRoot: string;
  /** What the files hold that a table does not, a sentence each. */
  readonly notes: readonly string[];
  /** Of COCO files: the ids that results refer to. */
  readonly coco?: CocoIds;
}

/**
 * Reads labels, true boxes as well as detections, from a file or a folder in any of the `labelFormats`. Images need not
 * be there, but for YOLO (sizes) and GeoJSON (georeferences). The first problem is thrown as an Error that names file
 * and place, or handed to `onProblem`.
 */
export async function readLabels(path: string, options: ReadLabelsOptions = {}): Promise<ReadLabels> {
  const { format, path: found } = await findLabels('readLabels', path, options.format);
  if (options.images !== undefined) await checkFolder('readLabels', options.images);
  if (options.split !== undefined && format !== 'yolo') {
    throw new TypeError(`readLabels: split is ${options.split}, but ${found} is ${format}: only YOLO has splits`);
  }
  const classes = await readClasses(options.classes);
  if (classes !== undefined) checkClasses('readLabels', classes);
  try {
    return { notes: [], ...(await readFormat(format, found, { ...options, classes })), format, path: found };
  } catch (error) {
    // The file as a whole makes no sense.
    const message = reasonOf(error);
    if (options.onProblem === undefined || !(error instanceof Error) || !message.startsWith(found)) throw error;
    const end = message.indexOf(': ', found.length);
    options.onProblem({
      kind: 'syntax',
      source: end < 0 ? found : message.slice(0, end),
      message: message.slice(end + 2),
    });
    return {
      classes: classes ?? [],
      images: [],
      imagesRoot: options.images ?? dirname(found),
      format,
      path: found,
      notes: [],
    };
  }
}

type Given = Omit<ReadLabelsOptions, 'classes'> & { readonly classes: readonly string[] | undefined };
type Read = LabelTable & { readonly imagesRoot: string; readonly notes?: readonly string[]; readonly coco?: CocoIds };

async function readFormat(format: LabelFormat, path: string, options: Given): Promise<Read> {
  const { classes, images, like, onProblem } = options;
  const parsing = { name: path, classes, onProblem, root: images === undefined ? undefined : resolve(images) };
  switch (format) {
    case 'coco': {
      const table = parseCoco(await readText(path), parsing);
      return { ...table, imagesRoot: images ?? (await guessRoot(path, table)) };
    }
    case 'coco-results': {
      if (like === undefined) {
        throw new Error(
          `readLabels: ${path} holds COCO results, whose image_id and category_id refer to a truth: give it as \`like\``,
        );
      }
      const root = (like as { imagesRoot?: unknown }).imagesRoot;
      const imagesRoot = images ?? (typeof root === 'string' ? root : dirname(path));
      return { ...parseCocoResults(await readText(path), like, parsing), imagesRoot };
    }
    case 'voc':
      return readVoc(path, options);
    case 'yolo':
      return readYolo(path, options);
    case 'spacenet-csv':
      return readSpaceNetCsv(path, await readText(path), options);
    case 'geojson':
      return readGeojson(path, options);
    case 'csv':
    case 'deepforest':
    case 'keras-retinanet': {
      const mapping = format === 'keras-retinanet' ? await findMapping(path) : undefined;
      const table = parseLabelCsv(await readText(path), { ...parsing, classes: classes ?? mapping });
      return { ...table, imagesRoot: images ?? (await guessRoot(path, table)) };
    }
  }
}

async function readVoc(path: string, { classes, images, onProblem }: Given): Promise<Read> {
  const readXml = await loadXmlReader();
  const single = (await stat(path)).isFile();
  const folder = single ? dirname(path) : path;
  const files = single ? [basename(path)] : (await listFiles(folder)).filter(isVocName);
  if (files.length === 0) throw new Error(`${path}: no .xml file in this folder, expected Pascal VOC's annotations`);
  // One after the other: a folder may hold more files than a process may open at once.
  const documents: VocDocument[] = [];
  for (const file of files) documents.push({ path: file, text: await readText(join(folder, file)) });
  const roots =
    images === undefined
      ? [join(folder, '../JPEGImages'), join(folder, '../images'), join(folder, 'images'), folder]
      : [images];
  const near = new Map<string, string>();
  for (const root of roots) {
    for (const file of await listFiles(root).catch(() => [])) {
      const bare = file.replace(/\.[^./]*$/, '');
      if (imageEnding.test(file) && !near.has(bare)) near.set(bare, file);
    }
  }
  const table = parseVoc(documents, readXml, { name: folder, classes, onProblem, findImage: (bare) => near.get(bare) });
  return { ...table, imagesRoot: images ?? (await firstWith(roots, table)) };
}

/** Names of classes that are given, or in a file that is. */
async function readClasses(given: readonly string[] | string | undefined): Promise<readonly string[] | undefined> {
  if (typeof given !== 'string') return given;
  const text = await readText(given);
  return /\.csv$/i.test(given) ? parseClassMapping(text, given) : parseClassList(text, given);
}

/** keras-retinanet's mapping beside its annotations: `NAME-classes.csv`, as `writeLabels` writes it, or `classes.csv`. */
async function findMapping(path: string): Promise<readonly string[] | undefined> {
  for (const file of [path.replace(/\.csv$/i, '-classes.csv'), join(dirname(path), 'classes.csv')]) {
    const text = file === path ? null : await readFile(file, 'utf8').catch(() => null);
    if (text !== null) return parseClassMapping(text, file);
  }
  return undefined;
}

/** The folder around a label file in which its images stand, as data sets are commonly laid out. */
async function guessRoot(path: string, table: LabelTable): Promise<string> {
  const folder = dirname(path);
  const split = basename(path)
    .replace(/\.[^.]*$/, '')
    .replace(/^(instances|annotations|labels)_/, '');
  const around = ['', 'images', '..', '../images', split, `images/${split}`, `../${split}`, `../images/${split}`];
  return firstWith(
    around.map((name) => join(folder, name)),
    table,
  );
}

/** The folder that has most of the first images of a table; the first where none has any. */
async function firstWith(roots: readonly string[], table: LabelTable): Promise<string> {
  let best = { root: roots[0]!, count: 0 };
  const sample = table.images.slice(0, 20);
  for (const root of roots) {
    const found = await Promise.all(sample.map(({ file }) => stat(join(root, file)).catch(() => null)));
    const count = found.filter((entry) => entry !== null).length;
    if (count > best.count) best = { root, count };
  }
  return best.root;
}

/** Text in UTF-8. Rejects with the file's name for other bytes. */
async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new Error(`readLabels: ${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Error(`${path}: the text is not UTF-8 (save it as UTF-8)`, { cause: error });
  }
}
