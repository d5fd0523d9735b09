import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rgbImage, writePng } from '../../src/data-node.ts';
import { Detector } from '../../src/detector-node.ts';
import { testDevice } from '../support/device.ts';
import { temporaryFolder } from '../support/files.ts';
import { startTileServer } from '../support/tile-server.ts';
import { boundsOf, requestedTile, worldBytes, ZOOM } from '../imagery/tiles/support.ts';
import { eagerDescription, eagerModel, eagerSpec } from '../task/support.ts';
import { ends, json, refuses, retinagradIn } from './support.ts';

const KEY = 'S3cret+Key/42';
const AREA = [960, 2750, 130, 130] as const;

await testDevice();
const folder = temporaryFolder();
const retinagrad = retinagradIn(folder);
const detector = new Detector(eagerModel(eagerSpec()), eagerDescription({ tile: 128 }));
writeFileSync(join(folder, 'eager.safetensors'), await detector.toBytes());
writeFileSync(join(folder, 'key.txt'), `${KEY}\n`);
writeFileSync(join(folder, 'wrong.txt'), 'outdated');
detector.dispose();

interface Result {
  readonly file: string;
  readonly detections: number;
}

test('predict --tiles finds what it finds in the same pixels as a file; the key is nowhere', async () => {
  const server = await startTileServer(async (request) => {
    if (!request.url.endsWith(encodeURIComponent(KEY))) return { status: 401, body: request.url };
    return { body: await requestedTile(request) };
  });
  await writePng(join(folder, 'area.png'), rgbImage(130, 130, worldBytes(...AREA)));
  const common = ['--weights', 'eager.safetensors', '--json'];
  const bbox = boundsOf(...AREA).join(',');
  const tiles = ['--tiles', `${server.origin}/{z}/{x}/{y}.png?token={key}`, '--bbox', bbox, '--zoom', String(ZOOM)];
  const key = ['--key-file', 'key.txt', '--cache', 'cache'];
  await json<Result>(retinagrad(['predict', 'area.png', ...common, '--out', 'file']));
  const first = await ends(retinagrad(['predict', ...tiles, ...key, ...common, '--out', 'tiles']), 0);
  assert.is(server.requests.length, 4);
  const rowsOf = (name: string): string[] =>
    readFileSync(join(folder, name, 'predictions.csv'), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^("[^"]*"|[^,]*),/, ''));
  const found = rowsOf('tiles');
  assert.ok(found.length > 0);
  assert.equal(found, rowsOf('file'));
  const wrong = await ends(
    retinagrad(['predict', ...tiles, '--key-file', 'wrong.txt', ...common, '--out', 'wrong']),
    1,
  );
  assert.match(wrong.stderr, /the key was refused: 401 Unauthorized/);
  await server.close();
  const offline = await ends(
    retinagrad(['predict', ...tiles, ...key, ...common.slice(0, -1), '--offline', '--out', 'offline']),
    0,
  );
  assert.match(offline.stdout, /^4 tiles at zoom level 5, from the cache only$/m);
  assert.match(offline.stdout, /^tiles: 0 fetched \(0.0 MB\), 4 from the disk, 0 missing, of 4$/m);
  assert.equal(rowsOf('offline'), found);
  assert.ok(readdirSync(join(folder, 'offline')).includes('tiles.png'));
  const texts = [first, wrong, offline].flatMap(({ stdout, stderr }) => [stdout, stderr]);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (name === 'key.txt') continue;
    texts.push(name);
    if (/\.\w+$/.test(name)) texts.push(readFileSync(join(folder, name), 'latin1'));
  }
  for (const text of texts)
    for (const form of [KEY, encodeURIComponent(KEY)]) assert.not(text.includes(form), text.slice(0, 300));
  await refuses(
    retinagrad(['predict', ...tiles, ...key, ...common.slice(0, -1), '--max-tiles', '3']),
    1,
    'the area has 4 tiles at zoom level 5, more than maxTiles = 3; use a smaller area or zoom level, or raise --max-tiles',
  );
});

test.run();
