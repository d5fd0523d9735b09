import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../common/errors.ts';
import { withoutExtension } from '../../common/file-names.ts';
import { listFiles, readHead } from '../../imagery/node/files.ts';
import { imageEnding } from '../../imagery/node/image-size.ts';
import { isLayerName, labelFormatOf } from '../detect-format.ts';
import { isDota } from '../tools/dota.ts';
import { formatExamples, isWritableFormat, type LabelFormat } from '../formats.ts';
import { isInLabelTxt } from './read-tools.ts';
import { yoloLabelPath } from './read-yolo.ts';
import { isPlaceLabel } from './spacenet-layout.ts';

/** The format of labels, and the file or folder that contains them. */
export interface FoundLabels {
  readonly format: LabelFormat;
  readonly path: string;
}

/**
 * Detects the format of a label file, or of the labels in a folder, from names and first lines. Rejects with an `InputError`
 * for unknown formats, and for a folder with labels in several formats.
 */
export async function detectLabelFormat(path: string): Promise<LabelFormat> {
  return (await findLabels('detectLabelFormat', path)).format;
}

/** Formats with a file for each image: their labels are a folder. */
const IN_FOLDERS: readonly LabelFormat[] = ['voc', 'yolo', 'geojson', 'labelme', 'dota'];

/** Finds the labels in a file or folder, optionally only those in `format`. Rejects with an `InputError` of `op`. */
export async function findLabels(op: string, path: string, format?: LabelFormat): Promise<FoundLabels> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new InputError(op, `${path} does not exist`);
  if (!found.isDirectory()) {
    if (format !== undefined) return { format, path };
    const detected = await formatOfFile(path);
    if (detected !== null) return { format: detected, path };
    const reason = `${path} is not a label file, judging by its name and first lines`;
    throw new InputError(op, `${reason}. Expected one of\n${examples()}`);
  }
  const files = await listFiles(path);
  const all = await listLabels(path, files);
  const fitting = format === undefined ? all : all.filter((labels) => labels.format === format);
  const [first] = fitting;
  // If the files in the folder do not look like the given format, its reader reports why.
  if (first === undefined && format !== undefined && IN_FOLDERS.includes(format)) return { format, path };
  if (first === undefined) {
    const count = (pattern: RegExp): number => files.filter((file) => pattern.test(file)).length;
    throw new InputError(
      op,
      `no ${format ?? 'known'} labels in ${path} (${files.length} files: ${count(imageEnding)} images, ` +
        `${count(/\.json$/i)} .json, ${count(/\.xml$/i)} .xml, ${count(/\.txt$/i)} .txt, ${count(/\.csv$/i)} .csv, ` +
        `${count(/\.geojson$/i)} .geojson). Expected one of\n${examples()}`,
    );
  }
  if (fitting.length === 1) return first;
  const list = fitting.map((labels) => `${labels.path} (${labels.format})`).join(', ');
  throw new InputError(
    op,
    `${fitting.length} kinds of labels in ${path}: ${list}: give one of them instead of the folder`,
  );
}

/** An example of each format, one per line. */
export function examples(): string {
  return Object.entries(formatExamples)
    .map(([format, example]) => `  ${format}: ${example}`)
    .join('\n');
}

/**
 * All labels in a folder with the given files. Those in the formats of annotation tools, which are only read, count only if
 * there are no others, as they may be the source of these; and detections in COCO's format only if there is nothing else.
 */
export async function listLabels(folder: string, files: readonly string[]): Promise<FoundLabels[]> {
  const near = await labelFilesNearTop(folder, files);
  const results = near.filter(({ format }) => format === 'coco-results');
  const labels = near.filter(({ format }) => isWritableFormat(format) && format !== 'coco-results');
  const tools = near.filter(({ format }) => !isWritableFormat(format));
  const geojson = files.some(isPlaceLabel);
  // SpaceNet's data sets have both: the outlines in map coordinates are preferred, as in `openSpaceNet`.
  const found = geojson ? labels.filter(({ format }) => format !== 'spacenet-csv') : labels;
  if (geojson) found.push({ format: 'geojson', path: folder });
  for (const file of files) {
    if (isLayerName(file) && file.split('/').length <= 2) found.push({ format: 'vector', path: join(folder, file) });
  }
  const voc = await findVoc(folder, files);
  if (voc !== null) found.push(voc);
  const labelMe = await findLabelMe(folder, files);
  if (labelMe !== null) tools.push(labelMe);
  const text = await formatOfText(folder, files);
  if (text === 'dota') tools.push({ format: text, path: folder });
  else if (text !== null && !found.some(({ format }) => format === text)) found.push({ format: text, path: folder });
  return [found, tools, results].find((list) => list.length > 0) ?? onlyCsv(folder, files);
}

