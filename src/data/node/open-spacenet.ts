import { join } from 'node:path';
import { defined } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import {
  boundsOf,
  checkVisibility,
  defaultVisibility,
  packAnnotations,
  polygonBox,
  type Box,
  type Polygon,
  type Visibility,
} from '../../imagery/geometry.ts';
import { groundResolution } from '../../imagery/georeference.ts';
import type { Raster } from '../../imagery/raster.ts';
import type { RawImage } from '../../imagery/raw-image.ts';
import type { Region } from '../../imagery/region.ts';
import { openTiff } from '../../imagery/node/tiff.ts';
import { checkStretch, type Stretch } from '../../imagery/stretch.ts';
import type { Annotations, Bands, ByteImage, ImageDecoding } from '../../imagery/types.ts';
import { csvLabels, geojsonLabels, noLabels, type LabelSource } from '../../labels/node/spacenet-labels.ts';
import { findSpaceNet, labelKeyOf, spaceNetExample, type SpaceNetLayout } from '../../labels/node/spacenet-layout.ts';
import type { LabelledObject } from '../../labels/types.ts';
import type { Dataset, Sample, SampleDescription } from '../types.ts';
import { AreaOfInterest, maskedRegions, type AreaOptions } from './area.ts';
import { RasterReader, type RasterOptions } from '../raster-reader.ts';
import { openRegion } from './open-region.ts';

/** How a SpaceNet folder is read. */
export interface SpaceNetOptions extends Omit<RasterOptions, 'regions'>, AreaOptions {
  /** Name of the folders of images, for example `MUL-PanSharpen`. Default: the first found of a list, RGB first. */
  readonly images?: string;
  /** Where footprints come from. Default: GeoJSON files if there are any, otherwise the summary CSV. */
  readonly labels?: 'geojson' | 'csv';
  /** Images without labels: left out and listed in the report (default), taken as empty, or an error. */
  readonly missingLabels?: 'skip' | 'empty' | 'error';
  /** Which footprints are kept when the edge of the image cuts them. */
  readonly visibility?: Visibility;
}

/** What was found in a SpaceNet folder. */
interface SpaceNetReport {
  readonly root: string;
  /** Name of the folders of images. */
  readonly images: string;
  readonly labels: 'geojson' | 'csv' | 'none';
  /** Ids of the images without labels. */
  readonly missingLabels: readonly string[];
  /** Bits of each level. */
  readonly bits: number;
  /** Number of bands of an image. */
  readonly bands: number;
  /** Numbers, from 1, of those that are read. */
  readonly selectedBands: Bands;
  /** What was left out, a sentence each. */
  readonly notes: readonly string[];
}

/** What SpaceNet's building data sets label. */
export const spaceNetClasses = ['building'] as const;

/** A data set of one class, `building`. */
export interface SpaceNetDataset extends Dataset {
  readonly decoding: ImageDecoding;
  describe(index: number): Promise<SampleDescription>;
  /** The image of sample number `index` as a raster, with its place. */
  raster(index: number): Promise<Raster>;
  window(index: number, x: number, y: number, width: number, height: number): Promise<ByteImage>;
  readonly report: SpaceNetReport;
  /** The levels that become 0 and 255, as in `decoding`. */
  readonly stretch: Stretch;
}

/**
 * Opens a folder in the layout of SpaceNet 1, 2, 4 or 6 (buildings). Each polygon becomes a box; a place without
 * buildings is a sample without boxes. Rejects when images or labels are not found, when files are damaged, and when
 * all labels lie outside their images.
 */
