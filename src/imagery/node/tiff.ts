import { readFile } from 'node:fs/promises';
import type { GeoTIFFImage } from 'geotiff';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import type { Affine } from '../georeference.ts';
import type { Levels } from '../stretch.ts';
import { TruncatedError } from '../truncated.ts';
import type { PixelWindow } from '../types.ts';
import { checkPixels, type ImageLimits } from './limits.ts';
import { optionalPackage } from './optional-package.ts';
import { checkDirectory } from './tiff-directory.ts';
import { readBlockLayout, readBlocks, type BlockLayout } from './tiff-blocks.ts';

/** A TIFF image with checked tags; its pixels are read on demand. */
export interface Tiff {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly bits: 8 | 16;
  /** From pixels to map coordinates; null if the file has no georeference. */
  readonly affine: Affine | null;
  /** EPSG code of the coordinate system, such as 4326 or 32611; null if the file has none. */
  readonly epsg: number | null;
  /** Whether map coordinates are degrees; null if unknown. */
  readonly geographic: boolean | null;
  /**
   * Interleaved levels of three bands (numbered from 1, as in GDAL) of a window or, by default, of the whole image. Only
   * blocks that overlap the window are decoded. Rejects if the pixels are damaged or the window exceeds the image.
   */
  readLevels(bands: readonly [number, number, number], window?: PixelWindow): Promise<Levels>;
}

/** Whether bytes start with the signature of a TIFF or BigTIFF file. */
export function isTiff(bytes: Uint8Array): boolean {
  const [a, b, c, d] = bytes;
  return (
    (a === 0x49 && b === 0x49 && (c === 42 || c === 43) && d === 0) ||
    (a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43))
  );
}

/**
 * Opens a TIFF or GeoTIFF file with 8 or 16 bits per band. Rejects with an `InputError` if the file is damaged, truncated,
 * too large or of a kind that is not supported (floating point, signed, 16-bit palettes, LZMA, WebP, ...).
 */
export async function openTiff(path: string, limits: ImageLimits = {}): Promise<Tiff> {
  return decodeTiff(await readFile(path), path, limits);
}

/** Opens the bytes of a TIFF file; `name` is the file in error messages. */
export async function decodeTiff(bytes: Uint8Array, name: string, limits: ImageLimits = {}): Promise<Tiff> {
  const { fromArrayBuffer } = await optionalPackage('geotiff', () => import('geotiff'));
  const named = <T>(promise: Promise<T>): Promise<T> =>
    promise.catch((error: unknown) => {
      throw new InputError('readTiff', reasonOf(error), { file: name, cause: error });
    });
  const open = async (): Promise<Tiff> => {
    if (!isTiff(bytes)) throw new Error('not a TIFF file (wrong signature)');
    checkDirectory(bytes);
    // A copy with its own memory: small Buffers of Node share theirs, and their `slice` does not copy.
    const own = new Uint8Array(bytes);
    let image: GeoTIFFImage;
    try {
      image = await (await fromArrayBuffer(own.buffer)).getImage();
    } catch (error) {
      throw new TruncatedError(`damaged or truncated: ${reasonOf(error)}`, { cause: error });
    }
    const size = readSize(image, limits);
    const colour = await readColour(image, size.bands);
    const layout = await readBlockLayout(image, own.length, { ...size, bytesPerSample: size.bits === 8 ? 1 : 2 });
    const whole = { x: 0, y: 0, width: size.width, height: size.height };
    const readLevels: Tiff['readLevels'] = (bands, window = whole) =>
      named(readRgbLevels(own, layout, colour, bands, window));
    return { path: name, ...size, ...(await readReference(image)), readLevels };
  };
  return named(open());
}

function readSize(
  image: GeoTIFFImage,
  limits: ImageLimits,
): { width: number; height: number; bands: number; bits: 8 | 16 } {
  const directory = image.fileDirectory;
  const [width, height] = [image.getWidth(), image.getHeight()];
  const bands = Number(directory.getValue('SamplesPerPixel') ?? 1);
  if (!(width >= 1 && height >= 1)) throw new Error(`damaged: size ${width} x ${height}`);
  checkPixels(width, height, limits);
  const depths = Array.from(directory.getValue('BitsPerSample') ?? [1], Number);
  const formats = Array.from(directory.getValue('SampleFormat') ?? [1], Number);
  const bits = depths[0];
  if (depths.length !== bands || depths.some((depth) => depth !== bits)) {
    throw new Error(`${bands} bands with ${depths.join(', ')} bits, expected the same number of bits for each band`);
  }
  if ((bits !== 8 && bits !== 16) || formats.some((format) => format !== 1)) {
    const kind = ['?', 'unsigned', 'signed', 'floating-point'][formats[0] ?? 0] ?? '?';
    throw new Error(`${bits}-bit ${kind} levels are not supported, only 8- and 16-bit unsigned ones`);
  }
  return { width, height, bands, bits };
}

/** How levels are converted to red, green and blue: unchanged, from luma and chroma, inverted, or by a table. */
type Colour = { kind: 'direct' | 'ycbcr' | 'inverted' } | { kind: 'palette'; table: readonly number[] };

