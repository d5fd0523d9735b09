// Boxes in pixels of an image: `x1, y1, x2, y2` with continuous edges.
import type { Box } from 'retinagrad/data';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Minimum width and height of a box in pixels. */
export const MIN_SIDE = 2;

/** Handles at the corners and sides of a box, by the compass. */
export const HANDLES = ['nw', 'n', 'ne', 'e', 'se', 's', 'sw', 'w'] as const;
export type Handle = (typeof HANDLES)[number];

const clamp = (x: number, min: number, max: number): number => Math.min(Math.max(x, min), max);

/** Two ends of an interval, in order, to a tenth of a pixel, inside the image, and far enough apart. */
function fitInterval(a: number, b: number, length: number): [number, number] {
  const side = Math.min(MIN_SIDE, length);
  const tenth = (x: number): number => Math.round(clamp(x, 0, length) * 10) / 10;
  const start = Math.min(tenth(Math.min(a, b)), length - side);
  return [start, Math.max(tenth(Math.max(a, b)), start + side)];
}

/** The box that two opposite corners span, in order, clipped to the image, with sides of at least `MIN_SIDE` pixels. */
export function fitBox([x1, y1, x2, y2]: Box, { width, height }: Size): Box {
  const [left, right] = fitInterval(x1, x2, width);
  const [top, bottom] = fitInterval(y1, y2, height);
  return [left, top, right, bottom];
}

/** Whether any part of a box lies inside the image. */
export const overlapsImage = ([x1, y1, x2, y2]: Box, { width, height }: Size): boolean =>
  x1 < width && y1 < height && x2 > 0 && y2 > 0;

/** A box moved as far as the image allows; its size stays. */
export function moveBox([x1, y1, x2, y2]: Box, dx: number, dy: number, size: Size): Box {
  const x = clamp(dx, -x1, size.width - x2);
  const y = clamp(dy, -y1, size.height - y2);
  return fitBox([x1 + x, y1 + y, x2 + x, y2 + y], size);
}

/** A box with one handle pulled by `dx, dy`; pulled over the other side, it turns inside out. */
export function pullHandle([x1, y1, x2, y2]: Box, handle: Handle, dx: number, dy: number, size: Size): Box {
  const west = handle.includes('w') ? dx : 0;
  const east = handle.includes('e') ? dx : 0;
  const north = handle.includes('n') ? dy : 0;
  const south = handle.includes('s') ? dy : 0;
  return fitBox([x1 + west, y1 + north, x2 + east, y2 + south], size);
}

/** Where a handle lies. */
export function handlePoint([x1, y1, x2, y2]: Box, handle: Handle): readonly [x: number, y: number] {
  const x = handle.includes('w') ? x1 : handle.includes('e') ? x2 : (x1 + x2) / 2;
  const y = handle.includes('n') ? y1 : handle.includes('s') ? y2 : (y1 + y2) / 2;
  return [x, y];
}

export const contains = ([x1, y1, x2, y2]: Box, x: number, y: number): boolean =>
  x >= x1 && x <= x2 && y >= y1 && y <= y2;

const area = ([x1, y1, x2, y2]: Box): number => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);

/** Intersection over union of two boxes. */
export function overlap(a: Box, b: Box): number {
  const both = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  return both === 0 ? 0 : both / (area(a) + area(b) - both);
}

/** Position of the smallest box at a point, so that boxes inside others can be reached; null if there is none. */
export function boxAt(boxes: readonly Box[], x: number, y: number): number | null {
  const found = [...boxes.keys()].filter((i) => contains(boxes[i]!, x, y));
  found.sort((a, b) => area(boxes[a]!) - area(boxes[b]!));
  return found[0] ?? null;
}
