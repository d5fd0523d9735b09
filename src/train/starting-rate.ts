import { checkNumber } from '../common/check.ts';

/** What a learning rate depends on. */
export interface RateInput {
  readonly optimizer: 'adamw' | 'sgd';
  /** Channels of the backbone's first stage: small networks take larger steps. */
  readonly width: number;
  /** Images of a step. */
  readonly images: number;
  /** Whether the weights were trained before. */
  readonly isPretrained: boolean;
}

/**
 * A learning rate to start with, to two digits. AdamW from scratch: 3e-3 for a backbone of width 16 and 5e-4 for 64 at 4
 * images, with which the examples were trained, a power law between them, and the root of the images, because Adam's
 * steps do not grow with the gradient's noise as those of SGD do; from pretrained weights torchvision's 1e-4 at 16
 * images. SGD: torchvision's 0.01 at 16 images, in proportion to them (Goyal et al. 2017), and a fifth of it from
 * pretrained weights.
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
