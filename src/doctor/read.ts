import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imageSize } from '../imagery/image.ts';
import { LevelCounts, type Stretch } from '../imagery/stretch.ts';
import type { LabelTable } from '../labels/types.ts';
import type { RgbImage } from '../imagery/types.ts';
import { listFiles } from '../imagery/node/files.ts';
import { defaultBands, readImage, readTiffImage, type Bands } from '../imagery/node/read-image.ts';
import { decodeJpeg, isJpeg, readJpegHeader } from '../imagery/node/jpeg.ts';
import { decodePng, isPng } from '../imagery/node/png.ts';
import { decodeTiff, isTiff, type Tiff } from '../imagery/node/tiff.ts';
import { differenceHash } from './difference-hash.ts';
import type { ImageFacts, ImageKind, Inventory } from './types.ts';
import { reasonOf } from '../common/check.ts';

// The one place where the examination reads files.

/** How files are read. */
export interface ReadFactsOptions {
  /** Whether pixels are decoded too, which finds damage behind the header and gives the difference hash. */
  readonly pixels: boolean;
  /** The levels that become 0 and 255 in 16-bit images; each image's own where there are none. */
  readonly stretch?: Stretch | undefined;
  /** TIFF only: numbers from 1 of the bands for red, green and blue. Default: see `ReadImageOptions.bands`. */
  readonly bands?: Bands | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Reads what the files of a label table say, and which images beside them have no labels. */
export async function takeInventory(table: LabelTable, root: string, options: ReadFactsOptions): Promise<Inventory> {
  const items = [];
  for (const image of table.images) {
    items.push({ image, facts: await readImageFacts(root, image.file, options) });
    options.onProgress?.(items.length, table.images.length);
  }
  const named = new Set(table.images.map(({ file }) => file));
  const folderOf = (file: string): string => file.slice(0, file.lastIndexOf('/') + 1);
  // Other folders may hold other kinds of the same images, as SpaceNet's do.
  const folders = new Set([...named].map(folderOf));
  const files = await listFiles(root).catch((): string[] => []);
  const unlabelled = files.filter(
    (file) => /\.(png|jpe?g|tiff?|webp)$/i.test(file) && !named.has(file) && folders.has(folderOf(file)),
  );
  return { table, items, unlabelled };
}

/** Reads what one file says. It never rejects: what is wrong with the file is part of the facts. */
export async function readImageFacts(root: string, file: string, options: ReadFactsOptions): Promise<ImageFacts> {
  const nothing: ImageFacts = {
    file,
    problem: null,
    kind: 'unknown',
    hash: '',
    size: null,
    orientation: 1,
    bits: 8,
    affine: null,
    epsg: null,
    geographic: null,
    difference: null,
  };
  let bytes: Uint8Array;
  try {
    bytes = await readFile(join(root, file));
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return { ...nothing, problem: { kind: missing ? 'missing' : 'unreadable', message: reasonOf(error) } };
  }
  const kind = imageKind(bytes);
  let facts: ImageFacts = { ...nothing, kind, hash: createHash('sha256').update(bytes).digest('hex') };
  try {
    if (kind === 'png') {
      facts = { ...facts, ...pngHeader(bytes) };
      if (options.pixels) facts = withPixels(facts, await decodePng(bytes, file));
    } else if (kind === 'jpeg') {
      const { width, height, orientation } = readJpegHeader(bytes);
      const size = orientation >= 5 ? { width: height, height: width } : { width, height };
      facts = { ...facts, size, orientation };
      if (!endsAsJpeg(bytes)) throw new Error('truncated: the file ends before its end-of-image marker');
      if (options.pixels) facts = withPixels(facts, await decodeJpeg(bytes, file));
    } else if (kind === 'tiff') {
      const tiff = await decodeTiff(bytes, file);
      const { width, height, bits, affine, epsg, geographic } = tiff;
      facts = { ...facts, size: { width, height }, bits, affine, epsg, geographic };
      if (options.pixels) facts = withPixels(facts, await stretched(tiff, options));
    } else {
      const image = await readImage(join(root, file));
      facts = { ...facts, size: imageSize(image) };
      if (options.pixels) facts = withPixels(facts, image);
    }
  } catch (error) {
    const message = reasonOf(error);
    return { ...facts, problem: { kind: /truncated/i.test(message) ? 'truncated' : 'unreadable', message } };
  }
  return facts;
}

/** The pixels of an image for a picture: 16 bits are stretched as given, or between the image's own percentiles. */
export async function readPixels(
  root: string,
  facts: ImageFacts,
  how: Pick<ReadFactsOptions, 'stretch' | 'bands'>,
): Promise<RgbImage> {
  const path = join(root, facts.file);
  return facts.kind === 'tiff' ? stretched(await decodeTiff(await readFile(path), path), how) : readImage(path);
}

async function stretched(
  tiff: Tiff,
  { stretch, bands = defaultBands(tiff) }: Pick<ReadFactsOptions, 'stretch' | 'bands'>,
): Promise<RgbImage> {
  if (tiff.bits === 8) return readTiffImage(tiff, { bands });
  if (stretch !== undefined) return readTiffImage(tiff, { bands, stretch });
  const counts = new LevelCounts();
  const levels = await tiff.readLevels(bands);
  counts.add(levels);
  // An image without a level above 0 has no percentiles.
  const own = levels.some((level) => level > 0)
    ? counts.stretch([2, 98])
    : ({ low: [0, 0, 0], high: [1, 1, 1] } as const);
  return readTiffImage(tiff, { bands, stretch: own });
}

const withPixels = (facts: ImageFacts, image: RgbImage): ImageFacts => ({
  ...facts,
  difference: differenceHash(image),
});

/** Size and depth of a PNG file (PNG specification, section 11.2.2). */
function pngHeader(bytes: Uint8Array): Pick<ImageFacts, 'size' | 'bits'> {
  if (bytes.length < 29) throw new Error('truncated: the file ends in its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { size: { width: view.getUint32(16), height: view.getUint32(20) }, bits: bytes[24]! };
}

/** Whether the last bytes, but for padding, hold the marker that ends a JPEG file. */
function endsAsJpeg(bytes: Uint8Array): boolean {
  // Some cameras append previews and padding: the marker may lie anywhere behind the middle of the file.
  for (let i = bytes.length - 2; i >= bytes.length / 2; i--)
    if (bytes[i] === 0xff && bytes[i + 1] === 0xd9) return true;
  return false;
}

function imageKind(bytes: Uint8Array): ImageKind {
  if (isPng(bytes)) return 'png';
  if (isJpeg(bytes)) return 'jpeg';
  if (isTiff(bytes)) return 'tiff';
  const start = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (start.startsWith('GIF8')) return 'gif';
  if (start.startsWith('BM')) return 'bmp';
  if (start.startsWith('RIFF') && start.endsWith('WEBP')) return 'webp';
  return start.slice(4, 8) === 'jP  ' ? 'jpeg2000' : 'unknown';
}
