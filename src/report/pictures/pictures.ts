import { checkInteger } from '../../common/check.ts';
import type { Box } from '../../imagery/geometry.ts';
import { rgbSize, rgbImage } from '../../imagery/image.ts';
import type { Annotations, RgbImage } from '../../imagery/types.ts';
import { matchDetections, type Detections } from '../../evaluation/match.ts';
import { drawBox, drawText, enlarge, fillRectangle, pasteImage, textSize, type Colour } from './draw.ts';

/** Colours of boxes that can be told apart with any colour vision (after Okabe and Ito, 2008). */
export const pictureColours = {
  /** A ground-truth box that was detected. */
  found: [86, 180, 233],
  /** A ground-truth box that was not detected; drawn dashed. */
  missed: [255, 130, 210],
  /** A detection that matches a ground-truth box. */
  correct: [240, 228, 66],
  /** A detection that matches none, or one that a higher-scoring detection matches already. */
  wrong: [255, 95, 30],
} as const satisfies Record<string, Colour>;

const noObjects: Annotations = { boxes: new Float32Array(0), labels: new Int32Array(0) };
const paper: Colour = [255, 255, 255];
const shade: Colour = [24, 24, 24];

/** How `detectionPicture` draws. */
export interface DetectionPictureOptions {
  /** Pixels of the picture per pixel of the image, an integer >= 1; default 4. */
  readonly scale?: number;
  /** Detections with a lower score are not drawn; default 0, so that all with a score of at least 0 are. */
  readonly scoreThreshold?: number;
  /** Minimum IoU of a correct detection; default 0.5. */
  readonly iouThreshold?: number;
  /** Names of the classes; printed next to scores and missed boxes if there are several. */
  readonly classes?: readonly string[];
}

/** Outlines the box of an image with a dark line around it, so that it is visible on bright and on dark ground. */
function outline(
  picture: RgbImage,
  [left, top, right, bottom]: ArrayLike<number> & Iterable<number>,
  colour: Colour,
  { scale, dash = 0 }: { readonly scale: number; readonly dash?: number },
): Box {
  const at = (value: number | undefined): number => Math.round(value! * scale);
  const [x1, y1, x2, y2] = [at(left), at(top), at(right), at(bottom)];
  const thickness = scale < 3 ? 1 : 2;
  if (scale > 1) drawBox(picture, [x1 - 1, y1 - 1, x2 + 1, y2 + 1], shade, thickness + 2);
  drawBox(picture, [x1, y1, x2, y2], colour, thickness, dash);
  return [x1, y1, x2, y2];
}

/** A text to print at a box. */
interface Tag {
  readonly box: Box;
  readonly text: string;
  readonly colour: Colour;
}

/**
 * Prints a tag inside the top left corner of its box if it fits there, otherwise above the box, and always inside the
 * picture. Tags of missed boxes are at the bottom: a wrong detection at the same place has its own at the top.
 */
function printTag(picture: RgbImage, { box: [x1, y1, x2, y2], text, colour }: Tag): void {
  const size = textSize(text);
  const edge = rgbSize(picture);
  const [width, height] = [size.width + 4, size.height + 4];
  const fits = x2 - x1 >= width + 8 && y2 - y1 >= 2 * height;
  const top = fits ? y1 + 2 : y1 - height;
  const bottom = fits ? y2 - 2 - height : y2;
  const x = Math.max(0, Math.min(fits ? x1 + 2 : x1, edge.width - width));
  const y = Math.max(0, Math.min(colour === pictureColours.missed ? bottom : top, edge.height - height));
  fillRectangle(picture, { x, y, width, height }, shade);
  drawText(picture, x + 2, y + 2, text, colour);
}

interface Key {
  readonly text: string;
  readonly colour: Colour;
  readonly dash: number;
}

/** A strip with a box and a text for each key, in the rows that its width requires. */
function legendStrip(width: number, keys: readonly Key[]): RgbImage {
  const scale = width < 400 ? 1 : 2;
  const room = (23 + Math.max(...keys.map(({ text }) => textSize(text).width))) * scale;
  const rows = Math.ceil(keys.length / Math.max(1, Math.floor(width / room)));
  const perRow = Math.ceil(keys.length / rows);
  const strip = rgbImage((12 * rows + 4) * scale, width);
  fillRectangle(strip, { x: 0, y: 0, width, height: rgbSize(strip).height }, shade);
  keys.forEach((key, i) => {
    const left = 5 * scale + (i % perRow) * Math.floor(width / perRow);
    const top = (4 + 12 * Math.floor(i / perRow)) * scale;
    drawBox(strip, [left, top, left + 8 * scale, top + 7 * scale], key.colour, scale, key.dash * scale);
    drawText(strip, left + 12 * scale, top, key.text, paper, scale);
  });
  return strip;
}

/** Indices of ground-truth boxes and of detections, by what became of them. */
interface Outcome {
  readonly found: readonly number[];
  readonly missed: readonly number[];
  readonly correct: readonly number[];
  readonly wrong: readonly number[];
}

