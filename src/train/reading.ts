import { augment, type AugmentOptions } from '../data/augment.ts';
import type { BatchOptions } from '../data/loader.ts';
import type { SampleSource } from '../data/types.ts';

/** How samples to train on are read and changed. */
export interface ReadingOptions {
  /** Null trains on the images as they are. Default: all of `AugmentOptions`. Not with `source`. */
  readonly augment?: AugmentOptions | null;
  /** Reads and changes the samples to train on, such as on other threads. Default: this thread, with `augment`. */
  readonly source?: SampleSource;
}

/** What `batches` is told about reading. Throws a TypeError, in the name of `op`, for a source beside augmentation. */
export function readingFor(op: string, { source, augment: changes }: ReadingOptions): Partial<BatchOptions> {
  if (source !== undefined && (changes ?? null) !== null) {
    throw new TypeError(`${op}: the source changes the samples: give it the augmentation, and leave out augment`);
  }
  if (source !== undefined) return { read: (index, seed, epoch) => source.read(index, seed, epoch) };
  if (changes === null) return {};
  return { augment: (sample, random) => augment(sample, changes ?? {}, random) };
}
