import { dirname, isAbsolute, join } from 'node:path';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { parseXml, type XmlElement } from '../../common/xml.ts';
import { newLevels, type Levels, type LevelType, type RawPixels } from '../levels.ts';
import { checkWindow, type ColourRole, type RawImage } from '../raw-image.ts';
import { noReference, type Georeference } from '../raster.ts';
import type { Bands, PixelWindow } from '../types.ts';
import { isUrl } from './byte-source.ts';
import { readLimited } from './read-limited.ts';
import { systemOfWkt } from './world-file.ts';

/** Whether bytes start like a mosaic of GDAL. */
export const isVrt = (bytes: Uint8Array): boolean =>
  /^\s*(<\?xml[^>]*>\s*)?<VRTDataset/.test(Buffer.from(bytes).toString('latin1'));

/** Part of a file and where it lies in the mosaic. */
interface Part {
  readonly file: string;
  /** Number of the file's band for each band of the mosaic, from 1. */
  readonly bands: readonly number[];
  /** In the mosaic. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** First column and row in the file. */
  readonly fromX: number;
  readonly fromY: number;
}

const TYPES: Readonly<Record<string, LevelType>> = {
  Byte: { bits: 8, kind: 'unsigned' },
  Int8: { bits: 8, kind: 'signed' },
  UInt16: { bits: 16, kind: 'unsigned' },
  Int16: { bits: 16, kind: 'signed' },
  UInt32: { bits: 32, kind: 'unsigned' },
  Int32: { bits: 32, kind: 'signed' },
  Float32: { bits: 32, kind: 'float' },
  Float64: { bits: 64, kind: 'float' },
};
const ROLES: Readonly<Record<string, ColourRole>> = {
  Red: 'red',
  Green: 'green',
  Blue: 'blue',
  Gray: 'grey',
  Alpha: 'alpha',
};
/** Opened files that are kept. */
const KEPT = 64;

/**
 * Opens a mosaic of image files as `gdalbuildvrt` writes it: files of one resolution, side by side, with the same bands.
 * Where files overlap, the last one is seen. Rejects with an `InputError` for a mosaic that resamples, computes or rearranges
 * its files, which `gdal_translate` turns into a GeoTIFF.
 *
 * @param open opens the files
 */
export async function openVrt(path: string, open: (file: string) => Promise<RawImage>): Promise<RawImage> {
  try {
    const root = parseXml(Buffer.from(await readLimited(path, {})).toString('utf8')).children[0]!;
    const [width, height] = [root.attributes['rasterXSize'], root.attributes['rasterYSize']].map(Number);
    const bands = root.children.filter(({ name }) => name === 'VRTRasterBand');
    const type = TYPES[bands[0]?.attributes['dataType'] ?? 'Byte'];
    if (
      ![width, height].every((side) => Number.isSafeInteger(side) && side! >= 1) ||
      bands.length === 0 ||
      type === undefined
    ) {
      throw new Error(
        `a mosaic of ${width} x ${height} pixels with ${bands.length} bands of type ${bands[0]?.attributes['dataType']}`,
      );
    }
    if (bands.some(({ attributes }) => attributes['dataType'] !== bands[0]!.attributes['dataType'])) {
      throw new Error('bands differ in type');
    }
    const mosaic = new Mosaic(
      { path, width: width!, height: height!, type, parts: partsOf(bands, dirname(path)) },
      open,
    );
    return {
      path,
      width: width!,
      height: height!,
      bands: bands.length,
      ...type,
      isFullRange: false,
      roles: bands.map(
        (band, i) =>
          ROLES[child(band, 'ColorInterp')?.text.trim() ?? ''] ?? (i === 0 && bands.length === 1 ? 'grey' : 'other'),
      ),
      ...referenceOf(root),
      read: (selected, window) => mosaic.read(selected, window),
    };
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError('readVrt', reasonOf(error), { file: path, cause: error });
  }
}

const child = (element: XmlElement, name: string): XmlElement | undefined =>
  element.children.find((inside) => inside.name === name);

function referenceOf(root: XmlElement): Georeference {
  const numbers = (child(root, 'GeoTransform')?.text ?? '').split(',').map(Number);
  if (numbers.length !== 6 || !numbers.every(Number.isFinite)) return noReference;
  const [c, a, b, f, d, e] = numbers as [number, number, number, number, number, number];
  return { affine: [a, b, c, d, e, f], ...systemOfWkt(child(root, 'SRS')?.text ?? '') };
}

/** The files of a mosaic, each with all its bands. */
function partsOf(bands: readonly XmlElement[], folder: string): Part[] {
  const perBand = bands.map((band) =>
    band.children.filter(({ name }) => name.endsWith('Source')).map((source) => partOf(source, folder)),
  );
  return perBand[0]!.map((first, i) => {
    const own = perBand.map((parts) => parts[i]);
    const isAlike = own.every(
      (part) => part !== undefined && part.file === first.file && part.x === first.x && part.y === first.y,
    );
    if (!isAlike || perBand.some((parts) => parts.length !== perBand[0]!.length)) {
      throw new Error('bands come from different files or places: convert it with gdal_translate to a GeoTIFF');
    }
    return { ...first, bands: own.map((part) => part!.bands[0]!) };
  });
}

