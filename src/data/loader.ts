import { checkInteger, checkSeed, reasonOf } from '../common/check.ts';
import { InputError } from '../common/errors.ts';
import { hash32, Random } from '../common/random.ts';
import { SampleError, type Dataset, type Sample } from './types.ts';

/** The samples of one training step. */
export interface Batch {
  readonly samples: readonly Sample[];
  /** Position of each sample in the data set. */
  readonly indices: readonly number[];
  /** Number of the batch in its epoch, from 0. */
  readonly number: number;
  /** Number of batches in the whole epoch. */
  readonly count: number;
}

/** How `batches` iterates over a data set. */
export interface BatchOptions {
  readonly batchSize: number;
  /** Default 0. */
  readonly seed?: number;
  /** Default 0. Order and augmentation differ from epoch to epoch. */
  readonly epoch?: number;
  /** Shuffles by seed and epoch (default), or keeps the order of `indices`. */
  readonly shuffle?: boolean;
  /** Drops the last batch if it is not full. Default false. */
  readonly dropLast?: boolean;
  /** Number of the first batch, to resume within an epoch. Default 0. */
  readonly start?: number;
  /**
   * Reads a part of each batch only: part `rank` of `size` parts, in order, of which some have one sample more if `size` does not
   * divide `batchSize`. Order and augmentation of the samples are those of the whole batch. Default: the whole batch.
   */
  readonly part?: { readonly rank: number; readonly size: number };
  /** Number of batches that are read ahead while one is in use. Default 2; 0 reads each batch on demand. */
  readonly prefetch?: number;
  /**
   * Augments a sample. The random numbers depend on seed, epoch, the position of the sample in the data set and, where
   * `indices` repeats it, the number of its earlier occurrences.
   */
  readonly augment?: (sample: Sample, random: Random) => Sample | Promise<Sample>;
  /**
   * Called with the position in the data set of a sample whose image file cannot be read; its batch is then smaller, and may
   * be empty. Default: the error is thrown.
   */
  readonly onUnreadable?: (index: number, error: InputError) => void;
  /** Reads and augments a sample instead of `dataset.get` and `augment`: `SampleSource.read`. */
  readonly read?: (index: number, seed: number, epoch: number) => Promise<Sample>;
}

/**
 * Reads the samples at `indices` batch by batch, the next batches while the current one is in use. Order and content
 * depend on seed, epoch and indices alone, never on timing, so that a run resumed at `start` sees the same batches.
 * Leaving the loop early stops the reading and waits for reads in flight.
 *
 * @throws RangeError for indices outside the data set and for options out of range
 * @throws SampleError, in its turn, for a sample that cannot be read or augmented
 */
export function batches(
  dataset: Dataset,
  indices: readonly number[],
  options: BatchOptions,
): AsyncGenerator<Batch, void, void> {
  const { batchSize, seed = 0, epoch = 0, shuffle = true, dropLast = false, start = 0, prefetch = 2 } = options;
  checkInteger('batches', 'batchSize', batchSize, { min: 1 });
  checkSeed('batches', seed);
  checkInteger('batches', 'start', start, { min: 0 });
  checkInteger('batches', 'prefetch', prefetch, { min: 0 });
  const { rank, size } = options.part ?? { rank: 0, size: 1 };
  checkInteger('batches', 'part.size', size, { min: 1 });
  checkInteger('batches', 'part.rank', rank, { min: 0, max: size - 1 });
  for (const index of indices) checkInteger('batches', 'index', index, { min: 0, max: dataset.ids.length - 1 });
  const order = [...indices];
  if (shuffle) new Random('order', seed, epoch).shuffle(order);
  const count = dropLast ? Math.floor(order.length / batchSize) : Math.ceil(order.length / batchSize);

  const seeds = seedsOf(order, seed);

  async function readSample(index: number, own: number): Promise<Sample> {
    try {
      if (options.read !== undefined) return await options.read(index, own, epoch);
      const sample = await dataset.get(index);
      return (await options.augment?.(sample, new Random('augment', own, epoch, index))) ?? sample;
    } catch (error) {
      const reason = error instanceof SampleError ? error.reason : reasonOf(error);
      throw new SampleError('batches', index, dataset.ids[index]!, reason, { cause: error });
    }
  }
  async function readReadable(index: number, own: number): Promise<Sample | null> {
    try {
      return await readSample(index, own);
    } catch (error) {
      const cause = error instanceof SampleError ? error.cause : null;
      if (!(cause instanceof InputError) || options.onUnreadable === undefined) throw error;
      options.onUnreadable(index, cause);
      return null;
    }
  }
  async function readBatch(number: number): Promise<Batch> {
    // Of a batch that is not full, too, each part has the samples of its positions.
    const startOf = (part: number): number => number * batchSize + Math.floor((part * batchSize) / size);
    const first = startOf(rank);
    const chosen = order.slice(first, startOf(rank + 1));
    const reading = chosen.map((index, i) => readReadable(index, seeds[first + i]!));
    const samples = await Promise.all(reading);
    return {
      samples: samples.filter((sample) => sample !== null),
      indices: chosen.filter((_, i) => samples[i] !== null),
      number,
      count,
    };
  }
  return readAhead(start, count, prefetch, readBatch);
}

/** The seed of each sample of an epoch: a repeated sample is augmented differently each time. */
function seedsOf(order: readonly number[], seed: number): number[] {
  const times = new Map<number, number>();
  return order.map((index) => {
    const before = times.get(index) ?? 0;
    times.set(index, before + 1);
    return before === 0 ? seed : hash32('again', seed, before);
  });
}

/** Calls `read` for start .. end - 1 and yields the results in order, with `ahead` calls in flight beyond the current. */
async function* readAhead<T>(
  start: number,
  end: number,
  ahead: number,
  read: (number: number) => Promise<T>,
): AsyncGenerator<T, void, void> {
  const inFlight: Promise<T>[] = [];
  let next = start;
  const fill = (length: number): void => {
    while (inFlight.length < length && next < end) {
      const reading = read(next++);
      // A failure is reported in its turn; until then it must not count as unhandled.
      reading.catch(() => undefined);
      inFlight.push(reading);
    }
  };
  try {
    for (let number = start; number < end; number++) {
      fill(ahead + 1);
      yield await inFlight.shift()!;
    }
  } finally {
    await Promise.allSettled(inFlight);
  }
}
