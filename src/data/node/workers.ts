import { availableParallelism } from 'node:os';
import { cacheSamples } from '../cache.ts';
import { rgbImage } from '../../imagery/image.ts';
import { augmentedSource, type SourceOptions } from '../source.ts';
import { tileDataset, type TileOptions } from '../tiles.ts';
import type { Dataset, Sample, SampleSource } from '../types.ts';
import { openDataset, type OpenOptions } from './open-dataset.ts';
import { openWorkerPool } from './worker-pool.ts';

/** What a thread needs to open a data set for itself: plain values, which JSON can hold. */
export interface SourceRecipe extends SourceOptions {
  /** Path of the data set. */
  readonly path: string;
  /**
   * Options of `openDataset`. For 16-bit images give the `stretch` of the data set opened before, or each thread
   * measures it again.
   */
  readonly options?: OpenOptions;
  /** Cuts the images into tiles, which are the samples then. Default: images as they are. */
  readonly tiles?: TileOptions;
  /** Memory for decoded images, all threads together, in units of 10^6 bytes. Default 0. */
  readonly cacheMB?: number;
}

/** A source that holds threads until it is closed. */
export interface ClosableSource extends SampleSource {
  /** Ends the threads; reads that are in flight reject. Calling it again does nothing. */
  close(): Promise<void>;
}

/** One sample as it goes between threads. */
export interface PackedSample {
  readonly id: string;
  readonly height: number;
  readonly width: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly boxes: Float32Array;
  readonly labels: Int32Array;
}

export interface ReadRequest {
  readonly index: number;
  readonly seed: number;
  readonly epoch: number;
}

/** Opens the data set of a recipe. */
export async function openRecipe(recipe: SourceRecipe): Promise<Dataset> {
  const { path, options = {}, cacheMB = 0 } = recipe;
  if (!(cacheMB >= 0)) throw new RangeError(`source: cacheMB is ${cacheMB}, expected a number from 0`);
  const whole = await openDataset(path, options);
  const dataset = recipe.tiles === undefined ? whole : await tileDataset(whole, recipe.tiles);
  return cacheMB > 0 ? cacheSamples(dataset, cacheMB * 1e6) : dataset;
}

/** The source of a recipe on this thread. */
export async function openLocalSource(recipe: SourceRecipe): Promise<ClosableSource> {
  const source = augmentedSource(await openRecipe(recipe), recipe);
  return { read: source.read.bind(source), close: () => Promise.resolve() };
}

/**
 * The source of a recipe on worker threads: each opens the data set for itself, reads, decodes and augments; the pixels
 * come over without being copied. Samples are those of `openLocalSource`, bit for bit, whatever the number of workers
 * (by default one less than there are processors, from 1 to 8; 0 is `openLocalSource` itself). Reads in flight are
 * bounded by whoever asks: `batches` with its `prefetch`. A worker that dies makes its reads, and all later ones, reject.
 * Idle threads do not keep the process alive. Rejects when the data set does not open.
 */
export async function openWorkerSource(
  recipe: SourceRecipe,
  options: { readonly workers?: number } = {},
): Promise<ClosableSource> {
  const { workers = Math.min(Math.max(availableParallelism() - 1, 1), 8) } = options;
  if (!Number.isInteger(workers) || workers < 0) {
    throw new RangeError(`openWorkerSource: workers is ${workers}, expected a whole number from 0`);
  }
  if (workers === 0) return openLocalSource(recipe);
  // The source as tsx runs it, or what was built from it.
  const entry = new URL(`./source-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
  const share: SourceRecipe = { ...recipe, cacheMB: (recipe.cacheMB ?? 0) / workers };
  const pool = await openWorkerPool<ReadRequest, PackedSample>(entry, workers, share);
  return {
    async read(index: number, seed: number, epoch: number): Promise<Sample> {
      // The same worker each time, as far as possible, so that the caches do not all hold the same.
      const { id, height, width, bytes, boxes, labels } = await pool.call({ index, seed, epoch }, index);
      return { id, image: rgbImage(height, width, bytes), boxes, labels };
    },
    close: () => pool.close(),
  };
}
