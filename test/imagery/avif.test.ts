import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readAvifHeader } from '../../src/imagery/node/avif.ts';
import { addAlpha, packedBytes, rotateImage } from '../../src/imagery/image.ts';
import { findImages } from '../../src/imagery/node/find-images.ts';
import { imageSizeOf } from '../../src/imagery/node/image-size.ts';
import { openImage } from '../../src/imagery/node/open-image.ts';
import { readImage } from '../../src/imagery/node/read-image.ts';
import type { RgbImage } from '../../src/imagery/types.ts';
import { readImageFacts } from '../../src/doctor/node/read.ts';
import { inFolder, markedSample, rejects, write } from '../data/support.ts';

const { image } = markedSample(20, 30, [[3, 4, 9, 11]]);
const valid = Uint8Array.from({ length: 600 }, (_, i) => Number(i % 30 < 12));

type Pixels = { readonly width: number; readonly height: number; readonly data: Uint8ClampedArray | Uint16Array };

const encoder = (await import('@jsquash/avif/encode.js')) as unknown as {
  init(wasm: object): Promise<unknown>;
  default(pixels: Pixels, options: object): Promise<ArrayBuffer>;
};
const { WebAssembly } = globalThis as unknown as { WebAssembly: { compile(code: Uint8Array): Promise<object> } };
const wasm = createRequire(import.meta.url).resolve('@jsquash/avif/codec/enc/avif_enc.wasm');
const compiled = await WebAssembly.compile(await readFile(wasm));
await encoder.init(compiled);
// The encoder leaves a global behind that a decoder must not.
delete (globalThis as { ImageData?: unknown }).ImageData;

async function encode(data: Pixels['data'], options: object = {}): Promise<Buffer> {
  return Buffer.from(await encoder.default({ width: 30, height: 20, data }, { lossless: true, speed: 9, ...options }));
}

const opaque = await encode(new Uint8ClampedArray(addAlpha(image, null)));

/** The file with a box of the header replaced by another of the same length, marked as essential. */
function withBox(bytes: Uint8Array, old: string, type: string, first: number): Buffer {
  const out = Buffer.from(bytes);
  const at = out.indexOf(old, 0, 'latin1');
  out.write(type, at, 'latin1');
  out[at + 4] = first;
  // Property 4 of the image: size, depth and codec come before the colours.
  const entry = out.indexOf('ipma', 0, 'latin1') + 4 + 4 + 4 + 2 + 1;
  assert.equal([...out.subarray(entry, entry + 4)], [1, 2, 0x83, 4]);
  out[entry + 3] = 0x84;
  return out;
}

test(
  'AVIF: pixels, transparency, 10 bits, sizes, limits, in all readers',
  inFolder(async (folder) => {
    const file = await write(folder, 'a.avif', opaque);
    assert.equal(packedBytes(await readImage(file)), packedBytes(image));
    assert.equal(await imageSizeOf(file), { width: 30, height: 20 });
    assert.equal(await findImages([folder]), [file]);
    assert.is((globalThis as { ImageData?: unknown }).ImageData, undefined);
    await rejects(readImage(file, { maxPixels: 599 }), /readAvif: .*a.avif: 30 x 20 pixels exceed maxPixels = 599/);
    const holes = await write(folder, 'holes', await encode(new Uint8ClampedArray(addAlpha(image, valid))));
    assert.equal((await (await openImage(holes)).read([1, 2, 3])).valid, valid, 'found by its first bytes');
    const deep = Uint16Array.from(addAlpha(image, null), (level) => (level << 2) | (level >> 6));
    const ten = await openImage(await write(folder, 'ten.avif', await encode(deep, { bitDepth: 10 })));
    const { levels } = await ten.read([1, 2, 3]);
    assert.ok(packedBytes(image).every((level, i) => Math.abs(level - levels[i]!) <= 1));
    const facts = await readImageFacts(folder, 'a.avif', { pixels: true });
    assert.equal([facts.kind, facts.size, facts.problem], ['avif', { width: 30, height: 20 }, null]);
  }),
);

test(
  'AVIF: rotated and mirrored by the header',
  inFolder(async (folder) => {
    const read = async (bytes: Uint8Array): Promise<RgbImage> => readImage(await write(folder, 'x.avif', bytes));
    const rotated = withBox(opaque, 'colr', 'irot', 1);
    assert.equal(packedBytes(await read(rotated)), packedBytes(rotateImage(image, -1)), 'counterclockwise');
    assert.equal(await imageSizeOf(`${folder}/x.avif`), { width: 20, height: 30 });
    for (const [axis, expected] of [
      [0, image.step(-1, 1, 1)],
      [1, image.step(1, -1, 1)],
    ] as const) {
      assert.equal(packedBytes(await read(withBox(opaque, 'colr', 'imir', axis))), packedBytes(expected), `${axis}`);
    }
    await rejects(read(withBox(opaque, 'colr', 'clap', 0)), /a crop in the header \(clap\) is not supported/);
  }),
);

test(
  'AVIF: damaged, truncated and hostile files, and relatives',
  inFolder(async (folder) => {
    const read = async (bytes: Uint8Array): Promise<unknown> => readImage(await write(folder, 'x.avif', bytes));
    for (const length of [20, 40, 100, 200, opaque.length - 1]) {
      await rejects(read(opaque.subarray(0, length)), /readAvif: .*x.avif: truncated/);
      await rejects(imageSizeOf(`${folder}/x.avif`), /x.avif: truncated/);
    }
    const noise = Buffer.from(opaque).fill(0x55, opaque.indexOf('mdat') + 4);
    await rejects(read(noise), /readAvif: .*x.avif: damaged: the pixels cannot be decoded/);
    const bomb = Buffer.from(opaque);
    bomb.writeUInt32BE(60_000, bomb.indexOf('ispe') + 8);
    await rejects(read(bomb), /60000 x 20 pixels exceed|damaged/);
    bomb.writeUInt32BE(60_000, bomb.indexOf('ispe') + 12);
    await rejects(read(bomb), /60000 x 60000 pixels exceed maxPixels/);
    const named = (brand: string): Buffer => Buffer.from(opaque.toString('latin1').replaceAll('avif', brand), 'latin1');
    await rejects(read(named('heic')), /an HEIF file of type heic.*only AVIF is supported, convert it to PNG or JPEG/);
    await rejects(read(named('avis')), /animations are not supported/);
    await rejects(read(Buffer.from(opaque).fill(0, opaque.indexOf('iprp'), opaque.indexOf('iprp') + 4)), /no box iprp/);
    assert.throws(() => readAvifHeader(new Uint8Array(4)), /HEIF|AVIF/);
    // After a failure the decoder still works.
    assert.equal(packedBytes((await read(opaque)) as RgbImage), packedBytes(image));
  }),
);

test.run();
