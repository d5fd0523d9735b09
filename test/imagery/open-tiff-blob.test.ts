// Files that a page is given are read as those of the disk: by the streams of browsers, which Node has too.
import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packedBytes } from '../../src/imagery/image.ts';
import { decodeTiff } from '../../src/imagery/node/tiff.ts';
import { rasterOf } from '../../src/imagery/raster-of.ts';
import { openTiffBlob } from '../../src/imagery/tiff/open-tiff-blob.ts';
import { rejects } from '../support/errors.ts';

const files = JSON.parse(readFileSync(new URL('../golden/geotiff.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>;
const bytesOf = (name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(inflateSync(Buffer.from(files[name]!, 'base64')));
const window = { x: 3, y: 2, width: 15, height: 11 };
const options = { stretch: { low: [0, 0, 0], high: [10_000, 10_000, 10_000] } };

test('pixels and place are those of a file', async () => {
  const names = Object.keys(files).filter((name) => /^u?int(8|16)-/.test(name) && !/jpeg|webp/i.test(name));
  assert.ok(names.length >= 15, `${names.length} files`);
  for (const name of names) {
    const raw = await decodeTiff(bytesOf(name), name);
    if (raw.bands === 16) continue;
    const expected = await rasterOf(raw, options).read(window);
    const raster = await openTiffBlob(new Blob([bytesOf(name)]), name, options);
    assert.equal([raster.epsg, raster.affine, raster.width], [raw.epsg, raw.affine, raw.width], name);
    const { image, valid } = await raster.read(window);
    assert.equal(packedBytes(image), packedBytes(expected.image), name);
    assert.equal(valid, expected.valid, name);
  }
});

test('a damaged file, and one that ends early, are errors with its name', async () => {
  const [name] = Object.keys(files);
  const bytes = bytesOf(name!);
  await rejects(openTiffBlob(new Blob([bytes.subarray(0, 100)]), 'cut.tif'), /cut\.tif.*truncated/);
  await rejects(openTiffBlob(new Blob(['no image']), 'text.tif'), /text\.tif.*not a TIFF/);
  const deflated = Object.keys(files).find((one) => /^uint8.*deflate/i.test(one))!;
  const broken = bytesOf(deflated);
  broken.fill(0x55, broken.length / 2);
  const raster = await openTiffBlob(new Blob([broken]), 'broken.tif').catch(() => null);
  if (raster !== null) await rejects(raster.read({ x: 0, y: 0, width: 21, height: 18 }), /broken\.tif.*damaged/);
});

test.run();
