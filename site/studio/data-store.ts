// Data sets in the browser's private file system: data/ID/data.json says what a data set is, and images/HASH are the files of the
// images, which data sets share. A data set never changes: with other labels it is another one, so that a run keeps its own.
import type { ImageDecoding, LabelledObject, LabelProblem } from 'retinagrad/data';
import type { ImageFacts } from 'retinagrad/detector';
import { countBoxed, problemTexts } from './own-labels.ts';
import { sha256 } from './sha256.ts';
import { fileIn, folderOf, listRuns, readJson, writeFile } from './store.ts';

/** An image of a data set. */
export interface OwnImage {
  /** Path in the folder that was given; unique. */
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly facts: ImageFacts;
  /** Null if it is not annotated yet: such images are not trained on. */
  readonly objects: readonly LabelledObject[] | null;
}

/** What data.json says. */
export interface OwnData {
  readonly id: string;
  readonly name: string;
  readonly format: string;
  readonly classes: readonly string[];
  readonly images: readonly OwnImage[];
  /** How the images are decoded: GeoTIFF files alike. Absent in data sets of bytes that were stored by older versions. */
  readonly decoding?: ImageDecoding;
  readonly problems: readonly LabelProblem[];
  readonly notes: readonly string[];
}

/** What the page shows of a data set. */
export interface DataSummary {
  readonly id: string;
  readonly name: string;
  readonly images: number;
  /** Images with labels, or known to have no objects. */
  readonly annotated: number;
  /** Images with boxes, and boxes. */
  readonly boxed: number;
  readonly boxes: number;
  readonly classes: readonly string[];
  /** Side of the tiles that its images are cut into at first; null for whole images. */
  readonly tile: number | null;
  /** Files and entries that were left out, a sentence each. */
  readonly notes: readonly string[];
}

/** Other labels for some images. */
export type NewLabels = ReadonlyMap<string, OwnImage['objects']>;

const imagesFolder = (): Promise<FileSystemDirectoryHandle> => folderOf('images');

export function summaryOf({ id, name, classes, images, problems, notes }: OwnData): DataSummary {
  const annotated = images.filter(({ objects }) => objects !== null);
  return {
    id,
    name,
    images: images.length,
    annotated: annotated.length,
    boxed: countBoxed(images),
    boxes: annotated.reduce((sum, { objects }) => sum + objects!.length, 0),
    classes,
    tile: tileFor(images),
    notes: [...problemTexts(problems), ...notes],
  };
}

/** Longer sides are cut into tiles; of one image alone, tiles are trained on and held out, several on each side. */
const LARGE = 1024;
const TILES = [512, 256, 128, 64];
const TILES_PER_SIDE = 4;

function tileFor(images: readonly OwnImage[]): number | null {
  const side = Math.max(...images.map(({ width, height }) => Math.max(width, height)));
  if (images.length > 1) return side > LARGE ? TILES[0]! : null;
  return TILES.find((tile) => side >= TILES_PER_SIDE * tile) ?? null;
}

/** What is known of a data set in storage; null if it is not there. */
export const ownData = async (id: string): Promise<OwnData | null> => readJson(await folderOf('data', id), 'data.json');

/** The file of an image, by the hash of its facts. Rejects if it is not there. */
export async function imageFile({ file, facts }: OwnImage): Promise<File> {
  const found = await fileIn(await imagesFolder(), facts.hash!);
  if (found === null) throw new Error(`${file} is not in the storage of this browser any more: choose the files again`);
  return found;
}

/** Stores the file of an image. */
export const keepImage = async (hash: string, source: Blob): Promise<void> =>
  writeFile(await imagesFolder(), hash, source);

/** Stores a data set. Its id says its contents: the same files have the same id on every computer, so that a link fits there too. */
export async function keepData(content: Omit<OwnData, 'id'>): Promise<OwnData> {
  const { classes, images } = content;
  const text = JSON.stringify([classes, images.map(({ file, facts, objects }) => [file, facts.hash, objects])]);
  const id = (await sha256(new TextEncoder().encode(text))).slice(0, 16);
  const data: OwnData = { id, ...content };
  await writeFile(await folderOf('data', id), 'data.json', JSON.stringify(data));
  return data;
}

/** The data set with other classes and labels, in place of the one before, which stays if a run needs it. */
export async function relabel(id: string, classes: readonly string[], labels: NewLabels): Promise<OwnData> {
  const before = await ownData(id);
  if (before === null) throw new Error('the data set is not in this browser any more: choose its files again');
  const images = before.images.map((image) => {
    const objects = labels.get(image.file);
    return objects === undefined ? image : { ...image, objects };
  });
  const { id: _id, ...content } = before;
  const after = await keepData({ ...content, classes, images });
  const runs = await listRuns();
  if (after.id !== id && !runs.some(({ data }) => data === id)) await removeFolder(id);
  return after;
}

/** All data sets in storage. */
export async function listData(): Promise<OwnData[]> {
  const all: OwnData[] = [];
  for await (const id of (await folderOf('data')).keys()) {
    const data = await ownData(id);
    if (data !== null) all.push(data);
  }
  return all;
}

const removeFolder = async (id: string): Promise<void> => (await folderOf('data')).removeEntry(id, { recursive: true });

/** Deletes a data set, and the images that no other one has. */
export async function removeData(id: string): Promise<void> {
  await removeFolder(id);
  const used = new Set((await listData()).flatMap(({ images }) => images.map(({ facts }) => facts.hash)));
  const folder = await imagesFolder();
  const names: string[] = [];
  for await (const name of folder.keys()) if (!used.has(name)) names.push(name);
  for (const name of names) await folder.removeEntry(name);
}
