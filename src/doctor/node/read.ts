import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { defined, reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { uprightSize } from '../../imagery/orientation.ts';
import { isTruncated, TruncatedError } from '../../imagery/truncated.ts';
import { blackFraction, levelRange } from '../../imagery/level-range.ts';
import { listFiles, readHead } from '../../imagery/node/files.ts';
import { readFileHeader } from '../../imagery/node/image-size.ts';
import { isAvif } from '../../imagery/node/avif.ts';
import { hasEndOfImage, NO_END_OF_IMAGE } from '../../imagery/node/jpeg.ts';
import { isJpeg, readJpegHeader } from '../../imagery/jpeg-header.ts';
import { fileLimits } from '../../common/limits.ts';
import { readLimited } from '../../imagery/node/read-limited.ts';
import { countLevels } from '../../imagery/measure-stretch.ts';
import { openImage } from '../../imagery/node/open-image.ts';
import { MissingPackageError } from '../../common/optional-package.ts';
import { isPng } from '../../imagery/node/png.ts';
import { rasterOf } from '../../imagery/raster-of.ts';
import { isTiff } from '../../imagery/tiff/tiff.ts';
import { openTiff } from '../../imagery/node/tiff.ts';
import { isByte } from '../../imagery/levels.ts';
import { selectBands, shownChannels, type RawImage } from '../../imagery/raw-image.ts';
import { rgbOf } from '../../imagery/image.ts';
import { memoryRoles } from '../../imagery/node/memory-image.ts';
import { LevelCounts, stretchTo, type Stretch } from '../../imagery/stretch.ts';
import type { BandSelection, ByteImage, RgbImage } from '../../imagery/types.ts';
import type { LabelledImage, LabelTable } from '../../labels/types.ts';
import { differenceHash } from '../difference-hash.ts';
import { noFacts, type ImageFacts, type ImageKind, type Inventory, type Item } from '../types.ts';

/** How pixels become bytes. */
export interface DecodeOptions {
  /** The levels that become 0 and 255, where they are not bytes. Default: each image is stretched by itself. */
  readonly stretch?: Stretch | undefined;
  /** Bands to read, numbered from 1. Default: red, green and blue, see `colourBands`. */
  readonly bands?: BandSelection | undefined;
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
    (file) => /\.(png|jpe?g|tiff?|webp|avif)$/i.test(file) && !named.has(file) && folders.has(folderOf(file)),
  );
  return { table, items, unlabelled };
}

/** First bytes of a file, which have its format and the header of a PNG. */
const HEAD = 64;

/** Files that are open at the same time: enough to hide the latency of a network drive. */
const AT_ONCE = 16;

/** Like `takeInventory`, from the headers of the files alone: without hashes, pixels and unlabelled images. */
export async function takeHeaders(table: LabelTable, root: string, bands?: BandSelection): Promise<Inventory> {
  const items: Item[] = [];
  const read = async (image: LabelledImage): Promise<Item> => ({
    image,
    facts: await readHeaderFacts(root, image.file, bands),
  });
  for (let i = 0; i < table.images.length; i += AT_ONCE) {
    items.push(...(await Promise.all(table.images.slice(i, i + AT_ONCE).map(read))));
  }
  return { table, items, unlabelled: [] };
}

/** What the header of one image file tells. Never rejects. */
async function readHeaderFacts(root: string, file: string, bands: BandSelection | undefined): Promise<ImageFacts> {
  const path = join(root, file);
  let facts = noFacts(file);
  try {
    const { kind, ...header } = await readFileHeader(path);
    const size = uprightSize(header);
    facts = { ...facts, kind: kind === 'vrt' ? 'unknown' : kind, size, orientation: header.orientation };
    if (kind !== 'tiff' && kind !== 'vrt') {
      selectBands({ path, bands: memoryRoles.length, roles: memoryRoles }, bands);
      return facts;
    }
    // Opening reads no pixels.
    const raw = await openImage(path);
    facts = { ...facts, ...rasterFacts(raw) };
    selectBands(raw, bands);
    return facts;
  } catch (error) {
    return { ...facts, problem: problemOf(error) };
  }
}

