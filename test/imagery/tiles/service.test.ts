import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../../src/common/errors.ts';
import { packedBytes } from '../../../src/imagery/image.ts';
import { openTiles } from '../../../src/imagery/node/tiles/open-tiles.ts';
import { errorOf, rejects } from '../../support/errors.ts';
import { inFolder, root } from '../../support/files.ts';
import { startTileServer, type Answer } from '../../support/tile-server.ts';
import { boundsOf, requestedTile, testTiming, worldBytes, ZOOM } from './support.ts';

// Columns 3 to 4 and rows 10 to 11 of tiles; the first that is requested is 4/11.
const AREA = [868, 2597, 300, 300] as const;
const options = { bbox: boundsOf(...AREA), zoom: ZOOM, concurrency: 1 };
const whole = { x: 0, y: 0, width: 300, height: 300 };
const FIRST = `${ZOOM}/4/11`;
const path = '/{z}/{x}/{y}.png';

const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

/** A server that answers the first requests for the first tile with `answers`, and then with the tile as any other. */
const stubborn = (...answers: readonly Answer[]) =>
  startTileServer(async (request) => {
    const body = await requestedTile(request);
    const answer = request.tile === FIRST ? answers[request.before] : undefined;
    return answer === undefined ? { body } : { body, ...answer };
  });

test(
  'temporary failures are repeated with exponential back-off',
  inFolder(async (folder) => {
    const html = '<html><body>Bad gateway</body></html>';
    const failures: readonly (readonly [string, Answer])[] = [
      ['500', { status: 500, body: html }],
      ['502', { status: 502, body: html }],
      ['503', { status: 503, body: html }],
      ['504', { status: 504, body: html }],
      ['408', { status: 408, body: html }],
      ['reset', { end: 'reset' }],
      ['empty', { body: '' }],
      ['cut', { body: (await requestedTile({ tile: FIRST } as never)).subarray(0, 300) }],
    ];
    for (const [name, failure] of failures) {
      const server = await stubborn(failure, failure, failure);
      const { timing, slept } = testTiming();
      const raster = await openTiles(server.origin + path, { ...options, cache: join(folder, name) }, timing);
      assert.equal(packedBytes((await raster.read(whole)).image), worldBytes(...AREA), name);
      assert.equal(slept, [1000, 2000, 4000], name);
      assert.is(server.requests.length, 7, name);
      await server.close();
    }
    const { timing, slept, limits, expire } = testTiming();
    const server = await startTileServer(async (request) => {
      if (request.tile !== FIRST || request.before > 1) return { body: await requestedTile(request) };
      expire();
      return { end: 'hang' };
    });
    const cache = join(folder, 'hang');
    const raster = await openTiles(server.origin + path, { ...options, cache, timeout: 9000 }, timing);
    assert.equal(packedBytes((await raster.read(whole)).image), worldBytes(...AREA));
    assert.equal([slept, limits], [[1000, 2000], new Array<number>(6).fill(9000)]);
    await server.close();
  }),
);

test(
  'too many requests: all requests wait as long as Retry-After says, or back off',
  inFolder(async (folder) => {
    const busy = { status: 429, body: 'slow down' };
    const type = { 'content-type': 'text/plain' };
    const inAMinute = new Date(Date.now() + 60_000).toUTCString();
    for (const [name, headers, min, max] of [
      ['seconds', { 'retry-after': '7' }, 7000, 7000],
      // Whole seconds, since the date was made; a slow machine may take a few.
      ['date', { 'retry-after': inAMinute }, 30_000, 60_000],
      ['no time', {}, 1000, 1000],
      ['not a time', { 'retry-after': 'soon' }, 1000, 1000],
    ] as const) {
      const server = await stubborn({ ...busy, headers });
      const { timing, slept } = testTiming();
      const raster = await openTiles(server.origin + path, { ...options, cache: join(folder, name) }, timing);
      assert.is(slept.length, 1, name);
      assert.ok(slept[0]! >= min && slept[0]! <= max, `${name}: ${slept[0]}`);
      assert.equal(packedBytes((await raster.read(whole)).image), worldBytes(...AREA), name);
      await server.close();
    }
    const server = await stubborn({ ...busy, headers: { ...type, 'retry-after': '3600' } });
    const { timing, slept } = testTiming();
    await rejects(
      openTiles(server.origin + path, { ...options, cache: join(folder, 'hour') }, timing),
      /: tile 5\/4\/11: 429 Too Many Requests: slow down; run again in 3600 s, as the service asks: tiles received are in/,
    );
    assert.equal([slept, server.requests.length], [[], 1]);
    await server.close();
  }),
);

