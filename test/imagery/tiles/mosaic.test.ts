import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packedBytes } from '../../../src/imagery/image.ts';
import { decodeJpeg } from '../../../src/imagery/node/jpeg.ts';
import { countTiles, openTiles } from '../../../src/imagery/node/tiles/open-tiles.ts';
import type { TileProgress } from '../../../src/imagery/node/tiles/progress.ts';
import { write } from '../../data/support.ts';
import { rejects } from '../../support/errors.ts';
import { inFolder } from '../../support/files.ts';
import { startTileServer } from '../../support/tile-server.ts';
import { boundsOf, requestedTile, testTiming, worldBytes, worldTile, ZOOM } from './support.ts';

// Columns 3 to 5 and rows 10 to 11 of tiles.
const AREA = [868, 2597, 600, 300] as const;
const bbox = boundsOf(...AREA);
const path = '/{z}/{x}/{y}.png';

/** A lossless WebP tile: red is x & 224, green y & 224, blue 7; the upper left quarter is transparent. */
const WEBP =
  'UklGRqQAAABXRUJQVlA4TJcAAAAv/8A/EAZYkW2HbQRFUARFUB6UB+VBEZ1N0u/bIQiAkCJFihQpUqRI6UH/J+D/z1/hq3yNr/P4L4Db4bt8j+/z+C+AO+Gn/Iyf8/gvgLvht/yO3/P4LwAr8CIv8TKv8Cqv8TqP/wKwBm/yFm/zDu/yHu/z+C8AG/AhH/Exn/Apn/E5j/8CsAf+yJ/4M3/hr/yNv/P4LwADAA==';

