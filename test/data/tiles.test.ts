import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Box } from '../../src/imagery/geometry.ts';
import { packedBytes, rgbImage } from '../../src/imagery/image.ts';
import { tileDataset, type TileOptions } from '../../src/data/tiles.ts';
import type { Dataset, Sample } from '../../src/data/types.ts';
import { boxList, markedSample, rejects } from './support.ts';

interface Watched extends Dataset {
  /** Indices in the order of decoding. */
  readonly decoded: number[];
}

/** A data set of the samples given, which counts how often each image is decoded. */
function watched(samples: readonly Sample[], parts: 'describes' | 'plain' = 'describes'): Watched {
  const decoded: number[] = [];
  return {
    classes: ['a', 'b', 'c', 'd'],
    ids: samples.map(({ id }) => id),
    decoded,
    async get(index) {
      decoded.push(index);
      await Promise.resolve();
      return samples[index]!;
    },
    ...(parts === 'plain'
      ? {}
      : {
          describe(index: number) {
            const { id, image, boxes, labels } = samples[index]!;
            return Promise.resolve({
              id,
              width: image.shape[1]!,
              height: image.shape[0]!,
              boxes,
              labels,
            });
          },
        }),
  };
}

const named = (sample: Sample, id: string): Sample => ({ ...sample, id });
const sizes = fc.record({
  width: fc.integer({ min: 1, max: 40 }),
  height: fc.integer({ min: 1, max: 40 }),
  size: fc.integer({ min: 1, max: 20 }),
  share: fc.double({ min: 0, max: 0.95, noNaN: true }),
});

test('tiles cover every pixel, are full, share at least the overlap, and show what the image shows', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, async ({ width, height, size, share }) => {
      const overlap = Math.min(size - 1, Math.floor(share * size));
      const image = named(markedSample(height, width, [], 3), 'scene');
      const base = watched([image]);
      const tiled = await tileDataset(base, { size, overlap });
      assert.equal(base.decoded, [], 'nothing is decoded before it is asked for');
      const seen = rgbImage(height, width);
      for (const [i, tile] of tiled.tiles.entries()) {
        assert.equal([tile.width, tile.height], [Math.min(size, width), Math.min(size, height)]);
        assert.is(tile.id, `scene@${tile.x},${tile.y}`);
        assert.is(tiled.ids[i], tile.id);
        const sample = await tiled.get(i);
        assert.equal(sample.image.shape, [tile.height, tile.width, 3]);
        assert.is(sample.image.data.length, tile.height * tile.width * 3, 'not a view that keeps the image');
        for (let y = 0; y < tile.height; y++) {
          for (let x = 0; x < tile.width; x++) {
            for (let c = 0; c < 3; c++) {
              assert.is(sample.image.get(y, x, c), image.image.get(tile.y + y, tile.x + x, c));
            }
            seen.set(tile.y + y, tile.x + x, 0, 1);
          }
        }
      }
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) assert.is(seen.get(y, x, 0), 1, `${x}, ${y}`);
      assert.is(base.decoded.length, 1, 'one image is decoded once');
      for (const [axis, length] of [
        ['x', width],
        ['y', height],
      ] as const) {
        const starts = [...new Set(tiled.tiles.map((tile) => tile[axis]))].sort((a, b) => a - b);
        for (let i = 1; i < starts.length; i++) {
          assert.ok(starts[i]! <= starts[i - 1]! + size - overlap, 'overlap');
        }
        // As few as will do: one less would leave something out.
        if (starts.length > 1) assert.ok(size + (starts.length - 2) * (size - overlap) < length, `${starts.join()}`);
      }
    }),
  );
});

