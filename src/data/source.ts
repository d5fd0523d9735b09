import { checkInteger, reasonOf } from '../common/check.ts';
import { Random } from '../common/random.ts';
import { augment } from './augment.ts';
import { checkAugment, mixingKind, type AugmentOptions } from './augment/options.ts';
import { SampleError, type Dataset, type Sample, type SampleSource } from './types.ts';

/** How a source augments the samples that it reads. */
export interface SourceOptions {
  /** Null reads samples unchanged; `{}` is `augment` with its defaults. */
  readonly augment: AugmentOptions | null;
  /**
   * Positions of the samples that mosaic, copy-paste and mixup draw from: the training samples. Required with any of them,
   * because objects of held-out samples must not leak into training.
   */
  readonly drawFrom?: readonly number[];
}

/**
 * Reads samples of a data set and augments them on this thread. Sample, seed and epoch decide the result, not the order
 * of the calls; without mixing it is the result of `batches` with `augment`.
 *
 * @throws TypeError or RangeError for options out of range, before anything is read
 */
export function augmentedSource(dataset: Dataset, options: SourceOptions): SampleSource {
  const { augment: changes, drawFrom = [] } = options;
  const range = { min: 0, max: dataset.ids.length - 1 };
  const mixing = changes === null ? undefined : mixingKind(checkAugment(changes));
  if (mixing !== undefined && drawFrom.length === 0) {
    throw new TypeError(
      `augmentedSource: ${mixing} is on and drawFrom is empty, expected the positions of the training samples`,
    );
  }
  drawFrom.forEach((index, i) => checkInteger('augmentedSource', `drawFrom[${i}]`, index, range));
  return {
    async read(index: number, seed: number, epoch: number): Promise<Sample> {
      checkInteger('augmentedSource', 'index', index, range);
      try {
        const sample = await dataset.get(index);
        if (changes === null) return sample;
        const others = new Random('draw', seed, epoch, index);
        const draw = (): Promise<Sample> => dataset.get(drawFrom[others.int(drawFrom.length)]!);
        return await augment(sample, changes, new Random('augment', seed, epoch, index), draw);
      } catch (error) {
        throw new SampleError('', index, dataset.ids[index]!, reasonOf(error), { cause: error });
      }
    },
  };
}
