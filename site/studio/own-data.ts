// Somebody's own images and labels: read once, kept in the browser's private file system, so that a run can be continued after a
// reload.
import {
  overviewOf,
  polygonBox,
  type InputError,
  type ImageDecoding,
  type LabelledObject,
  type Raster,
} from 'retinagrad/data';
import { blackFraction, differenceHash, levelRange, noFacts } from 'retinagrad/detector';
import type { TiffBlobs } from 'retinagrad/geo';
import { keepData, keepImage, summaryOf, type DataSummary, type OwnImage } from './data-store.ts';
import { isImageName } from './decode.ts';
import { expectedLabels, labelName, readOwnLabels, type OwnLabels } from './own-labels.ts';
import { isTiff, openRaster } from './rasters.ts';
import { hashOfFile } from './sha256.ts';

/** A file that was chosen or dropped, with its path in the folder. */
export interface GivenFile {
  readonly path: string;
  readonly file: File;
}

type OnProgress = (done: number, total: number) => void;

/** The class of images that come without labels; the annotator renames it. */
const FIRST_CLASS = 'object';

/** Reads files and stores them as a data set. Rejects with an Error that says what is missing. */
export async function importData(files: readonly GivenFile[], onProgress: OnProgress): Promise<DataSummary> {
  const given = files.filter(({ path }) => isImageName(path));
  const texts = files.filter(({ path }) => labelName.test(path));
  const others = files.filter(({ path }) => !isImageName(path) && !labelName.test(path));
  if (given.length === 0) {
    throw new Error(
      `there is no image among these ${files.length} files: expected GeoTIFF, PNG, JPEG, WebP, GIF, BMP or AVIF`,
    );
  }
  const { images, damaged, decoding } = await readImages(given, onProgress);
  if (images.length === 0) throw new Error(damaged.join('; '));
  const labels = await readOwnLabels(
    await Promise.all(texts.map(async ({ path, file }) => ({ path, text: await file.text() }))),
    images.map((image) => ({ ...image, place: image.facts })),
  );
  if (texts.length > 0 && labels.format === '') {
    throw new Error(`there is no label file among ${texts.map(({ path }) => path).join(', ')}: ${expectedLabels}`);
  }
  const unread = others.length === 0 ? [] : [`${others[0]!.path}${more(others.length)}: not an image or label file`];
  const { format, problems } = labels;
  const data = await keepData({
    name: nameOf(files),
    format: format === '' ? 'drawn here' : format,
    classes: labels.classes.length === 0 ? [FIRST_CLASS] : labels.classes,
    images: labelled(images, labels),
    decoding,
    problems,
    notes: [...damaged, ...unread, ...labels.notes, ...detectionNotes(labels)],
  });
  return summaryOf(data);
}

const more = (count: number): string => (count > 1 ? ` and ${count - 1} more` : '');

interface ReadImages {
  readonly images: readonly OwnImage[];
  /** What is wrong with the others, a sentence each. */
  readonly damaged: readonly string[];
  readonly decoding: ImageDecoding;
}

async function readImages(given: readonly GivenFile[], onProgress: OnProgress): Promise<ReadImages> {
  const images: OwnImage[] = [];
  const damaged: string[] = [];
  const rasters: GivenFile[] = [];
  for (const one of given) if (await isTiff(one.file)) rasters.push(one);
  const tiffs = await openTiffs(rasters).catch((error: unknown) => reasonOf(error));
  for (const [i, one] of given.entries()) {
    try {
      if (!rasters.includes(one)) images.push(await readImage(one, await openRaster(one.file, one.path, {}), null));
      // One that cannot be read says so; the reason of all is that of the first.
      else if (typeof tiffs === 'string') damaged.push(tiffs);
      else images.push(await readImage(one, await tiffs!.raster(one.path), tiffs!.bits));
    } catch (error) {
      // A full storage is not the fault of the image.
      if (error instanceof DOMException) throw error;
      damaged.push(reasonOf(error));
    }
    onProgress(i + 1, given.length);
  }
  const decoding = typeof tiffs === 'string' ? {} : (tiffs?.decoding ?? {});
  return { images, damaged: [...new Set(damaged)], decoding };
}

/** Opens GeoTIFF files, which are decoded alike; null for none. */
async function openTiffs(files: readonly GivenFile[]): Promise<TiffBlobs | null> {
  const [first, ...others] = files.map(({ path: name, file: blob }) => ({ name, blob }));
  if (first === undefined) return null;
  const { openTiffBlobs } = await import('retinagrad/geo');
  return openTiffBlobs([first, ...others]);
}

/** The reason of an error, with its file; options of the library's functions mean nothing to the reader of a page. */
function reasonOf(error: unknown): string {
  const { message, reason, file } = error as Partial<InputError> & Error;
  return reason === undefined ? message : file === undefined ? reason : `${file}: ${reason}`;
}

/**
 * The images with their labels. Objects with scores are detections: they label nothing. Outlines on a map are cut at the edges of
 * the image, as the command does it: a box for each part of an outline.
 */
function labelled(images: readonly OwnImage[], labels: OwnLabels): OwnImage[] {
  const found = new Map(labels.images.map(({ file, objects }) => [file, objects]));
  return images.map((image) => {
    const objects = found.get(image.file);
    if (objects === undefined) return image;
    const kept = objects.filter(({ score }) => score === undefined);
    if (kept.length === 0 && objects.length > 0) return image;
    return { ...image, objects: image.facts.affine === null ? kept : kept.flatMap((object) => cut(object, image)) };
  });
}

function cut(object: LabelledObject, { width, height }: OwnImage): LabelledObject[] {
  const { polygons, area: _area, ...rest } = object;
  if (polygons === undefined) return [object];
  return polygons.flatMap((polygon) => {
    const box = polygonBox(polygon, width, height);
    return box === null ? [] : [{ ...rest, box }];
  });
}

function detectionNotes({ images }: OwnLabels): string[] {
  const count = images.reduce((sum, { objects }) => sum + objects.filter(({ score }) => score !== undefined).length, 0);
  if (count === 0) return [];
  return [
    `${count} detections with scores are not labels, and left out: import their file where boxes are drawn, to accept them`,
  ];
}

/** The folder that all files are in, or a name for files that are not. */
function nameOf(files: readonly GivenFile[]): string {
  const [folder = ''] = files[0]!.path.split('/');
  const isIn = files.every(({ path }) => path.startsWith(`${folder}/`));
  return isIn ? folder : `${files.length} own files`;
}

/** Longer side of what the doctor looks at. */
const LOOKED_AT = 2048;

/**
 * Reads the facts of an image, and stores its file.
 *
 * @param bits of a level, of a TIFF file; null for others
 */
async function readImage({ path, file: source }: GivenFile, raster: Raster, bits: number | null): Promise<OwnImage> {
  const { width, height, affine, epsg, geographic } = raster;
  const { image } = await overviewOf(raster, LOOKED_AT);
  const hash = await hashOfFile(source);
  const facts: OwnImage['facts'] = {
    ...noFacts(path),
    size: { width, height },
    kind: bits === null ? 'unknown' : 'tiff',
    hash,
    bits: bits ?? 8,
    affine,
    epsg,
    geographic,
    difference: differenceHash(image),
    levels: levelRange(image),
    black: blackFraction(image),
  };
  await keepImage(hash, source);
  return { file: path, width, height, facts, objects: null };
}
