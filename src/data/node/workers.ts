import { availableParallelism } from 'node:os';
import { checkInteger, checkNumber } from '../../common/check.ts';
import { byteImage } from '../../imagery/image.ts';
import { cacheSamples } from '../cache.ts';
import { augmentedSource, type SourceOptions } from '../source.ts';
import { tileDataset, type TileOptions } from '../tiles.ts';
import { SampleError, type Dataset, type Sample, type SampleSource } from '../types.ts';
import { openDataset, type OpenOptions } from './open-dataset.ts';
import { openWorkerPool } from './worker-pool.ts';

/** What a thread needs to open a data set itself: plain values, which JSON can hold. */
export interface SourceRecipe extends SourceOptions {
  /** Path of the data set. */
  readonly path: string;
  /**
   * Options of `openDataset`. For 16-bit images pass the `stretch` of the opened data set, or each thread measures it
   * again.
   */
  readonly options?: OpenOptions;
  /** Cuts the images into tiles, which become the samples. Default: whole images. */
  readonly tiles?: TileOptions;
  /** Memory for decoded images, shared by all threads, in units of 10^6 bytes. Default 0. */
  readonly cacheMB?: number;
}

/** A source with threads, which end when it is closed. */
export interface ClosableSource extends SampleSource {
  /** Ends the threads; reads in flight reject. Calling it again does nothing. */
  close(): Promise<void>;
}

/** One sample as it is sent between threads. */
export interface PackedSample {
  readonly id: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly boxes: Float32Array;
  readonly labels: Int32Array;
}

/** The fields of a `SampleError`: its class would be lost between threads. */
export interface FailedSample {
  readonly id: string;
  readonly reason: string;
}

export interface ReadRequest {
  readonly index: number;
  readonly seed: number;
  readonly epoch: number;
}

/** Opens the data set of a recipe. */
export async function openRecipe(recipe: SourceRecipe): Promise<Dataset> {
  const { path, options = {}, cacheMB = 0 } = recipe;
  checkNumber('source', 'cacheMB', cacheMB, { min: 0 });
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
 * The source of a recipe on worker threads: each opens the data set itself, reads, decodes and augments; pixels are
 * transferred without a copy. Samples are those of `openLocalSource`, bit for bit, for any number of workers. The caller
 * bounds the reads in flight, as `batches` does with `prefetch`. If a worker dies, its reads and all later ones reject.
 * Idle threads do not keep the process alive. Rejects when the data set does not open.
 *
 * @param options `workers` defaults to one less than the number of CPU cores, from 1 to 8; 0 is `openLocalSource`
 */
export async function openWorkerSource(
  recipe: SourceRecipe,
  options: { readonly workers?: number } = {},
): Promise<ClosableSource> {
  const { workers = Math.min(Math.max(availableParallelism() - 1, 1), 8) } = options;
  checkInteger('openWorkerSource', 'workers', workers, { min: 0 });
  if (workers === 0) return openLocalSource(recipe);
  // TypeScript where tsx runs the source, JavaScript where this was built.
  const entry = new URL(`./source-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
  const data: SourceRecipe = { ...recipe, cacheMB: (recipe.cacheMB ?? 0) / workers };
  const pool = await openWorkerPool<ReadRequest, PackedSample | FailedSample>(entry, workers, data);
  return {
    async read(index: number, seed: number, epoch: number): Promise<Sample> {
      // The same worker for the same sample, as far as possible, so that the caches do not all hold the same samples.
      const reply = await pool.call({ index, seed, epoch }, index);
      if ('reason' in reply) throw new SampleError('', index, reply.id, reply.reason);
      const { id, bytes, boxes, labels } = reply;
      return { id, image: byteImage(reply, bytes), boxes, labels };
    },
    close: () => pool.close(),
  };
}
