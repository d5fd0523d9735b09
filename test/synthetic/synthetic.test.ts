import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ringArea } from '../../src/imagery/geometry.ts';
import { openDataset } from '../../src/data/node/open-dataset.ts';
import { openSpaceNet } from '../../src/data/node/open-spacenet.ts';
import { openTiff } from '../../src/imagery/node/tiff.ts';
import { writeSyntheticSpaceNet } from '../../src/synthetic/node/write-spacenet.ts';
import { generateChip } from '../../src/synthetic/chip.ts';
import { boxList, inFolder, rejects } from '../data/support.ts';

/** Boxes around the outlines of a chip. */
const boxesOf = (seed: number, index: number, size: number): number[][] =>
  generateChip(seed, index, { size }).footprints.map((ring) => {
    const [xs, ys] = [ring.map(([x]) => x), ring.map(([, y]) => y)];
    return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  });

test('a chip depends only on seed, index and size', () => {
  const chip = generateChip(7, 3, { size: 64 });
  assert.equal(generateChip(7, 3, { size: 64 }), chip);
  for (const other of [generateChip(8, 3, { size: 64 }), generateChip(7, 4, { size: 64 })])
    assert.not.equal(other.levels, chip.levels);
  assert.is(chip.levels.length, 64 * 64 * 3);
});

test('outlines are inside the chip, and slivers are dropped', () => {
  let count = 0;
  for (let index = 0; index < 30; index++) {
    for (const ring of generateChip(1, index, { size: 96 }).footprints) {
      count++;
      assert.ok(ring.flat().every((value) => value >= 0 && value <= 96));
      assert.ok(Math.abs(ringArea(ring)) >= 20);
    }
  }
  assert.ok(count > 60, `${count} buildings`);
});

test('some chips are empty, some are full', () => {
  const counts = Array.from({ length: 40 }, (_, index) => generateChip(1, index).footprints.length);
  assert.ok(counts.filter((count) => count === 0).length >= 2, counts.join());
  assert.ok(counts.filter((count) => count >= 8).length >= 5, counts.join());
});

test('buildings can be seen: pixels inside differ from those around', () => {
  // The mean over many buildings; a single roof may be as dark as its garden.
  let difference = 0;
  let buildings = 0;
  for (let index = 0; index < 12; index++) {
    const { levels } = generateChip(2, index);
    const mean = (x1: number, y1: number, x2: number, y2: number): number => {
      let [sum, count] = [0, 0];
      for (let y = Math.max(0, Math.round(y1)); y < Math.min(128, y2); y++)
        for (let x = Math.max(0, Math.round(x1)); x < Math.min(128, x2); x++, count++)
          sum += levels[3 * (128 * y + x)]!;
      return sum / count;
    };
    for (const [x1, y1, x2, y2] of boxesOf(2, index, 128) as [number, number, number, number][]) {
      const [w, h] = [(x2 - x1) / 4, (y2 - y1) / 4];
      difference += Math.abs(mean(x1 + w, y1 + h, x2 - w, y2 - h) - mean(x1 - 4, y1 - 4, x2 + 4, y2 + 4));
      buildings++;
    }
  }
  const { levels } = generateChip(2, 0);
  const average = levels.reduce((sum, level) => sum + level, 0) / levels.length;
  assert.ok(difference / buildings > 0.1 * average, `${difference / buildings} of ${average}`);
});

test(
  'the files are read back as SpaceNet: images, georeference, GeoJSON and CSV agree with the scenes',
  inFolder(async (folder) => {
    const seen: number[] = [];
    const path = await writeSyntheticSpaceNet({
      out: folder,
      chips: 6,
      seed: 3,
      size: 96,
      onProgress: (done) => seen.push(done),
    });
    assert.equal(seen, [1, 2, 3, 4, 5, 6]);
    const dataset = await openDataset(path);
    assert.equal(
      dataset.ids,
      Array.from({ length: 6 }, (_, i) => `AOI_0_Synthetic_img${i + 1}`),
    );
    assert.equal(dataset.report.missingLabels, []);
    const csv = await openSpaceNet(path, { labels: 'csv' });
    for (let i = 0; i < 6; i++) {
      const sample = await dataset.get(i);
      assert.equal(sample.image.shape, [96, 96, 3]);
      const expected = boxesOf(3, i, 96).sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!);
      for (const boxes of [boxList(sample), boxList(await csv.get(i))]) {
        const sorted = boxes.sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!);
        assert.is(sorted.length, expected.length);
        sorted.flat().forEach((value, k) => assert.ok(Math.abs(value - expected.flat()[k]!) < 0.02, dataset.ids[i]));
      }
    }
    const tiff = await openTiff(join(path, 'RGB-PanSharpen', 'RGB-PanSharpen_AOI_0_Synthetic_img1.tif'));
    assert.equal([tiff.bits, tiff.bands, tiff.epsg, tiff.geographic], [16, 3, 4326, true]);
    assert.equal((await tiff.read([1, 2, 3])).levels, generateChip(3, 0, { size: 96 }).levels);
  }),
);

test(
  'an existing data set is not written again; other settings replace it',
  inFolder(async (folder) => {
    const options = { out: folder, chips: 2, size: 64 };
    const path = await writeSyntheticSpaceNet(options);
    const image = join(path, 'RGB-PanSharpen', 'RGB-PanSharpen_AOI_0_Synthetic_img1.tif');
    const before = (await stat(image)).mtimeMs;
    let written = 0;
    assert.is(await writeSyntheticSpaceNet({ ...options, onProgress: () => written++ }), path);
    assert.is((await stat(image)).mtimeMs, before);
    assert.is(written, 0);
    const bytes = await readFile(image);
    await writeSyntheticSpaceNet({ ...options, seed: 2 });
    assert.not.ok((await readFile(image)).equals(bytes));
  }),
);

test(
  'a failed write leaves nothing behind, and a damaged data set is replaced',
  inFolder(async (folder) => {
    const options = { out: folder, chips: 3, size: 64 };
    const fail = (done: number): void => {
      if (done === 2) throw new Error('disk full');
    };
    await rejects(writeSyntheticSpaceNet({ ...options, onProgress: fail }), /disk full/);
    assert.equal(await readdir(folder), []);
    const path = await writeSyntheticSpaceNet(options);
    await rm(join(path, 'README.txt'));
    await writeSyntheticSpaceNet(options);
    assert.ok(existsSync(join(path, 'README.txt')));
  }),
);

test(
  'invalid settings are rejected',
  inFolder(async (folder) => {
    await rejects(writeSyntheticSpaceNet({ out: folder, chips: 0 }), /chips is 0, expected an integer >= 1/);
    await rejects(writeSyntheticSpaceNet({ out: folder, size: 8 }), /size is 8, expected an integer >= 16/);
    await rejects(
      writeSyntheticSpaceNet({ out: folder, metresPerPixel: 0 }),
      /metresPerPixel is 0, expected a number > 0/,
    );
    assert.equal(await readdir(folder), []);
  }),
);

test.run();
