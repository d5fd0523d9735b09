import type { Box } from '../../imagery/geometry.ts';
import { imageSize, rgbImage } from '../../imagery/image.ts';
import type { Annotations, RgbImage } from '../../imagery/types.ts';
import { matchDetections, type Detections } from '../../evaluation/match.ts';
import { drawBox, drawText, enlarge, fillRectangle, pasteImage, textSize, type Colour } from './draw.ts';

/** Colours of boxes that people with any colour vision tell apart (after Okabe and Ito, 2008). */
export const pictureColours = {
  /** A true box that was found. */
  found: [86, 180, 233],
  /** A true box that no detection found; drawn dashed. */
  missed: [255, 130, 210],
  /** A detection that found a true box. */
  correct: [240, 228, 66],
  /** A detection that found none, or one that was found already. */
  wrong: [255, 95, 30],
} as const satisfies Record<string, Colour>;

const nothing: Annotations = { boxes: new Float32Array(0), labels: new Int32Array(0) };
const paper: Colour = [255, 255, 255];
const shade: Colour = [24, 24, 24];

/** How `detectionPicture` draws. */
export interface DetectionPictureOptions {
  /** Pixels of the picture per pixel of the image, a whole number; default 4. */
  readonly scale?: number;
  /** Detections with a lower score are not shown; default 0, so that all with a score of at least 0 are. */
  readonly scoreThreshold?: number;
  /** IoU at which a detection is right; default 0.5. */
  readonly iouThreshold?: number;
  /** Names of the classes; printed with the score, and beside misses, when there are several. */
  readonly classes?: readonly string[];
}

/** Draws an outline with a dark line around it, so that it shows on bright and on dark ground. */
function outline(picture: RgbImage, boxes: Float32Array, i: number, scale: number, colour: Colour, dash: number): Box {
  const box = Array.from(boxes.subarray(4 * i, 4 * i + 4), (value) => Math.round(value * scale)) as unknown as Box;
  const [x1, y1, x2, y2] = box;
  const thickness = scale < 3 ? 1 : 2;
  if (scale > 1) drawBox(picture, [x1 - 1, y1 - 1, x2 + 1, y2 + 1], shade, thickness + 2);
  drawBox(picture, box, colour, thickness, dash);
  return box;
}

/**
 * Prints a tag inside the top left corner of a box where it fits, else above it, and always inside the picture. Tags of
 * misses stand at the bottom instead: a wrong detection at the same place has its own at the top.
 */
function printTag(picture: RgbImage, [x1, y1, x2, y2]: Box, text: string, colour: Colour, atBottom: boolean): void {
  const size = textSize(text);
  const edge = imageSize(picture);
  const [width, height] = [size.width + 4, size.height + 4];
  const fits = x2 - x1 >= width + 8 && y2 - y1 >= 2 * height;
  const top = fits ? y1 + 2 : y1 - height;
  const bottom = fits ? y2 - 2 - height : y2;
  const x = Math.max(0, Math.min(fits ? x1 + 2 : x1, edge.width - width));
  const y = Math.max(0, Math.min(atBottom ? bottom : top, edge.height - height));
  fillRectangle(picture, x, y, width, height, shade);
  drawText(picture, x + 2, y + 2, text, colour);
}

interface Key {
  readonly text: string;
  readonly colour: Colour;
  readonly dash: number;
}

/** A strip with a box and a text for each key, in columns and in as many rows as its width asks for. */
function legendStrip(width: number, keys: readonly Key[]): RgbImage {
  const scale = width < 400 ? 1 : 2;
  const room = (23 + Math.max(...keys.map(({ text }) => textSize(text).width))) * scale;
  const rows = Math.ceil(keys.length / Math.max(1, Math.floor(width / room)));
  const perRow = Math.ceil(keys.length / rows);
  const strip = rgbImage((12 * rows + 4) * scale, width);
  fillRectangle(strip, 0, 0, width, imageSize(strip).height, shade);
  keys.forEach((key, i) => {
    const left = 5 * scale + (i % perRow) * Math.floor(width / perRow);
    const top = (4 + 12 * Math.floor(i / perRow)) * scale;
    drawBox(strip, [left, top, left + 8 * scale, top + 7 * scale], key.colour, scale, key.dash * scale);
    drawText(strip, left + 12 * scale, top, key.text, paper, scale);
  });
  return strip;
}

/**
 * A picture of what a detector found: the image enlarged, with true boxes, correct detections, wrong ones and misses each
 * in a colour of its own (`pictureColours`; misses also dashed), the score of each detection in hundredths beside its
 * box, with its class where there are several (misses too), and a strip below that explains the colours and counts the boxes. Detections are matched as `matchDetections` does;
 * where nothing is known about what is there, `truth` is null and all detections have one colour. The image is not
 * changed. Throws as `matchDetections` does, and a RangeError for a scale that is not a whole number.
 */
