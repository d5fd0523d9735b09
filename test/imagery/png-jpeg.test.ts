import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deflateSync } from 'node:zlib';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { packedBytes } from '../../src/imagery/image.ts';
import { readImage } from '../../src/imagery/node/read-image.ts';
import { decodeJpeg } from '../../src/imagery/node/jpeg.ts';
import { decodePng, encodePng, readPng, writePng } from '../../src/imagery/node/png.ts';
import { Random } from '../../src/common/random.ts';
import { inFolder, markedSample, rejects, withExif, write } from '../data/support.ts';

const { image } = markedSample(5, 7, [[1, 1, 3, 3]]);

function crc(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return (c ^ 0xffffffff) >>> 0;
}

function chunk(type: string, body: Uint8Array): Buffer {
  const out = Buffer.alloc(12 + body.length);
  out.writeUInt32BE(body.length, 0);
  out.write(type, 4, 'latin1');
  out.set(body, 8);
  out.writeUInt32BE(crc(out.subarray(4, 8 + body.length)), 8 + body.length);
  return out;
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth?: number;
  readonly colour?: number;
  readonly interlace?: number;
}

function png(
  { width, height, depth = 8, colour = 2, interlace = 0 }: Header,
  data: Uint8Array,
  ...others: Buffer[]
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour, 0, 0, interlace], 8);
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    ...others,
    chunk('IDAT', data),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

test(
  'PNG: written images are read back, including views',
  inFolder(async (folder) => {
    for (const view of [image, image.step(-1, 1, 1), image.transpose(1, 0, 2), image.lo(1, 2, 0).hi(3, 4, 3)]) {
      await writePng(`${folder}/a.png`, view);
      const back = await readPng(`${folder}/a.png`);
      assert.equal(back.shape, view.shape);
      assert.equal(packedBytes(back), packedBytes(view));
    }
    assert.equal(packedBytes(await readImage(`${folder}/a.png`)), packedBytes(image.lo(1, 2, 0).hi(3, 4, 3)));
  }),
);

test('PNG: grey, palette, 16 bits, transparency and interlace', async () => {
  const grey = await decodePng(
    png({ width: 2, height: 2, colour: 0 }, deflateSync(Uint8Array.of(0, 10, 20, 0, 30, 40))),
    'g',
  );
  assert.equal([...packedBytes(grey)], [10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40]);
  const bits = await decodePng(
    png({ width: 9, height: 1, colour: 0, depth: 1 }, deflateSync(Uint8Array.of(0, 0b10100000, 0b10000000))),
    'b',
  );
  assert.equal(
    [...packedBytes(bits)].filter((_, i) => i % 3 === 0),
    [255, 0, 255, 0, 0, 0, 0, 0, 255],
  );
  const palette = chunk('PLTE', Uint8Array.of(1, 2, 3, 4, 5, 6));
  const indexed = await decodePng(
    png({ width: 2, height: 1, colour: 3 }, deflateSync(Uint8Array.of(0, 1, 0)), palette),
    'p',
  );
  assert.equal([...packedBytes(indexed)], [4, 5, 6, 1, 2, 3]);
  const deep = await decodePng(
    png({ width: 1, height: 1, depth: 16 }, deflateSync(Uint8Array.of(0, 255, 255, 128, 0, 0, 0))),
    'd',
  );
  assert.equal([...packedBytes(deep)], [255, 128, 0]);
  const alpha = await decodePng(
    png({ width: 1, height: 1, colour: 6 }, deflateSync(Uint8Array.of(0, 7, 8, 9, 0))),
    'a',
  );
  assert.equal([...packedBytes(alpha)], [7, 8, 9]);
  // 3 x 3 pixels in Adam7: passes of 1, 1, 2, 2 and 3 pixels in 1, 1, 1, 2 and 1 lines.
  const [a, b, c, d, e, f, g, h, i] = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const lines = Uint8Array.from([0, a, 0, c, 0, g, i, 0, b, 0, h, 0, d, e, f] as number[]);
  const woven = await decodePng(png({ width: 3, height: 3, colour: 0, interlace: 1 }, deflateSync(lines)), 'i');
  assert.equal(
    [...packedBytes(woven)].filter((_, k) => k % 3 === 0),
    [a, b, c, d, e, f, g, h, i],
  );
});

