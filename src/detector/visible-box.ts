import { defaultVisibility, polygonBox, type Box, type Polygon } from '../imagery/geometry.ts';
import type { LabelledImage, LabelledObject } from '../labels/types.ts';

/** What is needed of an item to place its boxes. */
export interface SizedItem {
  readonly image: LabelledImage;
  readonly facts: { readonly size: { readonly width: number; readonly height: number } | null };
}

/** Pixels of an item's image: those of the file, else those of the label file, else null. */
export function sizeOf({ image, facts }: SizedItem): { readonly width: number; readonly height: number } | null {
  if (facts.size !== null) return facts.size;
  return image.width === null || image.height === null ? null : { width: image.width, height: image.height };
}

/** Whether a box has a width and a height, both finite. */
export const isProper = ([x1, y1, x2, y2]: Box): boolean =>
  x2 > x1 && y2 > y1 && [x1, y1, x2, y2].every(Number.isFinite);

/**
 * The box of an object that training sees, in pixels of the image: clipped to it, of the outlines where there are some,
 * and null where the visibility rule of the readers drops it (`defaultVisibility`), for crowds and for boxes without
 * extent. Where the image's size is unknown, boxes are as they are.
 */
export function visibleBox(item: SizedItem, { box, crowd, polygons }: LabelledObject): Box | null {
  if (crowd === true || !isProper(box)) return null;
  const size = sizeOf(item);
  if (size === null) return box;
  const { width, height } = size;
  const [x1, y1, x2, y2] = box;
  if (x1 >= 0 && y1 >= 0 && x2 <= width && y2 <= height) {
    return x2 - x1 < defaultVisibility.minSide || y2 - y1 < defaultVisibility.minSide ? null : box;
  }
  const corners: Polygon = [
    [
      [x1, y1],
      [x2, y1],
      [x2, y2],
      [x1, y2],
    ],
  ];
  const outlines = polygons === undefined || polygons.length === 0 ? [corners] : polygons;
  const parts = outlines.flatMap((polygon) => {
    const part = polygonBox(polygon, width, height);
    return part === null ? [] : [part];
  });
  return parts.reduce<Box | null>(
    (all, part) =>
      all === null
        ? part
        : [Math.min(all[0], part[0]), Math.min(all[1], part[1]), Math.max(all[2], part[2]), Math.max(all[3], part[3])],
    null,
  );
}
