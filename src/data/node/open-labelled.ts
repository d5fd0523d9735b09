import { join } from 'node:path';
import {
  checkVisibility,
  clipAnnotations,
  defaultVisibility,
  packAnnotations,
  polygonBox,
  type Box,
  type Visibility,
} from '../../imagery/geometry.ts';
import { imageSize, rgbImage } from '../../imagery/image.ts';
import type { LabelFormat } from '../../labels/formats.ts';
import { checkClasses } from '../../labels/table-builder.ts';
import type { LabelledObject, LabelTable } from '../../labels/types.ts';
import { applyStretch, checkStretch, identityStretch, type Stretch } from '../../imagery/stretch.ts';
import type { Annotations, RgbImage } from '../../imagery/types.ts';
import type { Dataset, Sample, SampleDescription } from '../types.ts';
import { checkFolder, listFiles } from '../../imagery/node/files.ts';
import {
  defaultBands,
  readImage,
  readTiffImage,
  type Bands,
  type ReadImageOptions,
} from '../../imagery/node/read-image.ts';
import { imageEnding, imageSizeOf } from '../../imagery/node/image-size.ts';
import { measureStretch, type MeasureOptions } from '../../imagery/node/measure-stretch.ts';
import { openTiff, type Tiff } from '../../imagery/node/tiff.ts';

/** How a table of labels becomes a data set. */
export interface LabelledOptions extends ReadImageOptions, MeasureOptions {
  /** Names of the classes in the order of the labels. Default: those of the table. */
  readonly classes?: readonly string[];
  /** Objects of other classes than `classes`: an error (default), or left out and counted in the report. */
  readonly otherClasses?: 'error' | 'drop';
  /** Objects marked as difficult: kept (default), or left out and counted in the report. */
  readonly difficult?: 'keep' | 'drop';
  /** Images without labels: left out and listed in the report (default), taken as empty, or an error. */
  readonly missingLabels?: 'skip' | 'empty' | 'error';
  /** Which boxes that the edge cuts are kept. */
  readonly visibility?: Visibility;
}

/** What a labelled data set was made of. */
export interface LabelledReport {
  readonly format: LabelFormat | null;
  /** File or folder of the labels. */
  readonly labels: string;
  /** Folder of the images. */
  readonly images: string;
  /** Images in the folder that the labels do not name. */
  readonly missingLabels: readonly string[];
  /** Numbers of objects that were left out. */
  readonly dropped: { readonly crowd: number; readonly difficult: number; readonly otherClasses: number };
  /** Bits of a level of the TIFF files; 8 where there are none. */
  readonly bits: 8 | 16;
  /** What the label files hold that is not used, a sentence each. */
  readonly notes: readonly string[];
}

/** A data set from a table of labels and a folder of images. */
export interface LabelledDataset extends Dataset {
  readonly report: LabelledReport;
  describe(index: number): Promise<SampleDescription>;
}

/** A labelled data set with TIFF files. */
export interface LabelledRasters extends LabelledDataset {
  /** The levels that become 0 and 255, to be kept with a model and used wherever it runs. */
  readonly stretch: Stretch;
  /** With the numbers from 1 of the bands that are red, green and blue. */
  readonly report: LabelledReport & { readonly rgb: Bands };
}

/** A table with what is known of its files, such as `readLabels` returns. */
export type LabelsOfFolder = LabelTable & {
  readonly imagesRoot: string;
  readonly format?: LabelFormat;
  readonly path?: string;
  readonly notes?: readonly string[];
};

/**
 * A data set over labels in any format, with PNG, JPEG, WebP or TIFF images. 16-bit TIFF files are stretched between
 * percentiles over the data set. Regions of crowds are no objects to train on and are left out. Rejects for images that
 * do not exist; `get` and `describe` reject for a box that lies outside its image, with the place in the label file.
 */
