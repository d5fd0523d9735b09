import type { Box, Point } from '../../imagery/geometry.ts';
import { pictureColours } from '../pictures/pictures.ts';
import { KINDS, type MapContents, type MapImage } from './contents.ts';
import { pixelOnGround, type Placement, type PlacedImage } from './placement.ts';
import { tileGrid, topLevel } from './pyramid.ts';

// The data of a map, which viewer.js shows: a script that assigns one global, because a page that is opened from a disk
// cannot fetch anything else.

/** Colours for classes on aerial imagery, for any colour vision (after Okabe and Ito, 2008); brighter than on paper. */
const CLASS_COLOURS = ['#f0e442', '#56b4e9', '#ff8c1a', '#ff82d2', '#00d19a', '#ffffff', '#b39ddb'] as const;

/** The colour of a class. Hues of further classes are spread by the golden angle. */
const classColour = (label: number): string =>
  CLASS_COLOURS[label] ?? `hsl(${Math.round((label * 137.508) % 360)} 85% ${label % 2 === 0 ? 62 : 75}%)`;

const hex = (colour: readonly number[]): string =>
  `#${colour.map((value) => value.toString(16).padStart(2, '0')).join('')}`;

/** Colours of kinds, as in the pictures of a report. */
const KIND_COLOURS = {
  detection: '#ffffff',
  hit: hex(pictureColours.correct),
  miss: hex(pictureColours.missed),
  'false alarm': hex(pictureColours.wrong),
} as const;

/** Objects as columns: compact, and quick to parse. */
interface Columns {
  /** Hundredths of pixels, four numbers per box. */
  readonly boxes: readonly number[];
  readonly labels: readonly number[];
  /** Millionths, so that float32 scores equal to a threshold of a few decimals stay equal; null without a score. */
  readonly scores: readonly (number | null)[];
  /** The index in `KINDS` of each object, as a digit; null if all are detections. */
  readonly kinds: string | null;
}

/** An image with its tiles, as the page gets it. */
export interface MapImageData extends PlacedImage, Columns {
  readonly name: string;
  /** The most detailed level that has tiles. */
  readonly first: number;
  /** For each level from `first` on, a digit per tile, row by row: 1, or 0 where no pixel has data and there is no file. */
  readonly tiles: readonly string[];
  /** See `lonLatGrid`. */
  readonly lonLat: readonly Point[] | null;
}

/** Objects of an image as columns. */
export function columnsOf(objects: MapImage['objects']): Columns {
  const hundredths = (box: Box): number[] => box.map((value) => Math.round(value * 100));
  return {
    boxes: objects.flatMap(({ box }) => hundredths(box)),
    labels: objects.map(({ label }) => label),
    scores: objects.map(({ score }) => (score === undefined ? null : Math.round(score * 1e6))),
    kinds: objects.some(({ kind = 'detection' }) => kind !== 'detection')
      ? objects.map(({ kind = 'detection' }) => KINDS.indexOf(kind)).join('')
      : null,
  };
}

/** The text of the script with the data. The placements are those of the images. */
export function mapScript(
  { title, classes, threshold }: MapContents,
  images: readonly MapImageData[],
  placements: readonly Placement[],
): string {
  const shared = {
    title,
    threshold,
    classes: classes.map((name, label) => ({ name, colour: classColour(label) })),
    kinds: KINDS.map((name) => ({ name, colour: KIND_COLOURS[name] })),
  };
  // An image per line, so that the file can be read and compared.
  const lines = images.map((image, i) => {
    const { width, height, first, geographic, ...rest } = image;
    const levels = image.tiles.map((_, k) => tileGrid(width, height, first + k));
    const place = { ...placements[i]!, metres: pixelOnGround(image) };
    return { ...rest, width, height, first, top: topLevel(width, height), geographic, levels, ...place };
  });
  const text = `{"shared":${json(shared)},\n"images":[\n${lines.map(json).join(',\n')}\n]}`;
  return `globalThis.retinagradMap = ${text};\n`;
}

/** JSON that is safe in a script, also one inside of HTML. */
const json = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');
