import type { Box } from '../../imagery/geometry.ts';
import { imageSize, rgbImage } from '../../imagery/image.ts';
import type { RgbImage } from '../../imagery/types.ts';
import { glyphAdvance, glyphColumns, glyphHeight } from './font.ts';

/** Red, green and blue from 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

function checkWhole(op: string, name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${op}: ${name} is ${value}, expected a whole number from 1`);
  }
}

/** Fills the pixels of columns `x` to `x + width - 1` and rows `y` to `y + height - 1`, those that the image has. */
export function fillRectangle(
  image: RgbImage,
  x: number,
  y: number,
  width: number,
  height: number,
  colour: Colour,
): void {
  const size = imageSize(image);
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

/** Draws a stroke of `length` by `thickness` pixels along x or y, whole or with `dash` pixels on and as many off. */
function stroke(
  image: RgbImage,
  x: number,
  y: number,
  length: number,
  along: 'x' | 'y',
  thickness: number,
  colour: Colour,
  dash: number,
): void {
  const { width, height } = imageSize(image);
  const start = along === 'x' ? x : y;
  // Boxes may reach far outside: only the dashes that can be seen are drawn.
  const end = Math.min(start + length, along === 'x' ? width : height);
  const period = dash === 0 ? Math.max(length, 1) : 2 * dash;
  const skipped = start < 0 ? Math.floor(-start / period) * period : 0;
  for (let at = start + skipped; at < end; at += period) {
    const part = Math.min(dash === 0 ? length : dash, start + length - at);
    if (along === 'x') fillRectangle(image, at, y, part, thickness, colour);
    else fillRectangle(image, x, at, thickness, part, colour);
  }
}

/**
 * Draws the outline of a box in place. The box is in pixels with continuous edges; each edge is rounded to the nearest
 * border between pixels, and the line of `thickness` pixels lies inside it. What is outside the image is left out; a box
 * that is rounded to nothing is drawn one pixel wide. With `dash` > 0 the line has that many pixels on and as many off.
 * Throws a RangeError for coordinates that are not finite and for a thickness or dash that is not a whole number.
 */
export function drawBox(image: RgbImage, box: Box, colour: Colour, thickness = 1, dash = 0): void {
  if (!box.every(Number.isFinite))
    throw new RangeError(`drawBox: box [${box.join(', ')}], expected finite coordinates`);
  checkWhole('drawBox', 'thickness', thickness);
  if (dash !== 0) checkWhole('drawBox', 'dash', dash);
  const [x1, y1, x2, y2] = box.map(Math.round) as unknown as Box;
  const [width, height] = [Math.max(1, x2 - x1), Math.max(1, y2 - y1)];
  const [across, down] = [Math.min(thickness, width), Math.min(thickness, height)];
  stroke(image, x1, y1, width, 'x', down, colour, dash);
  stroke(image, x1, y1 + height - down, width, 'x', down, colour, dash);
  stroke(image, x1, y1, height, 'y', across, colour, dash);
  stroke(image, x1 + width - across, y1, height, 'y', across, colour, dash);
}

/** Size of a line of text in pixels, without the empty column after its last character. */
export function textSize(text: string, scale = 1): { width: number; height: number } {
  checkWhole('textSize', 'scale', scale);
  return { width: Math.max(0, [...text].length * glyphAdvance - 1) * scale, height: glyphHeight * scale };
}

/**
 * Draws a line of text in place, in letters of 5 x 7 dots of `scale` pixels each, with its top left corner at column `x`
 * and row `y`. Characters other than printable ASCII become `?`; what is outside the image is left out. Throws a
 * RangeError for a position or scale that is not a whole number.
 */
export function drawText(image: RgbImage, x: number, y: number, text: string, colour: Colour, scale = 1): void {
  checkWhole('drawText', 'scale', scale);
  if (!Number.isInteger(x) || !Number.isInteger(y)) {
    throw new RangeError(`drawText: position (${x}, ${y}), expected whole numbers`);
  }
  [...text].forEach((character, i) => {
    glyphColumns(character).forEach((bits, column) => {
      for (let row = 0; row < 8; row++) {
        if (((bits >> row) & 1) === 0) continue;
        fillRectangle(image, x + (i * glyphAdvance + column) * scale, y + row * scale, scale, scale, colour);
      }
    });
  });
}

/** Copies an image into another with its top left corner at column `x` and row `y`; what does not fit is left out. */
export function pasteImage(target: RgbImage, image: RgbImage, x: number, y: number): void {
  const from = imageSize(image);
  const to = imageSize(target);
  for (let row = Math.max(0, -y); row < Math.min(from.height, to.height - y); row++) {
    for (let column = Math.max(0, -x); column < Math.min(from.width, to.width - x); column++) {
      for (let channel = 0; channel < 3; channel++) {
        target.set(y + row, x + column, channel, image.get(row, column, channel));
      }
    }
  }
}

/** A copy with each pixel repeated `factor` times across and down. Throws a RangeError unless `factor` is a whole number. */
export function enlarge(image: RgbImage, factor: number): RgbImage {
  checkWhole('enlarge', 'factor', factor);
  const { height, width } = imageSize(image);
  const out = rgbImage(height * factor, width * factor);
  let at = 0;
  for (let y = 0; y < height * factor; y++) {
    for (let x = 0; x < width * factor; x++) {
      for (let c = 0; c < 3; c++) out.data[at++] = image.get(Math.floor(y / factor), Math.floor(x / factor), c);
    }
  }
  return out;
}