test('a tile has the objects of which it shows enough, in its own pixels', async () => {
  const boxes = fc.array(
    fc
      .tuple(
        fc.integer({ min: 0, max: 27 }),
        fc.integer({ min: 0, max: 27 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
      )
      .map(([x, y, w, h]): Box => [x, y, Math.min(28, x + w), Math.min(28, y + h)]),
    { maxLength: 4 },
  );
  const rules = fc.record({
    minVisible: fc.double({ min: 0, max: 1, noNaN: true }),
    minSide: fc.integer({ min: 0, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(boxes, rules, async (list, rule) => {
      const tiled = await tileDataset(watched([named(markedSample(28, 28, list), 'a')]), {
        size: 16,
        overlap: 4,
        ...rule,
      });
      for (const [i, tile] of tiled.tiles.entries()) {
        const expected = list.flatMap(([x1, y1, x2, y2], label) => {
          const cut = [
            Math.max(x1, tile.x),
            Math.max(y1, tile.y),
            Math.min(x2, tile.x + 16),
            Math.min(y2, tile.y + 16),
          ] as const;
          const [w, h] = [cut[2] - cut[0], cut[3] - cut[1]];
          if (w <= 0 || h <= 0 || w < rule.minSide || h < rule.minSide) return [];
          if (w * h < rule.minVisible * (x2 - x1) * (y2 - y1)) return [];
          return [{ label, box: [cut[0] - tile.x, cut[1] - tile.y, cut[2] - tile.x, cut[3] - tile.y] }];
        });
        const described = await tiled.describe(i);
        for (const found of [tile, described, await tiled.get(i)]) {
          assert.equal(
            [...found.labels],
            expected.map(({ label }) => label),
          );
          assert.equal(
            boxList(found),
            expected.map(({ box }) => box),
          );
        }
        assert.is(tile.isEmpty, expected.length === 0);
        assert.equal([described.id, described.width, described.height], [tile.id, 16, 16]);
      }
    }),
  );
});

test('empty tiles can be left out; several images keep their order and names', async () => {
  const samples = [
    named(markedSample(20, 20, [[1, 1, 6, 6]]), 'a'),
    named(markedSample(8, 30, [[22, 2, 28, 6]]), 'b/c.png'),
  ];
  const all = await tileDataset(watched(samples), { size: 10 });
  assert.equal(all.ids, ['a@0,0', 'a@10,0', 'a@0,10', 'a@10,10', 'b/c.png@0,0', 'b/c.png@10,0', 'b/c.png@20,0']);
  assert.equal(
    all.tiles.map(({ isEmpty }) => isEmpty),
    [false, true, true, true, true, true, false],
  );
  const some = await tileDataset(watched(samples, 'plain'), { size: 10, empty: 'skip' });
  assert.equal(some.ids, ['a@0,0', 'b/c.png@20,0']);
  const last = await some.get(1);
  assert.equal([last.id, last.image.shape, boxList(last)], ['b/c.png@20,0', [8, 10, 3], [[2, 2, 8, 6]]]);
  assert.equal(
    some.tiles.map(({ index, image }) => [index, image]),
    [
      [0, 'a'],
      [1, 'b/c.png'],
    ],
  );
});

test('decoded images are kept up to the bytes given, the last one in any case', async () => {
  const samples = [0, 1, 2].map((i) => named(markedSample(20, 20, [], i), `i${i}`));
  const decodes = async (cacheBytes: number, order: readonly number[]): Promise<number[]> => {
    const base = watched(samples);
    const tiled = await tileDataset(base, { size: 10, cacheBytes });
    for (const index of order) await tiled.get(index);
    return base.decoded;
  };
  const rows = Array.from({ length: 12 }, (_, i) => i);
  assert.equal(await decodes(0, rows), [0, 1, 2], 'in order the last one is enough');
  const jumping = [0, 4, 1, 5, 8, 0, 4];
  assert.equal(await decodes(1200, jumping), [0, 1, 0, 1, 2, 0, 1]);
  assert.equal(await decodes(2400, jumping), [0, 1, 2, 0, 1]);
  assert.equal(await decodes(3600, jumping), [0, 1, 2]);
  assert.equal(await decodes(2400, [0, 4, 1, 8, 2]), [0, 1, 2], 'what was used last stays');
  const base = watched(samples);
  const tiled = await tileDataset(base, { size: 10, cacheBytes: 0 });
  await Promise.all(rows.map((i) => tiled.get(i)));
  assert.equal(base.decoded, [0, 1, 2], 'reads at the same time share the work');
});

test('a data set that reads windows is asked for them', async () => {
  const sample = named(markedSample(20, 24, [[1, 1, 6, 6]]), 'a');
  const asked: number[][] = [];
  const base: Watched = {
    ...watched([sample]),
    window(index, x, y, width, height) {
      asked.push([index, x, y, width, height]);
      return Promise.resolve(rgbImage(height, width, packedBytes(sample.image.lo(y, x, 0).hi(height, width, 3))));
    },
  };
  const tiled = await tileDataset(base, { size: 10 });
  const tile = await tiled.get(5);
  assert.equal(asked, [[0, 14, 10, 10, 10]]);
  assert.equal(base.decoded, []);
  assert.is(tile.image.get(3, 2, 1), sample.image.get(13, 16, 1));
});

test('a failed image is read again when it is asked for again', async () => {
  let fails = true;
  const sample = named(markedSample(20, 20, []), 'a');
  const base = watched([sample]);
  const tiled = await tileDataset(
    { ...base, get: (index) => (fails ? Promise.reject(new Error('damaged')) : base.get(index)) },
    { size: 10 },
  );
  await rejects(tiled.get(0), /damaged/);
  fails = false;
  assert.is((await tiled.get(0)).id, 'a@0,0');
});

test('arguments that make no sense', async () => {
  const base = watched([named(markedSample(20, 20, []), 'a')]);
  const wrong: [TileOptions, RegExp][] = [
    [{ size: 0 }, /size is 0, expected an integer >= 1/],
    [{ size: 10, overlap: 10 }, /overlap is 10, expected an integer from 0 to 9/],
    [{ size: 10, minVisible: 2 }, /minVisible is 2/],
    [{ size: 10, empty: 'drop' as never }, /empty is "drop"/],
    [{ size: 10, cacheBytes: NaN }, /cacheBytes is NaN/],
  ];
  for (const [options, pattern] of wrong) await rejects(tileDataset(base, options), pattern);
  const tiled = await tileDataset(base, { size: 10 });
  await rejects(tiled.get(4), /Tiles: index 4, expected 0 to 3/);
  await rejects(tiled.describe(-1), /Tiles: index -1/);
  const other = { ...base, get: () => Promise.resolve(named(markedSample(20, 21, []), 'a')) };
  await rejects((await tileDataset(other, { size: 10 })).get(0), /a has 21 x 20 pixels, expected 20 x 20/);
});

test.run();
