import type { GeoTIFFImage } from 'geotiff';
import type { Levels } from '../levels.ts';
import { hasColours, type ColourRole } from '../raw-image.ts';
import type { Directory } from './directory.ts';

/** How levels become colours: unchanged, inverted, or by a table. */
export type Colours = { kind: 'direct' | 'inverted' } | { kind: 'palette'; table: readonly number[] };

/** Reads how levels become colours. Throws an Error for colour spaces that are not supported. */
export async function readColours(image: GeoTIFFImage, bands: number): Promise<Colours> {
  const photometric = Number(image.fileDirectory.getValue('PhotometricInterpretation') ?? 1);
  const compression = Number(image.fileDirectory.getValue('Compression') ?? 1);
  if (photometric === 0) return { kind: 'inverted' };
  if (photometric === 1 || photometric === 2) return { kind: 'direct' };
  // JPEG and WebP are decoded to red, green and blue.
  const isInterleaved = image.planarConfiguration !== 2;
  if (photometric === 6 && ((bands === 3 && compression === 7 && isInterleaved) || compression === 50001)) {
    return { kind: 'direct' };
  }
  const colourMap = photometric === 3 && bands === 1 ? await image.fileDirectory.loadValue('ColorMap') : undefined;
  if (colourMap !== undefined) return { kind: 'palette', table: Array.from(colourMap as ArrayLike<number>, Number) };
  throw new Error(
    `colours of kind ${photometric} with ${bands} bands are not supported, only grey, RGB, palette and JPEG's YCbCr`,
  );
}

/** Band names that mean a colour; the numbers are those of Sentinel-2. */
const NAMES: readonly (readonly [RegExp, ColourRole])[] = [
  [/^(red|b0?4)$/i, 'red'],
  [/^(green|b0?3)$/i, 'green'],
  [/^(blue|b0?2)$/i, 'blue'],
];

/**
 * What each band shows: by the photometric interpretation and extra samples of TIFF 6.0, by GDAL's colour interpretation,
 * and by the band descriptions that GDAL keeps in the file (`red`, `B04`).
 */
export async function readRoles(
  image: GeoTIFFImage,
  tags: Directory,
  bands: number,
  colours: Colours,
): Promise<ColourRole[]> {
  const photometric = Number(image.fileDirectory.getValue('PhotometricInterpretation') ?? 1);
  const isColour = photometric === 2 || photometric === 6 || colours.kind === 'palette';
  const usual: readonly ColourRole[] = colours.kind === 'palette' || !isColour ? ['grey'] : ['red', 'green', 'blue'];
  const extra = await tags.numbers(338);
  const roles = Array.from({ length: bands }, (_, band): ColourRole => {
    // 1 and 2: alpha, by which colours are multiplied or not.
    const meaning = extra[band - (bands - extra.length)];
    return usual[band] ?? (meaning === 1 || meaning === 2 ? 'alpha' : 'other');
  });
  const metadata = String((await image.fileDirectory.loadValue('GDAL_METADATA').catch(() => undefined)) ?? '');
  const described = [...roles];
  for (const [, attributes = '', text = ''] of metadata.matchAll(/<Item\b([^>]*)>([^<]*)<\/Item>/g)) {
    const band = Number(/\bsample="(\d+)"/.exec(attributes)?.[1] ?? NaN);
    if (!(band < bands)) continue;
    const role = /\brole="(\w+)"/.exec(attributes)?.[1];
    if (role === 'colorinterp') roles[band] = roleOf(text.trim());
    if (role === 'description') described[band] = NAMES.find(([name]) => name.test(text.trim()))?.[1] ?? roles[band]!;
  }
  return hasColours(roles) || !hasColours(described) ? roles : described;
}

/** The role that GDAL names (GDALColorInterp). */
function roleOf(name: string): ColourRole {
  const known: Readonly<Record<string, ColourRole>> = {
    red: 'red',
    green: 'green',
    blue: 'blue',
    gray: 'grey',
    alpha: 'alpha',
  };
  return known[name.toLowerCase()] ?? 'other';
}

/** Looks up interleaved levels in a table of all reds, all greens and all blues (TIFF 6.0, section 5), 16 bits each. */
export function fromPalette(levels: Levels, table: readonly number[]): Uint8Array {
  const entries = table.length / 3;
  return Uint8Array.from(levels, (level, i) => {
    const value = table[(i % 3) * entries + level];
    if (level >= entries || value === undefined) throw new Error(`damaged: level ${level} in a palette of ${entries}`);
    return value >> 8;
  });
}
