import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { isTruncated, TruncatedError } from '../../imagery/truncated.ts';
import { imageSize } from '../../imagery/image.ts';
import { levelRange } from '../../imagery/level-range.ts';
import { listFiles } from '../../imagery/node/files.ts';
import { decodeJpeg, isJpeg, readJpegHeader } from '../../imagery/node/jpeg.ts';
import { decodePng, isPng } from '../../imagery/node/png.ts';
import { MissingPackageError } from '../../imagery/node/optional-package.ts';
import { defaultBands, readImage, readTiffImage, type Bands } from '../../imagery/node/read-image.ts';
import { decodeTiff, isTiff, type Tiff } from '../../imagery/node/tiff.ts';
import { LevelCounts, type Stretch } from '../../imagery/stretch.ts';
import type { RgbImage } from '../../imagery/types.ts';
import type { LabelTable } from '../../labels/types.ts';
import { differenceHash } from '../difference-hash.ts';
import { noFacts, type ImageFacts, type ImageKind, type Inventory, type Item } from '../types.ts';

/** How pixels become RGB bytes. */
export interface DecodeOptions {
  /** The levels of 16-bit images that become 0 and 255. Default: each image is stretched by itself. */
  readonly stretch?: Stretch | undefined;
  /** TIFF only: bands for red, green and blue, numbered from 1. Default: see `ReadImageOptions.bands`. */
  readonly bands?: Bands | undefined;
}

/** How files are read. */
export interface ReadFactsOptions extends DecodeOptions {
  /** Whether pixels are decoded, which finds damage behind the header and gives the difference hash. */
  readonly pixels: boolean;
  /** Called after each image file. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Reads the facts of the image files of a label table, and lists the images in the same folders that have no labels. */
export async function takeInventory(table: LabelTable, root: string, options: ReadFactsOptions): Promise<Inventory> {
  const items: Item[] = [];
  for (const image of table.images) {
    items.push({ image, facts: await readImageFacts(root, image.file, options) });
    options.onProgress?.(items.length, table.images.length);
  }
  const named = new Set(table.images.map(({ file }) => file));
  const folderOf = (file: string): string => file.slice(0, file.lastIndexOf('/') + 1);
  // Other folders may hold the same images with other bands, as in SpaceNet's data sets.
  const folders = new Set([...named].map(folderOf));
  const files = await listFiles(root).catch((): string[] => []);
  const unlabelled = files.filter(
    (file) => /\.(png|jpe?g|tiff?|webp)$/i.test(file) && !named.has(file) && folders.has(folderOf(file)),
  );
  return { table, items, unlabelled };
}

/** Reads the facts of one image file. Never rejects: what is wrong with the file is part of the facts. */
export async function readImageFacts(root: string, file: string, options: ReadFactsOptions): Promise<ImageFacts> {
  const path = join(root, file);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return { ...noFacts(file), problem: { kind: isMissing ? 'missing' : 'unreadable', message: reasonOf(error) } };
  }
  const kind = imageKind(bytes);
  const facts = { ...noFacts(file), kind, hash: createHash('sha256').update(bytes).digest('hex') };
  return readContents({ path, bytes, facts }, options);
}

/** A file whose format is known. */
interface OpenFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly facts: ImageFacts;
}

/** What the header of a file says, and how its pixels are decoded. */
interface Opened {
  readonly header: Partial<ImageFacts>;
  readonly decode: () => Promise<RgbImage>;
  /** Where the file ends too early, although its header could be read. */
  readonly damage?: string;
}

/** Facts of the header, or of the pixels too. Facts that were read before an error stay. */
async function readContents(file: OpenFile, options: ReadFactsOptions): Promise<ImageFacts> {
  let { facts } = file;
  try {
    const { header, decode, damage } = await openImage(file, options);
    facts = { ...facts, ...header };
    if (damage !== undefined) throw new TruncatedError(damage);
    if (!options.pixels) return facts;
    const image = await decode();
    return { ...facts, difference: differenceHash(image), levels: levelRange(image) };
  } catch (error) {
    if (error instanceof MissingPackageError) {
      return { ...facts, problem: { kind: 'no-reader', package: error.package, message: error.message } };
    }
    const kind = isTruncated(error) ? 'truncated' : 'unreadable';
    // A finding names the file itself.
    const message = error instanceof InputError ? error.reason : reasonOf(error);
    return { ...facts, problem: { kind, message } };
  }
}

async function openImage({ path, bytes, facts: { file, kind } }: OpenFile, options: DecodeOptions): Promise<Opened> {
  if (kind === 'png') return { header: pngHeader(bytes), decode: () => decodePng(bytes, file) };
  if (kind === 'jpeg') return { ...openJpeg(bytes), decode: () => decodeJpeg(bytes, file) };
  if (kind === 'tiff') {
    const tiff = await decodeTiff(bytes, file);
    const { width, height, bits, affine, epsg, geographic } = tiff;
    const header = { size: { width, height }, bits, affine, epsg, geographic };
    return { header, decode: () => decodeLevels(tiff, options) };
  }
  const image = await readImage(path);
  return { header: { size: imageSize(image) }, decode: async () => image };
}

/** The pixels of an image for a picture: 16 bits are stretched as given, or between the image's own percentiles. */
export async function readPixels(root: string, facts: ImageFacts, options: DecodeOptions): Promise<RgbImage> {
  const path = join(root, facts.file);
  return facts.kind === 'tiff' ? decodeLevels(await decodeTiff(await readFile(path), path), options) : readImage(path);
}

async function decodeLevels(tiff: Tiff, { stretch, bands = defaultBands(tiff) }: DecodeOptions): Promise<RgbImage> {
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

/** Size and depth of a PNG file (PNG specification, section 11.2.2). */
function pngHeader(bytes: Uint8Array): Pick<ImageFacts, 'size' | 'bits'> {
  if (bytes.length < 29) throw new TruncatedError('truncated: the file ends in its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { size: { width: view.getUint32(16), height: view.getUint32(20) }, bits: bytes[24]! };
}

function openJpeg(bytes: Uint8Array): Pick<Opened, 'header' | 'damage'> {
  const { width, height, orientation } = readJpegHeader(bytes);
  const size = orientation >= 5 ? { width: height, height: width } : { width, height };
  const header = { size, orientation };
  return hasEndOfImage(bytes)
    ? { header }
    : { header, damage: 'truncated: the file ends before its end-of-image marker' };
}

/** Whether the second half of a JPEG file contains an end-of-image marker. */
function hasEndOfImage(bytes: Uint8Array): boolean {
  // Some cameras append previews and padding after the marker.
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