test(
  'after the last attempt the error names tile, status and remedy, and a later run goes on',
  inFolder(async (cache) => {
    const error = { status: 503, headers: { 'content-type': 'application/json' }, body: '{"error":"in maintenance"}' };
    const server = await stubborn(error, error, error);
    const settings = { ...options, cache, attempts: 3, tileSize: 256 };
    const raster = await openTiles(server.origin + path, settings, testTiming().timing);
    const failure = await errorOf(() => raster.read(whole));
    assert.instance(failure, InputError);
    assert.is(
      failure.message,
      `openTiles: ${server.origin}${path}: tile ${FIRST}: 503 Service Unavailable: {"error":"in maintenance"} (after 3 requests); run again later: tiles received are in the cache`,
    );
    const received = server.requests.length - 3;
    assert.equal(packedBytes((await raster.read(whole)).image), worldBytes(...AREA));
    // The four tiles, each received once, and the three failures.
    assert.equal([server.requests.length, received < 4], [7, true]);
    await server.close();
  }),
);

test(
  'a refused key ends all requests at once; other statuses and other content are not repeated',
  inFolder(async (cache) => {
    for (const [answer, pattern] of [
      [
        { status: 401, body: 'Invalid API key', headers: { 'content-type': 'text/plain' } },
        /: tile 5\/\d\/1\d: the key was refused: 401 Unauthorized: Invalid API key; check the key and what its/,
      ],
      [{ status: 403 }, /: the key was refused, or it does not cover this place: 403 Forbidden; check the key/],
      [{ status: 400 }, /: tile 5\/\d\/1\d: 400 Bad Request; check the template and the zoom level/],
      [
        { body: '<!DOCTYPE html>\n<title>Log in</title>', headers: { 'content-type': 'text/html' } },
        /: found "<!DOCTYPE html> <title>Log in<\/title>" \(text\/html\), expected a PNG, JPEG or WebP image; check the template and the key$/,
      ],
      [{ body: Buffer.from('GIF89a\x01\0') }, /: found the bytes 4749463839610100 \(no content type\), expected/],
    ] as const) {
      const server = await startTileServer(() => answer);
      const { timing, slept } = testTiming();
      const raster = await openTiles(server.origin + path, { ...options, cache, tileSize: 256 }, timing);
      await rejects(raster.read(whole), pattern);
      assert.equal([server.requests.length, slept], [1, []]);
      if ('status' in answer && answer.status !== 400) {
        await rejects(raster.read(whole), pattern);
        assert.is(server.requests.length, 1, 'nothing is requested after a refusal');
      }
      await server.close();
    }
    assert.equal(files(cache), []);
    const closed = await startTileServer(() => ({}));
    await closed.close();
    const { timing, slept } = testTiming();
    await rejects(
      openTiles(closed.origin + path, { ...options, cache }, timing),
      /: connect ECONNREFUSED 127.0.0.1:\d+ \(after 6 requests\)/,
    );
    assert.equal(slept, [1000, 2000, 4000, 8000, 16_000]);
  }),
);

test(
  'never more requests at a time than allowed, and as many where there are tiles to request',
  inFolder(async (folder) => {
    for (const concurrency of [1, 4, 16]) {
      // The first requests are held until as many as allowed have arrived.
      let release = (): void => undefined;
      const full = new Promise<void>((resolve) => (release = resolve));
      let arrived = 0;
      const server = await startTileServer(async (request) => {
        if (++arrived >= concurrency) release();
        await full;
        return { body: await requestedTile(request) };
      });
      const cache = join(folder, String(concurrency));
      const settings = { ...options, bbox: boundsOf(0, 2560, 1280, 1280), cache, concurrency, tileSize: 256 };
      const raster = await openTiles(server.origin + path, settings);
      const [{ image }] = await Promise.all([
        raster.read({ x: 0, y: 0, width: 1280, height: 1280 }),
        raster.read({ x: 200, y: 300, width: 900, height: 900 }),
      ]);
      assert.equal(packedBytes(image), worldBytes(0, 2560, 1280, 1280));
      assert.equal([server.peak(), server.requests.length], [concurrency, 25]);
      await server.close();
    }
    await rejects(
      openTiles(`http://127.0.0.1${path}`, { ...options, concurrency: 17 }),
      /concurrency is 17, expected an integer from 1 to 16/,
    );
  }),
);

