import { rgbImage } from '../../src/data/image.ts';
import { Random } from '../../src/data/random.ts';
import type { Dataset, Sample } from '../../src/data/types.ts';
import { readStateDict, retinaNetSpec, type Module, type SpecOverrides } from '../../src/index.ts';

const SIDE = 64;

/** Bright squares of about 20 pixels on dark noise: easy enough that a few steps show learning. */
export const squares: Dataset = {
  classes: ['square'],
  ids: Array.from({ length: 18 }, (_, i) => `image-${i}`),
  get: async (index) => drawSquares(index, [8, 36]),
};

/** Noise of which every third image has no squares. */
export const squaresAndNothing: Dataset = {
  ...squares,
  get: async (index) => drawSquares(index, index % 3 === 0 ? [] : [8, 36]),
};

function drawSquares(index: number, lefts: readonly number[]): Sample {
  const random = new Random('squares', index);
  const image = rgbImage(
    SIDE,
    SIDE,
    Uint8Array.from({ length: SIDE * SIDE * 3 }, () => random.uniform() * 60),
  );
  const boxes = lefts.map((x) => {
    const [left, top, side] = [x + random.uniform() * 4, 8 + random.uniform() * 28, 18 + random.uniform() * 4].map(
      Math.round,
    );
    for (let y = top!; y < top! + side!; y++)
      for (let k = 3 * left!; k < 3 * (left! + side!); k++) image.data[y * SIDE * 3 + k] = 200 + random.uniform() * 50;
    return [left!, top!, left! + side!, top! + side!];
  });
  const labels = new Int32Array(boxes.length);
  return { id: `image-${index}`, image, boxes: Float32Array.from(boxes.flat()), labels };
}

/** A RetinaNet that a software driver trains in tenths of a second. */
export const tinySpec = (overrides: SpecOverrides = {}): ReturnType<typeof retinaNetSpec> =>
  retinaNetSpec('torchvision', {
    backbone: { depth: 18, width: 8, norm: 'batch' },
    pyramid: { channels: 8 },
    head: { channels: 8, convs: 1 },
    anchors: { sizes: [12, 24, 48, 96, 192].map((side) => [side, side * 1.5]) },
    transform: { minSize: null },
    ...overrides,
  });

/** Copies of all values of a model by name, to compare bit by bit. */
export async function valuesOf(model: Module): Promise<Map<string, Float32Array>> {
  const state = await readStateDict(model.stateDict());
  return new Map([...state].map(([name, { data }]) => [name, data]));
}

/** Names whose values differ. */
export function changedNames(
  before: ReadonlyMap<string, Float32Array>,
  after: ReadonlyMap<string, Float32Array>,
): string[] {
  const bits = (values: Float32Array): Buffer => Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return [...before].flatMap(([name, values]) => (bits(values).equals(bits(after.get(name)!)) ? [] : [name]));
}
