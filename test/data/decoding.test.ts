import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cacheSamples } from '../../src/data/cache.ts';
import { joinDatasets } from '../../src/data/join.ts';
import { openDataset } from '../../src/data/node/open-dataset.ts';
import { openSpaceNet } from '../../src/data/node/open-spacenet.ts';
import { tileDataset } from '../../src/data/tiles.ts';
import { packedBytes } from '../../src/imagery/image.ts';
import { encodePng } from '../../src/imagery/node/png.ts';
import { readImage } from '../../src/imagery/node/read-image.ts';
import { geoTiff, inFolder, markedSample, raster, write } from './support.ts';
import { vegas } from './vegas.ts';

const CSV = 'image,x1,y1,x2,y2,label\n';

test(
  'a data set says how its images are decoded, so that others are read alike',
  inFolder(async (folder) => {
    const at = { epsg: 32611, x: 600_000, y: 4_000_000, pixel: 0.3 };
    const levels = raster(40, 30, 4, 16, (x, y, c) => 1000 * c + x + y);
    await write(folder, 'a.tif', geoTiff(levels, at));
    await write(folder, 'boxes.csv', `${CSV}a.tif,2,3,8,9,car\n`);
    const dataset = await openDataset(folder, { bands: [4, 1, 2] });
    const { stretch, bands, groundResolution } = dataset.decoding;
    assert.equal(bands, [4, 1, 2]);
    assert.ok(Math.abs(groundResolution! - 0.3) < 1e-6);
    assert.ok('stretch' in dataset);
    assert.equal(stretch, (dataset as { readonly stretch?: unknown }).stretch);
    const image = await readImage(`${folder}/a.tif`, dataset.decoding);
    assert.equal(packedBytes(image), packedBytes((await dataset.get(0)).image));
  }),
);

test(
  'the resolution is the median of the images that the stretch is measured on',
  inFolder(async (folder) => {
    const sides = { a: 0.3, b: 0.5, c: 2 };
    const rows = Object.keys(sides).map((name) => `${name}.tif,2,3,8,9,car`);
    for (const [name, pixel] of Object.entries(sides)) {
      const at = { epsg: 32611, x: 600_000, y: 4_000_000, pixel };
      const levels = raster(10, 10, 3, 16, (x) => 1000 + x);
      await write(folder, `${name}.tif`, geoTiff(levels, at));
    }
    await write(folder, 'boxes.csv', CSV + rows.join('\n'));
    assert.ok(Math.abs((await openDataset(folder)).decoding.groundResolution! - 0.5) < 1e-6);
    const stretch = { low: [0, 0, 0], high: [9, 9, 9] } as const;
    assert.ok(Math.abs((await openDataset(folder, { stretch })).decoding.groundResolution! - 0.3) < 1e-6);
  }),
);

test(
  'tiles, joined and cached data sets keep it; images without bands need nothing',
  inFolder(async (folder) => {
    const trees = await openSpaceNet(await vegas(`${folder}/tree`));
    // Which bands are red, green and blue is each file's own matter, unless it is said.
    assert.equal([trees.decoding.stretch, trees.decoding.bands], [trees.stretch, undefined]);
    const said = await openSpaceNet(trees.report.root, { bands: [3, 2, 1] });
    assert.equal(
      [said.decoding.bands, said.report.selectedBands],
      [
        [3, 2, 1],
        [3, 2, 1],
      ],
    );
    const made = [
      await tileDataset(trees, { size: 20 }),
      cacheSamples(trees, 1e6),
      joinDatasets([trees, { ...trees, ids: [], decoding: undefined, get: trees.get.bind(trees) }]),
    ];
    for (const dataset of made) assert.is(dataset.decoding, trees.decoding);
    await write(folder, 'plain/a.png', await encodePng(markedSample(20, 30, []).image));
    await write(folder, 'plain/boxes.csv', `${CSV}a.png,2,3,8,9,car\n`);
    assert.equal((await openDataset(`${folder}/plain`)).decoding, {});
  }),
);

test.run();
