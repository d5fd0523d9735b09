import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errorOf } from '../../support/errors.ts';
import { checkTemplate, expandTemplate } from '../../../src/imagery/node/tiles/template.ts';
import { redactor } from '../../../src/imagery/node/secrets.ts';

const TILE = { z: 3, x: 3, y: 5 };

test('the URL of a tile: XYZ, TMS, quadkeys, WMTS, hosts, key', () => {
  for (const [template, url] of [
    ['https://a.b/{z}/{x}/{y}.png', 'https://a.b/3/3/5.png'],
    // TMS counts rows from the south: 8 - 1 - 5.
    ['https://a.b/{z}/{x}/{-y}.png', 'https://a.b/3/3/2.png'],
    // The example of Microsoft's description of the tile system: tile (3, 5) at level 3 has the quadkey 213.
    ['https://a.b/{quadkey}.jpg?g=1', 'https://a.b/213.jpg?g=1'],
    [
      'https://a.b/wmts?SERVICE=WMTS&REQUEST=GetTile&LAYER=l&TILEMATRIX={TileMatrix}&TILEROW={TileRow}&TILECOL={TileCol}',
      'https://a.b/wmts?SERVICE=WMTS&REQUEST=GetTile&LAYER=l&TILEMATRIX=3&TILEROW=5&TILECOL=3',
    ],
    ['https://a.b/l/m/EPSG:3857:{TileMatrix}/{TileRow}/{TileCol}.jpeg', 'https://a.b/l/m/EPSG:3857:3/5/3.jpeg'],
    // (3 + 5) modulo 3 hosts, then modulo 2.
    ['https://{s}.b/{z}/{x}/{y}', 'https://c.b/3/3/5'],
    ['https://{switch:t0, t1}.b/{Z}/{X}/{Y}', 'https://t0.b/3/3/5'],
    ['https://a.b/{z}/{x}/{y}?apikey={key}', 'https://a.b/3/3/5?apikey=K%2B1'],
  ] as const) {
    checkTemplate(template, template);
    assert.is(expandTemplate(template, TILE, 'K%2B1'), url);
  }
  // The key is inserted as it is: `$&` is no reference to what it replaces.
  assert.is(expandTemplate('{z}/{x}/{y}?{key}', TILE, '$&'), '3/3/5?$&');
  assert.is(expandTemplate('{quadkey}', { z: 0, x: 0, y: 0 }), '');
  // Beyond 32 bits, where bit operations of JavaScript end, a digit is still a digit.
  assert.is(expandTemplate('{quadkey}', { z: 26, x: 2 ** 25, y: 2 ** 26 - 1 }), `3${'2'.repeat(25)}`);
});

test('templates that cannot be are refused with what is expected', async () => {
  for (const [template, pattern] of [
    ['https://a.b/{z}/{x}.png', /does not name every tile: expected \{z\}, \{x\} and \{y\}, or/],
    ['https://a.b/{x}/{y}.png', /does not name every tile/],
    ['https://a.b/{z}/{x}/{y}{r}.png', /unknown placeholder \{r\}, expected \{z\}, \{x\}/],
    [
      'https://a.b/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}',
      /replace \{TileMatrixSet\} with its value, as the/,
    ],
    ['https://{z}:{x}:{y}/', /the template is not a valid URL/],
  ] as const) {
    assert.match((await errorOf(() => checkTemplate(template, 'SHOWN'))).message, /^openTiles: SHOWN: /);
    assert.match((await errorOf(() => checkTemplate(template, 'SHOWN'))).message, pattern);
  }
});

test('secrets are hidden: the key in any form, headers, query parameters, of other addresses too', () => {
  const template = 'https://a.b/{z}/{x}/{y}.jpg?apikey=lit%2Beral&layer=keys&access_token={key}';
  const redact = redactor(template, 'k/e+y=1', { Authorization: 'Bearer {key}', 'X-Client': 'Basic dXNlcg' });
  assert.is(redact(template), 'https://a.b/{z}/{x}/{y}.jpg?apikey=***&layer=keys&access_token={key}');
  assert.is(
    redact('no k/e+y=1, k%2Fe%2By%3D1, lit%2Beral, lit+eral, Basic dXNlcg, dXNlcg'),
    'no ***, ***, ***, ***, ***, ***',
  );
  assert.is(
    redact('moved to https://c.d/?Signature=abc&x=1&token=q;r'),
    'moved to https://c.d/?Signature=***&x=1&token=***;r',
  );
  assert.is(
    redact('https://me:pass@c.d/a.tif?X-Amz-Credential=a%2Fb&X-Amz-Security-Token=c&X-Amz-Date=1 of x@y'),
    'https://***@c.d/a.tif?X-Amz-Credential=***&X-Amz-Security-Token=***&X-Amz-Date=1 of x@y',
  );
  // Parameters that only sound alike tell services apart in the cache.
  const others = 'https://a.b/{quadkey}?quadkey={quadkey}&layerkeys=roads&design=dark&monkey=1';
  assert.is(redact(others), others);
});

test.run();
