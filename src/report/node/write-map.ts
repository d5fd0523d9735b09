import { cp, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkInteger, optionsOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { createFolder, writing } from '../../common/node/replace-file.ts';
import type { Point } from '../../imagery/geometry.ts';
import { optionalPackage } from '../../common/optional-package.ts';
import { encodeWebp } from '../../imagery/node/webp.ts';
import type { Georeference } from '../../imagery/raster.ts';
import { crsOfEpsg, WGS84 } from '../../vector/crs.ts';
import { transformation } from '../../vector/transformation.ts';
import { checkContents, checkObjects, type MapContents, type MapImage } from '../map/contents.ts';
import { columnsOf, mapScript, type MapImageData } from '../map/data.ts';
import { GENERATOR, mapPage } from '../map/page.ts';
import { lonLatGrid, placeImages } from '../map/placement.ts';
import { firstLevel, pyramidTiles, tileGrid, topLevel } from '../map/pyramid.ts';

const OP = 'writeMap';

/** Quality of the tiles, from 0 to 100; lower ones blur the edges of buildings. */
const QUALITY = 80;

/** How far `writeMap` has come: tiles of the image in progress. */
export interface MapProgress {
  /** Name of the image. */
  readonly image: string;
  readonly done: number;
  readonly total: number;
}

/** Options of `writeMap`. */
export interface WriteMapOptions {
  /**
   * Maximum number of tiles of 256 x 256 pixels at the most detailed level of an image, default 4000: about 16,000 x 16,000
   * pixels. A larger image starts at half of its resolution, a quarter, and so on, which the page says.
   */
  readonly maxTiles?: number;
  /** Called after every tile. */
  readonly onProgress?: (progress: MapProgress) => void;
  /** Stops the work: the promise rejects with the signal's reason, and nothing is written. */
  readonly signal?: AbortSignal;
}

/** Options with their defaults. */
interface FilledOptions {
  readonly maxTiles: number;
  readonly onProgress: WriteMapOptions['onProgress'] | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What `writeMap` wrote. */
export interface WrittenMap {
  /** The page: `FOLDER/index.html`. */
  readonly file: string;
  readonly images: number;
  readonly objects: number;
  /** Names of images that are shown at less than their resolution, because of `maxTiles`. */
  readonly reduced: readonly string[];
}

/**
 * Writes a map of detections as a page that opens in a browser from the disk, without a server and without network: the
 * imagery, the boxes, a slider for the score threshold, classes that can be switched off, and the details of each object
 * with its surroundings. Images with a common coordinate system and pixel size, such as the tiles of an orthophoto, lie
 * beside each other; others are in a list. The folder is complete when it appears; an earlier map in it is replaced. Images
 * are read in bands, so that one of any size takes some 100 MB of memory.
 *
 * Rejects with an `InputError` if the folder has other contents, with a `RangeError` for objects, classes or a threshold
 * that cannot be shown (see `MapObject`), and for no images, and with a `MissingPackageError` without the packages leaflet and
 * @jsquash/webp.
 */
export async function writeMap(
  folder: string,
  contents: MapContents,
  options: WriteMapOptions = {},
): Promise<WrittenMap> {
  const filled = optionsOf(OP, options, { maxTiles: 4000, onProgress: undefined, signal: undefined });
  checkInteger(OP, 'maxTiles', filled.maxTiles, { min: 1 });
  checkContents(OP, contents);
  const target = resolve(folder);
  await checkTarget(target);
  const written = await writing(OP, folder, () => writeAll(target, contents, filled));
  return { file: join(folder, 'index.html'), ...written };
}

/** Writes a map to a temporary folder, and moves it to its place. */
async function writeAll(
  target: string,
  contents: MapContents,
  options: FilledOptions,
): Promise<Omit<WrittenMap, 'file'>> {
  const parent = dirname(target);
  createFolder(parent);
  const temporary = await mkdtemp(join(parent, '.map-'));
  try {
    // Inside, because a temporary folder itself may only be read by its owner.
    const made = join(temporary, 'map');
    await mkdir(made);
    await copyProgram(made);
    const images: MapImageData[] = [];
    for await (const image of contents.images) {
      checkObjects(OP, image, contents.classes);
      images.push(await writeImage(join(made, 'tiles', String(images.length)), image, options));
    }
    if (images.length === 0) throw new RangeError(`${OP}: there are no images, expected at least one`);
    await writeFile(join(made, 'detections.js'), mapScript(contents, images, placeImages(images)));
    await writeFile(join(made, 'index.html'), mapPage(contents.title));
    await rm(target, { recursive: true, force: true });
    await rename(made, target);
    return {
      images: images.length,
      objects: images.reduce((sum, { labels }) => sum + labels.length, 0),
      reduced: images.filter(({ first }) => first > 0).map(({ name }) => name),
    };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Rejects unless a folder does not exist, is empty, or holds a map: only these may be replaced. */
async function checkTarget(folder: string): Promise<void> {
  let entries: string[];
  try {
    entries = await readdir(folder);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return;
    if (code === 'ENOTDIR') throw new InputError(OP, `${folder} is a file, expected a folder`, { cause: error });
    throw error;
  }
  if (entries.length === 0) return;
  const page = await readFile(join(folder, 'index.html'), 'utf8').catch(() => '');
  if (!page.includes(GENERATOR)) {
    throw new InputError(OP, `${folder} has files that are not a map, which would be deleted; name another folder`);
  }
}

/** Copies what the page runs: Leaflet, with its licence, and our own scripts. */
async function copyProgram(folder: string): Promise<void> {
  const [script] = await optionalPackage(
    'leaflet',
    async () => [fileURLToPath(import.meta.resolve('leaflet/dist/leaflet.js'))] as const,
    'a map',
  );
  await copyFile(script, join(folder, 'leaflet.js'));
  await copyFile(join(dirname(script), 'leaflet.css'), join(folder, 'leaflet.css'));
  await copyFile(join(dirname(script), '../LICENSE'), join(folder, 'leaflet-licence.txt'));
  await cp(fileURLToPath(new URL('../map/page', import.meta.url)), folder, { recursive: true });
}

/** Writes the tiles of an image. */
async function writeImage(
  folder: string,
  { name, raster, objects }: MapImage,
  { maxTiles, onProgress, signal }: FilledOptions,
): Promise<MapImageData> {
  const { width, height, affine, epsg, geographic } = raster;
  const first = firstLevel(width, height, maxTiles);
  const grids = Array.from({ length: topLevel(width, height) - first + 1 }, (_, k) =>
    tileGrid(width, height, first + k),
  );
  const written = grids.map(({ columns, rows }) => new Array<string>(columns * rows).fill('0'));
  for (const k of grids.keys()) await mkdir(join(folder, String(first + k)), { recursive: true });
  const total = grids.reduce((sum, { columns, rows }) => sum + columns * rows, 0);
  let done = 0;
  for await (const { level, column, row, image, valid, isEmpty } of pyramidTiles(raster, first)) {
    signal?.throwIfAborted();
    if (!isEmpty) {
      const bytes = await encodeWebp(image, QUALITY, valid);
      await writeFile(join(folder, String(level), `${column}-${row}.webp`), bytes);
      written[level - first]![row * grids[level - first]!.columns + column] = '1';
    }
    onProgress?.({ image: name, done: ++done, total });
  }
  const tiles = written.map((level) => level.join(''));
  const lonLat = lonLatGrid(raster, await toLonLat(raster));
  return { name, width, height, affine, epsg, geographic, first, tiles, lonLat, ...columnsOf(objects) };
}

/**
 * The conversion of map coordinates of an image to longitude and latitude; to null if it is not known. A map without them
 * is as good, so that neither a system that is not supported nor the missing package proj4 is an error.
 */
async function toLonLat({ epsg, geographic }: Georeference): Promise<(x: number, y: number) => Point | null> {
  if (epsg === null) return (x, y) => (geographic === true ? [x, y] : null);
  const { apply } = await transformation(crsOfEpsg(epsg), WGS84).catch(() => ({ apply: () => null }));
  return apply;
}