export async function openLabelled(
  table: LabelsOfFolder,
  options: LabelledOptions = {},
): Promise<LabelledDataset | LabelledRasters> {
  const { missingLabels = 'skip', visibility = defaultVisibility } = options;
  const { imagesRoot: root, format = null, notes = [], path: labels = root } = table;
  checkVisibility(visibility);
  if (options.stretch !== undefined) checkStretch(options.stretch);
  await checkFolder('openLabelled', root);
  const { classes, objects, dropped } = selectObjects(table, labels, options);
  const files = await listFiles(root);
  const known = new Set(files);
  for (const { file, objects: own } of table.images) {
    if (!known.has(file)) throw new Error(`${own[0]?.origin ?? labels}: there is no image ${file} in ${root}`);
  }
  const missing = files.filter((file) => imageEnding.test(file) && !objects.has(file));
  if (missingLabels === 'error' && missing.length > 0) {
    throw new Error(
      `openLabelled: ${missing.length} images in ${root} are not named in ${labels}: ${missing.slice(0, 5).join(', ')}`,
    );
  }
  if (missingLabels === 'empty') for (const file of missing) objects.set(file, []);
  if (objects.size === 0) throw new Error(`openLabelled: ${labels} names no image`);
  const ids = [...objects.keys()].sort();
  const tiffs = ids.filter((id) => /\.tiff?$/i.test(id)).map((id) => join(root, id));
  const first = tiffs[0] === undefined ? null : await openTiff(tiffs[0], options);
  const rgb = first === null ? null : (options.bands ?? defaultBands(first));
  const measured = first?.bits === 16 && rgb !== null && options.stretch === undefined;
  const stretch = measured
    ? await measureStretch('openLabelled', tiffs, rgb, options)
    : (options.stretch ?? identityStretch);
  // Outlines of footprints decide what is seen of them, as in SpaceNet's trees.
  const footprints = format === 'spacenet-csv' || format === 'geojson';

  const idOf = (method: string, index: number): string => {
    const id = ids[index];
    if (id !== undefined) return id;
    throw new RangeError(`Labelled.${method}: index ${index}, expected 0 to ${ids.length - 1}`);
  };
  const annotate = (id: string, width: number, height: number): Annotations => {
    const own = objects.get(id) as readonly LabelledObject[];
    if (footprints) return clipFootprints(own, width, height, visibility);
    for (const { box, origin } of own) {
      if (box[0] >= width || box[1] >= height || box[2] <= 0 || box[3] <= 0) {
        const where = `box ${box.join(', ')} lies outside ${id} of ${width} x ${height} pixels`;
        throw new Error(`${origin ?? labels}: ${where}`);
      }
    }
    const packed = packAnnotations(
      own.map(({ box }) => box),
      own.map(({ label }) => label),
    );
    return clipAnnotations(packed, width, height, visibility);
  };
  const open = async (path: string, first: Tiff): Promise<Tiff> => {
    const tiff = await openTiff(path, options);
    // One stretch fits levels of one depth, and bands of one meaning.
    if (tiff.bits !== first.bits || (measured && tiff.bands !== first.bands)) {
      throw new Error(
        `openLabelled: ${tiff.path}: ${tiff.bands} bands of ${tiff.bits} bits, expected ${first.bands} of ${first.bits} as in ${first.path}`,
      );
    }
    return tiff;
  };
  const bandsOf = (tiff: Tiff): Bands => options.bands ?? defaultBands(tiff);
  const read = async (path: string): Promise<RgbImage> => {
    if (first === null || !/\.tiff?$/i.test(path)) return readImage(path, options);
    const tiff = await open(path, first);
    return readTiffImage(tiff, { bands: bandsOf(tiff), stretch });
  };
  const report = {
    format,
    labels,
    images: root,
    missingLabels: missing,
    dropped,
    bits: first?.bits ?? 8,
    notes,
  } as const;
  const dataset: LabelledDataset = {
    classes,
    ids,
    report,
    async get(index): Promise<Sample> {
      const id = idOf('get', index);
      const image = await read(join(root, id));
      const { height, width } = imageSize(image);
      return { id, image, ...annotate(id, width, height) };
    },
    async describe(index): Promise<SampleDescription> {
      const id = idOf('describe', index);
      const { width, height } = await imageSizeOf(join(root, id));
      return { id, width, height, ...annotate(id, width, height) };
    },
  };
  if (first === null || rgb === null) return dataset;
  const rasters = { ...dataset, stretch, report: { ...report, rgb } };
  // Parts of rasters are decoded alone; other files would be decoded as a whole for each.
  if (tiffs.length < ids.length) return rasters;
  return {
    ...rasters,
    async window(index, x, y, width, height) {
      const tiff = await open(join(root, idOf('window', index)), first);
      const levels = await tiff.readLevels(bandsOf(tiff), { x, y, width, height });
      return rgbImage(height, width, applyStretch(levels, stretch));
    },
  };
}

/** The objects of each image that are trained on, with labels in the classes asked for. */
function selectObjects(
  { classes: names, images }: LabelTable,
  labels: string,
  { classes = names, otherClasses = 'error', difficult = 'keep' }: LabelledOptions,
): { classes: readonly string[]; objects: Map<string, LabelledObject[]>; dropped: LabelledReport['dropped'] } {
  checkClasses('openLabelled', classes);
  if (otherClasses === 'drop') {
    // Without the objects that are dropped nobody would notice a slip of the pen.
    const unknown = classes.filter((name) => !names.includes(name));
    if (unknown.length > 0) {
      throw new Error(
        `openLabelled: ${labels} has no class ${unknown.map((name) => JSON.stringify(name)).join(', ')}, only ${names.join(', ')}`,
      );
    }
  }
  const dropped = { crowd: 0, difficult: 0, otherClasses: 0 };
  const objects = new Map<string, LabelledObject[]>();
  for (const { file, objects: all } of images) {
    const own: LabelledObject[] = [];
    for (const object of all) {
      const name = names[object.label]!;
      const label = classes.indexOf(name);
      if (label < 0 && otherClasses === 'error') {
        throw new Error(`${object.origin ?? labels}: class "${name}" is none of ${classes.join(', ')}`);
      }
      if (label < 0) dropped.otherClasses++;
      else if (object.crowd === true) dropped.crowd++;
      else if (object.difficult === true && difficult === 'drop') dropped.difficult++;
      else own.push({ ...object, label });
    }
    objects.set(file, own);
  }
  return { classes, objects, dropped };
}

/** Boxes around the parts of outlines that lie inside an image. */
function clipFootprints(
  objects: readonly LabelledObject[],
  width: number,
  height: number,
  rule: Visibility,
): Annotations {
  const boxes: Box[] = [];
  const labels: number[] = [];
  for (const { polygons = [], label } of objects) {
    for (const polygon of polygons) {
      const box = polygonBox(polygon, width, height, rule);
      if (box === null) continue;
      boxes.push(box);
      labels.push(label);
    }
  }
  return packAnnotations(boxes, labels);
}
