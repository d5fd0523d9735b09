import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { detectFiles, Detector, SharedDetection, type SharedDetectionOptions } from '../../src/detector-node.ts';
import { piecesOf } from '../../src/task/node/detect-shared.ts';
import { corners, featureCollection, geoTiff, raster, write } from '../data/support.ts';
import { AreaOfInterest } from '../../src/data-node.ts';
import { testDevice } from '../support/device.ts';
import { rejects } from '../support/errors.ts';
import { temporaryFolder } from '../support/files.ts';
import { writeImages } from './files.ts';
import { eagerDescription, eagerModel, eagerSpec, gradient } from './support.ts';

await testDevice();
const folder = temporaryFolder();
const night = gradient(64, 64);
night.data.forEach((level, i) => (night.data[i] = level >> 4));
const files = await writeImages(folder, {
  'in/large.png': gradient(300, 280),
  'in/night.png': night,
  'in/small.png': gradient(64, 96),
});
const detector = new Detector(eagerModel(eagerSpec()), eagerDescription({ tile: 64 }));
test.after(() => detector.dispose());

/** What detection finds, in text. */
async function found(inputs: readonly string[], options: Parameters<typeof detectFiles>[2] = {}): Promise<string> {
  const all: object[] = [];
  const unreadable: string[] = [];
  const onUnreadable = (file: string, error: Error): void => void unreadable.push(`${file}: ${error.message}`);
  for await (const one of detectFiles(detector, inputs, { ...options, onUnreadable })) {
    all.push({ labelled: one.labelled, isDark: one.isDark, scores: [...one.detections.scores] });
  }
  return JSON.stringify({ all, unreadable });
}

/** Lets workers detect together, and returns what the one that has the results finds. */
async function foundTogether(
  name: string,
  inputs: readonly string[],
  { area = null, ...options }: SharedDetectionOptions = {},
): Promise<{ text: string; tiles: number[]; notes: string[] }> {
  const notes: string[] = [];
  const workers = await Promise.all(
    [1, 2].map(() => SharedDetection.join(join(folder, name), detector, inputs, { ...options, area })),
  );
  let text = '';
  await Promise.all(
    workers.map(async (shared) => {
      const pieces = await shared.work({ onNote: (note) => notes.push(note) });
      if (pieces === null) return;
      try {
        text += await found(inputs, { ...options.detecting, area, storeOf: pieces.storeOf });
        await pieces.finish();
      } finally {
        await pieces.handBack();
      }
    }),
  );
  return { text, tiles: workers.map(({ own }) => own.tiles), notes };
}

test('two workers find together what one finds, in every bit, and each does a part', async () => {
  for (const [name, detecting] of Object.entries({
    tiled: { batchSize: 4 },
    flips: { views: 'flips', overlap: 20 },
    whole: { tile: null, scoreThreshold: 0.35 },
  } as const)) {
    const { text, tiles, notes } = await foundTogether(name, files, { detecting });
    assert.is(text, await found(files, detecting), name);
    assert.equal(notes, []);
    if (name === 'tiled') assert.ok(Math.min(...tiles) > 0, String(tiles));
  }
});

test('an image that cannot be read is named as by one worker, whenever that is found out', async () => {
  const broken = join(folder, 'in', 'broken.png');
  writeFileSync(broken, 'not a PNG file');
  const levels = raster(256, 256, 3, 8, (band, row, column) => (row * (band + 1) + column) & 255);
  const tiff = geoTiff(levels, { epsg: 32611, x: 6e5, y: 4e6, pixel: 1 });
  const cut = await write(folder, 'in/cut.tif', tiff.subarray(0, tiff.length - 60_000));
  const inputs = [broken, cut, ...files];
  const alone = await found(inputs);
  assert.match(alone, /broken\.png.*cut\.tif/);
  assert.is((await foundTogether('broken', inputs)).text, alone);
});

test('an area applies to the pieces as to the whole', async () => {
  const levels = raster(320, 320, 3, 8, (band, row, column) => (row * (band + 2) + column * (5 - band)) & 255);
  const file = await write(folder, 'placed.tif', geoTiff(levels, { epsg: 32611, x: 6e5, y: 4e6, pixel: 1 }));
  const ring = corners([6e5 + 30, 4e6 - 280, 6e5 + 200, 4e6 - 20]);
  const path = await write(folder, 'area.geojson', featureCollection([[ring]], 'EPSG:32611'));
  const area = await AreaOfInterest.open({ area: path });
  const detecting = { batchSize: 3 };
  const alone = await found([file], { ...detecting, area });
  assert.ok(alone.length > 300);
  assert.not.equal(alone, await found([file], detecting));
  assert.is((await foundTogether('area', [file], { area, detecting })).text, alone);
});

test('a damaged result is done again, with a note', async () => {
  const at = join(folder, 'damaged');
  const options = { detecting: { batchSize: 8 } };
  const controller = new AbortController();
  const first = await SharedDetection.join(at, detector, files, options);
  await first.work({
    signal: controller.signal,
    onProgress: ({ own }) => {
      if (own === 2) controller.abort();
    },
  });
  const result = readdirSync(at).find((name) => /^\d+\.json$/.test(name))!;
  writeFileSync(join(at, result), '{');
  const { text, notes } = await foundTogether('damaged', files, options);
  assert.is(text, await found(files, options.detecting));
  assert.is(notes.length, 1);
  assert.match(notes[0]!, /^The result of piece \d+ is damaged; it is done again\. What it was: .*damaged-/);
});

test('other weights and options are refused', async () => {
  const at = join(folder, 'terms');
  await SharedDetection.join(at, detector, files);
  const other = new Detector(eagerModel(eagerSpec(), 2), eagerDescription({ classes: ['a', 'b'], tile: 64 }));
  await rejects(SharedDetection.join(at, other, files), /weights is [0-9a-f]{12}, there [0-9a-f]{12}/);
  other.dispose();
  const turns = SharedDetection.join(at, detector, files, { detecting: { views: 'turns' } });
  await rejects(turns, /views is turns, there missing/);
});

test('pieces have all tiles once, in whole batches', () => {
  for (const tiles of [[0], [5], [1, 1, 1, 1, 1], [7, 0, 100, 3, 1], [100_003]]) {
    const pieces = piecesOf({ tiles, batch: 4 });
    assert.ok(pieces.length <= 4096);
    const all = pieces.flat();
    for (const [input, count] of tiles.entries()) {
      const own = all.filter((segment) => segment.input === input);
      assert.is(
        own.reduce((sum, { from, to }) => sum + to - from, 0),
        count,
      );
      own.forEach(({ from, to }, i) => {
        assert.is(from, i === 0 ? 0 : own[i - 1]!.to);
        assert.is(from % 4, 0);
        assert.ok(to > from && (to === count || to % 4 === 0));
      });
    }
    if (tiles.length === 5 && tiles[0] === 1) assert.is(pieces.length, 2, 'small images share a piece');
  }
});

test.run();
