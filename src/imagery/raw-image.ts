import { InputError } from '../common/errors.ts';
import type { LevelType, RawPixels } from './levels.ts';
import type { Georeference } from './raster.ts';
import type { Bands, PixelWindow } from './types.ts';

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
   * Levels of three bands (numbered from 1, as in GDAL) of a window or, by default, of the whole image. Only blocks that
   * overlap the window are read and decoded. Rejects if the pixels are damaged or the window exceeds the image.
   */
  read(bands: Bands, window?: PixelWindow): Promise<RawPixels>;
}

/** The bands that are red, green and blue, and whether the file says so. */
export interface ColourBands {
  readonly bands: Bands;
  /** False if the number of bands is all that is known. */
  readonly isNamed: boolean;
}

/**
 * Finds the bands for red, green and blue: those that the file names; otherwise, not counting alpha, 1, 2, 3 of three or
 * four, 5, 3, 2 of eight (WorldView-2 and -3: coastal, blue, green, yellow, red, red edge, two of near infrared), and the
 * only one three times. Throws an `InputError` for other numbers of bands.
 */
export function colourBands({ path, bands, roles }: Pick<RawImage, 'path' | 'bands' | 'roles'>): ColourBands {
  const of = (role: ColourRole): number => roles.indexOf(role) + 1;
  const named = [of('red'), of('green'), of('blue')] as const;
  if (named.every((band) => band > 0)) return { bands: named, isNamed: true };
  const colours = roles.flatMap((role, i) => (role === 'alpha' ? [] : [i + 1]));
  const [first, second, third] = colours;
  if (colours.length === 1) return { bands: [first!, first!, first!], isNamed: true };
  if (colours.length === 3 || colours.length === 4) return { bands: [first!, second!, third!], isNamed: false };
  if (colours.length === 8) return { bands: [colours[4]!, colours[2]!, colours[1]!], isNamed: false };
  throw new InputError('readImage', `${bands} bands, expected 1, 3, 4 or 8, or colours named in the file`, {
    file: path,
    remedy: 'select red, green and blue with',
    option: 'bands',
  });
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
