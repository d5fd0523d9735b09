import { augment } from './augment.ts';
import { checkAugment, type AugmentOptions } from './augment/options.ts';
import { Random } from '../common/random.ts';
import type { Dataset, Sample, SampleSource } from './types.ts';

/** How a source changes the samples that it reads. */
export interface SourceOptions {
  /** Null gives samples as they are; `{}` is `augment` with its defaults. */
  readonly augment: AugmentOptions | null;
  /**
   * Positions of the samples that mosaic, copy-paste and mixup take theirs from: those that are trained on. Needed with
   * any of them, because objects of held-out samples must not come into training unseen.
   */
  readonly drawFrom?: readonly number[];
}

/**
 * Reads samples of a data set and augments them on this thread. Sample, seed and epoch decide the result, not the order
 * of the calls; without mixing it is what `batches` gives with `augment`. Errors name the sample.
 */
export function augmentedSource(dataset: Dataset, options: SourceOptions): SampleSource {
  const { augment: changes, drawFrom = [] } = options;
  const count = dataset.ids.length;
  if (changes !== null) {
    const settings = checkAugment(changes);
    const mixing = (['mosaic', 'copyPaste', 'mixup'] as const).find((kind) => settings[kind].probability > 0);
    if (mixing !== undefined && drawFrom.length === 0) {
      throw new TypeError(
        `augmentedSource: ${mixing} is on and drawFrom has no samples, expected the positions of those trained on`,
      );
    }
  }
  const wrong = drawFrom.find((index) => !isPosition(index, count));
  if (wrong !== undefined) {
    throw new RangeError(`augmentedSource: drawFrom holds ${wrong}, expected whole numbers from 0 to ${count - 1}`);
  }
  return {
    async read(index: number, seed: number, epoch: number): Promise<Sample> {
      if (!isPosition(index, count)) {
        throw new RangeError(`augmentedSource: sample ${index}, expected a whole number from 0 to ${count - 1}`);
      }
      try {
        const sample = await dataset.get(index);
        if (changes === null) return sample;
        const others = new Random('draw', seed, epoch, index);
        const draw = (): Promise<Sample> => dataset.get(drawFrom[others.int(drawFrom.length)]!);
        return await augment(sample, changes, new Random('augment', seed, epoch, index), draw);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`sample ${index} (${dataset.ids[index]}): ${reason}`, { cause: error });
      }
    },
  };
}

function isPosition(index: number, count: number): boolean {
  return Number.isInteger(index) && index >= 0 && index < count;
}
