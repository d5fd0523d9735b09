import { rgbImage } from '../../src/imagery/image.ts';
import type { Dataset } from '../../src/data-node.ts';
import {
  chooseAuto,
  resolveSettings,
  type DetectorDescription,
  type PartialSettings,
  type RunSettings,
} from '../../src/detector.ts';
import { manualSeed, RetinaNet, type RetinaNetSpec } from '../../src/index.ts';
import { squares, tinySpec } from '../train/support.ts';

/** Settings of a task that a software driver runs in seconds. Groups that are given replace those here. */
export const tinySettings = (given: PartialSettings = {}): RunSettings =>
  chooseAuto(resolveSettings({ model: { network: 'tiny' }, ...given }), false);

/** The first of the squares. */
export const someSquares = (count: number): Dataset => ({ ...squares, ids: squares.ids.slice(0, count) });

/** A data set of black images that are only described; reading one fails. */
export function described(
  images: readonly { readonly id: string; readonly width?: number; readonly height?: number }[],
  labels: readonly number[] = [0],
): Dataset {
  return {
    classes: ['a', 'b'],
    ids: images.map(({ id }) => id),
    get: () => Promise.reject(new Error('no image was to be read')),
    describe: async (index) => {
      const { id, width = 64, height = 64 } = images[index]!;
      const boxes = Float32Array.from(labels.flatMap((_, i) => [4 + i, 4, 24 + i, 24]));
      return { id, width, height, boxes, labels: Int32Array.from(labels) };
    },
  };
}

/** A network that, untrained, finds many objects everywhere. */
export function eagerSpec(overrides: Parameters<typeof tinySpec>[0] = {}): RetinaNetSpec {
  const spec = tinySpec({ head: { channels: 8, convs: 1, prior: 0.3 }, ...overrides });
  return { ...spec, postprocess: { ...spec.postprocess, maxDetections: 12 } };
}

/** A model of the spec with random weights, always the same. */
export function eagerModel(spec: RetinaNetSpec, classes = 1): RetinaNet {
  manualSeed(5);
  return new RetinaNet(classes, spec);
}

/** A description of a detector, with everything different from a default. */
export const eagerDescription = (given: Partial<DetectorDescription> = {}): DetectorDescription => ({
  classes: ['square'],
  spec: eagerSpec(),
  scoreThreshold: 0.3,
  decoding: {},
  tile: null,
  ...given,
});

/** An image of a size in which no two places are alike. */
export function gradient(height: number, width: number) {
  const image = rgbImage(height, width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) image.set(y, x, c, (x * (c + 2) + y * (5 - c) + ((x * y) >> 3)) & 255);
  return image;
}
