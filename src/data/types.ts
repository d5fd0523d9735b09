import type { Region } from '../imagery/region.ts';
import type { Annotations, ByteImage, ImageDecoding } from '../imagery/types.ts';

/** One image with its annotations. */
export interface Sample extends Annotations {
  /** Name that is unique in the data set, for example `AOI_2_Vegas_img12`. */
  readonly id: string;
  readonly image: ByteImage;
  /** Side of a pixel on the ground in metres, as read from the file; missing where it is not known. */
  readonly groundResolution?: number;
}

/** Random access to samples. Images are read in `get`, so that a data set needs no memory until it is used. */
export interface Dataset {
  /** Names of the classes; the position is the label. */
  readonly classes: readonly string[];
  /** One id per sample, in a fixed order. */
  readonly ids: readonly string[];
  /**
   * How `get` and `window` decode image files, so that a detector can read other images as it read those it was trained
   * on. Undefined where it is not known, for example for images that come from no file.
   */
  readonly decoding?: ImageDecoding | undefined;
  /** Reads sample number `index`. Rejects with the name of the file if it is damaged. */
  get(index: number): Promise<Sample>;
  /** Size and boxes of sample number `index` without decoding its image, where that is possible: see `describeSample`. */
  describe?(index: number): Promise<SampleDescription>;
  /**
   * Part of the image of sample number `index`, from column `x` and row `y` on, where the format allows it without
   * decoding the whole image; rejects when the part does not lie within the image. The caller owns the returned pixels.
   */
  window?(index: number, x: number, y: number, width: number, height: number): Promise<ByteImage>;
  /** The part of the image of sample number `index` that counts; null for all of it. Absent: all of every image. */
  region?(index: number): Region | null;
}

/** What is known of a sample without its pixels. */
export interface SampleDescription extends Annotations {
  readonly id: string;
  /** Pixels of the upright image. */
  readonly width: number;
  readonly height: number;
}

/** Reads and augments samples for training, on this thread or on others. */
export interface SampleSource {
  /**
   * Sample number `index`, augmented for `epoch`; the result depends on seed, epoch and index alone. Rejects with a
   * `SampleError` when the sample cannot be read.
   */
  read(index: number, seed: number, epoch: number): Promise<Sample>;
}

/** A sample that could not be read or augmented. */
export class SampleError extends Error {
  override readonly name = 'SampleError';
  /** Position in the data set. */
  readonly index: number;
  readonly id: string;
  /** What happened, without the name of the sample. */
  readonly reason: string;

  /** @param op starts the message; empty for none */
  constructor(op: string, index: number, id: string, reason: string, options?: ErrorOptions) {
    super(`${op === '' ? '' : `${op}: `}sample ${index} (${id}): ${reason}`, options);
    this.index = index;
    this.id = id;
    this.reason = reason;
  }
}

/** `Dataset.describe`, or the same from `get` where a data set has to decode the image. */
export async function describeSample(dataset: Dataset, index: number): Promise<SampleDescription> {
  if (dataset.describe !== undefined) return dataset.describe(index);
  const { id, image, boxes, labels } = await dataset.get(index);
  return { id, width: image.shape[1]!, height: image.shape[0]!, boxes, labels };
}
