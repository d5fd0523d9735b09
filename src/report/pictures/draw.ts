import { checkInteger } from '../../common/check.ts';
import type { Box } from '../../imagery/geometry.ts';
import { rgbSize, rgbImage } from '../../imagery/image.ts';
import type { RgbImage } from '../../imagery/types.ts';
import { glyphAdvance, glyphColumns, glyphHeight } from './font.ts';

/** Red, green and blue from 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** Columns `x` to `x + width - 1` and rows `y` to `y + height - 1`. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Fills a rectangle in place; pixels outside the image are left out. */
export function fillRectangle(image: RgbImage, { x, y, width, height }: Rectangle, colour: Colour): void {
  const size = rgbSize(image);
  const { data, offset } = image;
  const [rowStride = 0, columnStride = 0, channelStride = 0] = image.stride;
  const [right, bottom] = [Math.min(x + width, size.width), Math.min(y + height, size.height)];
  for (let row = Math.max(y, 0); row < bottom; row++) {
    for (let column = Math.max(x, 0); column < right; column++) {
      const at = offset + row * rowStride + column * columnStride;
      data[at] = colour[0];
      data[at + channelStride] = colour[1];
      data[at + 2 * channelStride] = colour[2];
    }
  }
}

/** A stroke of `length` pixels along x or y from its top left pixel. */
interface Stroke {
  readonly x: number;
  readonly y: number;
  readonly length: number;
  readonly along: 'x' | 'y';
  readonly thickness: number;
}

/** Draws a stroke, solid or with `dash` pixels on and the same number off. */
function drawStroke(image: RgbImage, { x, y, length, along, thickness }: Stroke, colour: Colour, dash: number): void {
  const { width, height } = rgbSize(image);
  const start = along === 'x' ? x : y;
  // Boxes may extend far beyond the image: dashes that cannot be seen are skipped.
  const end = Math.min(start + length, along === 'x' ? width : height);
  const period = dash === 0 ? Math.max(length, 1) : 2 * dash;
  const skipped = start < 0 ? Math.floor(-start / period) * period : 0;
  for (let at = start + skipped; at < end; at += period) {
    const part = Math.min(dash === 0 ? length : dash, start + length - at);
    const rectangle =
      along === 'x' ? { x: at, y, width: part, height: thickness } : { x, y: at, width: thickness, height: part };
    fillRectangle(image, rectangle, colour);
  }
}

/**
 * Draws the outline of a box in place. The box is in pixels with continuous edges; each edge is rounded to the nearest
 * border between pixels, and the line of `thickness` pixels lies inside it. Pixels outside the image are left out; a side
 * that is rounded to nothing is one pixel long. With `dash` > 0 the line has that many pixels on and the same number off.
 * Throws a RangeError for coordinates that are not finite and for a thickness or dash that is not an integer >= 1.
 */
export function drawBox(image: RgbImage, box: Box, colour: Colour, thickness = 1, dash = 0): void {
  if (!box.every(Number.isFinite)) {
    throw new RangeError(`drawBox: box [${box.join(', ')}], expected finite coordinates`);
  }
  checkInteger('drawBox', 'thickness', thickness, { min: 1 });
  if (dash !== 0) checkInteger('drawBox', 'dash', dash, { min: 1 });
  const [x1, y1] = [Math.round(box[0]), Math.round(box[1])];
  const [width, height] = [Math.max(1, Math.round(box[2]) - x1), Math.max(1, Math.round(box[3]) - y1)];
  const across = { along: 'x', x: x1, length: width, thickness: Math.min(thickness, height) } as const;
  const down = { along: 'y', y: y1, length: height, thickness: Math.min(thickness, width) } as const;
  const sides = [
    { ...across, y: y1 },
    { ...across, y: y1 + height - across.thickness },
    { ...down, x: x1 },
    { ...down, x: x1 + width - down.thickness },
  ];
  for (const side of sides) drawStroke(image, side, colour, dash);
}

/** Size of a line of text in pixels, without the empty column after its last character. */
export function textSize(text: string, scale = 1): { width: number; height: number } {
  checkInteger('textSize', 'scale', scale, { min: 1 });
  return { width: Math.max(0, [...text].length * glyphAdvance - 1) * scale, height: glyphHeight * scale };
}

/**
 * Draws a line of text in place, in letters of 5 x 7 dots of `scale` pixels each, with its top left corner at column `x`
 * and row `y`. Characters other than printable ASCII become `?`; pixels outside the image are left out. Throws a
 * RangeError for a position that is not an integer and for a scale that is not an integer >= 1.
 */
export function drawText(image: RgbImage, x: number, y: number, text: string, colour: Colour, scale = 1): void {
  checkInteger('drawText', 'x', x);
  checkInteger('drawText', 'y', y);
  checkInteger('drawText', 'scale', scale, { min: 1 });
  const drawDot = (column: number, row: number): void =>
    fillRectangle(image, { x: x + column * scale, y: y + row * scale, width: scale, height: scale }, colour);
  [...text].forEach((character, i) => {
    glyphColumns(character).forEach((bits, column) => {
      for (let row = 0; row < 8; row++) if (((bits >> row) & 1) === 1) drawDot(i * glyphAdvance + column, row);
    });
  });
}

/** Copies an image into another with its top left corner at column `x` and row `y`, clipped at the edges. */
export function pasteImage(target: RgbImage, image: RgbImage, x: number, y: number): void {
  const from = rgbSize(image);
  const to = rgbSize(target);
  for (let row = Math.max(0, -y); row < Math.min(from.height, to.height - y); row++) {
    for (let column = Math.max(0, -x); column < Math.min(from.width, to.width - x); column++) {
      for (let channel = 0; channel < 3; channel++) {
        target.set(y + row, x + column, channel, image.get(row, column, channel));
      }
    }
  }
}

/** A copy with each pixel repeated `factor` times across and down. Throws a RangeError unless `factor` is an integer >= 1. */
export function enlarge(image: RgbImage, factor: number): RgbImage {
  checkInteger('enlarge', 'factor', factor, { min: 1 });
  const { height, width } = rgbSize(image);
  const out = rgbImage(height * factor, width * factor);
  let at = 0;
  for (let y = 0; y < height * factor; y++) {
    for (let x = 0; x < width * factor; x++) {
      for (let c = 0; c < 3; c++) out.data[at++] = image.get(Math.floor(y / factor), Math.floor(x / factor), c);
    }
  }
  return out;
}