/** Reads the facts of one image file. Never rejects: what is wrong with the file is part of the facts. */
export async function readImageFacts(root: string, file: string, options: ReadFactsOptions): Promise<ImageFacts> {
  const path = join(root, file);
  let [head, hash]: [Uint8Array, string] = [new Uint8Array(), ''];
  try {
    [head, hash] = [await readHead(path, HEAD), await hashOf(path)];
  } catch (error) {
    return { ...noFacts(file), problem: problemOf(error) };
  }
  return readContents(path, { ...noFacts(file), kind: imageKind(head), hash }, options);
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** What the header of a file says, and how its pixels are decoded. */
interface Opened {
  readonly header: Partial<ImageFacts>;
  readonly decode: () => Promise<RawImage>;
  /** Where the file ends too early, although its header could be read. */
  readonly damage?: string;
}

/** Facts of the header, or of the pixels too. Facts that were read before an error stay. */
async function readContents(path: string, known: ImageFacts, options: ReadFactsOptions): Promise<ImageFacts> {
  let facts = known;
  try {
    const { header, decode, damage } = await openFile(path, known);
    facts = { ...facts, ...header };
    if (damage !== undefined) throw new TruncatedError(damage);
    if (!options.pixels) return facts;
    const raw = await decode();
    // Of larger ones a picture would not fit in memory.
    if (raw.width * raw.height > fileLimits().maxPixels) return facts;
    const image = await bytesOf(raw, options);
    return { ...facts, difference: differenceHash(image), levels: levelRange(image), black: blackFraction(image) };
  } catch (error) {
    return { ...facts, problem: problemOf(error) };
  }
}

/** Why a file cannot be used. */
function problemOf(error: unknown): NonNullable<ImageFacts['problem']> {
  if (error instanceof MissingPackageError) {
    return { kind: 'no-reader', package: error.package, message: error.message };
  }
  if (error instanceof InputError && error.option === 'bands') return { kind: 'bands', message: error.reason };
  const cause = error instanceof InputError ? error.cause : error;
  const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
  // A finding names the file itself.
  const message = error instanceof InputError ? error.reason : reasonOf(error);
  return { kind: isMissing ? 'missing' : isTruncated(error) ? 'truncated' : 'unreadable', message };
}

const rasterFacts = ({ width, height, bits, affine, epsg, geographic }: RawImage): Partial<ImageFacts> => ({
  size: { width, height },
  bits,
  affine,
  epsg,
  geographic,
});

async function openFile(path: string, { kind }: ImageFacts): Promise<Opened> {
  if (kind === 'png') return { header: pngHeader(await readHead(path, HEAD)), decode: () => openImage(path) };
  if (kind === 'jpeg') return { ...openJpeg(await readLimited(path)), decode: () => openImage(path) };
  const raw = await (kind === 'tiff' ? openTiff(path) : openImage(path));
  return { header: rasterFacts(raw), decode: async () => raw };
}

/** The pixels of an image for a picture: other levels than bytes are stretched as given, or between its own percentiles. */
export async function readPicture(root: string, facts: ImageFacts, options: DecodeOptions): Promise<RgbImage> {
  const raw = await openImage(join(root, facts.file));
  return rgbOf(await bytesOf(raw, options), shownChannels(raw, selectBands(raw, options.bands)));
}

async function bytesOf(raw: RawImage, { stretch, bands }: DecodeOptions): Promise<ByteImage> {
  const own = stretch ?? (isByte(raw) ? undefined : await ownStretch(raw, bands));
  const raster = rasterOf(raw, defined({ stretch: own, bands }));
  return (await raster.read({ x: 0, y: 0, width: raw.width, height: raw.height })).image;
}

async function ownStretch(raw: RawImage, bands: BandSelection | undefined): Promise<Stretch> {
  const selected = selectBands(raw, bands);
  const counts = new LevelCounts(selected.length);
  await countLevels(counts, raw, selected);
  // An image without a level above 0 has no percentiles.
  return counts.isEmpty ? stretchTo(1, selected.length) : counts.stretch([2, 98]);
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
  // Some cameras append previews and padding after the marker.
  const isComplete = hasEndOfImage(bytes.subarray(Math.floor(bytes.length / 2)));
  return isComplete ? { header } : { header, damage: NO_END_OF_IMAGE };
}

function imageKind(bytes: Uint8Array): ImageKind {
  if (isPng(bytes)) return 'png';
  if (isJpeg(bytes)) return 'jpeg';
  if (isTiff(bytes)) return 'tiff';
  const start = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (start.startsWith('GIF8')) return 'gif';
  if (start.startsWith('BM')) return 'bmp';
  if (start.startsWith('RIFF') && start.endsWith('WEBP')) return 'webp';
  if (isAvif(bytes)) return 'avif';
  return start.slice(4, 8) === 'jP  ' ? 'jpeg2000' : 'unknown';
}
