import type { Annotations, ImageDecoding, RgbImage } from '../imagery/types.ts';

/** One image with what is known about it. */
export interface Sample extends Annotations {
  /** Name that is unique in the data set, such as `AOI_2_Vegas_img12`. */
  readonly id: string;
  readonly image: RgbImage;
}

/** Random access to samples; reading happens in `get`, so that a data set costs no memory until it is used. */
export interface Dataset {
  /** Names of the classes; the position is the label. */
  readonly classes: readonly string[];
  /** One id per sample, in a fixed order. */
  readonly ids: readonly string[];
  /** How its images are decoded, where that is not the default: further images for the same detector need the same. */
  readonly decoding?: ImageDecoding;
  /** Reads sample number `index`. Rejects when the file is damaged, naming it. */
  get(index: number): Promise<Sample>;
  /** Size and boxes of sample number `index` without decoding its image, where that is possible: see `describeSample`. */
  describe?(index: number): Promise<SampleDescription>;
  /**
   * Part of the image of sample number `index`, from column `x` and row `y` on, where a format allows it without decoding
   * all of it; rejects when the part does not lie within the image. Nobody else may hold the pixels.
   */
  window?(index: number, x: number, y: number, width: number, height: number): Promise<RgbImage>;
}

/** What is known of a sample without its pixels. */
export interface SampleDescription extends Annotations {
  readonly id: string;
  /** Pixels of the upright image. */
  readonly width: number;
  readonly height: number;
}

/** Reads and changes samples for training: on this thread, or on others. */
export interface SampleSource {
  /** Sample number `index` with the changes of `epoch`, which depend on seed, epoch and index alone. */
  read(index: number, seed: number, epoch: number): Promise<Sample>;
}

/** `Dataset.describe`, or what `get` tells where a data set cannot know without decoding. */
export async function describeSample(dataset: Dataset, index: number): Promise<SampleDescription> {
  if (dataset.describe !== undefined) return dataset.describe(index);
  const { id, image, boxes, labels } = await dataset.get(index);
  return { id, width: image.shape[1]!, height: image.shape[0]!, boxes, labels };
}
