import { join } from 'node:path';
import { counted, defined } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { groundResolution } from '../../imagery/georeference.ts';
import { checkVisibility, defaultVisibility, type Visibility } from '../../imagery/geometry.ts';
import { imageShape } from '../../imagery/image.ts';
import { checkFolder, listFiles } from '../../imagery/node/files.ts';
import { imageEnding, imageSizeOf } from '../../imagery/node/image-size.ts';
import type { MeasureOptions } from '../../imagery/measure-stretch.ts';
import { is16BitPng } from '../../imagery/node/png.ts';
import { rasterOf, readPixels } from '../../imagery/raster-of.ts';
import type { ReadImageOptions } from '../../imagery/node/read-image.ts';
import type { Raster } from '../../imagery/raster.ts';
import { colourBands } from '../../imagery/raw-image.ts';
import { checkStretch, type Stretch } from '../../imagery/stretch.ts';
import type { Annotations, Bands, ImageDecoding } from '../../imagery/types.ts';
import type { LabelFormat } from '../../labels/formats.ts';
import { similarFile } from '../../labels/similar-file.ts';
import type { LabelTable } from '../../labels/types.ts';
import {
  boxesInImage,
  footprintsInImage,
  selectObjects,
  type ObjectSelection,
  type SelectedObjects,
  type SizedImage,
} from '../labelled-objects.ts';
import type { Dataset, Sample, SampleDescription } from '../types.ts';
import { AreaOfInterest, maskedRegions, type AreaOptions } from './area.ts';
import { RasterReader } from '../raster-reader.ts';
import { openRegion } from './open-region.ts';

/** How a table of labels becomes a data set. */
export interface LabelledOptions extends ObjectSelection, ReadImageOptions, MeasureOptions, AreaOptions {
  /** Images without labels: left out and listed in the report (default), taken as empty, or an error. */
  readonly missingLabels?: 'skip' | 'empty' | 'error';
  /** Which boxes are kept when the edge of the image cuts them. */
  readonly visibility?: Visibility;
}

/** What a labelled data set was made of. */
export interface LabelledReport {
  readonly format: LabelFormat | null;
  /** File or folder of the labels. */
  readonly labels: string;
  /** Folder of the images. */
  readonly images: string;
  /** Images in the folder that have no labels. */
  readonly missingLabels: readonly string[];
  /** Number of objects, without those that were left out. */
  readonly objects: number;
  /** Numbers of objects that were left out. */
  readonly dropped: SelectedObjects['dropped'] & {
    /** With the centre of the box outside of the area of interest. */
    readonly outsideArea: number;
  };
  /** Bits of a level of the TIFF and 16-bit PNG files; 8 where there are none. */
  readonly bits: number;
  /** What the label files hold that is not used, a sentence each. */
  readonly notes: readonly string[];
}

/** A data set from a table of labels and a folder of images. */
export interface LabelledDataset extends Dataset {
  readonly report: LabelledReport;
  readonly decoding: ImageDecoding;
  describe(index: number): Promise<SampleDescription>;
  /** The image of sample number `index` as a raster, with its place if it has one. */
  raster(index: number): Promise<Raster>;
}

/** A labelled data set with TIFF or 16-bit PNG files. */
export interface LabelledRasters extends LabelledDataset {
  /** The levels that become 0 and 255, as in `decoding`. */
  readonly stretch: Stretch;
  /** Also with the numbers, from 1, of the bands that are read. */
  readonly report: LabelledReport & { readonly selectedBands: Bands };
}

/** A table with what is known of its files, as `readLabels` returns it. */
export type LabelsOfFolder = LabelTable & {
  readonly imagesRoot: string;
  readonly format?: LabelFormat;
  readonly path?: string;
  readonly notes?: readonly string[];
  /** Images that belong to other splits: they are not unlabelled. */
  readonly otherSplits?: readonly string[];
};

const isTiffName = (file: string): boolean => /\.tiff?$/i.test(file);

/**
 * A data set over labels in any format, with PNG, JPEG, WebP, AVIF or TIFF images. Levels that are not bytes are stretched between
 * percentiles over the data set. Regions of crowds are not trained on and are left out. Rejects for images that do not
 * exist; `get` and `describe` reject for a box that lies outside its image, with the place in the label file.
 */
