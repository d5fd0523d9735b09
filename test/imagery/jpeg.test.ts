import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packedBytes } from '../../src/imagery/image.ts';
import { decodeJpeg, encodeJpeg } from '../../src/imagery/node/jpeg.ts';
import { decodeTiff } from '../../src/imagery/node/tiff.ts';
import { isTruncated } from '../../src/imagery/truncated.ts';
import { markedSample, rejects } from '../data/support.ts';

// Files that GDAL wrote, with the pixels that it reads from them (test/golden/jpeg.py).
const [WIDTH, HEIGHT] = [40, 24];
const files = JSON.parse(readFileSync(new URL('../golden/jpeg.json', import.meta.url), 'utf8')) as Record<
  string,
  { readonly file: string; readonly pixels: string }
>;
const unpack = (text: string): Uint8Array => new Uint8Array(inflateSync(Buffer.from(text, 'base64')));
const fileOf = (name: string): Uint8Array => unpack(files[name]!.file);
const pixelsOf = (name: string): Uint8Array => unpack(files[name]!.pixels);

test('JPEG files have the pixels of GDAL: subsampled chroma, progressive, grey', async () => {
  for (const name of ['baseline.jpg', 'progressive.jpg']) {
    const image = await decodeJpeg(fileOf(name), name);
    assert.equal(image.shape, [HEIGHT, WIDTH, 3]);
    assert.equal(packedBytes(image), pixelsOf(name), name);
  }
  const grey = packedBytes(await decodeJpeg(fileOf('grey.jpg'), 'grey.jpg'));
  assert.equal(
    grey,
    Uint8Array.from(grey, (_, i) => pixelsOf('grey.jpg')[Math.floor(i / 3)]!),
  );
});

test('JPEG blocks of TIFF files have the pixels of GDAL: luma and chroma, RGB, planes, in windows', async () => {
  for (const name of ['ycbcr.tif', 'ycbcr-strips.tif', 'rgb.tif', 'planes.tif']) {
    const image = await decodeTiff(fileOf(name), name);
    const expected = pixelsOf(name);
    assert.equal((await image.read([1, 2, 3])).levels, expected, name);
    const { levels } = await image.read([3, 1, 2], { x: 13, y: 9, width: 20, height: 12 });
    const own = Uint8Array.from({ length: levels.length }, (_, i) => {
      const [row, column] = [9 + Math.floor(i / 60), 13 + (Math.floor(i / 3) % 20)];
      return expected[(row * WIDTH + column) * 3 + [2, 0, 1][i % 3]!]!;
    });
    assert.equal(levels, own, name);
  }
});

test('CMYK is refused with a remedy', async () => {
  await rejects(
    decodeJpeg(fileOf('cmyk.jpg'), 'cmyk.jpg'),
    /^readJpeg: cmyk.jpg: 4 colour components \(CMYK\) are not supported, only grey and RGB: rewrite .* gdal_translate -of PNG$/,
  );
});

test('a file cut anywhere is truncated, and never an image with grey pixels', async () => {
  for (const name of ['baseline.jpg', 'progressive.jpg']) {
    const whole = fileOf(name);
    for (let length = 3; length < whole.length; length++) {
      const error = await decodeJpeg(whole.subarray(0, length), 'x').catch((reason: unknown) => reason);
      assert.ok(error instanceof Error && isTruncated(error.cause), `${name}: ${length} of ${whole.length} bytes`);
    }
    // The decoder reads the next file all the same.
    assert.equal(packedBytes(await decodeJpeg(whole, name)), pixelsOf(name));
  }
});

test('pixels that cannot be decoded are an error, also beside other files', async () => {
  const good = fileOf('baseline.jpg');
  const bad = Uint8Array.from(good);
  // An end marker amid the pixels.
  bad.set([0xff, 0xd9], good.length - 200);
  const results = await Promise.allSettled([good, bad, good].map((bytes) => decodeJpeg(bytes, 'x')));
  assert.equal(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  await rejects(decodeJpeg(bad, 'bad.jpg'), /^readJpeg: bad.jpg: damaged: the pixels cannot be decoded \(Corrupt JPEG/);
  const tiff = fileOf('ycbcr.tif');
  const scan = Buffer.from(tiff).indexOf(Buffer.of(0xff, 0xda));
  tiff.set([0xff, 0xd9], scan + 16);
  await rejects((await decodeTiff(tiff, 'bad.tif')).read([1, 2, 3]), /bad.tif: damaged: block 0: damaged: the pixels/);
});

test('a written image is read back with small differences', async () => {
  const { image } = markedSample(20, 28, [[4, 4, 16, 12]]);
  const [before, after] = [image, await decodeJpeg(await encodeJpeg(image, 95), 'x')].map(packedBytes);
  assert.is(after!.length, before!.length);
  const mean = after!.reduce((sum, value, i) => sum + Math.abs(value - before![i]!), 0) / after!.length;
  assert.ok(mean < 12, `mean difference ${mean}`);
});

test.run();