export async function openSpaceNet(path: string, options: SpaceNetOptions = {}): Promise<SpaceNetDataset> {
  const { missingLabels = 'skip', visibility = defaultVisibility } = options;
  checkVisibility(visibility);
  if (options.stretch !== undefined) checkStretch(options.stretch);
  const layout = await findSpaceNet(path, options.images);
  const labels = await openLabels(layout, path, options);
  const entries = [...layout.images].map(([id, file]): Entry => ({
    id,
    file,
    path: join(layout.root, file),
    key: labelKeyOf(id, labels),
  }));
  const missing = entries.filter((entry) => entry.key === undefined);
  const isRefused = missingLabels === 'error' || missing.length === entries.length;
  if (labels.kind !== 'none' && missing.length > 0 && isRefused) {
    const listed = missing.slice(0, 5).map((entry) => entry.id);
    throw new InputError(
      'openSpaceNet',
      `${missing.length} of ${entries.length} images below ${path} have no ${labels.kind} labels: ` +
        `${listed.join(', ')}${missing.length > 5 ? ', ...' : ''}`,
    );
  }
  const labelled = missingLabels === 'empty' ? entries : entries.filter((entry) => entry.key !== undefined);
  const area = await AreaOfInterest.open(options);
  const selected = area === null ? null : await area.select(layout.root, await withObjects(labelled, labels));
  const kept = selected === null ? labelled : selected.images;
  const [first, ...others] = kept.map((entry) => entry.path);
  const reading = { ...options, ...maskedRegions(layout.root, selected?.regions, options) };
  const rasters = await RasterReader.open('openSpaceNet', [first!, ...others], reading, {
    open: (image) => openRegion(image, reading),
    sameBands: true,
  });
  await checkPlacement(kept, labels, path);
  const report: SpaceNetReport = {
    root: layout.root,
    images: layout.kind,
    labels: labels.kind,
    missingLabels: missing.map((entry) => entry.id),
    bits: rasters.first.bits,
    bands: rasters.first.bands,
    selectedBands: rasters.bands,
    notes: selected?.notes ?? [],
  };
  return new SpaceNet(kept, { labels, rasters, visibility, regions: selected?.regions ?? null }, report);
}

interface Entry {
  readonly id: string;
  /** Path in the folder of the data set. */
  readonly file: string;
  readonly path: string;
  /** Key of its labels, undefined where there are none. */
  readonly key: string | undefined;
}

async function openLabels(layout: SpaceNetLayout, path: string, options: SpaceNetOptions): Promise<LabelSource> {
  const kind = options.labels ?? (layout.geojson.size > 0 ? 'geojson' : 'csv');
  if (kind === 'geojson' && layout.geojson.size > 0) return geojsonLabels(layout.root, layout.geojson);
  if (kind === 'csv' && layout.csv.length > 0) {
    if (layout.kind === 'MUL' || layout.kind === '8band') {
      throw new InputError(
        'openSpaceNet',
        `the pixels of the summary CSV are those of the sharpened images, not of ${layout.kind}: ` +
          'choose other `images` or labels in GeoJSON',
      );
    }
    return csvLabels(layout.root, layout.csv);
  }
  if (options.missingLabels === 'empty' && options.labels === undefined) return noLabels;
  throw new InputError(
    'openSpaceNet',
    `no labels below ${path} (${kind === 'csv' ? 'no *_Solutions.csv, no CSV in summaryData' : 'no .geojson file'}); ` +
      `missingLabels: 'empty' reads images alone. Expected a tree such as\n${spaceNetExample}`,
  );
}

const centreBox = (polygon: Polygon): Box => boundsOf(polygon[0] ?? []);

/** Entries with their footprints as objects. One that cannot be read has none. */
async function withObjects(
  entries: readonly Entry[],
  labels: LabelSource,
): Promise<(Entry & { readonly objects: readonly LabelledObject[] })[]> {
  const objectsOf = async ({ key, path }: Entry): Promise<LabelledObject[]> => {
    const tiff = key === undefined ? null : await openTiff(path).catch(nullIfUnreadable);
    if (tiff === null) return [];
    return (await labels.polygons(key!, tiff)).map((polygon) => ({ label: 0, box: centreBox(polygon) }));
  };
  const out = [];
  for (const entry of entries) out.push({ ...entry, objects: await objectsOf(entry) });
  return out;
}

/** The error of a damaged file comes when its pixels are needed. */
function nullIfUnreadable(error: unknown): null {
  if (error instanceof InputError) return null;
  throw error;
}

