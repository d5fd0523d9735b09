import { Random } from '../../src/common/random.ts';
import type { Annotations } from '../../src/imagery/types.ts';
import type { EvaluatedImage, Detections } from '../../src/evaluation/match.ts';

export { refuses } from '../support/errors.ts';

type Corners = readonly [x1: number, y1: number, x2: number, y2: number];

/** True boxes from a list of [box, label]. */
export function truthOf(...items: readonly (readonly [Corners, number])[]): Annotations {
  return {
    boxes: Float32Array.from(items.flatMap(([box]) => [...box])),
    labels: Int32Array.from(items, ([, label]) => label),
  };
}

/** Detections from a list of [box, label, score]. */
export function detectionsOf(...items: readonly (readonly [Corners, number, number])[]): Detections {
  return {
    ...truthOf(...items.map(([box, label]) => [box, label] as const)),
    scores: Float32Array.from(items, ([, , score]) => score),
  };
}

/** Images with boxes on a coarse grid and few score values, so that equal scores and equal IoUs are common. */
export function randomImages(seed: number, classes: number): EvaluatedImage[] {
  const random = new Random('evaluation', seed);
  const box = (): Corners => {
    const [x, y] = [random.int(6), random.int(6)];
    return [x, y, x + 1 + random.int(5), y + 1 + random.int(5)];
  };
  const steps = [3, 20, 1000][random.int(3)]!;
  return Array.from({ length: random.int(6) }, () => ({
    truth: truthOf(...Array.from({ length: random.int(7) }, () => [box(), random.int(classes)] as const)),
    detections: detectionsOf(
      ...Array.from({ length: random.int(12) }, () => [box(), random.int(classes), random.int(steps) / steps] as const),
    ),
  }));
}
