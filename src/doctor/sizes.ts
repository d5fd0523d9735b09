import { visibleBox } from '../detector/visible-box.ts';
import type { Size } from '../retinanet/anchors.ts';
import { sizedImage, sizeOf, type Inventory } from './types.ts';

/** Percentiles of the square roots of the boxes' areas, in pixels of the images before resizing. */
export interface SizeSummary {
  readonly p10: number;
  readonly median: number;
  readonly p90: number;
  readonly largest: number;
}

/** Summarises the sizes of the visible boxes; null without boxes. */
export function summariseSizes({ items }: Inventory): SizeSummary | null {
  const sides = items
    .flatMap((item) => item.image.objects.map((object) => visibleBox(sizedImage(item), object)))
    .filter((box) => box !== null)
    .map(([x1, y1, x2, y2]) => Math.sqrt((x2 - x1) * (y2 - y1)))
    .sort((a, b) => a - b);
  if (sides.length === 0) return null;
  const quantile = (q: number): number => sides[Math.min(sides.length - 1, Math.floor(q * sides.length))]!;
  return { p10: quantile(0.1), median: quantile(0.5), p90: quantile(0.9), largest: quantile(1) };
}

/** Height and width of the image with the median number of pixels; null if no size is known. */
export function medianSize({ items }: Inventory): Size | null {
  const sizes = items.flatMap((item) => sizeOf(item) ?? []).sort((a, b) => a.width * a.height - b.width * b.height);
  const middle = sizes[Math.floor(sizes.length / 2)];
  return middle === undefined ? null : [middle.height, middle.width];
}
