import type { PlacedBoxes } from '../detector/anchor-coverage.ts';
import { visibleBox } from '../detector/visible-box.ts';
import type { ReachedBox } from './anchor-pictures.ts';
import { sizedImage, type ImageFacts, type Item } from './types.ts';

/** An image to draw, with how well anchors reach its boxes. */
export interface PictureSource {
  readonly facts: ImageFacts;
  readonly boxes: readonly ReachedBox[];
}

/**
 * Images to show anchors on: those with the most boxes below the IoU `high` first, then those with the lowest mean IoU.
 * Images without boxes and images that cannot be read are left out.
 */
export function choosePictures(
  items: readonly Item[],
  placed: PlacedBoxes,
  ious: Float64Array,
  high: number,
  count: number,
): PictureSource[] {
  const iousByImage = items.map((): number[] => []);
  ious.forEach((iou, n) => iousByImage[placed.images[n]!]!.push(iou));
  const candidates = items.flatMap(({ facts }, image) => {
    const own = iousByImage[image]!;
    if (own.length === 0 || facts.problem !== null) return [];
    const unreached = own.filter((iou) => iou < high).length;
    return [{ image, unreached, mean: own.reduce((sum, iou) => sum + iou, 0) / own.length }];
  });
  return candidates
    .sort((a, b) => b.unreached - a.unreached || a.mean - b.mean)
    .slice(0, count)
    .map(({ image }) => ({ facts: items[image]!.facts, boxes: reachedBoxes(items, placed, ious, image) }));
}

/** The boxes of one image with the IoU of the best anchor of each, in pixels of the image before resizing. */
export function reachedBoxes(
  items: readonly Item[],
  placed: PlacedBoxes,
  ious: Float64Array,
  image: number,
): ReachedBox[] {
  const item = items[image]!;
  return Array.from(ious).flatMap((iou, n) => {
    if (placed.images[n] !== image) return [];
    const box = visibleBox(sizedImage(item), item.image.objects[placed.objects[n]!]!);
    return box === null ? [] : [{ box, iou }];
  });
}
