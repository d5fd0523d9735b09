import { readFile } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { parseCsv } from '../csv.ts';
import type { CsvRow } from '../csv.ts';
import { checkVisibility, clipAnnotations, defaultVisibility, packAnnotations } from '../geometry.ts';
import type { Box, Visibility } from '../geometry.ts';
import { imageSize } from '../image.ts';
import type { Dataset, Sample } from '../types.ts';
import { checkFolder, listFiles } from './files.ts';
import { readImage } from './image.ts';
import type { ReadImageOptions } from './image.ts';

/** How a folder of images is read. */
export interface FolderOptions extends ReadImageOptions {
  /** The CSV of boxes, relative to the folder. Default: the only `.csv` file in it. */
  readonly csv?: string;
  /** Class names in the order of the labels. Default: those in the CSV, sorted. */
  readonly classes?: readonly string[];
  /** Images that the CSV does not name: left out and listed in the report (default), taken as empty, or an error. */
  readonly missingLabels?: 'skip' | 'empty' | 'error';
  /** Which boxes that the edge cuts are kept. */
  readonly visibility?: Visibility;
}

/** A data set from a folder of images. */
export interface FolderDataset extends Dataset {
  /** The CSV, and the images that it does not name. */
  readonly report: { readonly csv: string; readonly missingLabels: readonly string[] };
}

/** An example for the messages of those who found no data. */
export const folderExample = [
  '  tiles/a.png',
  '  tiles/b.jpg',
  '  tiles/boxes.csv with',
  '    image,x1,y1,x2,y2,label',
  '    a.png,10,12.5,40,60,building',
  '    b.jpg,,,,,                     (no objects)',
].join('\n');

const COLUMNS = ['image', 'x1', 'y1', 'x2', 'y2', 'label'];
const IMAGE = /\.(png|jpe?g|tiff?)$/i;

/**
 * Opens a folder of PNG and JPEG files (also 8-bit TIFF) with a CSV of boxes: the header `image,x1,y1,x2,y2,label`, a
 * line per box in pixels (fractions are allowed), paths relative to the folder; a line with nothing but the image says
 * that it has no objects. Rejects with the line of the CSV for what does not make sense.
 */
export async function openFolder(path: string, options: FolderOptions = {}): Promise<FolderDataset> {
  const { missingLabels = 'skip', visibility = defaultVisibility } = options;
  checkVisibility(visibility);
  await checkFolder('openFolder', path);
  const files = await listFiles(path);
  const csv = options.csv ?? onlyCsv(path, files);
  const csvPath = join(path, csv);
  const rows = parseCsv(await readFile(csvPath, 'utf8'), csvPath, COLUMNS).map((row) => readRow(row, csvPath));
  const classes = options.classes ?? [...new Set(rows.flatMap((row) => (row.box === null ? [] : [row.label])))].sort();

  const known = new Set(files);
  const boxes = new Map<string, BoxRow[]>();
  for (const row of rows) {
    if (!known.has(row.image)) throw new Error(`${csvPath}:${row.line}: there is no image ${row.image} in ${path}`);
    if (row.box !== null && !classes.includes(row.label)) {
      throw new Error(`${csvPath}:${row.line}: class "${row.label}" is none of ${classes.join(', ')}`);
    }
    const list = boxes.get(row.image) ?? [];
    boxes.set(row.image, list);
    if (row.box !== null) list.push(row as BoxRow);
  }
  const missing = files.filter((file) => IMAGE.test(file) && !boxes.has(file));
  if (missingLabels === 'error' && missing.length > 0) {
    throw new Error(
      `openFolder: ${missing.length} images in ${path} are not named in ${csvPath}: ${missing.slice(0, 5).join(', ')}`,
    );
  }
  if (missingLabels === 'empty') for (const file of missing) boxes.set(file, []);
  if (boxes.size === 0) throw new Error(`openFolder: ${csvPath} names no image. Expected\n${folderExample}`);
  const ids = [...boxes.keys()].sort();

  return {
    classes,
    ids,
    report: { csv: csvPath, missingLabels: missing },
    async get(index: number): Promise<Sample> {
      const id = ids[index];
      if (id === undefined) throw new RangeError(`Folder.get: index ${index}, expected 0 to ${ids.length - 1}`);
      const image = await readImage(join(path, id), options);
      const { height, width } = imageSize(image);
      const own = boxes.get(id) as BoxRow[];
      for (const { box, line } of own) {
        if (box[0] >= width || box[1] >= height || box[2] <= 0 || box[3] <= 0) {
          throw new Error(
            `${csvPath}:${line}: box ${box.join(', ')} lies outside ${id} of ${width} x ${height} pixels`,
          );
        }
      }
      const all = packAnnotations(
        own.map((row) => row.box),
        own.map((row) => classes.indexOf(row.label)),
      );
      return { id, image, ...clipAnnotations(all, width, height, visibility) };
    },
  };
}

interface Row {
  readonly line: number;
  readonly image: string;
  readonly label: string;
  /** Null where the line says that the image has no objects. */
  readonly box: Box | null;
}
interface BoxRow extends Row {
  readonly box: Box;
}

function onlyCsv(path: string, files: readonly string[]): string {
  const found = files.filter((file) => /\.csv$/i.test(file) && !file.includes('/'));
  const [csv] = found;
  if (csv !== undefined && found.length === 1) return csv;
  throw new Error(
    csv === undefined
      ? `openFolder: no .csv file in ${path}. Expected a folder such as\n${folderExample}`
      : `openFolder: ${found.length} .csv files in ${path} (${found.join(', ')}): choose one with \`csv\``,
  );
}

function readRow({ line, fields }: CsvRow, csvPath: string): Row {
  const fail = (reason: string): never => {
    throw new Error(`${csvPath}:${line}: ${reason}`);
  };
  const text = (column: string): string => (fields[column] as string).trim();
  const given = text('image');
  if (given === '') fail('image is empty');
  // CSV files written on Windows.
  const image = normalize(given.replaceAll('\\', '/')).replaceAll('\\', '/');
  if (isAbsolute(image) || /^[A-Za-z]:/.test(image) || image === '..' || image.startsWith('../')) {
    fail(`image ${given} lies outside the folder, expected a path relative to it`);
  }
  const label = text('label');
  const corners = COLUMNS.slice(1, 5).map(text);
  if (corners.every((corner) => corner === '')) return { line, image, label, box: null };
  const [x1, y1, x2, y2] = corners.map((corner, i) => {
    const value = corner === '' ? NaN : Number(corner);
    return Number.isFinite(value) ? value : fail(`${COLUMNS[i + 1]} is "${corner}", expected a number`);
  }) as [number, number, number, number];
  if (x2 <= x1 || y2 <= y1) fail(`box ${x1}, ${y1}, ${x2}, ${y2} is empty, expected x2 > x1 and y2 > y1`);
  if (label === '') fail('label is empty');
  return { line, image, label, box: [x1, y1, x2, y2] };
}