/** Matches detections; without ground truth all of them are correct. Detections below the score threshold are left out. */
function outcomeOf(
  truth: Annotations | null,
  detections: Detections,
  { iouThreshold = 0.5, scoreThreshold = 0 }: DetectionPictureOptions,
): Outcome {
  // Matching goes by descending score: detections below the threshold cannot change what the others match.
  const { truthOf, detectionOf } = matchDetections(detections, truth ?? noObjects, { iouThreshold });
  const isDrawn = (i: number): boolean => i >= 0 && detections.scores[i]! >= Math.fround(scoreThreshold);
  const isCorrect = (i: number): boolean => truth === null || truthOf[i]! >= 0;
  const objects = Array.from(detectionOf.keys());
  const drawn = Array.from(truthOf.keys()).filter(isDrawn);
  return {
    found: objects.filter((j) => isDrawn(detectionOf[j]!)),
    missed: objects.filter((j) => !isDrawn(detectionOf[j]!)),
    correct: drawn.filter(isCorrect),
    wrong: drawn.filter((i) => !isCorrect(i)),
  };
}

/**
 * A picture of an image and its detections: the image enlarged, with the ground truth, correct and wrong detections and
 * missed boxes in different colours (`pictureColours`; missed boxes are also dashed), the score of each detection in
 * hundredths next to its box, with its class if there are several, and a strip below that explains the colours and counts
 * the boxes. Detections are matched as by `matchDetections`; if there is no ground truth, `truth` is null and all
 * detections have one colour. The image is not changed. Throws as `matchDetections` does, and a RangeError for a scale
 * that is not an integer >= 1.
 */
export function detectionPicture(
  image: RgbImage,
  truth: Annotations | null,
  detections: Detections,
  options: DetectionPictureOptions = {},
): RgbImage {
  const { scale = 4, classes = [] } = options;
  const picture = enlarge(image, scale);
  const outcome = outcomeOf(truth, detections, options);
  const { boxes, labels } = truth ?? noObjects;
  const boxAt = (packed: Float32Array, i: number): Float32Array => packed.subarray(4 * i, 4 * i + 4);
  const nameOf = (label: number): string => classes[label] ?? String(label);
  const tags: Tag[] = [];
  for (const j of outcome.found) outline(picture, boxAt(boxes, j), pictureColours.found, { scale });
  for (const j of outcome.missed) {
    const colour = pictureColours.missed;
    const box = outline(picture, boxAt(boxes, j), colour, { scale, dash: Math.max(2, scale) });
    if (classes.length > 1) tags.push({ box, text: nameOf(labels[j]!), colour });
  }
  for (const kind of ['wrong', 'correct'] as const) {
    const colour = pictureColours[kind];
    for (const i of outcome[kind]) {
      const score = detections.scores[i]!.toFixed(2).replace(/^0/, '');
      const name = classes.length > 1 ? `${nameOf(detections.labels[i]!)} ` : '';
      tags.push({ box: outline(picture, boxAt(detections.boxes, i), colour, { scale }), text: name + score, colour });
    }
  }
  for (const tag of tags) printTag(picture, tag);
  return above(picture, legendStrip(rgbSize(picture).width, keysOf(truth, outcome)));
}

function keysOf(truth: Annotations | null, { correct, wrong, missed }: Outcome): Key[] {
  if (truth === null) return [{ text: `found ${correct.length}`, colour: pictureColours.correct, dash: 0 }];
  return [
    { text: `true ${truth.labels.length}`, colour: pictureColours.found, dash: 0 },
    { text: `correct ${correct.length}`, colour: pictureColours.correct, dash: 0 },
    { text: `wrong ${wrong.length}`, colour: pictureColours.wrong, dash: 0 },
    { text: `missed ${missed.length}`, colour: pictureColours.missed, dash: 2 },
  ];
}

/** Two images of one width, one above the other. */
export function above(top: RgbImage, bottom: RgbImage): RgbImage {
  const { width, height } = rgbSize(top);
  const out = rgbImage(height + rgbSize(bottom).height, width);
  pasteImage(out, top, 0, 0);
  pasteImage(out, bottom, 0, height);
  return out;
}

/**
 * Images side by side in rows of `columns`, 8 pixels apart on white; each row is as high and each column as wide as its
 * largest image. Throws a RangeError without images and if `columns` is not an integer >= 1.
 */
export function contactSheet(images: readonly RgbImage[], columns: number): RgbImage {
  if (images.length === 0) throw new RangeError('contactSheet: no images, expected at least one');
  checkInteger('contactSheet', 'columns', columns, { min: 1 });
  const gap = 8;
  const sizes = images.map(rgbSize);
  const widths = Array.from({ length: Math.min(columns, images.length) }, () => 0);
  const heights = Array.from({ length: Math.ceil(images.length / columns) }, () => 0);
  sizes.forEach(({ width, height }, i) => {
    const [column, row] = [i % columns, Math.floor(i / columns)];
    widths[column] = Math.max(widths[column]!, width);
    heights[row] = Math.max(heights[row]!, height);
  });
  const startOf = (sides: readonly number[], i: number) =>
    sides.slice(0, i).reduce((sum, side) => sum + side + gap, gap);
  const sheet = rgbImage(startOf(heights, heights.length), startOf(widths, widths.length));
  sheet.data.fill(255);
  images.forEach((image, i) => {
    pasteImage(sheet, image, startOf(widths, i % columns), startOf(heights, Math.floor(i / columns)));
  });
  return sheet;
}
