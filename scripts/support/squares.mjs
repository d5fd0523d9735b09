import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';

/** Sides in pixels of the bright squares. */
const SIDE = 20;

/** Writes an image with bright squares whose left upper corners are given as [x, y]. */
export function writeSquares(file, width, height, corners) {
  const image = new PNG({ width, height });
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const isInside = corners.some(([left, top]) => x >= left && x < left + SIDE && y >= top && y < top + SIDE);
    image.data.set([isInside ? 230 : (i * 7) % 60, isInside ? 220 : 40, 50, 255], i * 4);
  }
  writeFileSync(file, PNG.sync.write(image));
}

/**
 * Writes a data set: images of 64 x 64 pixels with a bright square each, and their boxes in a table.
 *
 * @param labelledSide of the boxes, for wrong labels
 */
export function writeDataset(folder, corners, labelledSide = SIDE) {
  mkdirSync(folder, { recursive: true });
  const rows = corners.map(([x, y], i) => {
    writeSquares(join(folder, `${i}.png`), 64, 64, [[x, y]]);
    return `${i}.png,${x},${y},${x + labelledSide},${y + labelledSide},square\n`;
  });
  writeFileSync(join(folder, 'boxes.csv'), `image,x1,y1,x2,y2,label\n${rows.join('')}`);
}
