import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { reporter, type OnProblem } from '../problems.ts';
import type { LabelledImage, LabelledObject, LabelTable } from '../types.ts';
import { parseClassList, parseYolo, parseYoloData } from '../yolo.ts';
import { listFiles, stem } from '../../imagery/node/files.ts';
import { imageEnding, imageSizeOf } from '../../imagery/node/image-size.ts';
import { reasonOf } from '../../common/check.ts';

const CLASS_FILES = ['classes.txt', 'obj.names', 'labels/classes.txt', 'labels/obj.names', '_darknet.labels'];

/** What is read of a YOLO data set. */
export interface YoloOptions {
  /** Folder of the images. */
  readonly images?: string | undefined;
  readonly classes?: readonly string[] | undefined;
  readonly split?: 'train' | 'val' | 'test' | undefined;
  readonly onProblem?: OnProblem | undefined;
}

/**
 * Reads labels in YOLO's text: at a `data.yaml`, at a folder that has one, or at a bare folder of images with their
 * labels in a folder `labels` beside `images`, or beside the images. An image without a file of labels is empty.
 */
export async function readYolo(path: string, options: YoloOptions): Promise<LabelTable & { imagesRoot: string }> {
  const report = reporter(options.onProblem);
  const yaml = await findYaml(path);
  const base = yaml === null ? path : dirname(yaml);
  const data = yaml === null ? null : parseYoloData(await readFile(yaml, 'utf8'), yaml);
  const names = data?.names ?? (await readClassFile(base)) ?? options.classes;
  if (names === undefined) {
    throw new Error(
      `readLabels: ${base} has no data.yaml with names and no ${CLASS_FILES.slice(0, 2).join(' or ')}: give \`classes\``,
    );
  }
  const folders = await imageFolders(base, data, options);
  const root = options.images ?? folders.root;
  const classes = options.classes ?? names;
  const images: LabelledImage[] = [];
  const used = new Set<string>();
  for (const image of folders.images) {
    const file = relative(root, image).split(sep).join('/');
    const labels = await labelFileOf(image, options.images === undefined ? null : { base, file });
    if (labels !== null) used.add(resolve(labels));
    const text = labels === null ? '' : await readFile(labels, 'utf8');
    let size: { width: number; height: number };
    try {
      size = await imageSizeOf(image);
    } catch (error) {
      report('image', image, reasonOf(error));
      continue;
    }
    const source = { name: labels ?? image, classes: names.length, ...size, onProblem: options.onProblem };
    const objects = parseYolo(text, source).flatMap((object): LabelledObject[] => {
      const name = names[object.label]!;
      const label = classes.indexOf(name);
      if (label >= 0) return [{ ...object, label }];
      report('class', object.source!, `class "${name}" is none of ${classes.join(', ')}`);
      return [];
    });
    images.push({ file, ...size, objects });
  }
  for (const labels of await labelFiles(base, folders.labels)) {
    if (!used.has(resolve(labels))) report('image', labels, `there is no image ${stem(labels)} in ${root}`);
  }
  return { classes, images, imagesRoot: root };
}

/** Path of the labels of an image among known files: in `labels` for `images`, or beside it; null where there is none. */
export function yoloLabelPath(image: string, known: { has(file: string): boolean }): string | null {
  const text = image.replace(/\.[^./]*$/, '.txt');
  const at = `/${text}`.lastIndexOf('/images/');
  const beside = at < 0 ? null : `${text.slice(0, at)}labels/${text.slice(at + 7)}`;
  return beside !== null && known.has(beside) ? beside : known.has(text) ? text : null;
}

