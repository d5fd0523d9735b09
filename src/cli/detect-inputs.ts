import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { counted } from '../common/check.ts';
import {
  type AreaOfInterest,
  groundResolution,
  medianResolution,
  overviewOf,
  partOfRaster,
  writePng,
  type Detections,
  rgbRaster,
  type Georeference,
  type InputError,
  type LabelledImage,
  type PixelWindow,
  type Raster,
  type RgbImage,
} from '../data-node.ts';
import {
  detectFiles,
  omittedImages,
  TileJournal,
  type DetectFilesOptions,
  type Detector,
  type FileStore,
} from '../detector-node.ts';
import { detectionPicture } from '../report.ts';
import type { Terminal } from './terminal.ts';

/** Larger rasters are not drawn unless asked: pictures would take long and show nothing. */
export const PICTURE_PIXELS = 25_000_000;
/** Longest side of a picture. */
const MAX_PICTURE = 4096;
/** Pictures of small images are enlarged to about this many pixels. */
const PICTURE_SIZE = 512;
/** Progress within an image is shown if it has more tiles, or is the only one. */
const MANY_TILES = 100;

/** An image with its detections. */
export interface FoundImage {
  /** Path of the file, or an opened raster. */
  readonly input: string | Raster;
  readonly labelled: LabelledImage;
  readonly place: Georeference;
  /** The part that is shown; null for all of it. */
  readonly part: PixelWindow | null;
}

/** What `detectInputs` found. */
export interface FoundInInputs {
  readonly images: readonly FoundImage[];
  readonly unreadable: readonly { readonly file: string; readonly reason: string }[];
  /** Number of images that have no part in the area. */
  readonly outside: number;
  /** Numbers of images with more detections than are kept, of nearly black ones, and of those too large for a picture. */
  readonly limited: number;
  readonly dark: number;
  readonly undrawn: number;
  /** Number of images whose pixels have an unknown size on the ground. */
  readonly unknownResolution: number;
  /** Median side of a pixel on the ground in metres; null if it is not known. */
  readonly groundResolution: number | null;
}

/** How `detectInputs` works. */
export interface DetectInputsOptions {
  readonly detecting: DetectFilesOptions & { readonly scoreThreshold: number; readonly maxDetections: number };
  readonly area: AreaOfInterest | null;
  /** What was found before in the tiles of a file. */
  readonly storeOf: (file: string) => FileStore;
  /** Folder, magnification, and whether large rasters are drawn, too; null for no pictures. */
  readonly pictures: { readonly out: string; readonly scale: number | undefined; readonly large: boolean } | null;
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
}

/** Detects objects in files and rasters, with progress, and draws them. */
export async function detectInputs(
  detector: Detector,
  inputs: readonly (string | Raster)[],
  { detecting, area, storeOf, pictures, signal, terminal }: DetectInputsOptions,
): Promise<FoundInInputs> {
  const images: FoundImage[] = [];
  const resolutions: number[] = [];
  const unreadable: { readonly file: string; readonly reason: string }[] = [];
  let [limited, dark, undrawn, outside] = [0, 0, 0, 0];
  const next = (): number => images.length + unreadable.length + outside;
  const progress = (): void => terminal.progress('detecting', next(), inputs.length);
  progress();
  const running = {
    ...detecting,
    signal,
    area,
    onOutside: (): void => {
      outside++;
      progress();
    },
    storeOf,
    onUnreadable: (file: string, error: InputError): void => {
      if (inputs.length === 1) throw error;
      unreadable.push({ file, reason: error.explain() });
      progress();
    },
    onTiles: (done: number, total: number): void => {
      if (inputs.length > 1 && total <= MANY_TILES) return;
      terminal.progress(`detecting on ${shortName(inputs[next()]!)}, tile`, done, total);
    },
  };
  const names = pictureNames(inputs);
  for await (const { raster, region, isDark, detections, labelled } of detectFiles(detector, inputs, running)) {
    const input = inputs[next()]!;
    const { width, height, affine, epsg, geographic } = raster;
    const part = region?.bounds ?? null;
    images.push({ input, labelled, place: { affine, epsg, geographic }, part });
    const resolution = groundResolution(raster);
    if (resolution !== null) resolutions.push(resolution);
    limited += omittedImages([detections], detecting.scoreThreshold);
    if (isDark) dark++;
    progress();
    if (pictures === null) continue;
    if (width * height > PICTURE_PIXELS && !pictures.large) undrawn++;
    else {
      const rgb = rgbRaster(raster, detector.decoding.shown);
      const shown = part === null ? rgb : partOfRaster(rgb, part);
      const picture = await pictureOf(shown, detections, { classes: detector.classes, scale: pictures.scale });
      await writePng(join(pictures.out, names.get(input)!), picture);
    }
  }
  terminal.stop();
  const unknownResolution = images.length - resolutions.length;
  return {
    images,
    unreadable,
    outside,
    limited,
    dark,
    undrawn,
    unknownResolution,
    groundResolution: medianResolution(resolutions),
  };
}

