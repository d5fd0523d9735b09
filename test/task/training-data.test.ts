import ndarray from 'ndarray';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Dataset } from '../../src/data-node.ts';
import { prepareTrainingData, type PartialSettings, type TrainingData } from '../../src/detector.ts';
import { rejects } from '../support/errors.ts';
import { squares, squaresAndNothing } from '../train/support.ts';
import { described, someSquares, tinySettings } from './support.ts';

const named = (...ids: string[]): Dataset => described(ids.map((id) => ({ id })));
const prepare = (dataset: Dataset, given: PartialSettings = {}, origin = {}): Promise<TrainingData> =>
  prepareTrainingData(dataset, tinySettings(given), origin);
const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

test('a data set in memory is split, and read as it is', async () => {
  const data = await prepare(squares, { data: { heldOut: 0.4 }, augment: { on: false } });
  assert.is(data.description, 'data in memory');
  assert.equal(data.notes, []);
  assert.equal(data.decoding, {});
  assert.equal(data.dataset.ids, squares.ids);
  const { train, heldOut } = data.split;
  assert.ok(heldOut.length >= 4 && heldOut.length <= 11, `${heldOut.length} of 18 are held out`);
  assert.equal(sorted([...train, ...heldOut]), [...squares.ids.keys()]);
  assert.is(data.sampler, null);
  const [own, read] = [await squares.get(3), await data.source.read(3, 1, 1)];
  assert.equal([read.id, read.boxes, read.image.data], [own.id, own.boxes, own.image.data]);
  const other = await prepare(squares, { data: { heldOut: 0.4 }, train: { seed: 2 } });
  assert.not.equal(other.split, data.split, 'the seed decides the split');
  await data.close();
});

test('samples that are nearly black, or black for the most part, are warned of', async () => {
  const scaled = (factor: (index: number) => number): Dataset => ({
    ...squares,
    get: async (index) => {
      const sample = await squares.get(index);
      const levels = Uint8Array.from(sample.image.data, (level) => level * factor(index));
      return { ...sample, image: ndarray(levels, [...sample.image.shape]) };
    },
  });
  const night = await prepare(scaled(() => 16 / 255));
  const looked = Math.min(8, night.split.train.length);
  assert.equal(night.warnings.length, 1);
  assert.match(
    night.warnings[0]!,
    `of ${looked} samples looked at, ${looked} are nearly black: the 16 bits of a PNG are scaled`,
  );
  const [first] = night.split.train;
  assert.match(
    (await prepare(scaled((index) => (index === first ? 16 / 255 : 1)))).warnings[0]!,
    ', 1 is nearly black: ',
  );
  assert.equal((await prepare(squares)).warnings, []);
  const edge: Dataset = {
    ...squares,
    get: async (index) => {
      const sample = await squares.get(index);
      const { data, shape } = sample.image;
      return {
        ...sample,
        image: ndarray(
          data.map((level, i) => (i < 0.6 * data.length ? 0 : level)),
          [...shape],
        ),
      };
    },
  };
  assert.match(
    (await prepare(edge)).warnings.join(),
    /, \d+ are more than half black: as beyond the edge of a scene; /,
  );
});

test('augmentation depends on seed, epoch and sample alone', async () => {
  const data = await prepare(squares);
  const again = await prepare(squares);
  const pixels = async ({ source }: TrainingData, seed: number, epoch: number) =>
    (await source.read(3, seed, epoch)).image.data;
  const first = await pixels(data, 1, 1);
  assert.equal(await pixels(again, 1, 1), first);
  assert.not.equal(await pixels(data, 1, 2), first);
  assert.not.equal(await pixels(data, 2, 1), first);
  assert.not.equal((await squares.get(3)).image.data, first);
});

test('each sampling setting gives a sampler of the training samples', async () => {
  const epoch = ({ sampler }: TrainingData): readonly number[] => sampler!.indices(1);
  const all = await prepare(squaresAndNothing, { sampling: { hardNegatives: true } });
  assert.equal(sorted(epoch(all)), all.split.train, 'each once');
  const isEmpty = (index: number): boolean => index % 3 === 0;
  const { train } = all.split;
  assert.ok(train.some(isEmpty));
  const few = await prepare(squaresAndNothing, { sampling: { emptyShare: 0 } });
  assert.equal(
    sorted(epoch(few)),
    train.filter((index) => !isEmpty(index)),
  );
  // The first image has both classes, the others one.
  const rare: Dataset = {
    ...named(...squares.ids),
    describe: async (index) => {
      const labels = Int32Array.from(index === train[0] ? [0, 1] : [0]);
      const boxes = Float32Array.from([...labels].flatMap(() => [4, 4, 24, 24]));
      return { id: squares.ids[index]!, width: 64, height: 64, boxes, labels };
    },
  };
  const balanced = await prepare(rare, { sampling: { classBalance: 0.9 } });
  const drawn = epoch(balanced);
  assert.ok(drawn.filter((index) => index === train[0]).length >= 2, 'the rare class is drawn more often');
  assert.ok(drawn.every((index) => train.includes(index)));
});

