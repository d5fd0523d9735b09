/** Data sets of others: their files stay in their folder, nothing is fetched, and links and pipes do not hang. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodePng } from '../../src/imagery/node/png.ts';
import { listFiles } from '../../src/imagery/node/files.ts';
import { openImage } from '../../src/imagery/node/open-image.ts';
import { readLabels } from '../../src/labels/node/read-labels.ts';
import { readLayer } from '../../src/vector/node/read-layer.ts';
import { inFolder, markedSample, rejects, write } from '../data/support.ts';

const { image } = markedSample(20, 30, [[2, 2, 9, 9]]);

test(
  'YOLO: splits, lists and path stay in the folder of the data set, unless the folder of the images is given',
  inFolder(async (folder) => {
    const png = await encodePng(image);
    await write(folder, 'private/images/a.png', png);
    await write(folder, 'private/labels/a.txt', '0 0.5 0.5 0.2 0.2\n');
    await write(folder, 'set/images/a.png', png);
    await write(folder, 'set/labels/a.txt', '0 0.5 0.5 0.2 0.2\n');
    const outside = join(folder, 'private/images');
    const yaml = (text: string): Promise<string> => write(folder, 'set/data.yaml', `${text}\nnames: [car]\n`);
    const refusal =
      /set.*private.images.*, outside the folder of the data set; put its images into that folder, or give/;
    for (const text of [
      `train: ${outside}`,
      'train: ../private/images',
      `path: ${join(folder, 'private')}\ntrain: images`,
      `path: ../private\ntrain: ./images`,
    ]) {
      await rejects(readLabels(await yaml(text)), refusal);
    }
    for (const line of [join(outside, 'a.png'), '../private/images/a.png']) {
      await write(folder, 'set/train.txt', `images/a.png\n${line}\n`);
      await rejects(readLabels(await yaml('train: train.txt')), /train.txt:2: .*outside the folder of the data set/);
    }
    const given = await readLabels(await yaml(`train: ${outside}\nval: images`), { images: outside, split: 'train' });
    assert.equal(
      given.images.map(({ file }) => file),
      ['a.png'],
    );
  }),
);

test(
  'nothing is fetched, and no other file is read, for what label files and layers refer to',
  inFolder(async (folder) => {
    await write(folder, 'a.png', await encodePng(image));
    const { fetch } = globalThis;
    const asked: string[] = [];
    globalThis.fetch = (url) => {
      asked.push(url instanceof Request ? url.url : url.toString());
      return Promise.reject(new Error('no network'));
    };
    try {
      const url = 'http://localhost:9/a.png';
      const coco = {
        images: [{ id: 1, file_name: 'a.png', width: 30, height: 20, coco_url: url, flickr_url: url }],
        annotations: [],
        categories: [{ id: 1, name: 'car' }],
      };
      await readLabels(await write(folder, 'coco.json', JSON.stringify(coco)));
      const crs = { type: 'link', properties: { href: `${url}.prj`, type: 'ogcwkt' } };
      const point = { type: 'Feature', properties: { image: url }, geometry: { type: 'Point', coordinates: [1, 2] } };
      const layer = JSON.stringify({ type: 'FeatureCollection', crs, features: [point] });
      await readLayer(await write(folder, 'x.geojson', layer)).catch(() => null);
      const secret = await write(folder, 'secret', 'a secret');
      const entity = `<!DOCTYPE kml [<!ENTITY x SYSTEM "file://${secret}"><!ENTITY % y SYSTEM "${url}"> %y;]>`;
      const placemark = `<Placemark><name>&x;</name><Point><coordinates>1,2</coordinates></Point></Placemark>`;
      const link = `<NetworkLink><Link><href>${url}</href></Link></NetworkLink>`;
      const kml = await write(folder, 'x.kml', `${entity}<kml><Document>${link}${placemark}</Document></kml>`);
      const read = await readLayer(kml).catch((error: unknown) => String(error));
      assert.not.match(JSON.stringify(read), /a secret/);
      assert.equal(asked, []);
    } finally {
      globalThis.fetch = fetch;
    }
  }),
);

if (process.platform !== 'win32') {
  test(
    'links to folders around them end, and pipes are no files',
    inFolder(async (folder) => {
      mkdirSync(join(folder, 'set/b'), { recursive: true });
      for (let i = 0; i < 20; i++) {
        symlinkSync('.', join(folder, 'set', `self${i}`));
        symlinkSync('..', join(folder, 'set/b', `up${i}`));
        symlinkSync('../b', join(folder, 'set/b', `same${i}`));
      }
      await write(folder, 'elsewhere/b.png', await encodePng(image));
      symlinkSync(join(folder, 'elsewhere'), join(folder, 'set/linked'));
      await write(folder, 'set/a.png', await encodePng(image));
      assert.equal(await listFiles(join(folder, 'set')), ['a.png', 'linked/b.png']);
      for (const name of ['pipe.png', 'pipe.json', 'pipe.geojson']) execFileSync('mkfifo', [join(folder, name)]);
      await rejects(openImage(join(folder, 'pipe.png')), /pipe.png/);
      await rejects(readLabels(join(folder, 'pipe.json'), { format: 'coco' }), /pipe.json/);
      await rejects(readLayer(join(folder, 'pipe.geojson')), /pipe.geojson: not a file/);
    }),
  );
}

test.run();
