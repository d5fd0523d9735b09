import { InputError } from '../common/errors.ts';
import type { LevelType, RawPixels } from './levels.ts';
import type { Georeference } from './raster.ts';
import type { Bands, BandSelection, PixelWindow } from './types.ts';

/** What a band shows, where a file says it. */
export type ColourRole = 'red' | 'green' | 'blue' | 'grey' | 'alpha' | 'other';

/** An image file with checked headers, whose pixels are read on demand, as the levels that the file holds. */
export interface RawImage extends Georeference, LevelType {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  /** Whether levels from 0 to the highest of their type are black to white by the format, as in PNG. */
  readonly isFullRange: boolean;
  /** What each band shows. */
  readonly roles: readonly ColourRole[];
  /** A window outside of which no pixel has data, where it is known. */
  readonly extent?: PixelWindow;
  /**
   * Levels of bands (numbered from 1, as in GDAL) of a window or, by default, of the whole image. Only blocks that
   * overlap the window are read and decoded. Rejects if the pixels are damaged or the window exceeds the image.
   */
  read(bands: Bands, window?: PixelWindow): Promise<RawPixels>;
}

/** The bands that are red, green and blue, and whether the file says so. */
export interface ColourBands {
  readonly bands: readonly [red: number, green: number, blue: number];
  /** False if the number of bands is all that is known. */
  readonly isNamed: boolean;
}

/**
 * Finds the bands for red, green and blue: those that the file names; otherwise, not counting alpha, 1, 2, 3 of three or
 * four, 5, 3, 2 of eight (WorldView-2 and -3: coastal, blue, green, yellow, red, red edge, two of near infrared), and the
 * only one three times. Throws an `InputError` for other numbers of bands.
 */
export function colourBands(image: Pick<RawImage, 'path' | 'bands' | 'roles'>): ColourBands {
  const found = findColours(image.roles);
  if (found !== null) return found;
  throw new InputError('readImage', `${image.bands} bands, expected 1, 3, 4 or 8, or colours named in the file`, {
    file: image.path,
    remedy: 'select red, green and blue with',
    option: 'bands',
  });
}

function findColours(roles: readonly ColourRole[]): ColourBands | null {
  const of = (role: ColourRole): number => roles.indexOf(role) + 1;
  if (hasColours(roles)) return { bands: [of('red'), of('green'), of('blue')], isNamed: true };
  const colours = roles.flatMap((role, i) => (role === 'alpha' ? [] : [i + 1]));
  const [first, second, third] = colours;
  if (colours.length === 1) return { bands: [first!, first!, first!], isNamed: true };
  if (colours.length === 3 || colours.length === 4) return { bands: [first!, second!, third!], isNamed: false };
  if (colours.length === 8) return { bands: [colours[4]!, colours[2]!, colours[1]!], isNamed: false };
  return null;
}

/** Whether bands are named red, green and blue. */
export const hasColours = (roles: readonly ColourRole[]): boolean =>
  (['red', 'green', 'blue'] as const).every((role) => roles.includes(role));

/** Maximum number of bands that are read of an image: 13 of Sentinel-2, and some that are computed of them. */
export const MAX_BANDS = 16;

/**
 * The numbers of the bands to read of an image: those given, all except alpha, or by default red, green and blue
 * (`colourBands`). Throws an `InputError` for a band that the image does not have, and for more than `MAX_BANDS`.
 */
export function selectBands(image: Pick<RawImage, 'path' | 'bands' | 'roles'>, selection?: BandSelection): Bands {
  const { path, bands: count, roles } = image;
  if (selection === undefined) return colourBands(image).bands;
  const selected = selection === 'all' ? roles.flatMap((role, i) => (role === 'alpha' ? [] : [i + 1])) : selection;
  if (selected.length === 0 || selected.length > MAX_BANDS) {
    const reason = `${selected.length} bands to read, expected 1 to ${MAX_BANDS}`;
    throw new InputError('readImage', reason, { file: path, remedy: 'select some with', option: 'bands' });
  }
  if (selected.every((band) => Number.isInteger(band) && band >= 1 && band <= count)) return selected;
  const asked = `${selected.length === 1 ? 'band' : 'bands'} ${selected.join(', ')}`;
  throw new InputError('readImage', `${asked} to be read (data.bands of train), but the file has ${count}`, {
    file: path,
    remedy: 'select others with',
    option: 'bands',
  });
}

/** `ImageDecoding.shown` for bands of an image; undefined where pictures show the first ones. */
export function shownChannels(image: RawImage, bands: Bands): readonly [number, number, number] | undefined {
  const colours = findColours(image.roles)?.bands;
  if (colours === undefined || bands.length === 3) return undefined;
  const [red, green, blue] = [bands.indexOf(colours[0]), bands.indexOf(colours[1]), bands.indexOf(colours[2])];
  return red < 0 || green < 0 || blue < 0 ? undefined : [red, green, blue];
}

/** Throws a RangeError unless a window lies within an image. */
export function checkWindow(
  image: { readonly width: number; readonly height: number },
  { x, y, width, height }: PixelWindow,
): void {
  const isWindow = [x, y, width, height].every(Number.isInteger) && x >= 0 && y >= 0 && width >= 1 && height >= 1;
  if (!isWindow || x + width > image.width || y + height > image.height) {
    throw new RangeError(
      `window of ${width} x ${height} pixels at (${x}, ${y}), expected integers within the image of ${image.width} x ${image.height} pixels`,
    );
  }
}