async function findYaml(path: string): Promise<string | null> {
  if ((await stat(path)).isFile()) return path;
  for (const file of await listFiles(path)) {
    if (!/^[^/]*\.ya?ml$/i.test(file)) continue;
    const full = join(path, file);
    if (/^\s*["']?names["']?\s*:/m.test(await readFile(full, 'utf8'))) return full;
  }
  return null;
}

async function readClassFile(base: string): Promise<string[] | undefined> {
  for (const file of CLASS_FILES) {
    const text = await readFile(join(base, file), 'utf8').catch(() => null);
    if (text !== null) return parseClassList(text, join(base, file));
  }
  return undefined;
}

interface Folders {
  /** The folder that all images lie in. */
  readonly root: string;
  readonly images: readonly string[];
  /** Whether the labels of one split are asked for: then files of others are no surprise. */
  readonly labels: 'all' | 'split';
}

async function imageFolders(
  base: string,
  data: ReturnType<typeof parseYoloData> | null,
  { images, split }: YoloOptions,
): Promise<Folders> {
  if (split !== undefined && data?.splits[split] === undefined) {
    throw new Error(
      `readLabels: ${base}: no split ${split} in its data.yaml, only ${Object.keys(data?.splits ?? {}).join(', ') || 'none'}`,
    );
  }
  if (images !== undefined && split === undefined)
    return { root: images, images: await imagesIn(images), labels: 'all' };
  const all = data === null ? {} : data.splits;
  const lists = Object.entries(all).flatMap(([name, entries]) => entries.map((entry) => ({ name, entry })));
  if (lists.length === 0) {
    const inside = join(base, 'images');
    const root = (await isFolder(inside)) ? inside : base;
    return { root, images: await imagesIn(root), labels: 'all' };
  }
  const found: { name: string; files: string[] }[] = [];
  for (const { name, entry } of lists) {
    const path = await resolveSplit(base, data?.path ?? null, entry);
    // Other splits may be elsewhere; the one that is asked for must be there.
    if (path === null && split !== undefined && name !== split) continue;
    if (path === null) {
      throw new Error(
        `readLabels: ${base}: ${name} is ${entry}, which does not exist there; give the folder of the images as \`images\``,
      );
    }
    found.push({ name, files: await filesOf(path) });
  }
  const root =
    images ??
    commonFolder(
      found.flatMap(({ files }) => files),
      base,
    );
  const chosen = found.filter(({ name }) => split === undefined || name === split).flatMap(({ files }) => files);
  return { root, images: [...new Set(chosen)].sort(), labels: split === undefined ? 'all' : 'split' };
}

/** Where a split lies: Ultralytics takes it relative to `path`, Roboflow writes one `../` too many. */
async function resolveSplit(base: string, path: string | null, entry: string): Promise<string | null> {
  const bases = path === null ? [base] : [resolve(base, path), base];
  for (const from of bases) {
    for (const name of [entry, entry.replace(/^(\.\.\/)+/, '')]) {
      const full = isAbsolute(name) ? name : join(from, name);
      if ((await stat(full).catch(() => null)) !== null) return full;
    }
  }
  return null;
}

async function filesOf(path: string): Promise<string[]> {
  if (!/\.txt$/i.test(path)) return imagesIn(path);
  const lines = (await readFile(path, 'utf8')).split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line !== '').map((line) => (isAbsolute(line) ? line : join(dirname(path), line)));
}

async function imagesIn(folder: string): Promise<string[]> {
  return (await listFiles(folder)).filter((file) => imageEnding.test(file)).map((file) => join(folder, file));
}

async function labelFileOf(image: string, given: { base: string; file: string } | null): Promise<string | null> {
  const bare = image.split(sep).join('/');
  const candidates: string[] = [];
  // With a folder of images elsewhere the labels keep its structure.
  if (given !== null) {
    for (const folder of ['labels', ''])
      candidates.push(join(given.base, folder, given.file.replace(/\.[^./]*$/, '.txt')));
  }
  yoloLabelPath(bare, { has: (file) => candidates.push(file) < 0 });
  for (const file of candidates) if ((await stat(file).catch(() => null))?.isFile() === true) return file;
  return null;
}

/** All files in folders `labels`, of which each should have an image. */
async function labelFiles(base: string, labels: Folders['labels']): Promise<string[]> {
  if (labels === 'split') return [];
  const files = (await listFiles(base)).filter((file) => /(^|\/)labels\/.*\.txt$/i.test(file));
  return files.filter((file) => basename(file) !== 'classes.txt').map((file) => join(base, file));
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}

/** The deepest folder that holds all files. */
function commonFolder(files: readonly string[], otherwise: string): string {
  let parts: string[] | null = null;
  for (const file of files) {
    const own = dirname(resolve(file)).split(sep);
    if (parts === null) parts = own;
    let same = 0;
    while (same < parts.length && parts[same] === own[same]) same++;
    parts = parts.slice(0, same);
  }
  return parts === null ? otherwise : parts.join(sep) || sep;
}
