import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rgbImage } from '../../src/imagery/image.ts';
import { Random } from '../../src/common/random.ts';
import { pairwiseIou } from '../../src/imagery/boxes.ts';
import { manualSeed, RetinaNet, retinaNetSpec, type Detections, type RgbImage } from '../../src/index.ts';
import type { Dataset } from '../../src/data/types.ts';
import { evaluateDetector } from '../../src/detector/evaluate.ts';
import { atLeast, omittedImages } from '../../src/detector/detections-table.ts';
import { detectImage } from '../../src/detector/detect-image.ts';
import type { TileOptions } from '../../src/detector/detect-raster.ts';
import { errorOf, testDevice } from '../support/device.ts';
import { squares, tinySpec } from '../train/support.ts';

await testDevice();

type Box = readonly [x1: number, y1: number, x2: number, y2: number];

/**
 * A detector that finds the visible part of every object, if it is at least two pixels wide and high, with a score that
 * grows with the visible fraction. Pixels encode their own position, so the detector knows where the view is.
 */
function allSeeing(objects: readonly { box: Box; label: number }[], views: Box[] = []): RetinaNet {
  const detect = async (images: readonly RgbImage[]): Promise<Detections[]> =>
    images.map((image) => {
      const [height, width] = image.shape as [number, number];
      const left = image.get(0, 0, 0) + 256 * (image.get(0, 0, 2) & 15);
      const top = image.get(0, 0, 1) + 256 * (image.get(0, 0, 2) >> 4);
      views.push([left, top, left + width, top + height]);
      const found = objects.flatMap(({ box: [x1, y1, x2, y2], label }) => {
        const seen = [
          Math.max(x1 - left, 0),
          Math.max(y1 - top, 0),
          Math.min(x2 - left, width),
          Math.min(y2 - top, height),
        ];
        const [w, h] = [seen[2]! - seen[0]!, seen[3]! - seen[1]!];
        if (!(w >= 2 && h >= 2)) return [];
        return [{ seen, label, score: 0.4 + (0.5 * w * h) / ((x2 - x1) * (y2 - y1)) }];
      });
      return {
        boxes: Float32Array.from(found.flatMap(({ seen }) => seen)),
        scores: Float32Array.from(found, ({ score }) => score),
        labels: Int32Array.from(found, ({ label }) => label),
      };
    });
  return { detect, spec: retinaNetSpec('torchvision') } as unknown as RetinaNet;
}

/** An image whose pixels encode their position, up to 4095 pixels each way. */
function positions(height: number, width: number): RgbImage {
  const image = rgbImage(height, width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      image.set(y, x, 0, x & 255);
      image.set(y, x, 1, y & 255);
      image.set(y, x, 2, (x >> 8) | ((y >> 8) << 4));
    }
  }
  return image;
}

const boxesOf = ({ boxes }: Detections): Box[] =>
  Array.from({ length: boxes.length / 4 }, (_, i) => [...boxes.subarray(i * 4, i * 4 + 4)] as unknown as Box);
const sorted = (boxes: readonly Box[]): Box[] => [...boxes].sort((a, b) => a[1] - b[1] || a[0] - b[0]);

test('every object smaller than the overlap is found once and complete, at any position', async () => {
  const [height, width] = [310, 420];
  const image = positions(height, width);
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const random = new Random('objects', seed);
      // One object in each cell of 50 pixels at most, so that no two overlap.
      const objects = Array.from({ length: 6 * 8 }, (_, i) => {
        const [row, column] = [Math.floor(i / 8), i % 8];
        const [w, h] = [8 + random.int(20), 8 + random.int(20)];
        const [x, y] = [column * 50 + random.int(50 - w), row * 50 + random.int(50 - h)];
        return { box: [x, y, x + w, y + h] as Box, label: random.int(2) };
      });
      const found = await detectImage(allSeeing(objects), image, { tile: 128, overlap: 36 });
      assert.equal(sorted(boxesOf(found)), sorted(objects.map(({ box }) => box)));
      assert.ok(found.scores.every((score) => score > 0.89));
    }),
    { numRuns: 30 },
  );
});

test('a cut box is kept if no tile has the complete object, and if only another class covers it', async () => {
  const image = positions(100, 180);
  // Tiles 0 to 100 and 80 to 180. The long object is cut by both.
  const long = await detectImage(allSeeing([{ box: [20, 40, 160, 50], label: 0 }]), image, { tile: 100, overlap: 20 });
  assert.equal(sorted(boxesOf(long)), [
    [20, 40, 100, 50],
    [80, 40, 160, 50],
  ]);
  const objects = [
    { box: [70, 40, 110, 60] as Box, label: 0 }, // complete in neither: 70 to 100, and 80 to 110
    { box: [81, 40, 120, 60] as Box, label: 1 }, // not quite at the second tile's edge
  ];
  const other = await detectImage(allSeeing(objects), image, { tile: 100, overlap: 20, nmsThreshold: 1 });
  assert.ok(other.labels.filter((label) => label === 0).length === 2, 'both halves of class 0');
});

