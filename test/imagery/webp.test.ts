import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import jpeg from 'jpeg-js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packedBytes, rgbImage } from '../../src/imagery/image.ts';
import { findImages } from '../../src/imagery/node/find-images.ts';
import { readImage } from '../../src/imagery/node/read-image.ts';
import { imageSizeOf } from '../../src/imagery/node/image-size.ts';
import { encodePng } from '../../src/imagery/node/png.ts';
import { decodeWebp, decodeWebpLevels, encodeWebp, readWebp } from '../../src/imagery/node/webp.ts';
import { geoTiff, inFolder, levelBytes, markedSample, plainTiff, raster, rejects, write } from '../data/support.ts';

const { image } = markedSample(20, 30, [[3, 4, 9, 11]]);

/** The image as written by `cwebp -lossless` or `-q` (libwebp 1.2.4) or, without cwebp, by the package's encoder. */
async function webp(folder: string, name: string, lossless: boolean): Promise<string> {
  const path = `${folder}/${name}`;
  try {
    const png = await write(folder, `${name}.png`, await encodePng(image));
    execFileSync('cwebp', ['-quiet', ...(lossless ? ['-lossless', '-exact'] : ['-q', '95']), png, '-o', path], {
      stdio: 'ignore',
    });
    return path;
  } catch {
    const encoder = (await import('@jsquash/webp/encode.js')) as unknown as {
      init(wasm: object): Promise<unknown>;
      default(image: object, options: object): Promise<ArrayBuffer>;
    };
    const { WebAssembly } = globalThis as unknown as { WebAssembly: { compile(code: Uint8Array): Promise<object> } };
    const wasm = new URL('../../node_modules/@jsquash/webp/codec/enc/webp_enc_simd.wasm', import.meta.url);
    await encoder.init(await WebAssembly.compile(await readFile(wasm)));
    const rgb = packedBytes(image);
    const data = Uint8ClampedArray.from({ length: 30 * 20 * 4 }, (_, i) =>
      i % 4 === 3 ? 255 : rgb[(i >> 2) * 3 + (i % 4)]!,
    );
    const options = { lossless: lossless ? 1 : 0, exact: 1, quality: lossless ? 100 : 95 };
    return write(folder, name, new Uint8Array(await encoder.default({ width: 30, height: 20, data }, options)));
  }
}

/** A RIFF chunk. */
function chunk(tag: string, body: Uint8Array): Buffer {
  const head = Buffer.from(`${tag}\0\0\0\0`, 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
}

/** The lossless file in the extended form, with an EXIF orientation after the pixels. */
function withOrientation(simple: Uint8Array, orientation: number): Buffer {
  const vp8x = Buffer.alloc(10);
  vp8x[0] = 8;
  vp8x.writeUIntLE(29, 4, 3);
  vp8x.writeUIntLE(19, 7, 3);
  const exif = Buffer.from('II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0\0', 'latin1');
  exif.writeUInt16LE(orientation, 18);
  const body = Buffer.concat([Buffer.from('WEBP'), chunk('VP8X', vp8x), simple.subarray(12), chunk('EXIF', exif)]);
  return chunk('RIFF', body);
}

test(
  'WebP: lossless exactly, lossy approximately, orientation, limits',
  inFolder(async (folder) => {
    const lossless = await webp(folder, 'a.webp', true);
    const lossy = await webp(folder, 'b.webp', false);
    // Concurrently: they share one decoder.
    const [a, b, again] = await Promise.all([readImage(lossless), readWebp(lossy), readWebp(lossless)]);
    assert.equal(a.shape, [20, 30, 3]);
    assert.equal(packedBytes(a), packedBytes(image));
    assert.equal(packedBytes(again), packedBytes(image));
    const [got, wanted] = [packedBytes(b), packedBytes(image)];
    const error = got.reduce((sum, value, i) => sum + Math.abs(value - wanted[i]!), 0) / got.length;
    assert.ok(error > 0 && error < 40, `mean error ${error}`);
    assert.is((globalThis as { ImageData?: unknown }).ImageData, undefined);
    assert.equal(await imageSizeOf(lossy), { width: 30, height: 20 });
    await rejects(readWebp(lossless, { maxPixels: 599 }), /a.webp: 30 x 20 pixels exceed maxPixels = 599/);
    const turned = await write(folder, 'turned.webp', withOrientation(await readFile(lossless), 6));
    const upright = await readWebp(turned);
    assert.equal([upright.shape, await imageSizeOf(turned)], [[30, 20, 3], { width: 20, height: 30 }]);
    // Orientation 6: the first stored row is the right-hand column.
    for (let x = 0; x < 30; x++) assert.is(upright.get(x, 19, 0), image.get(0, x, 0));
  }),
);

test(
  'WebP: damaged files',
  inFolder(async (folder) => {
    const bytes = await readFile(await webp(folder, 'a.webp', true));
    const read = async (change: Uint8Array): Promise<unknown> => readImage(await write(folder, 'x.webp', change));
    for (const length of [12, 20, 40, bytes.length - 1]) {
      await rejects(read(bytes.subarray(0, length)), /readWebp: .*x.webp: (truncated|damaged)/);
    }
    const noise = Buffer.from(bytes);
    noise.fill(0xff, 25);
    await rejects(read(noise), /readWebp: .*x.webp: damaged/);
    const animated = withOrientation(bytes, 1);
    animated[20] = 2;
    await rejects(read(animated), /animations are not supported/);
    // After a failure the decoder still works.
    assert.equal(packedBytes((await read(bytes)) as typeof image), packedBytes(image));
  }),
);

test(
  'sizes from headers: PNG, JPEG with a long profile and rotated, TIFF and BigTIFF, truncated files',
  inFolder(async (folder) => {
    const size = async (name: string, bytes: string | Uint8Array): Promise<[number, number]> => {
      const { width, height } = await imageSizeOf(await write(folder, name, bytes));
      return [width, height];
    };
    const png = await encodePng(image);
    assert.equal(await size('a.png', png), [30, 20]);
    assert.equal(await size('b.png', png.subarray(0, 40)), [30, 20]);
    const coded = jpeg.encode({ width: 30, height: 20, data: Buffer.alloc(30 * 20 * 4, 90) }, 90).data;
    const segment = (marker: number, body: Uint8Array): Buffer =>
      Buffer.concat([Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255]), body]);
    const exif = Buffer.from('Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0\0\0\0\0', 'latin1');
    const long = Buffer.concat([
      coded.subarray(0, 2),
      segment(0xe1, exif),
      ...[1, 2, 3].map(() => segment(0xe2, Buffer.alloc(60_000))),
      coded.subarray(2),
    ]);
    assert.equal(await size('a.jpg', coded), [30, 20]);
    assert.equal(await size('long.jpg', long), [20, 30]);
    assert.equal((await readImage(`${folder}/long.jpg`)).shape, [30, 20, 3]);
    const r = raster(33, 21, 3, 16, () => 7);
    assert.equal(await size('a.tif', geoTiff(r, { epsg: 4326, x: 1, y: 1, pixel: 1 })), [33, 21]);
    assert.equal(await size('b.tif', plainTiff(r, [levelBytes(r.levels)])), [33, 21]);
    const big = Buffer.alloc(16 + 8 + 40 + 8);
    big.set([0x49, 0x49, 43, 0, 8, 0, 0, 0, 16]);
    big.writeUInt8(2, 16);
    for (const [i, [tag, value]] of (
      [
        [256, 70_000],
        [257, 5],
      ] as const
    ).entries()) {
      big.writeUInt16LE(tag, 24 + i * 20);
      big.writeUInt16LE(4, 26 + i * 20);
      big.writeUInt8(1, 28 + i * 20);
      big.writeUInt32LE(value, 36 + i * 20);
    }
    assert.equal(await size('big.tif', big), [70_000, 5]);
    await rejects(size('x.png', png.subarray(0, 20)), /imageSizeOf: .*x.png: truncated/);
    await rejects(size('x.jpg', coded.subarray(0, 30)), /x.jpg: truncated/);
    await rejects(size('x.tif', big.subarray(0, 30)), /x.tif: truncated/);
    await rejects(size('x.gif', 'GIF89a'), /x.gif: neither a PNG, JPEG, WebP, AVIF, TIFF nor VRT file/);
    await rejects(size('empty.png', ''), /empty.png: the file is empty/);
    await rejects(imageSizeOf(`${folder}/none.png`), /none.png: cannot be read/);
  }),
);