test(
  'a window with more tiles than are kept in memory requests each once',
  inFolder(async (cache) => {
    const tile = await requestedTile({ tile: '5/0/0' } as never);
    const server = await startTileServer(() => ({ body: tile }));
    const raster = await openTiles(server.origin + path, { ...options, bbox: boundsOf(0, 0, 4352, 4096), cache });
    await raster.read({ x: 0, y: 0, width: 4352, height: 4096 });
    // The first tile is not in memory any more, but on the disk.
    await raster.read({ x: 0, y: 0, width: 1, height: 1 });
    assert.is(server.requests.length, 17 * 16);
    await server.close();
  }),
);

test(
  'offline: all from the cache, or an error; damaged files of the cache are fetched again',
  inFolder(async (cache) => {
    const server = await stubborn();
    const template = server.origin + path;
    await rejects(
      openTiles(template, { ...options, cache, offline: true }),
      /: tile 5\/4\/11 is not in the cache .*, or its file is damaged; to fetch it, run without `offline`$/,
    );
    const read = async (offline: boolean): Promise<Uint8Array> => {
      const raster = await openTiles(template, { ...options, cache, offline });
      return packedBytes((await raster.read(whole)).image);
    };
    assert.equal(await read(false), worldBytes(...AREA));
    assert.is(server.requests.length, 4);
    const tiles = files(cache).filter((file) => file.endsWith('.tile'));
    assert.equal(
      tiles.map((file) => file.split(/[\\/]/).slice(-3).join('/')),
      ['5/3/10.tile', '5/3/11.tile', '5/4/10.tile', '5/4/11.tile'],
    );
    assert.is(files(cache).length, 5, 'nothing else but source.txt');
    // One with a changed byte, one cut, one empty.
    const bytes = readFileSync(tiles[0]!);
    bytes[400]! ^= 1;
    writeFileSync(tiles[0]!, bytes);
    truncateSync(tiles[1]!, 5000);
    truncateSync(tiles[2]!, 0);
    await rejects(read(true), /tile 5\/\d\/1\d is not in the cache/);
    assert.equal(await read(false), worldBytes(...AREA));
    assert.is(server.requests.length, 7);
    await server.close();
    assert.equal(await read(true), worldBytes(...AREA));
    // A different service, or a different layer of it, has tiles of its own.
    await rejects(openTiles(`${template}?layer=2`, { ...options, cache, offline: true }), /is not in the cache/);
  }),
);

test(
  'redirects are followed; headers go to the first host only; the signal and close end a request',
  inFolder(async (cache) => {
    const other = await startTileServer(async (request) => ({ body: await requestedTile(request) }));
    const server = await startTileServer((request) => {
      if (request.url.startsWith('/loop')) return { status: 302, headers: { location: request.url } };
      if (request.url.startsWith('/hang')) return { end: 'hang' };
      return { status: 302, headers: { location: other.origin + request.url } };
    });
    const headers = { 'X-Key': 'abc' };
    const raster = await openTiles(server.origin + path, { ...options, cache, headers });
    assert.equal(packedBytes((await raster.read(whole)).image), worldBytes(...AREA));
    assert.ok(server.requests.every((request) => request.headers['x-key'] === 'abc'));
    assert.ok(other.requests.every((request) => request.headers['x-key'] === undefined));
    const { timing } = testTiming();
    await rejects(
      openTiles(`${server.origin}/loop${path}`, { ...options, cache, attempts: 1 }, timing),
      /more than 5 redirects/,
    );
    const controller = new AbortController();
    const stopped = openTiles(`${server.origin}/hang${path}`, { ...options, cache, signal: controller.signal });
    controller.abort(new Error('stop'));
    await rejects(stopped, /^stop$/);
    const hanging = await openTiles(`${server.origin}/hang${path}`, { ...options, cache, tileSize: 256 });
    const read = hanging.read(whole);
    await hanging.close();
    await rejects(read, /the raster of tiles was closed/);
    await Promise.all([server.close(), other.close()]);
  }),
);

