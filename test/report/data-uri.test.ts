import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pngDataUri } from '../../src/report/html/data-uri.ts';
import { refuses } from './support.ts';

const signature = [137, 80, 78, 71, 13, 10, 26, 10];

test('the URI contains the bytes in base 64, as Node encodes them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (tail) => {
      const bytes = Uint8Array.from([...signature, ...tail]);
      assert.is(pngDataUri(bytes), `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`);
    }),
  );
});

test('of a larger buffer only the view is encoded', () => {
  const bytes = Uint8Array.from([1, 2, ...signature, 3, 4]).subarray(2, 11);
  assert.is(pngDataUri(bytes), `data:image/png;base64,${Buffer.from([...signature, 3]).toString('base64')}`);
});

test('bytes that are not a PNG file are refused', () => {
  refuses(
    () => pngDataUri(Uint8Array.of(0xff, 0xd8, 0x0a)),
    'pngDataUri: 3 bytes that start with "ff d8 0a", expected a PNG file',
  );
  refuses(() => pngDataUri(new Uint8Array(0)), 'pngDataUri: 0 bytes that start with "", expected a PNG file');
});

test.run();