test('an image is encoded, with transparency where it has no data', async () => {
  const flat = rgbImage(20, 30, new Uint8Array(20 * 30 * 3).fill(120));
  const opaque = await encodeWebp(flat, 90);
  const back = await decodeWebp(opaque, 'opaque');
  assert.equal(back.shape, [20, 30, 3]);
  assert.ok(packedBytes(back).every((value) => Math.abs(value - 120) <= 2));
  const valid = Uint8Array.from({ length: 600 }, (_, i) => Number(i % 30 < 12));
  const holes = await encodeWebp(flat, 90, valid);
  assert.equal((await decodeWebpLevels(holes, 'holes')).valid, valid);
});

test(
  'images from files, folders, patterns and lists',
  inFolder(async (folder) => {
    const names = ['a.png', 'b.JPG', 'sub/c.webp', 'sub/d.tif', 'e [1].png'];
    for (const name of names) await write(folder, name, 'x');
    await write(folder, 'notes.md', 'x');
    const at = (...files: string[]): string[] => files.map((file) => `${folder}/${file}`).sort();
    assert.equal(await findImages([folder]), at(...names));
    assert.equal(await findImages([`${folder}/*.png`, `${folder}/a.png`]), at('a.png', 'e [1].png'));
    assert.equal(await findImages([`${folder}/e [1].png`]), at('e [1].png'));
    assert.equal(await findImages([`${folder}/**/*.{webp,tif}`]), at('sub/c.webp', 'sub/d.tif'));
    const list = await write(
      folder,
      'list.txt',
      `\ufeff# test set\r\na.png\r\n\r\nsub\r\n${folder}/b.JPG\r\nsub/*.tif\r\n`,
    );
    assert.equal(await findImages([list]), at('a.png', 'b.JPG', 'sub/c.webp', 'sub/d.tif'));
    await write(folder, 'list', 'a.png');
    assert.equal(await findImages([`@${folder}/list`]), at('a.png'));
    await rejects(findImages([]), /no inputs/);
    await rejects(findImages([`${folder}/none.png`]), /none.png does not exist/);
    await rejects(findImages([`${folder}/*.md`]), /no image .* matches .*\*.md/);
    await rejects(findImages([`@${folder}/none`]), /list file .*none cannot be read/);
    await write(folder, 'list', 'a.png\nnone.png\n');
    await rejects(findImages([`@${folder}/list`]), /list:2: none.png does not exist/);
    await rejects(findImages([await write(folder, 'empty.txt', '# none\n')]), /empty.txt contains no image/);
    await write(folder, 'bare/x.md', 'x');
    await rejects(findImages([`${folder}/bare`]), /bare is a folder without images/);
  }),
);

test.run();
