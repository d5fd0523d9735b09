import { checkNumber } from '../common/check.ts';

/** What the initial learning rate depends on. */
export interface RateInput {
  readonly optimizer: 'adamw' | 'sgd';
  /** Channels of the backbone's first stage: narrow networks allow higher rates. */
  readonly width: number;
  /** Images per step. */
  readonly images: number;
  /** Whether the initial weights are pretrained. */
  readonly isPretrained: boolean;
}

/**
 * An initial learning rate, rounded to two significant digits.
 *
 * AdamW with random weights: 3e-3 for a backbone of width 16 and 5e-4 for width 64 at 4 images per step, which are the
 * rates of the examples, and a power law in between. The rate is proportional to the square root of the images, because
 * Adam normalises its steps by the magnitude of the gradients. AdamW with pretrained weights: torchvision's 1e-4 at 16
 * images.
 *
 * SGD: torchvision's 0.01 at 16 images, in proportion to the images (Goyal et al. 2017); a fifth of it for pretrained
 * weights.
 *
 * @throws RangeError unless `width` and `images` are > 0
 */
export function startingRate({ optimizer, width, images, isPretrained }: RateInput): number {
  checkNumber('startingRate', 'width', width, { above: 0 });
  checkNumber('startingRate', 'images', images, { above: 0 });
  if (optimizer === 'sgd') return twoDigits(((isPretrained ? 0.002 : 0.01) * images) / 16);
  if (isPretrained) return twoDigits(1e-4 * Math.sqrt(images / 16));
  const narrow = (16 / Math.max(16, width)) ** (Math.log(6) / Math.log(4));
  return twoDigits(3e-3 * narrow * Math.sqrt(images / 4));
}

const twoDigits = (value: number): number => Number(value.toPrecision(2));
