import { boxIou, fuseBoxes } from '../imagery/boxes.ts';
import { rotateImage } from '../imagery/image.ts';
import type { Box } from '../imagery/geometry.ts';
import type { Detections, ByteImage } from '../imagery/types.ts';
import type { BatchDetector } from './survive-loss.ts';

/** Views of an image in test-time augmentation. */
export const viewNames = ['none', 'flips', 'turns'] as const;
export type Views = (typeof viewNames)[number];

/** How an image is viewed: flipped from left to right, then turned clockwise by quarters of a turn. */
interface View {
  readonly isFlipped: boolean;
  readonly turns: number;
}

/** A vertical flip is a horizontal one and half a turn. */
const VIEWS: Readonly<Record<Views, readonly View[]>> = {
  none: [{ isFlipped: false, turns: 0 }],
  flips: [0, 2].flatMap((turns) => [false, true].map((isFlipped) => ({ isFlipped, turns }))),
  turns: [0, 1, 2, 3].flatMap((turns) => [false, true].map((isFlipped) => ({ isFlipped, turns }))),
};

/** IoU above which boxes of different views are the same object (the default of Solovyev et al.). */
const SAME = 0.55;

/**
 * Detects objects in images and, for test-time augmentation, in flipped and turned views of them, whose boxes are merged by
 * weighted boxes fusion (Solovyev, Wang and Gabruseva 2021).
 */
export async function detectViews(
  model: BatchDetector,
  images: readonly ByteImage[],
  views: Views,
  options: { readonly maxDetections?: number },
): Promise<Detections[]> {
  if (images.length === 0) return [];
  if (views === 'none') return model.detect(images, options);
  const perView: (readonly Detections[])[] = [];
  for (const view of VIEWS[views]) {
    const seen = await model.detect(
      images.map((image) => viewed(image, view)),
      options,
    );
    perView.push(seen.map((found, i) => unviewed(found, view, images[i]!.shape[1]!, images[i]!.shape[0]!)));
  }
  return images.map((_, i) => fused(perView.map((found) => found[i]!)));
}

const viewed = (image: ByteImage, { isFlipped, turns }: View): ByteImage =>
  rotateImage(isFlipped ? image.step(1, -1, 1) : image, turns);

/** Converts boxes of a view to the image of `width` x `height` pixels. */
function unviewed(found: Detections, { isFlipped, turns }: View, width: number, height: number): Detections {
  const boxes = new Float32Array(found.boxes.length);
  for (let i = 0; i < found.scores.length; i++) {
    let box = found.boxes.subarray(4 * i, 4 * i + 4) as unknown as Box;
    // Back to the flipped image, quarter by quarter; its sides at each stage alternate.
    for (let k = turns; k > 0; k--) {
      const side = k % 2 === 0 ? width : height;
      const [x1, y1, x2, y2] = box;
      box = [y1, side - x2, y2, side - x1];
    }
    const [x1, y1, x2, y2] = box;
    boxes.set(isFlipped ? [width - x2, y1, width - x1, y2] : [x1, y1, x2, y2], 4 * i);
  }
  return { ...found, boxes };
}

function fused(views: readonly Detections[]): Detections {
  const all = views.flatMap(({ boxes, scores, labels }) =>
    Array.from(scores, (score, i) => ({ box: boxes.subarray(4 * i, 4 * i + 4), score, label: labels[i]! })),
  );
  const kept = fuseBoxes(all, SAME, views.length, (a, b) => boxIou(a, 0, b, 0));
  const omitted = views.flatMap((found) => [...(found.omitted ?? [])]);
  return {
    boxes: Float32Array.from(kept.flatMap(({ box }) => Array.from(box))),
    scores: Float32Array.from(kept, ({ score }) => score),
    labels: Int32Array.from(kept, ({ label }) => label),
    ...(omitted.length === 0 ? {} : { omitted: Float32Array.from(omitted) }),
  };
}