export function detectionPicture(
  image: RgbImage,
  truth: Annotations | null,
  detections: Detections,
  options: DetectionPictureOptions = {},
): RgbImage {
  const { scale = 4, scoreThreshold = 0, iouThreshold = 0.5, classes = [] } = options;
  const picture = enlarge(image, scale);
  // Matching goes by descending score: those that are not shown cannot change what the others found.
  const objects = truth ?? nothing;
  const { truthOf, detectionOf } = matchDetections(detections, objects, { iouThreshold });
  const shown = (i: number) => i >= 0 && detections.scores[i]! >= Math.fround(scoreThreshold);
  const missed = Array.from(detectionOf.keys()).filter((j) => !shown(detectionOf[j]!));
  const found = Array.from(detectionOf.keys()).filter((j) => shown(detectionOf[j]!));
  const correct = Array.from(truthOf.keys()).filter((i) => shown(i) && (truth === null || truthOf[i]! >= 0));
  const wrong = Array.from(truthOf.keys()).filter((i) => shown(i) && truth !== null && truthOf[i]! < 0);
  const dash = Math.max(2, scale);

  const nameOf = (label: number) => classes[label] ?? String(label);
  const tags: [Box, string, Colour][] = [];
  for (const j of found) outline(picture, objects.boxes, j, scale, pictureColours.found, 0);
  for (const j of missed) {
    const box = outline(picture, objects.boxes, j, scale, pictureColours.missed, dash);
    if (classes.length > 1) tags.push([box, nameOf(objects.labels[j]!), pictureColours.missed]);
  }
  for (const [list, colour] of [
    [wrong, pictureColours.wrong],
    [correct, pictureColours.correct],
  ] as const) {
    for (const i of list) {
      const score = detections.scores[i]!.toFixed(2).replace(/^0/, '');
      const name = classes.length > 1 ? `${nameOf(detections.labels[i]!)} ` : '';
      tags.push([outline(picture, detections.boxes, i, scale, colour, 0), name + score, colour]);
    }
  }
  for (const [box, text, colour] of tags) printTag(picture, box, text, colour, colour === pictureColours.missed);

  const keys =
    truth === null
      ? [{ text: `found ${correct.length}`, colour: pictureColours.correct, dash: 0 }]
      : [
          { text: `true ${truth.labels.length}`, colour: pictureColours.found, dash: 0 },
          { text: `correct ${correct.length}`, colour: pictureColours.correct, dash: 0 },
          { text: `wrong ${wrong.length}`, colour: pictureColours.wrong, dash: 0 },
          { text: `missed ${missed.length}`, colour: pictureColours.missed, dash: 2 },
        ];
  const strip = legendStrip(imageSize(picture).width, keys);
  const size = imageSize(picture);
  const out = rgbImage(size.height + imageSize(strip).height, size.width);
  pasteImage(out, picture, 0, 0);
  pasteImage(out, strip, 0, size.height);
  return out;
}

/**
 * Images side by side in rows of `columns`, 8 pixels apart on white; each row is as high and each column as wide as its
 * largest image. Throws a RangeError without images and for columns that are not a whole number from 1.
 */
export function contactSheet(images: readonly RgbImage[], columns: number): RgbImage {
  if (images.length === 0) throw new RangeError('contactSheet: no images, expected at least one');
  if (!Number.isInteger(columns) || columns < 1) {
    throw new RangeError(`contactSheet: columns is ${columns}, expected a whole number from 1`);
  }
  const gap = 8;
  const sizes = images.map(imageSize);
  const widths = Array.from({ length: Math.min(columns, images.length) }, () => 0);
  const heights = Array.from({ length: Math.ceil(images.length / columns) }, () => 0);
  sizes.forEach(({ width, height }, i) => {
    const [column, row] = [i % columns, Math.floor(i / columns)];
    widths[column] = Math.max(widths[column]!, width);
    heights[row] = Math.max(heights[row]!, height);
  });
  const placeOf = (sides: readonly number[], i: number) =>
    sides.slice(0, i).reduce((sum, side) => sum + side + gap, gap);
  const sheet = rgbImage(placeOf(heights, heights.length), placeOf(widths, widths.length));
  sheet.data.fill(255);
  images.forEach((image, i) => {
    pasteImage(sheet, image, placeOf(widths, i % columns), placeOf(heights, Math.floor(i / columns)));
  });
  return sheet;
}