async function readColour(image: GeoTIFFImage, bands: number): Promise<Colour> {
  const photometric = Number(image.fileDirectory.getValue('PhotometricInterpretation') ?? 1);
  const compression = Number(image.fileDirectory.getValue('Compression') ?? 1);
  if (photometric === 0) return { kind: 'inverted' };
  if (photometric === 1 || photometric === 2) return { kind: 'direct' };
  if (photometric === 6 && bands === 3 && compression === 7) return { kind: 'ycbcr' };
  const colourMap = photometric === 3 && bands === 1 ? await image.fileDirectory.loadValue('ColorMap') : undefined;
  if (colourMap !== undefined) return { kind: 'palette', table: Array.from(colourMap as ArrayLike<number>, Number) };
  throw new Error(
    `colours of kind ${photometric} with ${bands} bands are not supported, only grey, RGB, palette and JPEG's YCbCr`,
  );
}

async function readRgbLevels(
  file: Uint8Array,
  layout: BlockLayout,
  colour: Colour,
  bands: readonly [number, number, number],
  window: PixelWindow,
): Promise<Levels> {
  if (bands.some((band) => !Number.isInteger(band) || band < 1 || band > layout.bands)) {
    throw new Error(`bands ${bands.join(', ')} were requested, but the file has ${layout.bands}`);
  }
  checkWindow(layout, window);
  if (colour.kind === 'ycbcr') return fromYCbCr(await readBlocks(file, layout, [0, 1, 2], window), bands);
  const levels = await readBlocks(
    file,
    layout,
    bands.map((band) => band - 1),
    window,
  );
  const top = layout.bytesPerSample === 1 ? 255 : 65_535;
  if (colour.kind === 'inverted') return levels.map((level) => top - level);
  if (colour.kind !== 'palette') return levels;
  if (layout.bytesPerSample !== 1) throw new Error('16-bit palettes are not supported');
  return fromPalette(levels, colour.table);
}

/** Looks up interleaved levels in a table of all reds, all greens and all blues (TIFF 6.0, section 5), 16 bits each. */
function fromPalette(levels: Levels, table: readonly number[]): Uint8Array {
  const entries = table.length / 3;
  return Uint8Array.from(levels, (level, i) => {
    const value = table[(i % 3) * entries + level];
    if (level >= entries || value === undefined) throw new Error(`damaged: level ${level} in a palette of ${entries}`);
    return value >> 8;
  });
}

function checkWindow(layout: BlockLayout, { x, y, width, height }: PixelWindow): void {
  const isWindow = [x, y, width, height].every(Number.isInteger) && x >= 0 && y >= 0 && width >= 1 && height >= 1;
  if (!isWindow || x + width > layout.width || y + height > layout.height) {
    throw new RangeError(
      `window of ${width} x ${height} pixels at (${x}, ${y}), expected integers within the image of ${layout.width} x ${layout.height} pixels`,
    );
  }
}

/** JFIF's full-range conversion (ITU-T T.871, section 7). */
function fromYCbCr(levels: Levels, bands: readonly number[]): Uint8Array {
  const rgb = new Uint8ClampedArray(levels.length);
  for (let i = 0; i < levels.length; i += 3) {
    const [y, cb, cr] = [levels[i]!, levels[i + 1]! - 128, levels[i + 2]! - 128];
    const values = [y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb];
    for (let c = 0; c < 3; c++) rgb[i + c] = values[bands[c]! - 1]!;
  }
  return new Uint8Array(rgb.buffer);
}

/** Reads transform and coordinate system (OGC 19-008r4, annex on tags and keys). */
async function readReference(image: GeoTIFFImage): Promise<Pick<Tiff, 'affine' | 'epsg' | 'geographic'>> {
  const keys = image.getGeoKeys() ?? {};
  const projected = codeOf(keys.ProjectedCSTypeGeoKey);
  const geographicCode = codeOf(keys.GeographicTypeGeoKey);
  const model = Number(keys.GTModelTypeGeoKey ?? 0);
  const isGeographic = model === 2 || (model === 0 && projected === null && geographicCode !== null);
  const isProjected = !isGeographic && (model === 1 || projected !== null);
  const geographic = isGeographic ? true : isProjected ? false : null;
  const stored = await readTransform(image);
  // With raster type 2 the transform refers to the centre of a pixel.
  const affine = stored !== null && Number(keys.GTRasterTypeGeoKey ?? 1) === 2 ? shifted(stored, -0.5) : stored;
  return { affine, epsg: isGeographic ? geographicCode : projected, geographic };
}

async function readTransform(image: GeoTIFFImage): Promise<Affine | null> {
  const matrix = await doubles(image, 'ModelTransformation');
  if (matrix.length >= 16) return [matrix[0]!, matrix[1]!, matrix[3]!, matrix[4]!, matrix[5]!, matrix[7]!];
  const scale = await doubles(image, 'ModelPixelScale');
  const tie = await doubles(image, 'ModelTiepoint');
  if (scale.length < 2 || tie.length < 6) return null;
  const [sx, sy] = [scale[0]!, scale[1]!];
  return [sx, 0, tie[3]! - tie[0]! * sx, 0, -sy, tie[4]! + tie[1]! * sy];
}

const shifted = ([a, b, c, d, e, f]: Affine, by: number): Affine => [a, b, c + by * (a + b), d, e, f + by * (d + e)];

/** The code, or null: 32767 means "user-defined". */
function codeOf(value: unknown): number | null {
  return typeof value === 'number' && value > 0 && value < 32_767 ? value : null;
}

async function doubles(
  image: GeoTIFFImage,
  tag: 'ModelTransformation' | 'ModelPixelScale' | 'ModelTiepoint',
): Promise<number[]> {
  if (!image.fileDirectory.hasTag(tag)) return [];
  return Array.from((await image.fileDirectory.loadValue(tag)) as ArrayLike<number>, Number);
}