function partOf(source: XmlElement, folder: string): Part {
  const name = child(source, 'SourceFilename');
  const file = name?.text.trim() ?? '';
  const band = child(source, 'SourceBand')?.text.trim() ?? '1';
  if (file === '' || !/^\d+$/.test(band) || (source.name !== 'SimpleSource' && source.name !== 'ComplexSource')) {
    throw new Error(
      `line ${source.line}: ${source.name} of band ${band} is not supported: convert it with gdal_translate to a GeoTIFF`,
    );
  }
  // Opening an image must not let it choose what is fetched.
  if (isUrl(file) || file.startsWith('/vsi')) {
    throw new Error(`line ${source.line}: ${file} is not a local file: download it, or name it itself`);
  }
  const computed = ['ScaleOffset', 'ScaleRatio', 'LUT', 'ColorTableComponent', 'Exponent'].find((tag) =>
    child(source, tag),
  );
  if (computed !== undefined)
    throw new Error(`line ${source.line}: ${computed} is not supported: convert it with gdal_translate to a GeoTIFF`);
  const from = rectOf(child(source, 'SrcRect'));
  const to = rectOf(child(source, 'DstRect'));
  if (from === null || to === null) throw new Error(`line ${source.line}: ${source.name} without SrcRect and DstRect`);
  // Half a pixel more or less comes from rounded georeferences.
  if (Math.abs(from.width - to.width) > 0.5 || Math.abs(from.height - to.height) > 0.5) {
    throw new Error(
      `line ${source.line}: ${file} has another resolution (${from.width} x ${from.height} pixels in ${to.width} x ${to.height}): ` +
        'convert the mosaic with gdal_translate to a GeoTIFF',
    );
  }
  const isRelative = name!.attributes['relativeToVRT'] === '1' && !isAbsolute(file);
  const { round } = Math;
  return {
    file: isRelative ? join(folder, file) : file,
    bands: [Number(band)],
    x: round(to.x),
    y: round(to.y),
    width: round(from.width),
    height: round(from.height),
    fromX: round(from.x),
    fromY: round(from.y),
  };
}

function rectOf(element: XmlElement | undefined): PixelWindow | null {
  const [x, y, width, height] = ['xOff', 'yOff', 'xSize', 'ySize'].map((name) =>
    Number(element?.attributes[name] ?? NaN),
  );
  return [x, y, width, height].every(Number.isFinite) ? { x: x!, y: y!, width: width!, height: height! } : null;
}

interface MosaicOf {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly type: LevelType;
  readonly parts: readonly Part[];
}

/** Reads windows of a mosaic from the files that they touch. */
class Mosaic {
  readonly #of: MosaicOf;
  readonly #open: (file: string) => Promise<RawImage>;
  /** Opened files, the most recently used last. */
  readonly #files = new Map<string, Promise<RawImage>>();

  constructor(of: MosaicOf, open: (file: string) => Promise<RawImage>) {
    this.#of = of;
    this.#open = open;
  }

  async read(bands: Bands, given?: PixelWindow): Promise<RawPixels> {
    const { path, width, height, type, parts } = this.#of;
    const count = parts[0]?.bands.length ?? 0;
    if (bands.some((band) => !Number.isInteger(band) || band < 1 || band > count)) {
      throw new Error(`${path}: bands ${bands.join(', ')} were requested, but the mosaic has ${count}`);
    }
    const window = given ?? { x: 0, y: 0, width, height };
    checkWindow(this.#of, window);
    const levels = newLevels(type, window.width * window.height * bands.length);
    const valid = new Uint8Array(window.width * window.height);
    for (const part of parts) {
      const left = Math.max(window.x, part.x);
      const top = Math.max(window.y, part.y);
      const size = {
        width: Math.min(window.x + window.width, part.x + part.width) - left,
        height: Math.min(window.y + window.height, part.y + part.height) - top,
      };
      if (size.width <= 0 || size.height <= 0) continue;
      const own = bands.map((band) => part.bands[band - 1]!);
      const file = await this.#file(part.file);
      const pixels = await file.read(own, { x: part.fromX + left - part.x, y: part.fromY + top - part.y, ...size });
      paste(pixels, size, { levels, valid }, window.width, left - window.x, top - window.y);
    }
    return { levels, valid: valid.includes(0) ? valid : null };
  }

  async #file(name: string): Promise<RawImage> {
    const file = this.#files.get(name) ?? this.#open(name);
    this.#files.delete(name);
    this.#files.set(name, file);
    for (const oldest of this.#files.keys()) if (this.#files.size > KEPT) this.#files.delete(oldest);
    return file;
  }
}

/** Copies the pixels that have data. */
function paste(
  from: RawPixels,
  { width, height }: { readonly width: number; readonly height: number },
  to: { readonly levels: Levels; readonly valid: Uint8Array },
  toWidth: number,
  left: number,
  top: number,
): void {
  const bands = from.levels.length / (width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const source = y * width + x;
      if (from.valid?.[source] === 0) continue;
      const target = (top + y) * toWidth + left + x;
      to.valid[target] = 1;
      for (let band = 0; band < bands; band++) to.levels[bands * target + band] = from.levels[bands * source + band]!;
    }
  }
}