test('duplicates are suppressed within a class only, best first', async () => {
  const image = positions(60, 200);
  const objects = [
    { box: [20, 20, 40, 40] as Box, label: 0 },
    { box: [21, 20, 41, 40] as Box, label: 0 },
    { box: [21, 21, 41, 41] as Box, label: 1 },
  ];
  const found = await detectImage(allSeeing(objects), image, { tile: 100, overlap: 30 });
  assert.equal([...found.labels.slice().sort()], [0, 1]);
  const all = await detectImage(allSeeing(objects), image, { tile: 100, overlap: 30, nmsThreshold: 1 });
  assert.equal([...all.labels.slice().sort()], [0, 0, 1]);
  for (const { scores } of [found, all]) assert.ok(scores.every((score, i) => i === 0 || score <= scores[i - 1]!));
});

test('each tile is processed once, in batches, and progress is reported', async () => {
  const views: Box[] = [];
  const progress: number[] = [];
  await detectImage(allSeeing([], views), positions(150, 250), {
    tile: 100,
    overlap: 20,
    batchSize: 4,
    onProgress: (done, total) => progress.push(done, total),
  });
  assert.equal(
    views,
    [0, 50].flatMap((top) => [0, 75, 150].map((left) => [left, top, left + 100, top + 100])),
  );
  assert.equal(progress, [4, 6, 6, 6]);
});

test('an image that fits in one tile gives the result of detect', async () => {
  manualSeed(2);
  // Scores of an untrained model are low: a low threshold gives many boxes.
  const base = tinySpec();
  const model = new RetinaNet(1, { ...base, postprocess: { ...base.postprocess, scoreThreshold: 0.005 } }).eval();
  const { image } = await squares.get(0);
  const [expected] = await model.detect([image]);
  assert.ok(expected!.scores.length > 20);
  assert.equal(await detectImage(model, image), expected);
  assert.equal(await detectImage(model, image, { tile: 64 }), expected);
  // In tiles, no box overlaps a higher-scoring one too much, and all lie in the image.
  const tiled = await detectImage(model, image, { tile: 32, overlap: 16, nmsThreshold: 0.4 });
  const iou = pairwiseIou(tiled.boxes, tiled.boxes);
  const count = tiled.scores.length;
  for (let i = 0; i < count; i++) for (let j = 0; j < i; j++) assert.ok(iou[i * count + j]! <= 0.4);
  assert.ok(tiled.boxes.every((value) => value >= 0 && value <= 64));
  model.dispose();
});

test('a maximum of detections holds for each tile, and what it omits is not lost from sight', async () => {
  manualSeed(2);
  const base = tinySpec();
  const model = new RetinaNet(1, { ...base, postprocess: { ...base.postprocess, scoreThreshold: 0.005 } }).eval();
  const { image } = await squares.get(0);
  const tiles = { tile: 32, overlap: 0 };
  const few = await detectImage(model, image, { ...tiles, maxDetections: 3 });
  const all = await detectImage(model, image, tiles);
  assert.ok(few.scores.length <= 4 * 3);
  assert.is(all.omitted, undefined);
  assert.ok(few.omitted!.length + few.scores.length >= all.scores.length);
  const [highest] = [...few.omitted!].sort((a, b) => b - a);
  assert.equal(atLeast(few, highest!).omitted, Float32Array.of(highest!));
  assert.is(atLeast(few, 0.9).omitted, undefined);
  assert.equal([omittedImages([few, all], 0), omittedImages([few, all], 0.9)], [1, 0]);
  model.dispose();
});

test('a data set of large images is evaluated in tiles of the training size', async () => {
  const box: Box = [150, 40, 170, 60];
  const views: Box[] = [];
  const dataset: Dataset = {
    classes: ['a'],
    ids: ['large'],
    get: () =>
      Promise.resolve({
        id: 'large',
        image: positions(100, 180),
        boxes: Float32Array.from(box),
        labels: Int32Array.of(0),
      }),
  };
  const { evaluation } = await evaluateDetector(allSeeing([{ box, label: 0 }], views), dataset, [0], { tile: 100 });
  assert.is(evaluation.best.f1, 1);
  assert.equal(sorted(views), [
    [0, 0, 100, 100],
    [80, 0, 180, 100],
  ]);
});

test('invalid options are rejected', async () => {
  const refused = async (options: TileOptions, reason: RegExp): Promise<void> =>
    assert.match((await errorOf(() => detectImage(allSeeing([]), positions(9, 9), options))).message, reason);
  await refused({ tile: 0 }, /tile is 0, expected an integer >= 1/);
  await refused({ tile: 100, overlap: 100 }, /overlap is 100, expected an integer from 0 to 99/);
  await refused({ nmsThreshold: 2 }, /nmsThreshold is 2, expected a number from 0 to 1/);
  await refused({ batchSize: 1.5 }, /batchSize is 1.5/);
  await refused({ signal: AbortSignal.abort(new Error('enough')) }, /enough/);
});

test.run();
