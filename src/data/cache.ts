import type { Dataset, Sample } from './types.ts';

/**
 * A data set that keeps decoded samples in memory up to `cacheBytes`. What fits first stays: an epoch visits every
 * sample once, in another order each time, and then throwing out the oldest would throw out what comes next. Concurrent
 * reads of one sample share the work. The samples are shared, so nobody may write into their images.
 */
export function cacheSamples(dataset: Dataset, cacheBytes: number): Dataset {
  if (!(cacheBytes >= 0)) throw new RangeError(`cacheSamples: cacheBytes is ${cacheBytes}, expected a number >= 0`);
  return new CachedDataset(dataset, cacheBytes);
}

class CachedDataset implements Dataset {
  readonly classes: readonly string[];
  readonly ids: readonly string[];
  readonly describe?: NonNullable<Dataset['describe']>;
  readonly #dataset: Dataset;
  readonly #samples = new Map<number, Promise<Sample>>();
  #bytesLeft: number;

  constructor(dataset: Dataset, cacheBytes: number) {
    this.classes = dataset.classes;
    this.ids = dataset.ids;
    if (dataset.describe !== undefined) this.describe = dataset.describe.bind(dataset);
    this.#dataset = dataset;
    this.#bytesLeft = cacheBytes;
  }

  get(index: number): Promise<Sample> {
    const known = this.#samples.get(index);
    if (known !== undefined) return known;
    const reading = this.#read(index);
    this.#samples.set(index, reading);
    return reading;
  }

  async #read(index: number): Promise<Sample> {
    try {
      const sample = await this.#dataset.get(index);
      const bytes = sample.image.data.byteLength + sample.boxes.byteLength + sample.labels.byteLength;
      if (bytes <= this.#bytesLeft) this.#bytesLeft -= bytes;
      else this.#samples.delete(index);
      return sample;
    } catch (error) {
      this.#samples.delete(index);
      throw error;
    }
  }
}