test(
  'a mosaic has the pixels of the image that the tiles were cut from; each tile is requested once',
  inFolder(async (cache) => {
    const server = await startTileServer(async (request) => ({ body: await requestedTile(request) }));
    const progress: TileProgress[] = [];
    const options = { bbox, zoom: ZOOM, cache, onProgress: (state: TileProgress) => progress.push(state) };
    const raster = await openTiles(server.origin + path, options);
    assert.equal([raster.width, raster.height, raster.tiles], [600, 300, 6]);
    assert.is(countTiles(bbox, ZOOM), 6);
    assert.equal(
      [raster.epsg, raster.geographic, raster.path],
      [3857, false, `${server.origin}${path}#5/${bbox.join('/')}`],
    );
    const metres = 40_075_016.685578488 / 2 ** (8 + ZOOM);
    const half = 20_037_508.342789244;
    assert.equal(raster.affine, [metres, 0, 868 * metres - half, 0, -metres, half - 2597 * metres]);
    // Several windows at the same time, which share tiles.
    const windows = [
      { x: 0, y: 0, width: 600, height: 300 },
      { x: 17, y: 171, width: 1, height: 1 },
      { x: 155, y: 218, width: 2, height: 2 },
      { x: 400, y: 100, width: 200, height: 200 },
    ];
    for (const [i, { image, valid }] of (await Promise.all(windows.map((window) => raster.read(window)))).entries()) {
      const { x, y, width, height } = windows[i]!;
      assert.is(valid, null);
      assert.equal(image.shape, [height, width, 3]);
      assert.equal(packedBytes(image), worldBytes(AREA[0] + x, AREA[1] + y, width, height));
    }
    const tiles = [3, 4, 5].flatMap((x) => [10, 11].map((y) => `${ZOOM}/${x}/${y}`));
    assert.equal(server.requests.map(({ tile }) => tile).sort(), tiles);
    assert.match(server.requests[0]!.headers['user-agent']!, /^retinagrad \(https:/);
    assert.equal(
      progress.map(({ done, total, fetched, missing }) => [done, total, fetched, missing]),
      tiles.map((_, i) => [i + 1, 6, i + 1, 0]),
    );
    assert.is(progress.at(-1)!.secondsLeft, 0);
    for (const window of [
      { x: 0, y: 0, width: 601, height: 1 },
      { x: -1, y: 0, width: 1, height: 1 },
      { x: 0.5, y: 0, width: 1, height: 1 },
    ])
      await rejects(raster.read(window), /expected integers within the image of 600 x 300 pixels/);
    await raster.close();
    await server.close();
  }),
);

test(
  'tiles of 512 pixels; another size, and a tile of another size, are refused',
  inFolder(async (cache) => {
    const server = await startTileServer(async (request) => {
      const isSmall = request.url.includes('small') || request.tile === `${ZOOM}/4/5`;
      return {
        body: request.url.includes('odd')
          ? await worldTile(0, 0, 300)
          : await requestedTile(request, isSmall ? 256 : 512),
      };
    });
    const area = boundsOf(1700, 2700, 500, 400, 512);
    const options = { bbox: area, zoom: ZOOM, cache };
    const raster = await openTiles(server.origin + path, options);
    assert.is(raster.affine[0], 40_075_016.685578488 / 2 ** (9 + ZOOM));
    const { image } = await raster.read({ x: 0, y: 400 - 28, width: 500, height: 28 });
    assert.equal(packedBytes(image), worldBytes(1700, 2700 + 372, 500, 28));
    await rejects(
      raster.read({ x: 0, y: 0, width: 500, height: 400 }),
      /: tile 5\/4\/5: 256 x 256 pixels, expected 512 x 512/,
    );
    const small = await openTiles(`${server.origin}/small${path}`, options);
    assert.equal([small.width, small.height], [250, 200]);
    await rejects(
      openTiles(`${server.origin}/odd${path}`, options),
      /300 x 300 pixels, expected 256 x 256 or 512 x 512/,
    );
    await rejects(
      openTiles(server.origin + path, { ...options, tileSize: 300 }),
      /tileSize is 300, expected 256 or 512/,
    );
    await server.close();
  }),
);

test(
  'missing tiles and transparent pixels have no data; formats may be mixed',
  inFolder(async (cache) => {
    const photo = jpeg.encode({
      width: 256,
      height: 256,
      data: Buffer.from(new Uint8Array(256 * 256 * 4).map((_, i) => i >> 3)),
    });
    const half = new PNG({ width: 256, height: 256 });
    for (let i = 0; i < 256 * 256; i++) half.data.set([200, 100, i & 255, i % 256 < 128 ? 0 : 1], 4 * i);
    const answers: Readonly<Record<string, object>> = {
      '5/3/10': { body: photo.data },
      '5/4/10': { body: Buffer.from(WEBP, 'base64') },
      '5/5/10': { body: PNG.sync.write(half) },
      '5/3/11': { status: 404, body: 'no such tile' },
      '5/4/11': { status: 204 },
      '5/5/11': { body: await worldTile(5, 11) },
    };
    const server = await startTileServer(({ tile }) => answers[tile]!);
    let last: TileProgress | undefined;
    const options = {
      bbox: boundsOf(768, 2560, 768, 512),
      zoom: ZOOM,
      cache,
      onProgress: (p: TileProgress) => (last = p),
    };
    const check = async (raster: Awaited<ReturnType<typeof openTiles>>): Promise<void> => {
      const { image, valid } = await raster.read({ x: 0, y: 0, width: 768, height: 512 });
      const decoded = await decodeJpeg(photo.data, 'photo');
      const world = worldBytes(1280, 2816, 256, 256);
      let wrong = 0;
      for (let y = 0; y < 512; y++) {
        for (let x = 0; x < 768; x++) {
          const [tx, ty] = [x % 256, y % 256];
          let expected: (number | null)[] | null;
          if (y < 256 && x < 256) expected = [0, 1, 2].map((c) => decoded.get(ty, tx, c));
          else if (y < 256 && x < 512) expected = tx < 128 && ty < 128 ? null : [tx & 224, ty & 224, 7];
          else if (y < 256) expected = tx < 128 ? null : [200, 100, tx];
          else expected = x < 512 ? null : Array.from(world.subarray(3 * (ty * 256 + tx), 3 * (ty * 256 + tx) + 3));
          const found = [0, 1, 2].map((c) => image.get(y, x, c));
          const isRight = (expected ?? [0, 0, 0]).every((value, c) => value === found[c]);
          if (!isRight || valid![y * 768 + x] !== (expected === null ? 0 : 1)) wrong++;
        }
      }
      assert.is(wrong, 0);
      assert.equal([last!.done, last!.total, last!.missing], [6, 6, 2]);
    };
    await check(await openTiles(server.origin + path, options));
    assert.is(server.requests.length, 6);
    assert.is(last!.fetched, 4);
    await server.close();
    // The cache also knows which tiles are missing.
    await check(await openTiles(server.origin + path, { ...options, offline: true }));
    assert.is(last!.fetched, 0);
  }),
);

test(
  'a service without any of the tiles tried is an error, unless the size of tiles is given',
  inFolder(async (cache) => {
    const server = await startTileServer(() => ({ status: 404 }));
    const options = { bbox: boundsOf(0, 0, 2048, 2048), zoom: ZOOM, cache };
    await rejects(
      openTiles(server.origin + path, options),
      /: 9 tiles across the area, such as tile 5\/4\/4, do not exist; check the template, the zoom level .* `tileSize`$/,
    );
    assert.is(server.requests.length, 9);
    const one = { ...options, bbox: boundsOf(300, 300, 9, 9) };
    await rejects(openTiles(server.origin + path, one), /: tile 5\/1\/1 does not exist; check/);
    const raster = await openTiles(server.origin + path, { ...one, tileSize: 256 });
    const { image, valid } = await raster.read({ x: 0, y: 0, width: 9, height: 9 });
    assert.equal([packedBytes(image), valid], [new Uint8Array(243), new Uint8Array(81)]);
    await server.close();
  }),
);

test(
  'only tiles that a window touches are read, so that areas may be larger than memory',
  inFolder(async (cache) => {
    const server = await startTileServer(async (request) => ({ body: await requestedTile(request) }));
    const zoom = 20;
    // 489 x 489 tiles: 47 gigabytes of pixels.
    const options = { bbox: [0, 0, 0.1677, 0.1677] as const, zoom, cache };
    const raster = await openTiles(server.origin + path, options);
    assert.ok(raster.tiles > 230_000 && raster.tiles <= 250_000, `${raster.tiles}`);
    const { image } = await raster.read({ x: 100_000, y: 50_000, width: 300, height: 300 });
    const left = 2 ** 27 + 100_000;
    const top = 2 ** 27 - raster.height + 50_000;
    assert.equal(packedBytes(image), worldBytes(left, top, 300, 300));
    // The first for the size, and 4 or, if the window lies so, 6 or 9 for the window.
    assert.ok(server.requests.length <= 10, `${server.requests.length}`);
    await rejects(
      openTiles(server.origin + path, { ...options, zoom: 21 }),
      /the area has \d{6} tiles at zoom level 21, more than maxTiles = 250000; use a smaller area or zoom level, or raise `maxTiles`/,
    );
    await rejects(openTiles(server.origin + path, { ...options, maxTiles: 5 }), /more than maxTiles = 5/);
    await server.close();
  }),
);

test(
  'a folder of tiles, from the north or the south, is a raster too',
  inFolder(async (folder) => {
    for (const [x, y] of [
      [3, 10],
      [4, 10],
      [5, 10],
      [3, 11],
    ] as const) {
      await write(folder, `xyz/${ZOOM}/${x}/${y}.png`, await worldTile(x, y));
      await write(folder, `tms/${ZOOM}/${x}/${31 - y}.png`, await worldTile(x, y));
    }
    const { timing } = testTiming();
    for (const template of [
      join(folder, 'xyz/{z}/{x}/{y}.png'),
      join(folder, 'tms/{z}/{x}/{-y}.png'),
      `${pathToFileURL(folder).href}/xyz/{z}/{x}/{y}.png`,
    ]) {
      const raster = await openTiles(template, { bbox, zoom: ZOOM }, timing);
      const above = await raster.read({ x: 0, y: 0, width: 600, height: 219 });
      assert.equal([packedBytes(above.image), above.valid], [worldBytes(868, 2597, 600, 219), null]);
      const { image, valid } = await raster.read({ x: 155, y: 219, width: 2, height: 1 });
      assert.equal(
        [packedBytes(image), [...valid!]],
        [Uint8Array.of(...worldBytes(1023, 2816, 1, 1), 0, 0, 0), [1, 0]],
      );
    }
    assert.equal(readdirSync(folder).sort(), ['tms', 'xyz'], 'folders are not cached');
    await write(folder, `xyz/${ZOOM}/4/11.png`, '<html>');
    await rejects(
      openTiles(join(folder, 'xyz/{z}/{x}/{y}.png'), { bbox, zoom: ZOOM }),
      /xyz\/5\/4\/11.png: found "<html>", expected a PNG, JPEG or WebP image/,
    );
    await rejects(
      openTiles('ftp://a.b/{z}/{x}/{y}', { bbox, zoom: ZOOM }),
      /starts with ftp:\/\/, expected http, https/,
    );
  }),
);

test.run();