/** Whether two tiles of one image share ground. */
const overlaps = (a: readonly number[], b: readonly number[], side: number): boolean =>
  Math.abs(a[0]! - b[0]!) < side && Math.abs(a[1]! - b[1]!) < side;

/** Image and corner of each tile on one side. */
const placesOf = ({ dataset }: TrainingData, side: readonly number[]) =>
  side.map((index) => {
    const [, image, x, y] = /^(.*)@(\d+),(\d+)$/.exec(dataset.ids[index]!)!;
    return { image: image!, corner: [Number(x), Number(y)] as const };
  });

test('tiles of one large image are split so that no two sides share ground', async () => {
  for (const seed of [1, 2, 3]) {
    const data = await prepare(described([{ id: 'scene', width: 1500, height: 1200 }]), {
      data: { tile: 64, overlap: 24, heldOut: 0.3 },
      train: { seed },
    });
    const { train, heldOut } = data.split;
    const held = placesOf(data, heldOut);
    assert.ok(train.length > 300 && held.length > 100, `${train.length} and ${held.length} tiles`);
    assert.ok(train.length + held.length < data.dataset.ids.length, 'tiles at borders are left out');
    for (const { corner } of placesOf(data, train))
      assert.not.ok(
        held.some((other) => overlaps(corner, other.corner, 64)),
        `seed ${seed}: the tile at ${corner.join(',')} is on both sides`,
      );
  }
});

test('the scenes of held-out samples: by data.scene, else images of tiles, else blocks of an image', async () => {
  const scenesOf = async (dataset: Dataset, data: PartialSettings['data'], origin = {}) => {
    const prepared = await prepare(dataset, { data }, origin);
    const { heldOutScenes, split, dataset: all } = prepared;
    return heldOutScenes && new Map(split.heldOut.map((index, k) => [all.ids[index]!, heldOutScenes[k]!]));
  };
  const frames = ['a_1', 'a_2', 'b_1', 'b_2', 'c_1'].map((id) => ({ id, width: 100, height: 160 }));
  assert.is(await scenesOf(described(frames), { heldOut: 0.4 }), undefined);
  for (const tile of [null, 64]) {
    const found = await scenesOf(described(frames), { tile, overlap: 0, heldOut: 0.5, scene: '^[a-z]' });
    assert.ok(found!.size >= 2);
    for (const [id, scene] of found!) assert.is(scene, id[0]);
  }
  const images = await scenesOf(described(frames), { tile: 64, overlap: 0, heldOut: 0.4 });
  for (const [id, scene] of images!) assert.is(scene, id.replace(/@.*/, ''));
  const single = described([{ id: 'scene', width: 1500, height: 1200 }]);
  const blocks = await scenesOf(single, { tile: 64, overlap: 24, heldOut: 0.3 });
  for (const [id, scene] of blocks!) {
    const [, x, y] = /@(\d+),(\d+)$/.exec(id)!;
    assert.is(scene, `${Math.floor((Number(x) + 32) / 192)},${Math.floor((Number(y) + 32) / 192)}`);
  }
  assert.ok(new Set(blocks!.values()).size > 5 && blocks!.size > 50);
  const validation = await scenesOf(described(frames), { scene: '^[a-z]' }, { validation: described(frames.slice(2)) });
  assert.equal([...validation!.values()], ['b', 'b', 'c']);
});

test('with several images, all tiles of an image are on one side', async () => {
  const images = ['a', 'b', 'c', 'd'].map((id) => ({ id, width: 160, height: 100 }));
  const data = await prepare(described(images), { data: { tile: 64, overlap: 24, heldOut: 0.3 } });
  const sides = [data.split.train, data.split.heldOut].map(
    (side) => new Set(placesOf(data, side).map(({ image }) => image)),
  );
  assert.equal([...sides[0]!, ...sides[1]!].sort(), ['a', 'b', 'c', 'd']);
  assert.ok(sides.every(({ size }) => size > 0));
  assert.is(data.split.train.length + data.split.heldOut.length, data.dataset.ids.length);
});

