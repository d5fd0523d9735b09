import { augment, type AugmentOptions } from '../data/augment.ts';
import type { BatchOptions } from '../data/loader.ts';
import type { SampleSource } from '../data/types.ts';

/** How training samples are read and augmented. */
export interface ReadingOptions {
  /** Augmentation; null for none. Default: every augmentation with its default. Not allowed with `source`. */
  readonly augment?: AugmentOptions | null;
  /**
   * Reads and augments the training samples, for example on other threads. Default: the calling thread, with `augment`.
   */
  readonly source?: SampleSource;
}

/**
 * The options of `batches` for reading. Throws a TypeError that starts with `op` if both `source` and `augment` are
 * given.
 */
export function readingFor(op: string, { source, augment: augmentation }: ReadingOptions): Partial<BatchOptions> {
  if (source !== undefined && (augmentation ?? null) !== null) {
    throw new TypeError(
      `${op}: source and augment are both given: let the source augment its samples, and leave out augment`,
    );
  }
  if (source !== undefined) return { read: (index, seed, epoch) => source.read(index, seed, epoch) };
  if (augmentation === null) return {};
  return { augment: (sample, random) => augment(sample, augmentation ?? {}, random) };
}
