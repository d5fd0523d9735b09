import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { detectRaster, inRegion, type DetectableRaster } from '../../src/detector/detect-raster.ts';
import { fuseBoxes, boxIou } from '../../src/imagery/boxes.ts';
import { rgbImage } from '../../src/imagery/image.ts';
import type { RasterPixels } from '../../src/imagery/raster.ts';
import { Region } from '../../src/imagery/region.ts';
import type { PixelWindow } from '../../src/imagery/types.ts';
import { retinaNetSpec, type Detections, type RetinaNet, type RgbImage } from '../../src/index.ts';
import { GpuOutOfMemoryError } from '../../src/tensor/errors.ts';
import { corners } from '../data/support.ts';
import { rejects } from '../support/errors.ts';

type Box = readonly [x1: number, y1: number, x2: number, y2: number];

/** Finds the rectangles whose pixels have one level of red each, with their level of green as the score. */
const seesRectangles = (sizes: (readonly number[])[] = []): RetinaNet => {
  const detect = async (images: readonly RgbImage[]): Promise<Detections[]> =>
    images.map((image) => {
      sizes.push(image.shape.slice(0, 2));
      const boxes = new Map<number, { box: [number, number, number, number]; score: number }>();
      for (let y = 0; y < image.shape[0]!; y++) {
        for (let x = 0; x < image.shape[1]!; x++) {
          const red = image.get(y, x, 0);
          if (red === 0) continue;
          const [x1, y1, x2, y2] = boxes.get(red)?.box ?? [x, y, x + 1, y + 1];
          const box = [Math.min(x1, x), Math.min(y1, y), Math.max(x2, x + 1), Math.max(y2, y + 1)] as never;
          boxes.set(red, { box, score: image.get(y, x, 1) / 255 });
        }
      }
      const found = [...boxes.values()].sort((a, b) => b.score - a.score);
      return {
        boxes: Float32Array.from(found.flatMap(({ box }) => box)),
        scores: Float32Array.from(found, ({ score }) => score),
        labels: new Int32Array(found.length),
      };
    });
  return { detect, spec: retinaNetSpec('torchvision') } as unknown as RetinaNet;
};

/** A black raster with rectangles; `isValid` says where it has data. */
function drawn(
  width: number,
  height: number,
  rectangles: readonly { box: Box; score: number }[],
  isValid?: (x: number, y: number) => boolean,
  windows: PixelWindow[] = [],
): DetectableRaster {
  const read = async (window: PixelWindow): Promise<RasterPixels> => {
    windows.push(window);
    const image = rgbImage(window.height, window.width);
    const valid = isValid === undefined ? null : new Uint8Array(window.width * window.height);
    for (let y = 0; y < window.height; y++) {
      for (let x = 0; x < window.width; x++) {
        const [left, top] = [window.x + x, window.y + y];
        if (valid !== null) valid[y * window.width + x] = isValid!(left, top) ? 1 : 0;
        const number = rectangles.findIndex(
          ({ box: [x1, y1, x2, y2] }) => left >= x1 && left < x2 && top >= y1 && top < y2,
        );
        if (number < 0) continue;
        image.set(y, x, 0, number + 1);
        image.set(y, x, 1, rectangles[number]!.score * 255);
      }
    }
    return { image, valid };
  };
  return { width, height, read };
}

const boxesOf = ({ boxes }: Detections): number[][] =>
  Array.from({ length: boxes.length / 4 }, (_, i) => [...boxes.subarray(4 * i, 4 * i + 4)]);

test('flipped and turned views find the same boxes, in images that are not square', async () => {
  const rectangles = [
    { box: [3, 5, 17, 12], score: 0.8 },
    { box: [30, 20, 36, 29], score: 0.6 },
  ] as const;
  const expected = [
    [3, 5, 17, 12],
    [30, 20, 36, 29],
  ];
  for (const [views, shapes] of [
    ['none', [[31, 50]]],
    ['flips', Array.from({ length: 4 }, () => [31, 50])],
    ['turns', [0, 1, 2, 3].flatMap((turn) => Array.from({ length: 2 }, () => (turn % 2 === 0 ? [31, 50] : [50, 31])))],
  ] as const) {
    const sizes: (readonly number[])[] = [];
    const found = await detectRaster(seesRectangles(sizes), drawn(50, 31, rectangles), { tile: 64, views });
    assert.equal(boxesOf(found), expected, views);
    for (const [i, { score }] of rectangles.entries()) assert.ok(Math.abs(found.scores[i]! - score) < 1e-6, views);
    assert.equal(sizes, shapes, views);
  }
});

