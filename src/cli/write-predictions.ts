import { join } from 'node:path';
import { defined } from '../common/check.ts';
import {
  InputError,
  writeLabelLayer,
  writeLabels,
  type Georeference,
  type WritableFormat,
  type LabelTable,
  type LayerFormat,
  type UnplacedImage,
} from '../data-node.ts';
import type { Reader } from './options.ts';
import { UsageError } from './usage-error.ts';

/** Formats of labels in pixels: each a file, or a folder for some. */
const LABEL_FILES = {
  csv: 'predictions.csv',
  coco: 'predictions.json',
  voc: 'predictions',
  yolo: 'predictions',
  deepforest: 'predictions.csv',
  'spacenet-csv': 'predictions.csv',
} as const satisfies Partial<Record<WritableFormat, string>>;

/** Formats of GIS programs, with the detections of all images in one layer. */
const LAYER_FILES = {
  geojson: 'predictions.geojson',
  gpkg: 'predictions.gpkg',
  fgb: 'predictions.fgb',
  shp: 'predictions.shp',
} as const satisfies Record<LayerFormat, string>;

const FILES = { ...LABEL_FILES, ...LAYER_FILES };

/** Name of a format in which predictions can be written. */
export type PredictionFormat = keyof typeof FILES;

export const predictionFormats = Object.keys(FILES) as PredictionFormat[];

export const isLayerFormat = (format: PredictionFormat): format is LayerFormat => format in LAYER_FILES;

/** Reads a coordinate system: `raster`, or an EPSG code. */
export const coordinateSystem: Reader<'raster' | number> = {
  expected: 'raster or an EPSG code such as EPSG:4326',
  read: (given) => {
    if (given === 'raster') return given;
    const code = /^EPSG:(\d{4,6})$/i.exec(given)?.[1];
    return code === undefined ? undefined : Number(code);
  },
};

/** Throws a UsageError if two formats would be written to the same file. */
export function checkFormats(formats: readonly PredictionFormat[]): void {
  formats.forEach((format, i) => {
    const other = formats.slice(0, i).find((one) => FILES[one] === FILES[format]);
    if (other === undefined) return;
    throw new UsageError(`--format names ${other} and ${format}, which would both be written to ${FILES[format]}`);
  });
}

/** What was written, and what not. */
export interface WrittenPredictions {
  /** Paths; `crs` is the name of a layer's coordinate system, or null if it is not known. */
  readonly files: readonly { readonly path: string; readonly crs?: string | null }[];
  /** The file in pixels, which has all detections; there is one unless only layers are written and lack nothing. */
  readonly complete: string | undefined;
  /** What a format could not express, and how coordinates were converted. */
  readonly notes: readonly string[];
  /** Images that layers lack, because they have no place on the map. */
  readonly unplaced: readonly UnplacedImage[];
  /** Formats that could not be written, with the reason. */
  readonly failures: readonly { readonly format: PredictionFormat; readonly reason: string }[];
}

/**
 * Writes detections in each format to the folder `out`, replacing earlier ones. They may have taken hours, so if a format
 * cannot be written, or layers lack some of the images, they are also written in CSV.
 */
export async function writePredictions(
  table: LabelTable,
  formats: readonly PredictionFormat[],
  {
    out,
    images,
    crs,
    georeferences,
  }: {
    readonly out: string;
    /** Folder to which the paths of images in the table are relative. */
    readonly images: string;
    readonly crs: 'raster' | number | undefined;
    /** Of each image by its path in the table; only layers need them. */
    readonly georeferences: ReadonlyMap<string, Georeference>;
  },
): Promise<WrittenPredictions> {
  const files: { path: string; crs?: string | null }[] = [];
  const notes = new Set<string>();
  const failures: { format: PredictionFormat; reason: string }[] = [];
  const unplaced = new Map<string, UnplacedImage>();
  const writeAs = async (format: PredictionFormat): Promise<void> => {
    const path = join(out, FILES[format]);
    if (isLayerFormat(format)) {
      const layer = await writeLabelLayer(table, path, format, { georeferences, overwrite: true, ...defined({ crs }) });
      for (const note of layer.notes) notes.add(note);
      for (const image of layer.unplaced) unplaced.set(image.file, image);
      files.push({ path, crs: layer.crs });
    } else {
      const { unsupported } = await writeLabels(table, path, format, { overwrite: true, images });
      // Image sizes and class order are by-products here; losing them is not worth a warning.
      const missed = unsupported.filter(({ what }) => what !== 'sizes' && what !== 'class order');
      for (const { message } of missed) notes.add(`not kept: ${message}`);
      files.push({ path });
    }
  };
  for (const format of formats) {
    try {
      await writeAs(format);
    } catch (error) {
      if (!(error instanceof InputError) || format === 'csv') throw error;
      failures.push({ format, reason: error.explain() });
    }
  }
  const complete = (): string | undefined => files.find(({ crs }) => crs === undefined)?.path;
  if (complete() === undefined && (failures.length > 0 || unplaced.size > 0)) await writeAs('csv');
  return { files, complete: complete(), notes: [...notes], unplaced: [...unplaced.values()], failures };
}
