import type { MatcherSpec } from './spec.ts';

// Which anchor answers for which box (Focal Loss paper, section 4), as plain TypeScript on host arrays: the definition of
// the rule, and the reference that tests compare the kernels with. Training runs the kernels (matching-gpu.ts).

/**
 * The label of an anchor that overlaps no box well: it must score low for every class. Same value in the kernels.
 *
 * @example
 * console.log(BACKGROUND); // -1
 */
export const BACKGROUND = -1;
/**
 * The label of an anchor between foreground and background: it takes no part in the loss. Same value in the kernels.
 *
 * @example
 * console.log(IGNORED); // -2
 */
export const IGNORED = -2;

/**
 * Matches the anchors of one image with its boxes. Both are flat arrays of four numbers each: x1, y1, x2, y2.
 *
 * @returns for each anchor the index of the box that it has to predict, BACKGROUND or IGNORED
 *
 * @example
 * const anchors = [0, 0, 10, 10, 2, 0, 12, 10, 4, 0, 14, 10, 50, 50, 60, 60];
 * console.log([...matchAnchors(anchors, [0, 0, 10, 10], presets.torchvision.matcher)]); // [0, 0, -2, -1]
 */
export function matchAnchors(anchors: ArrayLike<number>, boxes: ArrayLike<number>, rule: MatcherSpec): Int32Array {
  const everyBox = Array.from({ length: boxes.length / 4 }, (_, box) => box);
  const everyAnchor = Array.from({ length: anchors.length / 4 }, (_, anchor) => anchor);
  const bestOfBox = everyBox.map((box) => Math.max(...everyAnchor.map((anchor) => iou(anchors, anchor, boxes, box))));

  return Int32Array.from(everyAnchor, (anchor) => {
    const overlaps = everyBox.map((box) => iou(anchors, anchor, boxes, box));
    const best = Math.max(...overlaps);
    const bestBox = overlaps.indexOf(best); // The first of equals.

    // Low-quality matches: a box that no anchor overlaps well still claims the anchors that overlap it best. The guard
    // skips boxes that overlap no anchor: their best IoU is 0, which every anchor far away from them reaches.
    const claims = everyBox.filter((box) => {
      return overlaps[box] === bestOfBox[box] && (overlaps[box]! > 0 || !rule.zeroOverlapGuard);
    });
    if (claims.length > 0 && rule.lowQuality === 'own') return bestBox; // torchvision, Detectron2
    if (claims.length > 0 && rule.lowQuality === 'reassign') return claims.at(-1)!; // MMDetection

    if (best >= rule.high) return bestBox;
    return best >= rule.low ? IGNORED : BACKGROUND;
  });
}

/** Intersection over union of box i of a and box j of b: the area that they share by the area that they cover. */
function iou(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number): number {
  const [ax1, ay1, ax2, ay2] = [a[4 * i]!, a[4 * i + 1]!, a[4 * i + 2]!, a[4 * i + 3]!];
  const [bx1, by1, bx2, by2] = [b[4 * j]!, b[4 * j + 1]!, b[4 * j + 2]!, b[4 * j + 3]!];
  const width = Math.max(0, Math.min(ax2, bx2) - Math.max(ax1, bx1));
  const height = Math.max(0, Math.min(ay2, by2) - Math.max(ay1, by1));
  const intersection = width * height;
  return intersection / ((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - intersection);
}