export async function openLabelled(
  table: LabelsOfFolder,
  options: LabelledOptions = {},
): Promise<LabelledDataset | LabelledRasters> {
  const { visibility = defaultVisibility } = options;
  const { imagesRoot: root, format = null, notes = [], path: labels = root } = table;
  checkVisibility(visibility);
  if (options.stretch !== undefined) checkStretch(options.stretch);
  await checkFolder('openLabelled', root);
  const { classes, objects: all, dropped } = selectObjects(table, labels, options);
  const missingLabels = await matchFiles(table, all, labels, options);
  const area = await AreaOfInterest.open(options);
  const selected = await area?.select(
    root,
    Array.from(all, ([file, objects]) => ({ file, objects })),
  );
  const objects = selected === undefined ? all : new Map(selected.images.map(({ file, objects }) => [file, objects]));
  const ids = [...objects.keys()].sort();
  const paths = ids.map((id) => join(root, id));
  // Others have bytes, which stay as they are.
  const deep = new Set<string>();
  for (const path of paths) if (isTiffName(path) || (await is16BitPng(path))) deep.add(path);
  const [first, ...others] = deep;
  const reading = { ...options, ...maskedRegions(root, selected?.regions, options) };
  const rasters =
    first === undefined
      ? null
      : await RasterReader.open('openLabelled', [first, ...others], reading, {
          open: (path) => openRegion(path, reading),
          sameBands: false,
        });

  // What is seen of a footprint is decided by its outline, as in SpaceNet's trees.
  const isFootprint = format === 'spacenet-csv' || format === 'geojson' || format === 'vector';
  const annotate = (image: SizedImage): Annotations => {
    const own = objects.get(image.id)!;
    return isFootprint ? footprintsInImage(own, image, visibility) : boxesInImage(own, image, labels, visibility);
  };
  const sampleOf = (method: string, index: number): { readonly id: string; readonly path: string } => {
    const [id, path] = [ids[index], paths[index]];
    if (id !== undefined && path !== undefined) return { id, path };
    throw new RangeError(`Labelled.${method}: index ${index}, expected 0 to ${ids.length - 1}`);
  };
  const bits = rasters?.first.bits ?? 8;
  const kept = [...objects.values()].reduce((sum, own) => sum + own.length, 0);
  const bandNote = rasters === null || options.bands !== undefined ? [] : unnamedBands(rasters);
  const report: LabelledReport = {
    format,
    labels,
    images: root,
    missingLabels,
    objects: kept,
    dropped: { ...dropped, outsideArea: selected?.objectsOutside ?? 0 },
    bits,
    notes: [...notes, ...bandNote, ...(selected?.notes ?? [])],
  };
  const dataset: LabelledDataset = {
    classes,
    ids,
    report,
    // The images of other formats have three bands, all of which are read by default.
    decoding: rasters?.decoding ?? (Array.isArray(options.bands) ? { bands: options.bands } : {}),
    async get(index): Promise<Sample> {
      const { id, path } = sampleOf('get', index);
      const own = rasters !== null && deep.has(path) ? rasters : null;
      const raw = own === null ? await openRegion(path, reading) : await own.open(path);
      const image = own === null ? await readPixels(raw, reading) : await own.image(raw);
      const resolution = defined({ groundResolution: groundResolution(raw) ?? undefined });
      return { id, image, ...resolution, ...annotate({ id, ...imageShape(image) }) };
    },
    async describe(index): Promise<SampleDescription> {
      const { id, path } = sampleOf('describe', index);
      const { width, height } = await imageSizeOf(path);
      return { id, width, height, ...annotate({ id, width, height }) };
    },
    async raster(index): Promise<Raster> {
      const { path } = sampleOf('raster', index);
      return rasters !== null && deep.has(path)
        ? rasters.raster(await rasters.open(path))
        : rasterOf(await openRegion(path, reading), reading);
    },
    ...(selected === undefined ? {} : { region: (index) => selected.regions.get(sampleOf('region', index).id)! }),
  };
  if (rasters === null) return dataset;
  const { bands: selectedBands, stretch } = rasters;
  const withStretch: LabelledRasters = { ...dataset, stretch, report: { ...report, selectedBands } };
  // Only TIFF files have blocks to decode alone; another format would be decoded as a whole for each window.
  if (!paths.every(isTiffName)) return withStretch;
  return {
    ...withStretch,
    async window(index, x, y, width, height) {
      return rasters.window(await rasters.open(sampleOf('window', index).path), x, y, width, height);
    },
  };
}

/** A note if files have more than three bands and do not say which are red, green and blue. */
function unnamedBands({ first, bands: read }: RasterReader): string[] {
  if (first.bands <= 3 || colourBands(first).isNamed) return [];
  const bands = `${first.bands} bands whose colours the files do not name`;
  return [`${bands}: ${read.join(', ')} are taken as red, green, blue (option bands, or data.bands of train)`];
}

/**
 * Compares the images of the table with the files of the folder, and returns the images without labels; `objects` gets
 * them as empty images if the options say so. Rejects for labels without an image, and where no image is left.
 */
async function matchFiles(
  { images, imagesRoot: root, otherSplits = [] }: LabelsOfFolder,
  objects: SelectedObjects['objects'],
  labels: string,
  { missingLabels = 'skip' }: LabelledOptions,
): Promise<string[]> {
  const files = await listFiles(root);
  const known = new Set(files);
  for (const { file, objects: own } of images) {
    if (known.has(file)) continue;
    const similar = similarFile(
      file,
      files.filter((name) => imageEnding.test(name)),
    );
    throw new Error(`${own[0]?.origin ?? labels}: there is no image ${file} in ${root}${similar}`);
  }
  const others = new Set(otherSplits);
  const missing = files.filter((file) => imageEnding.test(file) && !objects.has(file) && !others.has(file));
  if (missingLabels === 'error' && missing.length > 0) {
    const images = counted(missing.length, 'image', 'images');
    throw new InputError(
      'openLabelled',
      `${images} in ${root} without labels in ${labels}: ${missing.slice(0, 5).join(', ')}`,
    );
  }
  if (missingLabels === 'empty') for (const file of missing) objects.set(file, []);
  if (objects.size === 0) throw new InputError('openLabelled', `${labels} names no image`);
  return missing;
}
