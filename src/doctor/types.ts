import type { SizedImage } from '../detector/visible-box.ts';
import type { Affine } from '../imagery/georeference.ts';
import type { LabelledImage, LabelledObject, LabelTable } from '../labels/types.ts';

/** `error`: training fails or learns the wrong thing; `warning`: it learns worse than it could; `note`: good to know. */
export type Severity = 'error' | 'warning' | 'note';

/** Something about a data set that impairs the results, with what to do about it. */
export interface Finding {
  readonly severity: Severity;
  /** The rule that is broken, such as `box-outside`: a fixed name, for programs. */
  readonly kind: string;
  /** The first location: an image, a line of a label file, or a part of the data set. */
  readonly where: string;
  /** One sentence, with the values. */
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
  /** Number of locations where it was found. */
  readonly count: number;
  /** The first few locations. */
  readonly examples: readonly string[];
}

/** A value of a setting that suits the data and the device. */
export interface Recommendation {
  readonly setting:
    | 'image size'
    | 'tiles'
    | 'overlap of tiles'
    | 'smallest anchor'
    | 'anchors'
    | 'batch size'
    | 'learning rate'
    | 'learning rate, fine-tuning'
    | 'epochs'
    | 'epochs between evaluations'
    | 'training time';
  readonly value: string;
  /** The value for programs; null for none, and for what is not a single number. */
  readonly number: number | null;
  /** Present if the setting has this value already. */
  readonly isPresent?: true;
  /** One line. */
  readonly reason: string;
}

/** Image formats, as the first bytes of a file tell them. */
export type ImageKind = 'png' | 'jpeg' | 'tiff' | 'gif' | 'bmp' | 'webp' | 'avif' | 'jpeg2000' | 'unknown';

/** Width and height in pixels. */
export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** Metadata of an image file. */
export interface ImageFacts {
  /** Path relative to the folder of the images, with forward slashes. */
  readonly file: string;
  /** Why the file cannot be used, or null. */
  readonly problem:
    | { readonly kind: 'missing' | 'unreadable' | 'truncated' | 'bands'; readonly message: string }
    | { readonly kind: 'no-reader'; readonly package: string; readonly message: string }
    | null;
  readonly kind: ImageKind;
  /** SHA-256 of the bytes in hexadecimal; empty if the file could not be read. */
  readonly hash: string;
  /** Size of the upright image; null if the header is damaged. */
  readonly size: PixelSize | null;
  /** EXIF orientation from 1 (upright) to 8; from 5 on, the file stores width and height swapped. */
  readonly orientation: number;
  /** Bits per level. */
  readonly bits: number;
  readonly affine: Affine | null;
  readonly epsg: number | null;
  /** Whether map coordinates are degrees; null if the file does not say. */
  readonly geographic: boolean | null;
  /** Difference hash of the pixels (see `differenceHash`); null if they were not read or have no contrast. */
  readonly difference: readonly [high: number, low: number] | null;
  /** Lowest and highest level of the pixels, from 0 to 255; null if they were not read. */
  readonly levels: readonly [lowest: number, highest: number] | null;
  /** Fraction of the pixels that are black, with all levels 0; null if they were not read. */
  readonly black: number | null;
}

/** The facts of a file of which nothing but the name is known. */
export const noFacts = (file: string): ImageFacts => ({
  file,
  problem: null,
  kind: 'unknown',
  hash: '',
  size: null,
  orientation: 1,
  bits: 8,
  affine: null,
  epsg: null,
  geographic: null,
  difference: null,
  levels: null,
  black: null,
});

/** The labels of an image and the facts of its file. */
export interface Item {
  readonly image: LabelledImage;
  readonly facts: ImageFacts;
}

/** Labels and files of one data set, in the order of `table.images`. */
export interface Inventory {
  readonly table: LabelTable;
  readonly items: readonly Item[];
  /** Image files in the folders of the labelled images that have no labels. */
  readonly unlabelled: readonly string[];
}

/** An image with the size of its file or, if that is unknown, the size in its labels. */
export const sizedImage = ({ image, facts }: Item): SizedImage =>
  facts.size === null ? image : { ...facts.size, objects: image.objects };

/** The size of an image in pixels as `sizedImage` has it, or null. */
export function sizeOf(item: Item): PixelSize | null {
  const { width, height } = sizedImage(item);
  return width === null || height === null ? null : { width, height };
}

/** Whether an object is an outline in map coordinates: drawn on a whole region, so that the edges of tiles cut it. */
export const isFootprint = ({ facts }: Item, { polygons }: LabelledObject): boolean =>
  facts.affine !== null && polygons !== undefined && polygons.length > 0;

/** Where an object is labelled, and its box: `boxes.csv:12 (a.png): [1, 2, 3, 4]`. */
export function describeObject(image: LabelledImage, { origin, box }: LabelledObject): string {
  return `${origin === undefined || origin === image.file ? image.file : `${origin} (${image.file})`}: [${box.map(short).join(', ')}]`;
}

/** A number with at most two decimals. */
export const short = (value: number): string => `${Number(value.toFixed(2))}`;

/** Maximum number of examples in a finding. */
export const MAX_EXAMPLES = 5;

/** A finding about each of `locations`; `where` defaults to the first of them. */
export interface LocatedFinding extends Pick<Finding, 'severity' | 'kind' | 'message' | 'remedy'> {
  readonly locations: readonly string[];
  readonly where?: string | undefined;
}

/** A finding, or none without locations: for `flatMap` and spreading. */
export function findingAt({ locations, where, severity, kind, message, remedy }: LocatedFinding): Finding[] {
  const [first] = locations;
  if (first === undefined) return [];
  const examples = locations.slice(0, MAX_EXAMPLES);
  return [{ severity, kind, where: where ?? first, message, remedy, count: locations.length, examples }];
}