/** Looks for one footprint that lies on its image: if there is none, labels and images are in different coordinates. */
async function checkPlacement(entries: readonly Entry[], labels: LabelSource, path: string): Promise<void> {
  const everything = { minSide: 0, minVisible: 0 };
  let example = '';
  for (const entry of entries) {
    if (entry.key === undefined) continue;
    const tiff = await openTiff(entry.path).catch(nullIfUnreadable);
    if (tiff === null) continue;
    const polygons = await labels.polygons(entry.key, tiff);
    if (polygons.some((polygon) => polygonBox(polygon, tiff.width, tiff.height, everything) !== null)) return;
    const corner = polygons.flat(2)[0];
    if (corner !== undefined && example === '') {
      example = `in ${entry.id} (${tiff.width} x ${tiff.height} pixels) a corner lies at pixel (${corner[0].toFixed(1)}, ${corner[1].toFixed(1)})`;
    }
  }
  if (example !== '') {
    throw new RangeError(
      `openSpaceNet: all labels below ${path} lie outside their images: ${example}. Labels and images are in different ` +
        'coordinates (degrees against metres, another zone, or latitude before longitude) or of different places',
    );
  }
}

class SpaceNet implements SpaceNetDataset {
  readonly classes = spaceNetClasses;
  readonly ids: readonly string[];
  readonly report: SpaceNetReport;
  readonly stretch: Stretch;
  readonly decoding: ImageDecoding;
  readonly #entries: readonly Entry[];
  readonly #labels: LabelSource;
  readonly #rasters: RasterReader;
  readonly #visibility: Visibility;
  readonly #regions: ReadonlyMap<string, Region> | null;

  constructor(
    entries: readonly Entry[],
    {
      labels,
      rasters,
      visibility,
      regions,
    }: {
      readonly labels: LabelSource;
      readonly rasters: RasterReader;
      readonly visibility: Visibility;
      readonly regions: ReadonlyMap<string, Region> | null;
    },
    report: SpaceNetReport,
  ) {
    this.ids = entries.map((entry) => entry.id);
    this.report = report;
    this.stretch = rasters.stretch;
    this.decoding = rasters.decoding;
    this.#entries = entries;
    this.#labels = labels;
    this.#rasters = rasters;
    this.#visibility = visibility;
    this.#regions = regions;
  }

  async get(index: number): Promise<Sample> {
    const { entry, tiff } = await this.#open('get', index);
    const image = await this.#rasters.image(tiff);
    const resolution = defined({ groundResolution: groundResolution(tiff) ?? undefined });
    return { id: entry.id, image, ...resolution, ...(await this.#boxes(entry, tiff)) };
  }

  async describe(index: number): Promise<SampleDescription> {
    const { entry, tiff } = await this.#open('describe', index);
    return { id: entry.id, width: tiff.width, height: tiff.height, ...(await this.#boxes(entry, tiff)) };
  }

  async window(index: number, x: number, y: number, width: number, height: number): Promise<ByteImage> {
    const { tiff } = await this.#open('window', index);
    return this.#rasters.window(tiff, x, y, width, height);
  }

  async raster(index: number): Promise<Raster> {
    return this.#rasters.raster((await this.#open('raster', index)).tiff);
  }

  region(index: number): Region | null {
    return this.#regions?.get(this.#entry('region', index).file) ?? null;
  }

  #entry(method: string, index: number): Entry {
    const entry = this.#entries[index];
    if (entry !== undefined) return entry;
    throw new RangeError(`SpaceNet.${method}: index ${index}, expected 0 to ${this.#entries.length - 1}`);
  }

  async #open(method: string, index: number): Promise<{ readonly entry: Entry; readonly tiff: RawImage }> {
    const entry = this.#entry(method, index);
    return { entry, tiff: await this.#rasters.open(entry.path) };
  }

  async #boxes(entry: Entry, tiff: RawImage): Promise<Annotations> {
    const all = entry.key === undefined ? [] : await this.#labels.polygons(entry.key, tiff);
    const region = this.#regions?.get(entry.file);
    const polygons = region === undefined ? all : all.filter((polygon) => region.containsCentre(centreBox(polygon)));
    return footprintBoxes(polygons, tiff.width, tiff.height, this.#visibility);
  }
}

function footprintBoxes(polygons: readonly Polygon[], width: number, height: number, rule: Visibility): Annotations {
  const boxes = polygons
    .map((polygon) => polygonBox(polygon, width, height, rule))
    .filter((box): box is Box => box !== null);
  return packAnnotations(
    boxes,
    boxes.map(() => 0),
  );
}
