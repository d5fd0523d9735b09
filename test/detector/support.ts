import { Random } from '../../src/common/random.ts';
import type { SizedImage } from '../../src/detector/visible-box.ts';
import { boxIou } from '../../src/imagery/boxes.ts';
import type { Box } from '../../src/imagery/geometry.ts';
import { makeAnchors, resizedSize, retinaNetSpec, type RetinaNetSpec, type Size } from '../../src/index.ts';
import { scaleBoxes } from '../../src/retinanet/transform.ts';

/** A network that is small enough for any adapter, with anchors from 16 pixels upwards. */
export const smallSpec = retinaNetSpec('torchvision', {
  backbone: { depth: 18, width: 8, norm: 'batch' },
  pyramid: { channels: 8 },
  head: { channels: 8, convs: 1 },
  anchors: { sizes: [16, 32, 64, 128, 256].map((side) => [side, side * 1.25, side * 1.6]) },
  transform: { minSize: null },
});

/** An image of `width` x `height` pixels with boxes of one class. */
export const imageOf = (width: number, height: number, boxes: readonly Box[]): SizedImage => ({
  width,
  height,
  objects: boxes.map((box) => ({ label: 0, box })),
});

/** IoU of each box with its best anchor, found by enumerating all anchors of the image. */
export function enumerateIous(spec: RetinaNetSpec, boxes: readonly Box[], width: number, height: number): number[] {
  const before: Size = [height, width];
  const after = resizedSize(before, spec.transform);
  const image = after.map((side) => Math.ceil(side / 32) * 32) as unknown as Size;
  const levels = [3, 4, 5, 6, 7].map((n) => image.map((side) => Math.ceil(side / 2 ** n)) as unknown as Size);
  const anchors = makeAnchors(spec.anchors, image, levels);
  const scaled = scaleBoxes(Float32Array.from(boxes.flat()), before, after);
  return boxes.map((_, i) => {
    let best = 0;
    for (let k = 0; k < anchors.length / 4; k++) best = Math.max(best, boxIou(scaled, i, anchors, k));
    return best;
  });
}

/** Boxes of about `side` pixels that lie in an image; sides differ by up to a quarter. */
export function randomBoxes(random: Random, count: number, side: number, width: number, height: number): Box[] {
  return Array.from({ length: count }, (): Box => {
    const [w, h] = [side * random.uniform(0.75, 1.25), side * random.uniform(0.75, 1.25)];
    const [x, y] = [random.uniform(0, width - w), random.uniform(0, height - h)];
    return [x, y, x + w, y + h];
  });
}

/** Boxes of 10 images of 256 x 200 pixels with many small objects, as in overhead imagery; `squash` flattens them. */
export function smallObjects(side: number, squash = 1): Box[][] {
  const random = new Random('small', side);
  return Array.from({ length: 10 }, () =>
    randomBoxes(random, 20, side, 256, 200).map(([x1, y1, x2, y2]): Box => [x1, y1, x2, y1 + (y2 - y1) * squash]),
  );
}
