import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { augment } from '../../src/data/augment.ts';
import { packedBytes } from '../../src/imagery/image.ts';
import { batches } from '../../src/data/loader.ts';
import { openDataset } from '../../src/data/node/open-dataset.ts';
import { writePng } from '../../src/imagery/node/png.ts';
import { writeSyntheticSpaceNet } from '../../src/synthetic/node/write-spacenet.ts';
import { openLocalSource, openWorkerSource, type SourceRecipe } from '../../src/data/node/workers.ts';
import { augmentedSource } from '../../src/data/source.ts';
import { SampleError, type Sample, type SampleSource } from '../../src/data/types.ts';
import { boxList, inFolder, markedSample, rejects, write } from './support.ts';

const COUNT = 7;

/** Noisy PNG chips with two boxes each, beside their CSV. */
async function writeChips(folder: string): Promise<void> {
  const rows = ['image,x1,y1,x2,y2,label'];
  for (let i = 0; i < COUNT; i++) {
    await writePng(join(folder, `chip${i}.png`), markedSample(24, 24, [], i).image);
    rows.push(`chip${i}.png,${2 + i},3,${9 + i},8.5,a`, `chip${i}.png,4,12,11,20,b`);
  }
  await write(folder, 'boxes.csv', rows.join('\n'));
}

const content = ({ id, image, boxes, labels }: Sample): unknown => [
  id,
  image.shape,
  Buffer.from(packedBytes(image)).toString('hex'),
  boxList({ boxes, labels }),
  [...labels],
];

async function readAll(source: SampleSource, count = COUNT): Promise<unknown[]> {
  const requests = [0, 1].flatMap((epoch) => Array.from({ length: count }, (_, i) => source.read(i, 3, epoch)));
  return (await Promise.all(requests)).map(content);
}

const mixing = { mosaic: 0.5, copyPaste: 0.5, mixup: 0.3, noise: 0.5, blur: 0.5, crop: { size: 16 } } as const;

test(
  'samples are the same on this thread and on any number of workers, with caches and without',
  inFolder(async (folder) => {
    await writeChips(folder);
    const recipes: Record<string, Omit<SourceRecipe, 'path'>> = {
      plain: { augment: null },
      kept: { augment: null, cacheMB: 1 },
      usual: { augment: {}, cacheMB: 1 },
      mixed: { augment: mixing, drawFrom: [0, 2, 3, 5], cacheMB: 0.003 },
      tiles: { augment: { mosaic: 1 }, drawFrom: [0, 4, 9], tiles: { size: 16, overlap: 4 } },
    };
    for (const [name, rest] of Object.entries(recipes)) {
      const recipe = { path: folder, ...rest };
      const local = await openLocalSource(recipe);
      const count = rest.tiles === undefined ? COUNT : 4 * COUNT;
      const expected = await readAll(local, count);
      assert.is(
        new Set(expected.map((sample) => JSON.stringify(sample))).size,
        (rest.augment === null ? 1 : 2) * count,
        name,
      );
      for (const workers of [1, 3]) {
        const source = await openWorkerSource(recipe, { workers });
        assert.equal(await readAll(source, count), expected, `${name}, ${workers} workers`);
        // A second time: what a cache keeps must not have been given away.
        assert.equal(await readAll(source, count), expected, `${name}, ${workers} workers, again`);
        await source.close();
      }
    }
  }),
);

test(
  'a loader gives the same batches with a source as with a data set and `augment`',
  inFolder(async (folder) => {
    await writeChips(folder);
    const dataset = await openDataset(folder);
    const all = dataset.ids.map((_, i) => i);
    const collect = async (extra: object): Promise<unknown[]> => {
      const found: unknown[] = [];
      for await (const batch of batches(dataset, all, { batchSize: 3, seed: 4, epoch: 2, ...extra })) {
        found.push(batch.indices, batch.samples.map(content));
      }
      return found;
    };
    const source = await openWorkerSource({ path: folder, augment: {} }, { workers: 2 });
    const read = source.read.bind(source);
    assert.equal(
      await collect({ read }),
      await collect({ augment: (sample: Sample, random: never) => augment(sample, {}, random) }),
    );
    await source.close();
    await rejects(source.read(0, 0, 0), /workers were closed/);
  }),
);

test(
  '16-bit chips in SpaceNet layout, with the levels that were measured before',
  inFolder(async (folder) => {
    const path = await writeSyntheticSpaceNet({ out: folder, chips: 4, size: 32 });
    const { stretch, ids } = (await openDataset(path)) as Awaited<ReturnType<typeof openDataset>> & { stretch: object };
    const recipe = { path, augment: {}, options: { stretch } } as SourceRecipe;
    const source = await openWorkerSource(recipe, { workers: 2 });
    const measured = await openLocalSource({ path, augment: {} });
    assert.equal(await readAll(source, ids.length), await readAll(measured, ids.length));
    await source.close();
  }),
);

test(
  'errors name the sample; the others go on',
  inFolder(async (folder) => {
    await writeChips(folder);
    await write(folder, 'chip2.png', 'no image');
    const source = await openWorkerSource({ path: folder, augment: null }, { workers: 2 });
    const local = await openLocalSource({ path: folder, augment: null });
    for (const each of [source, local]) {
      const error = await each.read(2, 0, 0).catch((reason: unknown) => reason);
      assert.instance(error, SampleError);
      const { message, index, id, reason } = error as SampleError;
      assert.match(message, /^sample 2 \(chip2\.png\): .*neither a PNG/);
      assert.equal([index, id, message], [2, 'chip2.png', `sample 2 (chip2.png): ${reason}`]);
      await rejects(each.read(COUNT, 0, 0), /index is 7, expected an integer from 0 to 6/);
      assert.is((await each.read(3, 0, 0)).id, 'chip3.png');
    }
    await source.close();
  }),
);

test(
  'recipes that make no sense',
  inFolder(async (folder) => {
    await writeChips(folder);
    const wrong: [Partial<SourceRecipe>, RegExp][] = [
      [{ path: join(folder, 'nowhere') }, /nowhere does not exist/],
      [{ augment: { mosaic: 0.5 } }, /mosaic is on and drawFrom is empty/],
      [{ augment: { mosaic: 0.5 }, drawFrom: [7] }, /drawFrom\[0\] is 7, expected an integer from 0 to 6/],
      [{ augment: { mosiac: 0.5 } as never }, /no option mosiac/],
      [{ cacheMB: -1 }, /cacheMB is -1/],
      [{ tiles: { size: 0 } }, /tileDataset: size is 0/],
    ];
    for (const [part, pattern] of wrong) {
      await rejects(openLocalSource({ path: folder, augment: null, ...part }), pattern);
      await rejects(openWorkerSource({ path: folder, augment: null, ...part }, { workers: 1 }), pattern);
    }
    await rejects(openWorkerSource({ path: folder, augment: null }, { workers: 1.5 }), /workers is 1.5/);
    const dataset = await openDataset(folder);
    assert.throws(() => augmentedSource(dataset, { augment: { scale: [2, 1] } }), /scale is \[2, 1\]/);
  }),
);

test.run();