/** The format of the text files of images: the first one that is not empty decides. Null if there is none. */
async function formatOfText(folder: string, files: readonly string[]): Promise<'yolo' | 'dota' | null> {
  const known = new Set(files);
  const ofImages = files.flatMap((file) => (imageEnding.test(file) ? (yoloLabelPath(file, known) ?? []) : []));
  for (const file of [
    ...files.filter((file) => isInLabelTxt(join(folder, file)) && /\.txt$/i.test(file)),
    ...ofImages,
  ].slice(0, 50)) {
    const text = await readStart(join(folder, file)).catch(() => '');
    if (text.trim() !== '') return isDota(text) ? 'dota' : ofImages.length > 0 ? 'yolo' : null;
  }
  return ofImages.length > 0 ? 'yolo' : null;
}

/** The label files in a folder and its subfolders: a deep folder of thousands of JSON files is something else. */
async function labelFilesNearTop(folder: string, files: readonly string[]): Promise<FoundLabels[]> {
  const labels: FoundLabels[] = [];
  const near = files.filter((file) => file.split('/').length <= 2);
  const candidates = near.filter((file) => /\.(ya?ml|json|csv|tsv)$/i.test(file)).slice(0, 200);
  // Of CVAT, there are a few files; many of them are Pascal VOC's.
  const xml = near.filter(isVocName).slice(0, 10);
  for (const file of [...candidates, ...xml]) {
    if (/\.[ct]sv$/i.test(file) && file.includes('/') && !/^summarydata\//i.test(file)) continue;
    if (/\.ya?ml$/i.test(file) && file.includes('/')) continue;
    const path = join(folder, file);
    const format = await formatOfFile(path).catch(() => null);
    // Formats with a file for each image are found by `listLabels`.
    if (format !== null && !['voc', 'geojson', 'labelme'].includes(format)) labels.push({ format, path });
  }
  return labels;
}

async function findVoc(folder: string, files: readonly string[]): Promise<FoundLabels | null> {
  const xml = files.filter(isVocName);
  const annotations = xml.find((file) => /(^|\/)annotations\//i.test(file));
  for (const file of [...(annotations === undefined ? [] : [annotations]), ...xml.slice(0, 5)]) {
    if ((await formatOfFile(join(folder, file))) === 'voc')
      return { format: 'voc', path: join(folder, vocFolder(file)) };
  }
  return null;
}

/** LabelMe's files are beside the images, or in a folder of their own. */
async function findLabelMe(folder: string, files: readonly string[]): Promise<FoundLabels | null> {
  const images = new Set(files.filter((file) => imageEnding.test(file)).map(withoutExtension));
  const json = files.filter((file) => /\.json$/i.test(file));
  const beside = json.filter((file) => images.has(withoutExtension(file)));
  for (const file of [...beside.slice(0, 5), ...json.slice(0, 5)]) {
    if ((await formatOfFile(join(folder, file))) === 'labelme') return { format: 'labelme', path: folder };
  }
  return null;
}

/** The only CSV next to images is taken as labels: its reader reports what is wrong with the header. */
function onlyCsv(folder: string, files: readonly string[]): FoundLabels[] {
  const tables = files.filter((file) => /^[^/]*\.[ct]sv$/i.test(file));
  const [table] = tables;
  const isAlone = table !== undefined && tables.length === 1 && files.some((file) => imageEnding.test(file));
  return isAlone ? [{ format: 'csv', path: join(folder, table) }] : [];
}

/** Whether a file may be Pascal VOC's: GDAL writes `.aux.xml` next to images. */
export function isVocName(file: string): boolean {
  return /\.xml$/i.test(file) && !/\.aux\.xml$/i.test(file);
}

/** The folder of annotations that contains an XML file; '' is the top. */
function vocFolder(file: string): string {
  return /^((?:.*\/)?annotations)\//i.exec(file)?.[1] ?? '';
}

/** The format of a file; null if it is unknown. */
async function formatOfFile(path: string): Promise<LabelFormat | null> {
  const isText = /\.(?:json|xml|csv|tsv|txt|ya?ml)$/i.test(path);
  return labelFormatOf(path, isText ? await readStart(path) : '');
}

/** The first characters of a file. */
const readStart = async (path: string): Promise<string> => new TextDecoder().decode(await readHead(path, 1 << 16));
