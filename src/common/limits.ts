import { checkNumber, checkOptions } from './check.ts';

// Files come from strangers: a small one must not take all memory or hours. Honest data may need more than the defaults, which
// is why each limit that they can meet is an option, of the process as in Pillow and OpenCV, since a limit concerns the
// machine more than a call. Limits that no honest file meets (scans of a JPEG file, nesting, operations of a pickle) are
// constants of their readers.

/** Limits on the files that are read. */
export interface FileLimits {
  /** Maximum number of pixels of an image that is decoded as a whole. Default 100 million. */
  readonly maxPixels: number;
  /**
   * Maximum number of pixels for each byte of the pixels of a PNG, JPEG or WebP file with more than 2^24 pixels. Default 256:
   * only images that are blank almost everywhere have more.
   */
  readonly maxExpansion: number;
  /** Maximum length in bytes of a file that is read as a whole: images except TIFF, shapefile, FlatGeobuf. Default 2^30. */
  readonly maxFileBytes: number;
  /** Maximum number of bytes of a decoded block, tile or strip, of a compressed TIFF file. Default 2^28. */
  readonly maxBlockBytes: number;
  /** Maximum length in bytes of a text file: labels, lists, GeoJSON, KML. Default 5e8; longer text does not fit in a string. */
  readonly maxTextBytes: number;
  /** Maximum number of lines and commas of a YAML file. Default 10,000: a file at the limit takes about half a second. */
  readonly maxYamlEntries: number;
  /** Maximum number of tags of an XML file. Default 400,000: a file at the limit takes some seconds. */
  readonly maxXmlTags: number;
}

export const defaultFileLimits: FileLimits = {
  maxPixels: 100_000_000,
  maxExpansion: 256,
  maxFileBytes: 2 ** 30,
  maxBlockBytes: 2 ** 28,
  maxTextBytes: 5e8,
  maxYamlEntries: 10_000,
  maxXmlTags: 400_000,
};

let current = defaultFileLimits;

/** The limits of this process. */
export const fileLimits = (): FileLimits => current;

/**
 * Changes limits on the files that this process reads from now on; the others stay. `setFileLimits(defaultFileLimits)` restores
 * the defaults. Throws a TypeError or RangeError for other names, and for values that are not numbers >= 1.
 */
export function setFileLimits(limits: Partial<FileLimits>): void {
  checkOptions('setFileLimits', limits, Object.keys(defaultFileLimits));
  for (const [name, value] of Object.entries(limits)) {
    if (value !== Infinity) checkNumber('setFileLimits', name, value, { min: 1 });
  }
  current = { ...current, ...limits };
}

/** The reason for refusing a file that has more than a limit allows, with the option that raises it. */
export const exceeds = (found: string, name: keyof FileLimits, limit: number): string =>
  `${found} exceed ${name} = ${limit}; if you trust the file, raise it with --limit ${name}=N (in a program, setFileLimits)`;
