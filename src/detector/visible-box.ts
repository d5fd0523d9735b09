import { defaultVisibility, polygonBox, type Box, type Polygon } from '../imagery/geometry.ts';
import type { LabelledImage, LabelledObject } from '../labels/types.ts';

/** The size of an image in pixels (null if unknown) and its objects. A `LabelledImage` is one. */
export type SizedImage = Pick<LabelledImage, 'width' | 'height' | 'objects'>;

/** Whether a box has a width and a height, both finite. */
export const isProper = ([x1, y1, x2, y2]: Box): boolean =>
  x2 > x1 && y2 > y1 && [x1, y1, x2, y2].every(Number.isFinite);

/**
 * The box of an object as training sees it, in pixels of the image: clipped to the image, and computed from the
 * outlines if there are any. Null for crowds, for boxes without extent, and for boxes that data sets drop because too
 * little of them is visible (`defaultVisibility`). Without the size of the image, the box is not clipped.
 */
export function visibleBox({ width, height }: SizedImage, { box, crowd, polygons }: LabelledObject): Box | null {
  if (crowd === true || !isProper(box)) return null;
  if (width === null || height === null) return box;
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