test('weighted boxes fusion: means by score, and less where fewer views agree', () => {
  const one = { box: [0, 0, 10, 10], score: 0.9, label: 0 };
  const two = { box: [0, 0, 10, 12], score: 0.3, label: 0 };
  const other = { box: [0, 0, 10, 10], score: 0.6, label: 1 };
  const fused = fuseBoxes([two, other, one], 0.55, 2, (a, b) => boxIou(a, 0, b, 0));
  assert.equal(
    fused.map(({ box, label }) => [...Array.from(box, (value) => Math.round(value * 1000) / 1000), label]),
    [
      [0, 0, 10, 10.5, 0], // (10 * 0.9 + 12 * 0.3) / 1.2
      [0, 0, 10, 10, 1],
    ],
  );
  assert.ok(Math.abs(fused[0]!.score - 0.6) < 1e-12);
  assert.ok(Math.abs(fused[1]!.score - 0.3) < 1e-12, 'one view of two');
});

test('tiles without data are not detected on, and boxes with data in less than half are dropped', async () => {
  const rectangles = [
    { box: [10, 10, 20, 20], score: 0.8 },
    { box: [46, 30, 56, 36], score: 0.7 }, // four of ten columns have data
    { box: [44, 50, 54, 56], score: 0.6 }, // six of ten
    { box: [150, 10, 160, 20], score: 0.9 },
  ] as const;
  const sizes: (readonly number[])[] = [];
  const raster = drawn(200, 64, rectangles, (x) => x < 50);
  const found = await detectRaster(seesRectangles(sizes), raster, { tile: 64, overlap: 16, batchSize: 2 });
  assert.equal(boxesOf(found), [
    [10, 10, 20, 20],
    [44, 50, 54, 56],
  ]);
  // Of the four tiles, at 0, 45, 91 and 136, the first two have data.
  assert.is(sizes.length, 2);
});

test('only tiles with a part in the region are read, and boxes with their centre outside are dropped', async () => {
  const rectangles = [
    { box: [10, 10, 20, 20], score: 0.8 },
    { box: [52, 30, 60, 36], score: 0.7 }, // its centre is inside, its right half outside
    { box: [53, 44, 61, 50], score: 0.6 }, // its centre is outside
    { box: [150, 10, 160, 20], score: 0.9 },
  ] as const;
  const [windows, all]: PixelWindow[][] = [[], []];
  const region = new Region({ width: 200, height: 64 }, [[corners([0, 0, 56.5, 64])]], []);
  const tiling = { tile: 64, overlap: 16 };
  const found = await detectRaster(
    seesRectangles(),
    { ...drawn(200, 64, rectangles, undefined, windows), region },
    tiling,
  );
  assert.equal(boxesOf(found), [
    [10, 10, 20, 20],
    [52, 30, 60, 36],
  ]);
  assert.equal(
    windows!.map(({ x }) => x),
    [0, 45],
  );
  const whole = await detectRaster(seesRectangles(), drawn(200, 64, rectangles, undefined, all), tiling);
  assert.equal([all!.length, inRegion(whole, region)], [4, found]);
  // In a single tile.
  const small = { ...drawn(64, 64, rectangles), region };
  assert.equal(boxesOf(await detectRaster(seesRectangles(), small, tiling)), boxesOf(found));
});

test('every tile is read once, and an error of a tile is that of the call', async () => {
  const windows: PixelWindow[] = [];
  const raster = drawn(300, 100, [], undefined, windows);
  await detectRaster(seesRectangles(), raster, { tile: 50, overlap: 0, batchSize: 5 });
  assert.equal(
    windows.map(({ x, y }) => `${x} ${y}`),
    [0, 50].flatMap((y) => [0, 50, 100, 150, 200, 250].map((x) => `${x} ${y}`)),
  );
  const broken: DetectableRaster = {
    ...raster,
    read: (window) => (window.x === 250 ? Promise.reject(new Error('block 7 is damaged')) : raster.read(window)),
  };
  await rejects(detectRaster(seesRectangles(), broken, { tile: 50, overlap: 0, batchSize: 1 }), /block 7 is damaged/);
});

test('a tile that does not fit into the memory is an error that says what to lower', async () => {
  const error = new GpuOutOfMemoryError('conv2d', 1e9, 'no room for 1 GB', { remedy: 'Use a smaller batch' });
  const model = { ...seesRectangles(), detect: () => Promise.reject(error) };
  const detecting = detectRaster(model, drawn(300, 100, []), { tile: 50 });
  await rejects(detecting, /^conv2d: no room for 1 GB\. A tile of 50 pixels does not fit: .*predict --tile/);
});

test.run();
