import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { csvLines } from '../csv-rows.ts';
import { csvFlavour } from '../csv.ts';
import { formatExamples, type LabelFormat } from '../formats.ts';
import { isSpaceNetHeader } from '../spacenet.ts';
import { listFiles } from '../../imagery/node/files.ts';
import { imageEnding } from '../../imagery/node/image-size.ts';
import { yoloLabelPath } from './read-yolo.ts';

/** Labels that were found: their format, and the file or folder that holds them. */
export interface FoundLabels {
  readonly format: LabelFormat;
  readonly path: string;
}

/**
 * The format of a label file, or of the labels in a folder, by names and first lines. Rejects when it is none of those
 * known, or when a folder holds labels of several kinds.
 */
export async function detectLabelFormat(path: string): Promise<LabelFormat> {
  return (await findLabels('detectLabelFormat', path)).format;
}

/** The labels at a path, which is a file or a folder; of `format` alone where it is given. `op` starts the error. */
export async function findLabels(op: string, path: string, format?: LabelFormat): Promise<FoundLabels> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new Error(`${op}: ${path} does not exist`);
  if (!found.isDirectory()) {
    if (format !== undefined) return { format, path };
    const own = await formatOfFile(path);
    if (own !== null) return { format: own, path };
    throw new Error(`${op}: ${path} is no label file by its name and first lines. Expected one of\n${examples()}`);
  }
  const files = await listFiles(path);
  const all = await listLabels(path, files);
  const fitting = format === undefined ? all : all.filter((labels) => labels.format === format);
  const [first] = fitting;
  // A folder of a format whose files do not look like it: its reader says what is wrong.
  if (first === undefined && (format === 'voc' || format === 'yolo' || format === 'geojson')) return { format, path };
  if (first === undefined) {
    const count = (pattern: RegExp): number => files.filter((file) => pattern.test(file)).length;
    throw new Error(
      `${op}: no ${format ?? 'known'} labels in ${path} (${files.length} files: ${count(imageEnding)} images, ` +
        `${count(/\.json$/i)} .json, ${count(/\.xml$/i)} .xml, ${count(/\.txt$/i)} .txt, ${count(/\.csv$/i)} .csv, ` +
        `${count(/\.geojson$/i)} .geojson). Expected one of\n${examples()}`,
    );
  }
  if (fitting.length === 1) return first;
  throw new Error(
    `${op}: ${fitting.length} kinds of labels in ${path}: ` +
      `${fitting.map((labels) => `${labels.path} (${labels.format})`).join(', ')}: give one of them instead of the folder`,
  );
}

/** An example of each format, one on a line. */
export function examples(): string {
  return Object.entries(formatExamples)
    .map(([format, example]) => `  ${format}: ${example}`)
    .join('\n');
}

/** All labels in a folder, whose files are listed. Results of detectors count only where there is nothing else. */
export async function listLabels(folder: string, files: readonly string[]): Promise<FoundLabels[]> {
  const found: FoundLabels[] = [];
  const add = (format: LabelFormat, file = ''): unknown => found.push({ format, path: join(folder, file) });
  const results: FoundLabels[] = [];
  // Label files stand near the top; a folder of thousands of JSON files holds something else.
  const near = files.filter((file) => file.split('/').length <= 2 && /\.(ya?ml|json|csv)$/i.test(file)).slice(0, 200);
  for (const file of near) {
    if (/\.csv$/i.test(file) && file.includes('/') && !/^summarydata\//i.test(file)) continue;
    if (/\.ya?ml$/i.test(file) && file.includes('/')) continue;
    const format = await formatOfFile(join(folder, file)).catch(() => null);
    if (format === 'coco-results') results.push({ format, path: join(folder, file) });
    else if (format !== null && format !== 'geojson') add(format, file);
  }
  const geojson = files.some((file) => /\.geojson$/i.test(file) && !/roads/i.test(file));
  // SpaceNet's trees have both: the outlines in map coordinates are preferred, as `openSpaceNet` does.
  const kept = geojson ? found.filter(({ format }) => format !== 'spacenet-csv') : found;
  if (geojson) kept.push({ format: 'geojson', path: folder });
  const xml = files.filter((file) => isVocName(file));
  const annotations = xml.find((file) => /(^|\/)annotations\//i.test(file));
  for (const file of [...(annotations === undefined ? [] : [annotations]), ...xml.slice(0, 5)]) {
    if ((await formatOfFile(join(folder, file))) !== 'voc') continue;
    kept.push({ format: 'voc', path: join(folder, vocFolder(file)) });
    break;
  }
  if (!kept.some(({ format }) => format === 'yolo')) {
    const known = new Set(files);
    if (files.some((file) => imageEnding.test(file) && yoloLabelPath(file, known) !== null)) {
      kept.push({ format: 'yolo', path: folder });
    }
  }
  if (kept.length > 0 || results.length > 0) return kept.length > 0 ? kept : results;
  // The only CSV beside images is meant to be read: its reader says what is wrong with the header.
  const tables = files.filter((file) => /^[^/]*\.csv$/i.test(file));
  const [table] = tables;
  const alone = table !== undefined && tables.length === 1 && files.some((file) => imageEnding.test(file));
  return alone ? [{ format: 'csv', path: join(folder, table) }] : [];
}

/** Whether a file may be Pascal VOC's: GDAL writes `.aux.xml` beside images. */
export function isVocName(file: string): boolean {
  return /\.xml$/i.test(file) && !/\.aux\.xml$/i.test(file);
}

/** The folder of annotations that an XML file lies in; '' is the top. */
function vocFolder(file: string): string {
  return /^((?:.*\/)?annotations)\//i.exec(file)?.[1] ?? '';
}

/** The format of one file, or null. */
async function formatOfFile(path: string): Promise<LabelFormat | null> {
  if (/\.geojson$/i.test(path)) return 'geojson';
  const ending = /\.(json|xml|csv|ya?ml)$/i.exec(path)?.[1]?.toLowerCase();
  if (ending === undefined || /\.aux\.xml$/i.test(path)) return null;
  const text = (await readHead(path)).replace(/^\ufeff/, '').trimStart();
  if (ending === 'xml') return text.includes('<annotation') ? 'voc' : null;
  if (ending === 'yaml' || ending === 'yml') return /^\s*["']?names["']?\s*:/m.test(text) ? 'yolo' : null;
  if (ending === 'json') {
    if (text.startsWith('[')) return text.includes('"image_id"') || /^\[\s*\]/.test(text) ? 'coco-results' : null;
    if (/"type"\s*:\s*"FeatureCollection"/.test(text)) return 'geojson';
    return /"(?:images|annotations|categories)"\s*:/.test(text) ? 'coco' : null;
  }
  try {
    const first = csvLines(text, path).next();
    if (first.done === true) return null;
    return isSpaceNetHeader(first.value.values) ? 'spacenet-csv' : csvFlavour(first.value.values);
  } catch {
    return null;
  }
}

/** The first characters of a file. */
async function readHead(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1 << 16), 0, 1 << 16, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
