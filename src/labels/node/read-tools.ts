import { stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { counted, reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { stem, withoutExtension } from '../../common/file-names.ts';
import { listFiles } from '../../imagery/node/files.ts';
import { imageEnding, imageSizeOf } from '../../imagery/node/image-size.ts';
import { parseDota } from '../tools/dota.ts';
import { isLabelMe, parseLabelMe, type LabelDocument } from '../tools/labelme.ts';
import { openImagesIds, parseClassDescriptions, parseOpenImages, type SizedFile } from '../tools/open-images.ts';
import { LabelError, reporter, type ParseOptions } from '../problems.ts';
import type { ShapeLabels, ShapeOptions } from '../shapes.ts';
import { imagePath } from '../table-builder.ts';
import { UniqueNames } from '../unique-names.ts';
import { readText } from './label-files.ts';

/** How the labels of other tools are read. */
type ToolOptions = Omit<ParseOptions, 'name'> & ShapeOptions & { readonly images?: string | undefined };
type ToolLabels = ShapeLabels & { readonly imagesRoot: string };

/** Images around label files. */
interface NearImages {
  readonly root: string;
  /** Paths relative to `root`. */
  readonly files: readonly string[];
}

/** The images in a given folder, otherwise in the first of the `usual` ones that has some. */
async function imageFolder(images: string | undefined, usual: readonly [string, ...string[]]): Promise<NearImages> {
  for (const root of images === undefined ? usual : [images]) {
    const files = (await listFiles(root).catch(() => [])).filter((file) => imageEnding.test(file));
    if (files.length > 0) return { root, files };
  }
  return { root: images ?? usual[0], files: [] };
}

/** Images by their paths and by their names, both without extension: of images with the same name, none. */
function bareNames(files: readonly string[]): (path: string) => string | undefined {
  const byPath = new Map(files.map((file) => [withoutExtension(file), file]));
  const names = new Map<string, string | undefined>();
  for (const file of files) names.set(stem(file), names.has(stem(file)) ? undefined : file);
  return (path) => byPath.get(path) ?? names.get(basename(path));
}

/** The documents of a format with a file per image: one file, or all that fit in a folder. */
async function documentsIn(
  path: string,
  fits: (file: string) => boolean,
  shorten: (text: string) => string = (text) => text,
): Promise<{ folder: string; documents: LabelDocument[] }> {
  const isFile = (await stat(path)).isFile();
  const folder = isFile ? dirname(path) : path;
  const files = isFile ? [basename(path)] : (await listFiles(path)).filter(fits);
  const documents: LabelDocument[] = [];
  // Sequentially: a folder may hold more files than a process may open at once.
  for (const file of files)
    documents.push({ path: join(folder, file), text: shorten(await readText(join(folder, file))) });
  return { folder, documents };
}

/** LabelMe's JSON without the image that it may contain, which for all files would be too much for the memory. */
const withoutImage = (text: string): string => text.replace(/"imageData"\s*:\s*"[^"]*"/, '"imageData": null');

/** Reads LabelMe's JSON: one file, or those in a folder. Other JSON files there are skipped. */
export async function readLabelMe(path: string, options: ToolOptions): Promise<ToolLabels> {
  const { folder, documents } = await documentsIn(path, (file) => /\.json$/i.test(file), withoutImage);
  const isOne = (await stat(path)).isFile();
  const { root, files } = await imageFolder(options.images, [folder, join(folder, '../images'), join(folder, '..')]);
  const known = new Set(files);
  const names = new UniqueNames(files);
  const findBare = bareNames(files);
  const inRoot = (file: string): string => relative(root, file).split(sep).join('/');
  // A damaged file with the name of an image is not skipped.
  const isOwn = ({ path: file, text }: LabelDocument): boolean =>
    isOne || isLabelMe(text) || findBare(withoutExtension(inRoot(file))) !== undefined;
  const own = documents.filter(isOwn);
  if (own.length === 0) throw new LabelError('syntax', { file: path }, "no .json file of LabelMe's in this folder");
  const table = parseLabelMe(own, {
    ...options,
    name: path,
    findImage(document, given) {
      const slashed = given.replaceAll('\\', '/');
      const place = inRoot(resolve(dirname(document), slashed === '' ? withoutExtension(basename(document)) : slashed));
      const found = given === '' ? findBare(place) : known.has(place) ? place : names.find(basename(slashed));
      if (found !== undefined) return found;
      const wanted = given === '' ? `with the name of this file (it has no imagePath)` : given;
      if (files.length > 0) return { problem: `there is no image ${wanted} in ${root}, or more than one` };
      // Without any images near: the labels alone can be converted.
      let problem = `there is no image ${wanted}`;
      const free = imagePath(place, { file: document }, (_, __, reason) => ((problem = reason), null));
      return given === '' || free === null ? { problem } : free;
    },
  });
  return { ...table, imagesRoot: root, notes: [...table.notes, ...names.notes()] };
}

/** Whether a file is in a folder of DOTA's labels, by the name of that: `labelTxt`, `labelTxt-v1.5`. */
export const isInLabelTxt = (file: string): boolean =>
  /(^|\/)labelTxt[^/]*\//i.test(resolve(file).split(sep).join('/'));

/** Reads DOTA's text: one file, or in a folder those in `labelTxt` and those with the name of an image. */
export async function readDota(path: string, options: ToolOptions): Promise<ToolLabels> {
  const isOne = (await stat(path)).isFile();
  const folder = isOne ? dirname(path) : path;
  const near = (name: string): string => join(folder, name);
  const { root, files } = await imageFolder(options.images, [near('images'), folder, near('../images'), near('..')]);
  const findBare = bareNames(files);
  /** Where the image of a label file would be, relative to the images, without extension. */
  const placeOf = (document: string): string => {
    const place = relative(root, resolve(document)).split(sep).join('/');
    return withoutExtension(place.replace(/(^|\/)labelTxt[^/]*\//i, '$1images/'));
  };
  const { documents } = await documentsIn(
    path,
    (file) =>
      /\.txt$/i.test(file) && (isInLabelTxt(join(folder, file)) || findBare(placeOf(join(folder, file))) !== undefined),
  );
  if (documents.length === 0) throw new LabelError('syntax', { file: path }, "no .txt file of DOTA's in this folder");
  const table = parseDota(documents, {
    ...options,
    name: path,
    findImage: (document) =>
      findBare(placeOf(document)) ?? { problem: `there is no image ${stem(document)} in ${root}, or more than one` },
  });
  return { ...table, imagesRoot: root };
}

/**
 * Reads the boxes of Open Images. Names of classes are in files `*class-descriptions*.csv` beside it, otherwise the classes are
 * ids such as `/m/0k4j`. Images that are not in the folder are counted in `notes`: usually a part of them was downloaded.
 */
export async function readOpenImages(path: string, options: ToolOptions): Promise<ToolLabels> {
  const text = await readText(path);
  const report = reporter(options.onProblem);
  const { root, files } = await imageFolder(options.images, [join(dirname(path), 'images'), dirname(path)]);
  const findBare = bareNames(files);
  const images = new Map<string, SizedFile>();
  let missing = 0;
  for (const id of openImagesIds(text, path)) {
    const file = findBare(id);
    if (file === undefined) {
      missing++;
      continue;
    }
    try {
      images.set(id, { file, ...(await imageSizeOf(join(root, file))) });
    } catch (error) {
      report('image', { file: join(root, file) }, error instanceof InputError ? error.reason : reasonOf(error));
    }
  }
  if (images.size === 0 && missing > 0) {
    const reason = `none of its ${counted(missing, 'image', 'images')} is in ${root}, and the boxes are fractions of their size`;
    throw new InputError('readLabels', `${path}: ${reason}`, {
      remedy: 'give the folder of the images with',
      option: 'images',
    });
  }
  const classNames = await classDescriptions(dirname(path));
  const table = parseOpenImages(text, { ...options, name: path, images, classNames });
  const ids = table.classes.filter((name) => /^\/[mt]\//.test(name));
  const notes = [
    ...(missing === 0 ? [] : [`${path}: the boxes of ${counted(missing, 'image', 'images')} that are not in ${root}`]),
    ...(ids.length === 0
      ? []
      : [
          `the names of ${counted(ids.length, 'class', 'classes')}, such as ${ids[0]}: put class-descriptions.csv beside ${path}`,
        ]),
  ];
  return { ...table, imagesRoot: root, notes };
}

async function classDescriptions(folder: string): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const file of await listFiles(folder)) {
    if (!/^[^/]*class-descriptions[^/]*\.csv$/i.test(file)) continue;
    const path = join(folder, file);
    for (const [id, name] of parseClassDescriptions(await readText(path), path)) names.set(id, name);
  }
  return names;
}
