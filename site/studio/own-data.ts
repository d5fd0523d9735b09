// Somebody's own images and labels: read once, kept in the browser's private file system, so that a run can be continued after a
// reload, and opened for training.
import type { Dataset } from 'retinagrad';
import { clipAnnotations, type LabelProblem, type LabelTable } from 'retinagrad/data';
import { blackFraction, differenceHash, levelRange, noFacts, type ImageFacts } from 'retinagrad/detector';
import { decodeImage, imageName } from './decode.ts';
import { labelName, readOwnLabels, type SizedFile } from './own-labels.ts';
import { sha256 } from './sha256.ts';
import { dataFolder, fileIn, readJson, writeFile } from './store.ts';

/** A file that was chosen or dropped, with its path in the folder. */
export interface GivenFile {
  readonly path: string;
  readonly file: File;
}

/** What data.json says. The file of image number `i` is `image-i`. */
export interface OwnData {
  readonly id: string;
  readonly name: string;
  readonly format: string;
  readonly table: LabelTable;
  readonly facts: readonly ImageFacts[];
  readonly problems: readonly LabelProblem[];
  readonly notes: readonly string[];
}

/** What the page shows of a data set. */
export interface DataSummary {
  readonly id: string;
  readonly name: string;
  readonly images: number;
  readonly boxes: number;
  readonly classes: readonly string[];
  /** Files and entries that were left out, a sentence each. */
  readonly notes: readonly string[];
}

interface ReadImage extends SizedFile {
  readonly source: File;
  readonly facts: ImageFacts;
}

type OnProgress = (done: number, total: number) => void;

/** Reads files and stores them as a data set. Rejects with an Error that says what is missing. */
export async function importData(files: readonly GivenFile[], onProgress: OnProgress): Promise<DataSummary> {
  const given = files.filter(({ path }) => imageName.test(path));
  const texts = files.filter(({ path }) => labelName.test(path));
  const others = files.filter(({ path }) => !imageName.test(path) && !labelName.test(path));
  if (given.length === 0) {
    const tiffs = others.filter(({ path }) => /\.tiff?$/i.test(path)).length;
    throw new Error(
      tiffs > 0
        ? `the ${tiffs} GeoTIFF files cannot be read in a browser yet: convert them to PNG (retinagrad tiles), or train with the command`
        : `there is no image among these ${files.length} files: expected PNG, JPEG, WebP, GIF, BMP or AVIF`,
    );
  }
  const images: ReadImage[] = [];
  const damaged: string[] = [];
  for (const [i, one] of given.entries()) {
    const read = await readImage(one).catch((error: unknown) => String((error as Error).message));
    if (typeof read === 'string') damaged.push(read);
    else images.push(read);
    onProgress(i + 1, given.length);
  }
  const labels = readOwnLabels(
    await Promise.all(texts.map(async ({ path, file }) => ({ path, text: await file.text() }))),
    images,
  );
  const byFile = new Map(images.map((image) => [image.file, image]));
  const kept = labels.table.images.map(({ file }) => byFile.get(file)!);
  const name = nameOf(files);
  const id = await idOf(kept, labels.table);
  const unread = others.length === 0 ? [] : [`${others[0]!.path}${more(others.length)}: not an image or label file`];
  const { table, problems, format } = labels;
  const notes = [...damaged, ...unread, ...labels.notes];
  const data: OwnData = { id, name, format, table, problems, notes, facts: kept.map(({ facts }) => facts) };
  const folder = await dataFolder(id);
  for (const [i, { source }] of kept.entries()) await writeFile(folder, `image-${i}`, source);
  await writeFile(folder, 'data.json', JSON.stringify(data));
  return summaryOf(data);
}

const more = (count: number): string => (count > 1 ? ` and ${count - 1} more` : '');

export function summaryOf({ id, name, table, problems, notes }: OwnData): DataSummary {
  const wrong = problems.slice(0, 5).map(({ origin, reason }) => `${origin}: ${reason}`);
  if (problems.length > wrong.length) wrong.push(`${problems.length - wrong.length} more entries were left out`);
  const boxes = table.images.reduce((sum, { objects }) => sum + objects.length, 0);
  return { id, name, images: table.images.length, boxes, classes: table.classes, notes: [...wrong, ...notes] };
}

/** The folder that all files are in, or a name for files that are not. */
function nameOf(files: readonly GivenFile[]): string {
  const [folder = ''] = files[0]!.path.split('/');
  const isIn = files.every(({ path }) => path.startsWith(`${folder}/`));
  return isIn ? folder : `${files.length} own files`;
}

async function readImage({ path, file: source }: GivenFile): Promise<ReadImage> {
  const image = await decodeImage(source, path);
  const [height, width] = image.shape as [number, number];
  const facts = {
    ...noFacts(path),
    size: { width, height },
    hash: await sha256(await source.arrayBuffer()),
    difference: differenceHash(image),
    levels: levelRange(image),
    black: blackFraction(image),
  };
  return { file: path, width, height, source, facts };
}

/** The same files have the same id on every computer, so that a link fits them there too. */
async function idOf(images: readonly ReadImage[], table: LabelTable): Promise<string> {
  const text = JSON.stringify([images.map(({ file, facts }) => [file, facts.hash]), table]);
  return (await sha256(new TextEncoder().encode(text))).slice(0, 16);
}

/** What is known of a data set in storage; null if it is not there. */
export const ownData = async (id: string): Promise<OwnData | null> => readJson(await dataFolder(id), 'data.json');

/** Opens a data set in storage. Rejects if it is not there. */
export async function openOwnData(id: string): Promise<Dataset> {
  const data = await ownData(id);
  if (data === null)
    throw new Error('the images of this run or link are not in this browser: choose their files again');
  const folder = await dataFolder(id);
  const { classes, images } = data.table;
  const annotations = images.map(({ width, height, objects }) => {
    const kept = objects.filter(({ crowd }) => crowd !== true);
    const boxes = Float32Array.from(kept.flatMap(({ box }) => [...box]));
    return clipAnnotations({ boxes, labels: Int32Array.from(kept, ({ label }) => label) }, width!, height!);
  });
  return {
    classes,
    ids: images.map(({ file }) => file),
    decoding: {},
    async get(index) {
      const { file: id } = images[index]!;
      const file = await fileIn(folder, `image-${index}`);
      if (file === null)
        throw new Error(`${id} is not in the storage of this browser any more: choose the files again`);
      return { id, image: await decodeImage(file, id), ...annotations[index]! };
    },
    async describe(index) {
      const { file: id, width, height } = images[index]!;
      return { id, width: width!, height: height!, ...annotations[index]! };
    },
  };
}
