import { checkNumber } from '../common/check.ts';
import type { ImageDecoding } from '../imagery/types.ts';
import type { Dataset, Sample } from './types.ts';

/**
 * A data set that keeps decoded samples in memory up to `cacheBytes`. The first samples that fit stay: an epoch visits
 * every sample once, each time in another order, so that evicting the least recently used would evict what comes next.
 * Concurrent reads of one sample share the work. Callers share the samples and must not write into their images.
 *
 * @throws RangeError unless `cacheBytes` is a number >= 0
 */
export function cacheSamples(dataset: Dataset, cacheBytes: number): Dataset {
  checkNumber('cacheSamples', 'cacheBytes', cacheBytes, { min: 0 });
  return new CachedDataset(dataset, cacheBytes);
}

class CachedDataset implements Dataset {
  readonly classes: readonly string[];
  readonly ids: readonly string[];
  readonly decoding: ImageDecoding | undefined;
  readonly describe?: NonNullable<Dataset['describe']>;
  readonly region?: NonNullable<Dataset['region']>;
  readonly #dataset: Dataset;
  readonly #samples = new Map<number, Promise<Sample>>();
  #bytesLeft: number;

  constructor(dataset: Dataset, cacheBytes: number) {
    this.classes = dataset.classes;
    this.ids = dataset.ids;
    this.decoding = dataset.decoding;
    if (dataset.describe !== undefined) this.describe = dataset.describe.bind(dataset);
    if (dataset.region !== undefined) this.region = dataset.region.bind(dataset);
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