test(
  'the key is sent, and is in no message, file or object',
  inFolder(async (cache) => {
    const KEY = 'S3cret+Key/42';
    const forms = [KEY, encodeURIComponent(KEY), 'S3cret'];
    const written: string[] = [];
    const texts: string[] = [];
    // The service repeats the request, key and all, in everything that it says.
    const answers: readonly Answer[] = [
      { status: 500 },
      { status: 429 },
      { status: 401 },
      { status: 400 },
      {},
      { end: 'reset' },
      { end: 'hang' },
    ];
    for (const answer of [...answers, null]) {
      const { timing, expire } = testTiming();
      const server = await startTileServer(async (request) => {
        if (answer?.end === 'hang') expire();
        if (answer === null) return { body: await requestedTile(request) };
        const echo = `${'x'.repeat(150)} ${request.url} ${request.headers.authorization} ${KEY}`;
        return { headers: { 'content-type': 'text/plain' }, body: echo, ...answer };
      });
      for (const [query, given] of [
        ['?apikey={key}', { key: KEY }],
        [`?token=${encodeURIComponent(KEY)}`, {}],
        ['', { key: KEY, headers: { Authorization: 'Bearer {key}' } }],
        ['', { headers: { Authorization: `Bearer ${KEY}` } }],
        ['/{key}', { key: KEY }],
      ] as const) {
        const before = server.requests.length;
        const folder = join(cache, String(texts.length));
        const settings = { ...options, ...given, cache: folder, attempts: 2, tileSize: 256 };
        const progress: object[] = [];
        const onProgress = (state: object): void => void progress.push(state);
        const raster = await openTiles(server.origin + path + query, { ...settings, onProgress }, timing);
        if (answer === null) assert.equal(packedBytes((await raster.read(whole)).image), worldBytes(...AREA));
        else {
          const error = await errorOf(() => raster.read(whole));
          assert.instance(error, InputError);
          texts.push(error.message, inspect(error, { depth: 9, showHidden: true }), error.stack ?? '');
        }
        texts.push(inspect(raster, { depth: 9, showHidden: true }), raster.path, JSON.stringify([raster, progress]));
        await raster.close();
        const sent = server.requests.map(({ url, headers }) => `${url} ${headers.authorization}`);
        assert.ok(
          sent.slice(before).some((text) => text.includes(query === '' ? KEY : encodeURIComponent(KEY))),
          query,
        );
      }
      await server.close();
    }
    for (const file of files(cache)) written.push(file, readFileSync(file, 'latin1'));
    assert.ok(written.length > 40 && texts.length > 100, `${written.length} ${texts.length}`);
    for (const text of [...texts, ...written]) {
      for (const form of forms) assert.not(text.includes(form), `${form} is in ${text.slice(0, 500)}`);
    }
  }),
);

test('keys and headers that cannot be are refused, without showing them', async () => {
  const base = 'https://a.b/{z}/{x}/{y}';
  for (const [template, given, pattern] of [
    [`${base}?key={key}`, {}, /: \{key\} has no value; give it as `key`$/],
    [base, { key: 'hidden' }, /there is a key, but neither the template nor a header has the placeholder \{key\}$/],
    [`${base}?key={key}`, { key: ' ' }, /the key is empty$/],
    [base, { headers: { 'X-Key': '{key}' } }, /\{key\} has no value/],
    [
      base,
      { key: 'hidden\nhidden', headers: { 'X-Key': '{key}' } },
      /HTTP does not allow these headers, or the key in them: X-Key$/,
    ],
    ['https://me:hidden@a.b/{z}/{x}/{y}', {}, /a user name and a password cannot be in the URL; use the header/],
    ['https://me:hidden@a.b/{z}/{x}', {}, /a user name and a password cannot be in the URL; use the header/],
    [`${base}{r}?apikey=hidden`, {}, /apikey=\*\*\*: unknown placeholder \{r\}/],
  ] as const) {
    const error = await errorOf(() => openTiles(template, { ...options, ...given }));
    assert.match(error.message, pattern);
    assert.not.match(inspect(error, { depth: 9, showHidden: true }), /hidden/);
  }
  await rejects(openTiles(base, { ...options, zoom: 27 }), /zoom is 27, expected an integer from 0 to 26/);
  await rejects(openTiles(base, { ...options, retries: 3 } as never), /there is no option retries/);
  assert.not(
    files(root).some((file) => file.includes('.retinagrad')),
    'nothing was cached in the working directory',
  );
});

test.run();
