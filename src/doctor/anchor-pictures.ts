import { rgbImage, rgbSize } from '../imagery/image.ts';
import type { Box } from '../imagery/geometry.ts';
import type { RgbImage } from '../imagery/types.ts';
import {
  drawBox,
  drawText,
  enlarge,
  fillRectangle,
  pasteImage,
  textSize,
  type Colour,
} from '../report/pictures/draw.ts';
import { above } from '../report/pictures/pictures.ts';

/** Colours of boxes: green if an anchor fits, yellow if one is assigned by force, red if no anchor comes near. */
export const anchorColours = {
  reached: [60, 220, 120],
  rescued: [240, 228, 66],
  unreached: [255, 60, 50],
} as const satisfies Record<string, Colour>;

/** A box with the IoU of its best anchor. */
export interface ReachedBox {
  readonly box: Box;
  readonly iou: number;
}

const shade: Colour = [24, 24, 24];
const paper: Colour = [255, 255, 255];
/** Approximate longest side of a picture. */
const SIDE = 512;

/**
 * A picture of an image and its boxes, coloured by how well anchors reach them (`anchorColours`; unreached boxes are also
 * dashed), with a strip below that names the image, explains the colours and counts the boxes. The image is enlarged or
 * subsampled by an integer factor to about 512 pixels. `low` and `high` are the thresholds of the matcher.
 */
export function anchorPicture(
  image: RgbImage,
  boxes: readonly ReachedBox[],
  { high, low }: { readonly high: number; readonly low: number },
  name: string,
): RgbImage {
  const { width, height } = rgbSize(image);
  const long = Math.max(width, height);
  const up = Math.max(1, Math.floor(SIDE / long));
  const down = Math.max(1, Math.ceil(long / (2 * SIDE)));
  const picture = up > 1 ? enlarge(image, up) : subsampled(image, down);
  const scale = up / down;
  const kindOf = (iou: number): keyof typeof anchorColours =>
    iou >= high ? 'reached' : iou >= low ? 'rescued' : 'unreached';
  // Unreached boxes are drawn last, on top.
  for (const { box, iou } of [...boxes].sort((a, b) => b.iou - a.iou)) {
    const [x1, y1, x2, y2]: Box = [box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale];
    if (scale >= 2) drawBox(picture, [x1 - 1, y1 - 1, x2 + 1, y2 + 1], shade, 4);
    const kind = kindOf(iou);
    drawBox(picture, [x1, y1, x2, y2], anchorColours[kind], scale >= 2 ? 2 : 1, kind === 'unreached' ? 4 : 0);
  }
  const count = (kind: keyof typeof anchorColours): number => boxes.filter(({ iou }) => kindOf(iou) === kind).length;
  const strip = legend(rgbSize(picture).width, name, [
    ['reached', `reached ${count('reached')} (IoU ${high} or more)`],
    ['rescued', `rescued ${count('rescued')} (${low} to ${high})`],
    ['unreached', `unreached ${count('unreached')} (below ${low})`],
  ]);
  return above(picture, strip);
}

/** Every `step`-th pixel of an image, as a copy. */
function subsampled(image: RgbImage, step: number): RgbImage {
  const { width, height } = rgbSize(image);
  const out = rgbImage(Math.ceil(height / step), Math.ceil(width / step));
  pasteImage(out, image.step(step, step, 1), 0, 0);
  return out;
}

/** A strip with the name and a line per kind of box. */
function legend(
  width: number,
  name: string,
  keys: readonly (readonly [keyof typeof anchorColours, string])[],
): RgbImage {
  const scale = width < 400 ? 1 : 2;
  const row = 12 * scale;
  const height = row * (keys.length + 1) + 4 * scale;
  const strip = rgbImage(height, width);
  fillRectangle(strip, { x: 0, y: 0, width, height }, shade);
  // The end of a long path says more than its beginning.
  const room = Math.max(1, Math.floor((width / scale - 10) / (textSize('mm').width - textSize('m').width)));
  drawText(strip, 5 * scale, 4 * scale, name.slice(-room), paper, scale);
  keys.forEach(([kind, text], i) => {
    const top = 4 * scale + row * (i + 1);
    const bottom = top + textSize(text, scale).height;
    const dash = kind === 'unreached' ? 2 * scale : 0;
    drawBox(strip, [5 * scale, top, 13 * scale, bottom], anchorColours[kind], scale, dash);
    drawText(strip, 17 * scale, top, text, paper, scale);
  });
  return strip;
}
