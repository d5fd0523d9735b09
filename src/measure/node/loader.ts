import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkInteger, defined } from '../../common/check.ts';
import type { AugmentOptions } from '../../data/augment.ts';
import { polygonBox } from '../../imagery/geometry.ts';
import { rgbImage } from '../../imagery/image.ts';
import { batches } from '../../data/loader.ts';
import { openDataset } from '../../data/node/open-dataset.ts';
import { encodeJpeg } from '../../imagery/node/jpeg.ts';
import { encodePng } from '../../imagery/node/png.ts';
import { writeSyntheticSpaceNet } from '../../synthetic/node/write-spacenet.ts';
import { openWorkerSource, type SourceRecipe } from '../../data/node/workers.ts';
import { applyStretch, LevelCounts } from '../../imagery/stretch.ts';
import { generateChip } from '../../synthetic/chip.ts';

/** File formats of synthetic tiles: 8 bits in PNG and JPEG, 16 bits in uncompressed GeoTIFF, in SpaceNet's layout. */
const chipFormats = ['png', 'jpeg', 'tiff'] as const;
type ChipFormat = (typeof chipFormats)[number];

/** Options of `measureLoader`. */
export interface LoaderBenchOptions {
  /** Numbers of worker threads to measure; 0 reads on the calling thread. Default 0, 1 and 2. */
  readonly workers?: readonly number[];
  /** Number of images to read for each row. Default 200. */
  readonly images?: number;
  /** Null reads images as they are. Default: `augment` with its defaults. */
  readonly augment?: AugmentOptions | null;
  /** Formats of synthetic tiles. Default: all. */
  readonly formats?: readonly ChipFormat[];
  /** Number of tiles to write in each format; they are read repeatedly. Default 32. */
  readonly chips?: number;
  /** Side of a tile in pixels. Default 512. */
  readonly size?: number;
  /** A data set to read instead of synthetic tiles. */
  readonly path?: string;
  /** Called with each row as soon as it is measured. */
  readonly onRow?: (row: LoaderRow) => void;
}

/** The speed of reading from one source with one number of threads. */
export interface LoaderRow {
  /** Format of the tiles, or the path of the data set. */
  readonly source: string;
  readonly workers: number;
  readonly images: number;
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

/** The defaults of training: four samples per step, and two batches read ahead. */
const BATCH = { batchSize: 4, prefetch: 2 };

/**
 * Measures how many images per second are read, decoded and augmented for training, for several numbers of worker
 * threads. After the first epoch files come from the system's cache; decoded images are not cached. The start of the
 * threads and a first batch for each of them, in which code is compiled, are not counted.
 *
 * @throws a RangeError if `images` or `chips` is not an integer >= 1
 */
export async function measureLoader(options: LoaderBenchOptions = {}): Promise<LoaderRow[]> {
  const { workers = [0, 1, 2], images = 200, formats = chipFormats, chips = 32, size = 512, onRow } = options;
  checkInteger('measureLoader', 'images', images, { min: 1 });
  checkInteger('measureLoader', 'chips', chips, { min: 1 });
  const folder = await mkdtemp(join(tmpdir(), 'retinagrad-loader-'));
  const rows: LoaderRow[] = [];
  try {
    for (const source of options.path === undefined ? formats : [options.path]) {
      const path = options.path ?? (await writeChips(folder, source as ChipFormat, chips, size));
      for (const count of workers) {
        const row = await measureRow(source, path, count, images, options.augment);
        rows.push(row);
        onRow?.(row);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return rows;
}

async function measureRow(
  source: string,
  path: string,
  workers: number,
  images: number,
  augment: AugmentOptions | null = {},
): Promise<LoaderRow> {
  const dataset = await openDataset(path);
  const indices = dataset.ids.map((_, i) => i);
  // Measured once here, so that the threads need not measure it again.
  const options = defined({ stretch: dataset.decoding.stretch });
  const recipe: SourceRecipe = { path, options, augment, drawFrom: indices };
  const reader = await openWorkerSource(recipe, { workers });
  try {
    const read = reader.read.bind(reader);
    /** Reads `count` images, over several epochs if necessary. */
    const readMany = async (count: number, firstEpoch: number): Promise<void> => {
      let left = count;
      for (let epoch = firstEpoch; left > 0; epoch++) {
        const part = indices.slice(0, left);
        for await (const { samples } of batches(dataset, part, { ...BATCH, epoch, read })) left -= samples.length;
      }
    };
    await readMany(BATCH.batchSize * Math.max(1, workers), 0);
    const start = performance.now();
    await readMany(images, 1);
    const seconds = (performance.now() - start) / 1000;
    return { source, workers, images, seconds, imagesPerSecond: images / seconds };
  } finally {
    await reader.close();
  }
}

/** Writes synthetic tiles with their boxes; returns the path of the data set. */
async function writeChips(folder: string, format: ChipFormat, chips: number, size: number): Promise<string> {
  if (format === 'tiff') return writeSyntheticSpaceNet({ out: folder, chips, size });
  const path = join(folder, format);
  await mkdir(path);
  const rows = ['image,x1,y1,x2,y2,label'];
  for (let i = 0; i < chips; i++) {
    const { levels, footprints } = generateChip(1, i, { size });
    const counts = new LevelCounts(3);
    counts.add({ levels, valid: null });
    const image = rgbImage(size, size, applyStretch(levels, counts.stretch([2, 98])));
    const name = `chip${i}.${format === 'png' ? 'png' : 'jpg'}`;
    await writeFile(join(path, name), format === 'png' ? await encodePng(image) : await encodeJpeg(image, 90));
    const boxes = footprints.flatMap((ring) => [polygonBox([ring], size, size)].filter((box) => box !== null));
    rows.push(...boxes.map((box) => `${name},${box.join(',')},building`));
    if (boxes.length === 0) rows.push(`${name},,,,,`);
  }
  await writeFile(join(path, 'boxes.csv'), `${rows.join('\n')}\n`);
  return path;
}
