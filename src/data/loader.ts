import { hash32, Random } from '../common/random.ts';
import type { Dataset, Sample } from './types.ts';

/** Some samples for one training step. */
export interface Batch {
  readonly samples: readonly Sample[];
  /** Position of each sample in the data set. */
  readonly indices: readonly number[];
  /** Number of the batch in its epoch, from 0. */
  readonly number: number;
  /** How many batches the whole epoch has. */
  readonly count: number;
}

/** How `batches` walks over a data set. */
export interface BatchOptions {
  readonly batchSize: number;
  /** Default 0. */
  readonly seed?: number;
  /** Default 0. Another epoch gives another order and other augmentation. */
  readonly epoch?: number;
  /** Shuffles by seed and epoch (default), or keeps the order of `indices`. */
  readonly shuffle?: boolean;
  /** Leaves out a last batch that is not full. Default false. */
  readonly dropLast?: boolean;
  /** Number of the first batch to give, to go on within an epoch. Default 0. */
  readonly start?: number;
  /** How many batches are read ahead while one is in use. Default 2; 0 reads each when it is asked for. */
  readonly prefetch?: number;
  /**
   * Changes a sample; its random numbers depend on seed, epoch and the position of the sample in the data set only, and
   * on how often it came before where `indices` holds it several times.
   */
  readonly augment?: (sample: Sample, random: Random) => Sample | Promise<Sample>;
  /** Reads and changes a sample in place of `dataset.get` and `augment`, as `SampleSource.read` does. */
  readonly read?: (index: number, seed: number, epoch: number) => Promise<Sample>;
}

/**
 * Reads the samples at `indices` batch by batch, the next ones while the current one is in use. Order and content
 * depend on seed, epoch and indices alone, never on timing, so that a run that goes on at `start` sees what it would
 * have seen. An error names the sample. Leaving the loop early stops the reading; nothing stays behind.
 */
export function batches(
  dataset: Dataset,
  indices: readonly number[],
  options: BatchOptions,
): AsyncGenerator<Batch, void, void> {
  const { batchSize, seed = 0, epoch = 0, shuffle = true, dropLast = false, start = 0, prefetch = 2 } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batches: batchSize is ${batchSize}, expected a whole number >= 1`);
  }
  for (const [name, value] of Object.entries({ start, prefetch })) {
    if (!Number.isInteger(value) || value < 0) {
      throw new RangeError(`batches: ${name} is ${value}, expected a whole number >= 0`);
    }
  }
  const wrong = indices.find((index) => !Number.isInteger(index) || index < 0 || index >= dataset.ids.length);
  if (wrong !== undefined) {
    throw new RangeError(`batches: index ${wrong}, expected whole numbers from 0 to ${dataset.ids.length - 1}`);
  }
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
      const reason = error instanceof Error ? error.message : String(error);
      const name = `sample ${index} (${dataset.ids[index]}): `;
      // A source names the sample itself.
      throw new Error(`batches: ${reason.startsWith(name) ? '' : name}${reason}`, { cause: error });
    }
  }
  async function readBatch(number: number): Promise<Batch> {
    const chosen = order.slice(number * batchSize, (number + 1) * batchSize);
    const reading = chosen.map((index, i) => readSample(index, seeds[number * batchSize + i]!));
    return { samples: await Promise.all(reading), indices: chosen, number, count };
  }
  return readAhead(start, count, prefetch, readBatch);
}

/** The seed of each sample of an epoch: one that comes again is to look different from the time before. */
function seedsOf(order: readonly number[], seed: number): number[] {
  const times = new Map<number, number>();
  return order.map((index) => {
    const before = times.get(index) ?? 0;
    times.set(index, before + 1);
    return before === 0 ? seed : hash32('again', seed, before);
  });
}

/**
 * Calls `read` for start .. end - 1 and gives the results in order, keeping `ahead` calls in flight beyond the current.
 */
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
      // A failure is reported when its turn comes; until then it must not count as unhandled.
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
