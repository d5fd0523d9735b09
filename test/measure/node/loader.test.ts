import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { measureLoader, type LoaderRow } from '../../../src/measure/node/loader.ts';
import { rejects } from '../../support/errors.ts';

const leftBehind = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('retinagrad-loader-'));

test('a row for each format and number of workers, and nothing is left behind', async () => {
  const before = leftBehind();
  const told: LoaderRow[] = [];
  const rows = await measureLoader({
    workers: [0, 2],
    images: 9,
    chips: 4,
    size: 32,
    augment: { mosaic: 1 },
    onRow: (row) => told.push(row),
  });
  assert.equal(
    rows.map(({ source, workers, images }) => [source, workers, images]),
    ['png', 'jpeg', 'tiff'].flatMap((format) => [0, 2].map((workers) => [format, workers, 9])),
  );
  for (const { images, seconds, imagesPerSecond } of rows) assert.is(imagesPerSecond, images / seconds);
  assert.equal(told, rows);
  assert.equal(leftBehind(), before);
});

test('arguments that make no sense', async () => {
  await rejects(measureLoader({ images: 0 }), /images is 0, expected an integer >= 1/);
  await rejects(measureLoader({ path: '/no/such/folder' }), /\/no\/such\/folder does not exist/);
});

test.run();