test('PNG: malicious and damaged files are rejected at once, with their name', async () => {
  const bomb = png({ width: 20_000, height: 20_000 }, deflateSync(new Uint8Array(1)));
  assert.ok(bomb.length < 75);
  await rejects(decodePng(bomb, 'bomb.png'), /^readPng: bomb.png: 20000 x 20000 pixels exceed maxPixels = 100000000;/);
  const unlimited = { maxPixels: 1e9, maxExpansion: Infinity };
  await rejects(decodePng(bomb, 'bomb.png', unlimited), /damaged: 1 bytes of pixel data, expected 1200020000/);
  await rejects(
    decodePng(png({ width: 0x7fffffff, height: 0x7fffffff }, deflateSync(new Uint8Array(1))), 'x'),
    /exceed maxPixels/,
  );
  await rejects(decodePng(png({ width: 0, height: 4 }, deflateSync(new Uint8Array(1))), 'x'), /damaged: size 0 x 4/);
  await rejects(decodePng(png({ width: 4, height: 2 ** 31 }, deflateSync(new Uint8Array(1))), 'x'), /damaged: size/);
  await rejects(
    decodePng(png({ width: 2, height: 2, depth: 3 }, deflateSync(new Uint8Array(14))), 'x'),
    /colour type 2 with 3 bits does not exist/,
  );
  await rejects(
    decodePng(png({ width: 2, height: 2 }, deflateSync(new Uint8Array(1000))), 'x'),
    /pixel data is longer than 14 bytes/,
  );
  await rejects(
    decodePng(png({ width: 2, height: 2 }, deflateSync(new Uint8Array(13))), 'x'),
    /13 bytes of pixel data, expected 14/,
  );
  await rejects(
    decodePng(png({ width: 2, height: 2 }, Uint8Array.of(1, 2, 3, 4)), 'x'),
    /damaged: pixel data \(incorrect header check\)/,
  );
  const filter = Uint8Array.from({ length: 14 }, (_, k) => (k === 0 ? 9 : 0));
  await rejects(decodePng(png({ width: 2, height: 2 }, deflateSync(filter)), 'x'), /readPng: x: .*filter type/);
  await rejects(
    decodePng(png({ width: 2, height: 1, colour: 3 }, deflateSync(new Uint8Array(3))), 'x'),
    /readPng: x: /,
  );
  const good = Buffer.from(await encodePng(image));
  for (let length = 0; length < good.length; length++)
    await rejects(decodePng(good.subarray(0, length), 'x'), /truncated|signature/);
  for (let at = 8; at < good.length; at++) {
    const bad = Buffer.from(good);
    bad[at] = bad[at]! ^ 0x10;
    await rejects(decodePng(bad, 'x'), /readPng: x: (damaged|truncated)/);
  }
  assert.equal(packedBytes(await decodePng(Buffer.concat([good, Buffer.from('trailing')]), 'x')), packedBytes(image));
  await rejects(encodePng(image.hi(0, 7, 3)) as Promise<unknown>, /7 x 0 pixels, expected at least one/);
});

test('PNG: a file written by pngjs itself is read', async () => {
  const other = new PNG({ width: 3, height: 2 });
  other.data.forEach((_, k) => (other.data[k] = k * 5));
  const rgb = [...other.data].filter((_, k) => k % 4 !== 3);
  assert.equal([...packedBytes(await decodePng(PNG.sync.write(other), 'x'))], rgb);
});

/**
 * A JPEG of four uniform quadrants, red and green above, blue and white below, with a quality that keeps the colours
 * apart.
 */
