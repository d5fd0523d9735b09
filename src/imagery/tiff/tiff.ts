import type { GeoTIFF, GeoTIFFImage } from 'geotiff';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import type { Levels, LevelType, RawPixels } from '../levels.ts';
import { checkWindow, type ColourRole, type RawImage } from '../raw-image.ts';
import { TruncatedError } from '../truncated.ts';
import type { Bands, PixelWindow } from '../types.ts';
import type { ByteSource } from '../byte-source.ts';
import { optionalPackage } from '../../common/optional-package.ts';
import type { ImageLimits } from '../limits.ts';
import { BlockReader, readBlockLayout } from './blocks.ts';
import type { TiffCodecs } from './codecs.ts';
import { fromPalette, readColours, readRoles, type Colours } from './colours.ts';
import { readDirectories, type Directory } from './directory.ts';
import { readReference } from './reference.ts';

/** Whether bytes start with the signature of a TIFF or BigTIFF file. */
export function isTiff(bytes: Uint8Array): boolean {
  const [a, b, c, d] = bytes;
  return (
    (a === 0x49 && b === 0x49 && (c === 42 || c === 43) && d === 0) ||
    (a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43))
  );
}

/** How a TIFF file is read. */
export interface TiffOptions extends ImageLimits {
  readonly codecs: TiffCodecs;
}

/**
 * Opens a TIFF or GeoTIFF file of any size; the first image of several. Levels may be integers of 8, 16 or 32 bits or
 * floating-point numbers. Rejects with an `InputError` if the file is damaged, truncated or of a kind that is not supported
 * (1, 2, 4 or 12 bits, complex numbers, 16-bit palettes, LZMA, JPEG 2000, ...).
 *
 * @param name of the file, for messages
 */
export async function readTiff(
  source: ByteSource,
  name: string,
  { codecs, ...limits }: TiffOptions,
): Promise<RawImage> {
  const { GeoTIFF } = await optionalPackage('geotiff', () => import('geotiff'));
  const named = <T>(promise: Promise<T>): Promise<T> =>
    promise.catch((error: unknown) => {
      throw new InputError('readTiff', reasonOf(error), { file: name, cause: error });
    });
  const open = async (): Promise<RawImage> => {
    if (!isTiff(await source.read(0, Math.min(4, source.size)))) throw new Error('not a TIFF file (wrong signature)');
    const directories = await readDirectories(source);
    const file = await GeoTIFF.fromSource(geotiffSource(source) as never);
    const { image, tags } = await imageOf(file, directories, 0);
    const size = readSize(image);
    const colours = await readColours(image, size.bands);
    const pixels = new BlockReader(
      source,
      await readBlockLayout(image, tags, source.size, { ...size, isBits: false }, limits),
      codecs,
    );
    const roles = await readRoles(image, tags, size.bands, colours);
    const { width, height, bands, type } = size;
    const missing = {
      nodata: readNodata(image),
      roles,
      mask: await openMask(file, directories, source, size, { codecs, ...limits }),
    };
    return {
      path: name,
      width,
      height,
      bands,
      ...type,
      isFullRange: false,
      roles,
      ...(await readReference(image)),
      read: (selected, window = { x: 0, y: 0, width, height }) =>
        named(readPixels({ size, colours, pixels, missing }, selected, window)),
    };
  };
  return named(open());
}

/** What geotiff reads a file by. */
const geotiffSource = (source: ByteSource): object => ({
  fileSize: source.size,
  // It reads ahead of directories, beyond the end of small files.
  fetch: async (slices: readonly { readonly offset: number; readonly length: number }[]) =>
    Promise.all(
      slices.map(async ({ offset, length }) => {
        return (await source.read(offset, Math.max(0, Math.min(length, source.size - offset)))).buffer;
      }),
    ),
});

async function imageOf(
  file: GeoTIFF,
  directories: readonly Directory[],
  index: number,
): Promise<{ readonly image: GeoTIFFImage; readonly tags: Directory }> {
  const tags = directories[index];
  if (tags === undefined) throw new Error('damaged: the file contains no image');
  try {
    return { image: await file.getImage(index), tags };
  } catch (error) {
    throw new TruncatedError(`damaged or truncated: ${reasonOf(error)}`, { cause: error });
  }
}

interface Size {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly type: LevelType;
}