/** What is known of tiles before the detection: of an interrupted call, or of processes that shared the work. */
export interface KnownTiles {
  /** What was found in the tiles of a file. */
  readonly storeOf: (file: string) => FileStore;
  /** Rejects if another process now writes the results. */
  readonly checkHeld: () => Promise<void>;
  /** Removes what was kept, when the results are written. */
  readonly finish: () => Promise<void>;
}

/** What an interrupted call has found, if its weights and options are the same; what is found now is added. */
export async function openJournal(
  out: string,
  weights: string,
  detecting: DetectFilesOptions,
  area: AreaOfInterest | null,
  terminal: Terminal,
): Promise<KnownTiles> {
  const settings = { weights: fileKey(weights), ...detecting, area: area?.hash ?? null };
  const journal = await TileJournal.open(join(out, 'progress.jsonl'), settings);
  if (journal.tiles > 0) {
    terminal.say(`goes on: ${counted(journal.tiles, 'tile', 'tiles')} of an interrupted call are kept`);
  }
  return {
    storeOf: (file) => journal.storeOf(fileKey(file)),
    checkHeld: () => Promise.resolve(),
    finish: () => journal.remove(),
  };
}

/** A file with its size and date, which tell whether it has changed. */
function fileKey(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  // Of a URL, which may have a key in it, as the journal is a file.
  if (found === undefined) return createHash('sha256').update(file).digest('hex');
  return `${resolve(file)} ${found.size} ${found.mtimeMs}`;
}

/** The name of a file; of a URL without its query, which may have a key in it and is not for file names. */
const shortName = (input: string | Raster): string =>
  typeof input === 'string' ? basename(/^https?:/i.test(input) ? input.replace(/[?#].*$/, '') : input) : 'tiles';

/** The detections of an image, drawn on it or, if it is large, on a reduced image. */
async function pictureOf(
  raster: Raster,
  detections: Detections,
  { classes, scale }: { readonly classes: readonly string[]; readonly scale: number | undefined },
): Promise<RgbImage> {
  const { image, factor } = await overviewOf(raster, MAX_PICTURE);
  const fitting = Math.min(4, Math.max(1, Math.round(PICTURE_SIZE / Math.max(...image.shape.slice(0, 2)))));
  const reduced = { ...detections, boxes: detections.boxes.map((value) => value / factor) };
  // There is no ground truth, so detections are drawn in the neutral colour.
  return detectionPicture(image, null, reduced, { scale: scale ?? fitting, classes });
}

/** A name for the picture of each input: its own, numbered if several have the same. */
function pictureNames(inputs: readonly (string | Raster)[]): ReadonlyMap<string | Raster, string> {
  const used = new Map<string, number>();
  return new Map(
    inputs.map((input) => {
      const name = shortName(input)
        .replace(/^.*[\\/]/, '')
        .replace(/\.\w+$/, '');
      const count = (used.get(name) ?? 0) + 1;
      used.set(name, count);
      return [input, `${name}${count === 1 ? '' : `-${count}`}.png`];
    }),
  );
}