function quarters(orientation?: number): Buffer {
  const [width, height] = [32, 16];
  const data = Buffer.alloc(width * height * 4, 255);
  const colours = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 255],
  ];
  for (let p = 0; p < width * height; p++) {
    const [x, y] = [p % width, Math.floor(p / width)];
    data.set(colours[(y < 8 ? 0 : 2) + (x < 16 ? 0 : 1)]!, p * 4);
  }
  const plain = jpeg.encode({ width, height, data }, 95).data;
  if (orientation === undefined) return plain;
  return withExif(plain, orientation);
}

test(
  'JPEG: pixels and EXIF orientation',
  inFolder(async (folder) => {
    // The corners (r g / b w in the file) as viewers show them: upper left, upper right, lower left, lower right.
    const expected = ['rgbw', 'grwb', 'wbgr', 'bwrg', 'rbgw', 'brwg', 'wgbr', 'gwrb'];
    for (const [i, corners] of expected.entries()) {
      const shown = await readImage(await write(folder, 'a.jpg', quarters(i + 1)));
      assert.equal(shown.shape, i < 4 ? [16, 32, 3] : [32, 16, 3]);
      const [height, width] = shown.shape as [number, number];
      const name = (y: number, x: number): string => {
        const bright = [0, 1, 2].map((c) => shown.get(y, x, c) > 128);
        return bright.every(Boolean) ? 'w' : 'rgb'[bright.indexOf(true)]!;
      };
      assert.is(
        [name(2, 2), name(2, width - 3), name(height - 3, 2), name(height - 3, width - 3)].join(''),
        corners,
        `orientation ${i + 1}`,
      );
    }
  }),
);

test('JPEG: malicious and damaged files are rejected with their name', async () => {
  const good = quarters();
  const flood = Buffer.from(good);
  const sof = flood.indexOf(Buffer.of(0xff, 0xc0));
  flood.writeUInt16BE(65_535, sof + 5);
  flood.writeUInt16BE(65_535, sof + 7);
  await rejects(
    decodeJpeg(flood, 'flood.jpg'),
    /^readJpeg: flood.jpg: 65535 x 65535 pixels exceed maxPixels = 100000000;/,
  );
  flood.writeUInt16BE(900, sof + 5);
  flood.writeUInt16BE(900, sof + 7);
  await rejects(decodeJpeg(flood, 'flood.jpg'), /^readJpeg: flood.jpg: damaged: the pixels cannot be decoded/);
  await rejects(decodeJpeg(Buffer.from('GIF89a'), 'x'), /not a JPEG file/);
  for (const length of [3, 30, sof + 6, Math.floor(good.length / 2)]) {
    await rejects(decodeJpeg(good.subarray(0, length), 'x'), /^readJpeg: x: /);
  }
  const arithmetic = Buffer.from(good);
  arithmetic[sof + 1] = 0xc9;
  await rejects(decodeJpeg(arithmetic, 'x'), /frame type 9 is not supported/);
  // Damage anywhere gives an image or an Error, never a crash.
  const random = new Random(4);
  for (let round = 0; round < 300; round++) {
    const bad = Buffer.from(good);
    for (let k = 0; k < 3; k++) bad[2 + random.int(bad.length - 2)] = random.int(256);
    const result = await decodeJpeg(bad, 'x', { maxPixels: 1e6 }).catch((error: unknown) => error);
    assert.ok(
      result instanceof Error
        ? result.message.startsWith('readJpeg: x: ')
        : (result as { shape: number[] }).shape.length === 3,
    );
  }
});

test(
  'files in other formats',
  inFolder(async (folder) => {
    await rejects(
      readImage(await write(folder, 'a.png', 'GIF89a')),
      /a.png: neither a PNG, JPEG, WebP, AVIF, TIFF nor VRT file/,
    );
    await rejects(readImage(await write(folder, 'empty.jpg', '')), /empty.jpg: neither/);
    await rejects(readImage(`${folder}/none.png`), /ENOENT.*none.png/);
  }),
);

test.run();