function readSize(image: GeoTIFFImage): Size {
  const directory = image.fileDirectory;
  const [width, height] = [image.getWidth(), image.getHeight()];
  const bands = Number(directory.getValue('SamplesPerPixel') ?? 1);
  if (!(width >= 1 && height >= 1)) throw new Error(`damaged: size ${width} x ${height}`);
  const depths = Array.from(directory.getValue('BitsPerSample') ?? [1], Number);
  const formats = Array.from(directory.getValue('SampleFormat') ?? [1], Number);
  const bits = depths[0];
  if (depths.length !== bands || depths.some((depth) => depth !== bits)) {
    throw new Error(`${bands} bands with ${depths.join(', ')} bits, expected the same number of bits for each band`);
  }
  const kind = formats.some((format) => format !== formats[0])
    ? undefined
    : // 4 means "undefined": integers, as GDAL takes it.
      ([undefined, 'unsigned', 'signed', 'float', 'unsigned'] as const)[formats[0] ?? 1];
  const isKnown = kind === 'float' ? bits === 32 || bits === 64 : bits === 8 || bits === 16 || bits === 32;
  if (kind === undefined || !isKnown) {
    const text = kind === undefined ? `sample formats ${formats.join(', ')}` : `${kind} levels`;
    throw new Error(
      `${bits}-bit ${text} are not supported, only integers of 8, 16 and 32 bits and floating-point numbers of 32 and 64: ` +
        'convert the file with gdal_translate -ot Byte (or UInt16, Float32)',
    );
  }
  return { width, height, bands, type: { bits: bits as LevelType['bits'], kind } };
}

/** The level that stands for missing pixels (GDAL's tag 42113); null without one. */
function readNodata(image: GeoTIFFImage): number | null {
  const text = String(image.fileDirectory.getValue('GDAL_NODATA') ?? '')
    .replaceAll('\0', '')
    .trim();
  return text === '' ? null : Number(text);
}

/** The transparency mask of the image (TIFF 6.0, NewSubfileType 4), where pixels that are not part of it have 0. */
async function openMask(
  file: GeoTIFF,
  directories: readonly Directory[],
  source: ByteSource,
  { width, height }: Size,
  { codecs, ...limits }: TiffOptions,
): Promise<BlockReader | null> {
  for (const [index, tags] of directories.entries()) {
    const [subfile = 0] = await tags.numbers(254);
    if (index === 0 || (subfile & 4) === 0) continue;
    const { image } = await imageOf(file, directories, index);
    if (image.getWidth() !== width || image.getHeight() !== height) continue;
    const [bits = 1] = await tags.numbers(258);
    if (bits !== 1 && bits !== 8) throw new Error(`the mask has ${bits} bits, expected 1 or 8`);
    const levels = { width, height, bands: 1, type: { bits: 8, kind: 'unsigned' }, isBits: bits === 1 } as const;
    return new BlockReader(source, await readBlockLayout(image, tags, source.size, levels, limits), codecs);
  }
  return null;
}

/** What an opened file is read by. */
interface Opened {
  readonly size: Size;
  readonly colours: Colours;
  readonly pixels: BlockReader;
  readonly missing: {
    readonly nodata: number | null;
    readonly roles: readonly ColourRole[];
    readonly mask: BlockReader | null;
  };
}

async function readPixels(
  { size, colours, pixels, missing }: Opened,
  bands: Bands,
  window: PixelWindow,
): Promise<RawPixels> {
  if (bands.some((band) => !Number.isInteger(band) || band < 1 || band > size.bands)) {
    throw new Error(`bands ${bands.join(', ')} were requested, but the file has ${size.bands}`);
  }
  checkWindow(size, window);
  const stored = await pixels.read(
    bands.map((band) => band - 1),
    window,
  );
  const valid = new Uint8Array(window.width * window.height).fill(1);
  dropNodata(valid, stored, missing.nodata, size.type);
  const alpha = missing.roles.indexOf('alpha');
  if (alpha >= 0) dropZeros(valid, await pixels.read([alpha], window));
  if (missing.mask !== null) dropZeros(valid, await missing.mask.read([0], window));
  return { levels: toColours(stored, colours, size.type, bands.length), valid: valid.includes(0) ? valid : null };
}

/** Pixels whose levels are all the nodata value or no number have no data. */
function dropNodata(valid: Uint8Array, levels: Levels, nodata: number | null, { kind }: LevelType): void {
  if (nodata === null && kind !== 'float') return;
  // The value is written in decimal: that of a 32-bit level is not it exactly.
  const value = levels instanceof Float32Array && nodata !== null ? Math.fround(nodata) : nodata;
  // A level that is no number does not equal itself.
  const isMissing = (level: number): boolean => level === value || level !== level;
  const bands = levels.length / valid.length;
  for (let i = 0, at = 0; i < valid.length; i++, at += bands) {
    let band = 0;
    while (band < bands && isMissing(levels[at + band]!)) band++;
    if (band === bands) valid[i] = 0;
  }
}

function dropZeros(valid: Uint8Array, levels: Levels): void {
  for (let i = 0; i < valid.length; i++) if (levels[i] === 0) valid[i] = 0;
}

function toColours(levels: Levels, colours: Colours, { bits, kind }: LevelType, bands: number): Levels {
  if (colours.kind === 'inverted' && kind === 'unsigned') {
    const top = 2 ** bits - 1;
    return levels.map((level) => top - level) as Levels;
  }
  if (colours.kind !== 'palette') return levels;
  if (bits !== 8) throw new Error('16-bit palettes are not supported');
  if (bands !== 3) throw new Error(`a palette has three colours, but ${bands} bands are to be read: leave bands unset`);
  return fromPalette(levels, colours.table);
}