test('a scene is what the expression extracts, and stays on one side', async () => {
  const ids = ['x', 'y', 'z'].flatMap((scene) => [1, 2, 3].map((i) => `${scene}_${i}`));
  for (const seed of [1, 2, 3, 4]) {
    const { split } = await prepare(named(...ids), { data: { scene: '^(.)', heldOut: 0.3 }, train: { seed } });
    const scenesOf = (side: readonly number[]) => new Set(side.map((index) => ids[index]![0]));
    assert.is(scenesOf(split.heldOut).size, 1);
    assert.is(scenesOf(split.train).size, 2);
  }
  await rejects(
    prepare(named('a_1', 'b_2', 'odd'), { data: { scene: '^(.)_' } }),
    /^data\.scene: \/\^\(\.\)_\/ matches nothing in the id odd: choose an expression that matches all names$/,
  );
});

test('of tiles, the scene is extracted from the name of the image', async () => {
  const images = ['north_1', 'north_2', 'south_1', 'south_2'].map((id) => ({ id, width: 160, height: 160 }));
  // At the end of a tile's id is its position.
  const data = await prepare(described(images), { data: { tile: 64, overlap: 24, scene: '(\\d+)$', heldOut: 0.5 } });
  const sides = [data.split.train, data.split.heldOut].map((side) => placesOf(data, side));
  for (const [i, side] of sides.entries()) {
    const ends = new Set(side.map(({ image }) => image.at(-1)));
    assert.is(ends.size, 1, `side ${i} has the scenes ${[...ends].join(' and ')}`);
  }
});

test('another data set in memory is the held-out side', async () => {
  const validation = someSquares(4);
  const data = await prepare(squares, {}, { validation });
  assert.equal(data.split, { train: [...squares.ids.keys()], heldOut: [18, 19, 20, 21] });
  assert.equal(
    data.dataset.ids.slice(18),
    validation.ids.map((id) => `2/${id}`),
  );
  const [own, joined] = [await validation.get(2), await data.dataset.get(20)];
  assert.equal(joined.image.data, own.image.data);
  await rejects(prepare(squares, {}, { validation: named('n') }), /classes are a, b beside square/);
});

test('both data sets are cut into tiles', async () => {
  const [large, other] = [described([{ id: 'large', width: 128 }]), described([{ id: 'other', width: 192 }])];
  const data = await prepare(large, { data: { tile: 64, overlap: 0 } }, { validation: other });
  assert.equal(data.dataset.ids, ['large@0,0', 'large@64,0', 'other@0,0', 'other@64,0', 'other@128,0']);
  assert.equal(data.split, { train: [0, 1], heldOut: [2, 3, 4] });
});

test('what cannot be split says what to do', async () => {
  await rejects(
    prepare(named('only')),
    /^1 image cannot be split .*cut large images with data\.tile, .*data\.validation/,
  );
  await rejects(
    prepare(described([{ id: 'small', width: 100, height: 100 }]), { data: { tile: 64, overlap: 0 } }),
    /^4 tiles cannot be split .*\(splitBlocks: .*\): choose a smaller data\.tile/,
  );
});

test('the decoding of the data set is kept, and a given description', async () => {
  const decoding = { bands: [3, 2, 1] } as const;
  const data = await prepare({ ...squares, decoding }, {}, { description: 'squares', notes: ['one note'] });
  assert.equal(data.decoding, decoding);
  assert.equal([data.description, data.notes], ['squares', ['one note']]);
});

test('a source on other threads gets the split, is read from, and is closed', async () => {
  let closed = 0;
  let heldOut: readonly number[] = [];
  const sample = await squares.get(0);
  const origin = {
    openSource: async (split: TrainingData['split']) => {
      heldOut = split.heldOut;
      return { read: async () => sample, close: async () => void closed++ };
    },
  };
  const data = await prepare(squares, {}, origin);
  assert.equal(heldOut, data.split.heldOut);
  assert.is(await data.source.read(5, 1, 1), sample);
  assert.is(closed, 0);
  await data.close();
  assert.is(closed, 1);
});

test('no source stays open when there is nothing to draw from', async () => {
  let open = 0;
  const openSource = async () => {
    open++;
    return { read: () => squares.get(0), close: async () => void open-- };
  };
  const empty = described(
    squares.ids.map((id) => ({ id })),
    [],
  );
  await rejects(prepare(empty, { sampling: { emptyShare: 0.5 } }, { openSource }), /none of \d+ samples has an object/);
  assert.is(open, 0);
});

test.run();
