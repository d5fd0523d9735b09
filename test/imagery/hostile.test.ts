/** Image files made to harm: each is an error that names the file, and leaves the decoders usable. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deflateSync } from 'node:zlib';
import { decodeJpeg, encodeJpeg } from '../../src/imagery/node/jpeg.ts';
import { openImage } from '../../src/imagery/node/open-image.ts';
import { decodePng, encodePng } from '../../src/imagery/node/png.ts';
import { decodeTiff } from '../../src/imagery/node/tiff.ts';
import { unpackLzw, unpackPackBits } from '../../src/imagery/tiff/unpack.ts';
import { decodeWebp, encodeWebp } from '../../src/imagery/node/webp.ts';
import { inFolder, markedSample, plainTiff, raster, rejects, write } from '../data/support.ts';

const { image } = markedSample(16, 24, [[2, 2, 9, 9]]);

test('a PNG file with a second header is refused', async () => {
  const bytes = Buffer.from(await encodePng(image));
  const header = bytes.subarray(8, 33);
  await rejects(
    decodePng(Buffer.concat([bytes.subarray(0, 33), header, bytes.subarray(33)]), 'x.png'),
    /x.png: damaged: a second IHDR chunk$/,
  );
});

test('a JPEG file with a second frame header or hundreds of scans is refused, and the next one is read', async () => {
  const bytes = Buffer.from(await encodeJpeg(image, 90));
  const frame = bytes.indexOf(Buffer.of(0xff, 0xc0));
  const body = bytes.subarray(frame, frame + 2 + bytes.readUInt16BE(frame + 2));
  const twice = Buffer.concat([bytes.subarray(0, frame), body, bytes.subarray(frame)]);
  await rejects(decodeJpeg(twice, 'x.jpg'), /x.jpg: damaged: a second frame header$/);
  const scan = bytes.indexOf(Buffer.of(0xff, 0xda));
  const scans = Array.from({ length: 100 }, () => bytes.subarray(scan, bytes.length - 2));
  const slow = Buffer.concat([bytes.subarray(0, scan), ...scans, Buffer.of(0xff, 0xd9)]);
  await rejects(decodeJpeg(slow, 'x.jpg'), /x.jpg: damaged: more than 64 scans$/);
  await rejects(decodeJpeg(bytes.subarray(0, bytes.length - 40), 'x.jpg'), /x.jpg: truncated/);
  assert.equal((await decodeJpeg(bytes, 'x.jpg')).shape, [16, 24, 3]);
});

test('damaged WebP pixels are an error, and the next file is read', async () => {
  const bytes = Buffer.from(await encodeWebp(image, 90));
  const bad = Buffer.from(bytes);
  // The partition of the first rows is said to be longer than the file.
  bad.writeUIntLE(0x7fffff, 20, 3);
  await rejects(decodeWebp(bad, 'x.webp'), /x.webp: damaged/);
  assert.equal((await decodeWebp(bytes, 'x.webp')).shape, [16, 24, 3]);
});

test('a small file with very many pixels is refused; maxExpansion allows it', async () => {
  const bytes = Buffer.from(await encodePng(image));
  // 5000 x 5000 in a file of some hundred bytes.
  const blank = async (side: number): Promise<Uint8Array> => {
    const lossless = Buffer.alloc(8);
    lossless[0] = 0x2f;
    lossless.writeUInt32LE((side - 1) | ((side - 1) << 14), 1);
    const chunk = Buffer.concat([Buffer.from('VP8L\x08\0\0\0', 'latin1'), lossless]);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(4 + chunk.length);
    return Buffer.concat([Buffer.from('RIFF'), size, Buffer.from('WEBP'), chunk]);
  };
  await rejects(
    decodeWebp(await blank(5000), 'x.webp'),
    /x.webp: 5000 x 5000 pixels in 8 bytes, as in a decompression bomb, exceed maxExpansion = 256; .* --limit maxExpansion=N/,
  );
  await rejects(
    decodeWebp(await blank(5000), 'x.webp', { maxExpansion: Infinity, maxPixels: 1e6 }),
    /maxPixels = 1000000/,
  );
  await rejects(decodePng(bytes, 'x.png', { maxPixels: 383 }), /x.png: 24 x 16 pixels exceed maxPixels = 383;/);
});

test('LZW and PackBits: known streams, and a limit', () => {
  // TIFF 6.0, section 13, has this example.
  const codes = [256, 7, 258, 8, 8, 258, 6, 6, 257];
  const bits = codes.map((code) => code.toString(2).padStart(9, '0')).join('');
  const packed = Uint8Array.from(bits.match(/.{1,8}/g)!, (byte) => Number.parseInt(byte.padEnd(8, '0'), 2));
  assert.equal([...unpackLzw(packed, 10)], [7, 7, 7, 8, 8, 7, 7, 6, 6]);
  assert.throws(() => unpackLzw(packed, 8), /more than 8 bytes of pixels/);
  assert.throws(() => unpackLzw(Uint8Array.of(0x80, 0x7f, 0xff), 8), /LZW code \d+ is not in the table/);
  // Technical Note TN1023 of Apple has this one.
  const example = Uint8Array.of(
    0xfe,
    0xaa,
    0x02,
    0x80,
    0x00,
    0x2a,
    0xfd,
    0xaa,
    0x03,
    0x80,
    0x00,
    0x2a,
    0x22,
    0xf7,
    0xaa,
  );
  const plain = 'aaaaaa80002aaaaaaaaa80002a22aaaaaaaaaaaaaaaaaaaa';
  assert.is(Buffer.from(unpackPackBits(example, 24)).toString('hex'), plain);
  assert.throws(() => unpackPackBits(example, 23), /more than 23 bytes of pixels/);
});

test('TIFF: blocks that hold more than they should are refused, whatever their compression', async () => {
  const r = raster(24, 24, 3, 8, () => 0);
  const runs = Buffer.alloc(200_000, Buffer.of(0x81, 0));
  // Codes 256, 0, 258, 259, ... double as fast as LZW can.
  let bits = '';
  for (let clear = 0; clear < 50; clear++) {
    bits += (256).toString(2).padStart(9, '0') + '0'.repeat(9);
    for (let code = 258, width = 9; code < 4000; code++) {
      bits += code.toString(2).padStart(width, '0');
      if (code + 2 >= 1 << width) width++;
    }
  }
  const lzw = Uint8Array.from(bits.match(/.{8}/g)!, (byte) => Number.parseInt(byte, 2));
  for (const [compression, block] of [
    [5, lzw],
    [32773, runs],
    [8, deflateSync(Buffer.alloc(1e6))],
    [50000, Buffer.from('28b52ffda08096980054000010000001003b2a060200', 'hex')],
  ] as const) {
    const tiff = await decodeTiff(plainTiff(r, [block], [[259, 3, [compression]]]), 'x.tif');
    await rejects(tiff.read([1, 2, 3]), /^readTiff: x.tif: damaged: block 0: /);
  }
  const wide = raster(40, 40, 3, 8, () => 0);
  const tooLarge = plainTiff(wide, [deflateSync(wide.levels)], [[259, 3, [8]]]);
  await rejects(
    decodeTiff(tooLarge, 'x.tif', { maxBlockBytes: 4799 }),
    /x.tif: a compressed block of 40 x 40 pixels .*gdal_translate -co TILED=YES .* 4800 bytes exceed maxBlockBytes = 4799;/,
  );
  assert.equal(
    (await (await decodeTiff(tooLarge, 'x.tif', { maxBlockBytes: 4800 })).read([1, 2, 3])).levels.length,
    4800,
  );
});

test(
  'mosaics name no URL, and do not contain themselves; what is no file is not read',
  inFolder(async (folder) => {
    const mosaic = (source: string): string =>
      '<VRTDataset rasterXSize="7" rasterYSize="5"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>' +
      `<SourceFilename relativeToVRT="1">${source}</SourceFilename><SourceBand>1</SourceBand>` +
      '<SrcRect xOff="0" yOff="0" xSize="7" ySize="5"/><DstRect xOff="0" yOff="0" xSize="7" ySize="5"/>' +
      '</SimpleSource></VRTRasterBand></VRTDataset>';
    for (const url of ['http://localhost:9/a.tif', '/vsicurl/http://localhost:9/a.tif']) {
      const path = await write(folder, 'url.vrt', mosaic(url));
      await rejects(openImage(path), /url.vrt: line 1: .*a.tif is not a local file: download it, or name it itself/);
    }
    const self = await openImage(await write(folder, 'self.vrt', mosaic('self.vrt')));
    await rejects(self.read([1, 1, 1]), /self.vrt: more than 4 mosaics inside each other/);
    await write(folder, 'a.png', await encodePng(image));
    await rejects(
      openImage(`${folder}/a.png`, { maxFileBytes: 10 }),
      /a.png: cannot be read: \d+ bytes exceed maxFileBytes = 10/,
    );
  }),
);

test.run();
