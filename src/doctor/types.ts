import type { Affine } from '../imagery/georeference.ts';
import type { LabelledImage, LabelledObject, LabelTable } from '../labels/types.ts';

/** `error`: training fails or learns the wrong thing; `warning`: it learns worse than it could; `note`: worth knowing. */
export type Severity = 'error' | 'warning' | 'note';

/** Something about a data set that costs results, with what to do about it. */
export interface Finding {
  readonly severity: Severity;
  /** Which rule it breaks, such as `box-outside`; fixed names, for programs. */
  readonly kind: string;
  /** The first place: an image, a line of a label file, or the part of the data set. */
  readonly where: string;
  /** One sentence, with the values. */
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
  /** Number of places where it was found. */
  readonly count: number;
  /** The first few of them. */
  readonly examples: readonly string[];
}

/** Formats by the first bytes of a file. */
export type ImageKind = 'png' | 'jpeg' | 'tiff' | 'gif' | 'bmp' | 'webp' | 'jpeg2000' | 'unknown';

/** What an image file itself says. */
export interface ImageFacts {
  /** Path relative to the folder of the images, with forward slashes. */
  readonly file: string;
  /** Why it cannot be used, or null. `size`: not even its size could be read. */
  readonly problem: { readonly kind: 'missing' | 'unreadable' | 'truncated'; readonly message: string } | null;
  readonly kind: ImageKind;
  /** SHA-256 of the bytes in hexadecimal; empty where the file could not be read. */
  readonly hash: string;
  /** Pixels of the upright image; null where the header is damaged. */
  readonly size: { readonly width: number; readonly height: number } | null;
  /** EXIF orientation from 1 (upright) to 8; from 5 on, width and height are exchanged in the file. */
  readonly orientation: number;
  /** Bits of each level. */
  readonly bits: number;
  readonly affine: Affine | null;
  readonly epsg: number | null;
  /** Whether map coordinates are degrees; null where the file does not say. */
  readonly geographic: boolean | null;
  /** Difference hash of the pixels (see `differenceHash`); null where they were not read or are flat. */
  readonly difference: readonly [high: number, low: number] | null;
}

/** An image's labels beside its file. */
export interface Item {
  readonly image: LabelledImage;
  readonly facts: ImageFacts;
}

/** Labels and files of one data set, in the order of `table.images`. */
export interface Inventory {
  readonly table: LabelTable;
  readonly items: readonly Item[];
  /** Image files beside those that the labels name, which they do not name. */
  readonly unlabelled: readonly string[];
}

/** Where an object stands, for messages. */
export function placeOf(image: LabelledImage, { origin, box }: LabelledObject): string {
  return `${origin === undefined || origin === image.file ? image.file : `${origin} (${image.file})`}: [${box.map(short).join(', ')}]`;
}

/** A number with at most two decimals. */
export const short = (value: number): string => `${Number(value.toFixed(2))}`;

/** Most examples that a finding keeps. */
const EXAMPLES = 5;

/** A finding about `places`, or none where there are none: made for `flatMap` and spreading. */
export function findingAt(
  severity: Severity,
  kind: string,
  places: readonly string[],
  message: string,
  remedy: string,
  where?: string,
): Finding[] {
  const [first] = places;
  if (first === undefined) return [];
  return [
    {
      severity,
      kind,
      where: where ?? first,
      message,
      remedy,
      count: places.length,
      examples: places.slice(0, EXAMPLES),
    },
  ];
}

/** Whether an object is an outline on the map: of a whole region, so that the edges of its tiles cut it. */
export const isFootprint = ({ facts }: Item, { polygons }: LabelledObject): boolean =>
  facts.affine !== null && polygons !== undefined && polygons.length > 0;
