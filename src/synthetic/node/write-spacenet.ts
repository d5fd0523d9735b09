import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkInteger, checkSeed } from '../../common/check.ts';
import { writing } from '../../common/node/replace-file.ts';
import type { Ring } from '../../imagery/geometry.ts';
import { generateChip, type ChipOptions } from '../chip.ts';

export interface SyntheticOptions extends ChipOptions {
  /** Folder in which the folder of the data set is created. */
  readonly out: string;
  /** Number of chips. Default 200. */
  readonly chips?: number;
  /** Random seed; the same seed gives the same files. Default 1. */
  readonly seed?: number;
  /** Called after each chip. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Incremented when the images change, so that old files are replaced. */
const VERSION = 2;
const NAME = 'AOI_0_Synthetic';
const MARKER = 'README.txt';

/** Position of the first chip, in the sea off Africa where there is no town, and the size of a metre there. */
const ORIGIN = { longitude: 0.01, latitude: -0.01 };
const DEGREES_PER_METRE = 1 / 111_320;

/**
 * Writes a synthetic data set in the layout of SpaceNet 2: 16-bit GeoTIFF chips in longitude and latitude, and building
 * footprints as GeoJSON and in a summary CSV. Nothing is written if the folder already contains the same data set.
 *
 * @returns path of the data set, `<out>/AOI_0_Synthetic_Train`
 */
export async function writeSyntheticSpaceNet(options: SyntheticOptions): Promise<string> {
  const { out, chips = 200, seed = 1, size = 128, metresPerPixel = 0.5, onProgress } = options;
  checkInteger('writeSyntheticSpaceNet', 'chips', chips, { min: 1 });
  checkSeed('writeSyntheticSpaceNet', seed);
  const folder = join(out, `${NAME}_Train`);
  const marker = describe(chips, seed, size, metresPerPixel);
  if (existsSync(join(folder, MARKER)) && (await readFile(join(folder, MARKER), 'utf8')) === marker) return folder;
  // Written to another folder and renamed when complete, so that an interrupted run leaves no incomplete data set.
  const partial = `${folder}.${process.pid}`;
  await writing('writeSyntheticSpaceNet', folder, async () => {
    try {
      await writeChips(partial, { chips, seed, size, metresPerPixel, onProgress });
      await writeFile(join(partial, MARKER), marker);
      await rm(folder, { recursive: true, force: true });
      await rename(partial, folder);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw error;
    }
  });
  return folder;
}

interface ChipSeries {
  readonly chips: number;
  readonly seed: number;
  readonly size: number;
  readonly metresPerPixel: number;
  readonly onProgress: SyntheticOptions['onProgress'];
}

async function writeChips(
  folder: string,
  { chips, seed, size, metresPerPixel, onProgress }: ChipSeries,
): Promise<void> {
  const { writeArrayBuffer } = await import('geotiff');
  const images = join(folder, 'RGB-PanSharpen');
  const labels = join(folder, 'geojson', 'buildings');
  const summary = join(folder, 'summaryData');
  for (const path of [images, labels, summary]) await mkdir(path, { recursive: true });
  const rows = ['ImageId,BuildingId,PolygonWKT_Pix,PolygonWKT_Geo'];
  const pixel = metresPerPixel * DEGREES_PER_METRE;
  for (let i = 0; i < chips; i++) {
    const id = `${NAME}_img${i + 1}`;
    const { levels, footprints } = generateChip(seed, i, { size, metresPerPixel });
    const west = ORIGIN.longitude + (i % 20) * size * pixel;
    const north = ORIGIN.latitude - Math.floor(i / 20) * size * pixel;
    const onMap = (ring: Ring): Ring => ring.map(([x, y]) => [west + x * pixel, north - y * pixel] as const);
    const tiff = writeArrayBuffer(levels, {
      width: size,
      height: size,
      BitsPerSample: [16, 16, 16],
      SamplesPerPixel: [3],
      PhotometricInterpretation: 2,
      ModelPixelScale: [pixel, pixel, 0],
      ModelTiepoint: [0, 0, 0, west, north, 0],
      GTModelTypeGeoKey: 2,
      GTRasterTypeGeoKey: 1,
      GeographicTypeGeoKey: 4326,
    });
    await writeFile(join(images, `RGB-PanSharpen_${id}.tif`), new Uint8Array(tiff));
    await writeFile(join(labels, `buildings_${id}.geojson`), geoJson(footprints.map(onMap)));
    footprints.forEach((ring, k) => rows.push(`${id},${k + 1},${wkt(ring, 3)},${wkt(onMap(ring), 9)}`));
    if (footprints.length === 0) rows.push(`${id},-1,POLYGON EMPTY,POLYGON EMPTY`);
    onProgress?.(i + 1, chips);
  }
  await writeFile(join(summary, `${NAME}_Train_Building_Solutions.csv`), `${rows.join('\n')}\n`);
}

function describe(chips: number, seed: number, size: number, metresPerPixel: number): string {
  return (
    'Synthetic imagery made by retinagrad, not a place on Earth. The layout is that of SpaceNet 2.\n' +
    `chips ${chips}, seed ${seed}, ${size} x ${size} pixels of ${metresPerPixel} m, generator version ${VERSION}\n`
  );
}

/** The ring with its first corner repeated at the end. */
const closed = (ring: Ring): Ring => [...ring, ...ring.slice(0, 1)];

function geoJson(rings: readonly Ring[]): string {
  const features = rings.map((ring, i) => ({
    type: 'Feature',
    properties: { OBJECTID: i + 1 },
    geometry: { type: 'Polygon', coordinates: [closed(ring).map(([x, y]) => [x, y, 0])] },
  }));
  return `${JSON.stringify({ type: 'FeatureCollection', features })}\n`;
}

function wkt(ring: Ring, digits: number): string {
  return `"POLYGON ((${closed(ring)
    .map(([x, y]) => `${x.toFixed(digits)} ${y.toFixed(digits)} 0`)
    .join(',')}))"`;
}
