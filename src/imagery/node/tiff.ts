import { readFile } from 'node:fs/promises';
import type { GeoTIFFImage } from 'geotiff';
import type { Affine } from '../georeference.ts';
import type { Levels } from '../stretch.ts';
import { optionalPackage } from './optional-package.ts';
import { defaultMaxPixels, type ImageLimits } from './png.ts';
import { checkDirectory } from './tiff-directory.ts';
import { readBlockLayout, readBlocks, type BlockLayout, type TiffWindow } from './tiff-blocks.ts';
import { reasonOf } from '../../common/check.ts';

/** A TIFF image whose tags have been read and checked; its pixels are read on demand. */
export interface Tiff {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly bits: 8 | 16;
  /** Pixel to map coordinates, or null where the file has none. */
  readonly affine: Affine | null;
  /** Code of the coordinate system, such as 4326 or 32611; null where the file names none. */
  readonly epsg: number | null;
  /** Whether map coordinates are degrees; null where the file does not say. */
  readonly geographic: boolean | null;
  /**
   * Levels of three bands (numbers from 1, as GDAL counts), interleaved: of a window, from the blocks that it touches, or
   * of all pixels. Rejects when the pixels are damaged or the window does not lie within the image.
   */
  readLevels(bands: readonly [number, number, number], window?: TiffWindow): Promise<Levels>;
}

/** Whether bytes start as a TIFF or BigTIFF file does. */
export function isTiff(bytes: Uint8Array): boolean {
  const [a, b, c, d] = bytes;
  return (
    (a === 0x49 && b === 0x49 && (c === 42 || c === 43) && d === 0) ||
    (a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43))
  );
}

/**
 * Opens a TIFF or GeoTIFF file with 8 or 16 bits per band. Rejects with the file's name when it is damaged, truncated,
 * too large or of a kind that is not supported (floating point, signed, palettes of 16 bits, LZMA, WebP, ...).
 */
export async function openTiff(path: string, limits: ImageLimits = {}): Promise<Tiff> {
  return decodeTiff(await readFile(path), path, limits);
}

/** Opens the bytes of a TIFF file; `name` stands in the errors. */
export async function decodeTiff(bytes: Uint8Array, name: string, limits: ImageLimits = {}): Promise<Tiff> {
  const { fromArrayBuffer } = await optionalPackage('geotiff', () => import('geotiff'));
  const named = <T>(promise: Promise<T>): Promise<T> =>
    promise.catch((error: unknown) => {
      throw new Error(`readTiff: ${name}: ${reasonOf(error)}`, { cause: error });
    });
  const open = async (): Promise<Tiff> => {
    if (!isTiff(bytes)) throw new Error('not a TIFF file (wrong signature)');
    checkDirectory(bytes);
    // A copy with a buffer of its own: small Buffers of Node's share one, and their `slice` does not copy.
    const own = new Uint8Array(bytes);
    let image: GeoTIFFImage;
    try {
      image = await (await fromArrayBuffer(own.buffer)).getImage();
    } catch (error) {
      throw new Error(`damaged or truncated: ${reasonOf(error)}`, { cause: error });
    }
    const size = readSize(image, limits.maxPixels ?? defaultMaxPixels);
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
  maxPixels: number,
): { width: number; height: number; bands: number; bits: 8 | 16 } {
  const directory = image.fileDirectory;
  const [width, height] = [image.getWidth(), image.getHeight()];
  const bands = Number(directory.getValue('SamplesPerPixel') ?? 1);
  if (!(width >= 1 && height >= 1)) throw new Error(`damaged: size ${width} x ${height}`);
  if (width * height > maxPixels) throw new Error(`${width} x ${height} pixels are more than maxPixels = ${maxPixels}`);
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

/** How levels become red, green and blue: as they are, from luma and chroma, by a table, or inverted. */
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
  window: TiffWindow,
): Promise<Levels> {
  if (bands.some((band) => !Number.isInteger(band) || band < 1 || band > layout.bands)) {
    throw new Error(`bands ${bands.join(', ')} were asked for, the file has ${layout.bands}`);
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
  if (colour.kind === 'palette') {
    if (layout.bytesPerSample !== 1) throw new Error('palettes of 16 bits are not supported');
    const entries = colour.table.length / 3;
    return Uint8Array.from(levels, (level, i) => {
      const value = colour.table[(i % 3) * entries + level];
      if (level >= entries || value === undefined)
        throw new Error(`damaged: level ${level} in a palette of ${entries}`);
      return value >> 8;
    });
  }
  return levels;
}

function checkWindow(layout: BlockLayout, { x, y, width, height }: TiffWindow): void {
  const isWhole = [x, y, width, height].every(Number.isInteger) && x >= 0 && y >= 0 && width >= 1 && height >= 1;
  if (!isWhole || x + width > layout.width || y + height > layout.height) {
    throw new RangeError(
      `window of ${width} x ${height} pixels from (${x}, ${y}), expected whole pixels within the ${layout.width} x ${layout.height} of the image`,
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

/** Transform and coordinate system (OGC 19-008r4, annex on tags and keys). */
async function readReference(image: GeoTIFFImage): Promise<Pick<Tiff, 'affine' | 'epsg' | 'geographic'>> {
  const keys = image.getGeoKeys() ?? {};
  const projected = codeOf(keys.ProjectedCSTypeGeoKey);
  const geographicCode = codeOf(keys.GeographicTypeGeoKey);
  const model = Number(keys.GTModelTypeGeoKey ?? 0);
  const geographic =
    model === 2 || (model === 0 && projected === null && geographicCode !== null)
      ? true
      : model === 1 || projected !== null
        ? false
        : null;
  // With raster type 2 the tie points at the centre of a pixel.
  const shift = Number(keys.GTRasterTypeGeoKey ?? 1) === 2 ? -0.5 : 0;
  const matrix = await doubles(image, 'ModelTransformation');
  const scale = await doubles(image, 'ModelPixelScale');
  const tie = await doubles(image, 'ModelTiepoint');
  let affine: Affine | null = null;
  if (matrix.length >= 16) {
    const [a, b, , c, d, e, , f] = matrix as [number, number, number, number, number, number, number, number];
    affine = [a, b, c, d, e, f];
  } else if (scale.length >= 2 && tie.length >= 6) {
    const [sx, sy] = scale as [number, number];
    const [i, j, , x, y] = tie as [number, number, number, number, number];
    affine = [sx, 0, x - i * sx, 0, -sy, y + j * sy];
  }
  if (affine !== null && shift !== 0) {
    const [a, b, c, d, e, f] = affine;
    affine = [a, b, c + shift * (a + b), d, e, f + shift * (d + e)];
  }
  return { affine, epsg: geographic === true ? geographicCode : projected, geographic };
}

/** 32767 stands for "user defined". */
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
