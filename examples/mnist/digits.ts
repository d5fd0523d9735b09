// Digits of 28 x 28 pixels: read from MNIST's IDX files, or drawn if there are none.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Random } from 'retinagrad/data';

/** Side of an image in pixels. */
const SIDE = 28;
/** Distance in pixels at which a line leaves no ink: the widest pen and its soft edge. */
const REACH = 2.5;

/** Grey images, one byte per pixel and one image after another, with the class of each. */
export interface Digits {
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

/** The digits to train on and those to test on, from a folder of IDX files or drawn. */
export function openDigits(folder: string | undefined): { readonly train: Digits; readonly test: Digits } {
  if (folder === undefined) return { train: drawDigits(10_000, 'train'), test: drawDigits(2_000, 'test') };
  return { train: readDigits(folder, 'train'), test: readDigits(folder, 't10k') };
}

/**
 * Reads two files as MNIST and Fashion-MNIST come: a header of big-endian integers (16 bytes for images, 8 for labels),
 * then the bytes.
 *
 * @param side `train` or `t10k`, the start of the files' names
 */
function readDigits(folder: string, side: 'train' | 't10k'): Digits {
  const read = (name: string): Buffer => gunzipSync(readFileSync(join(folder, `${side}-${name}-ubyte.gz`)));
  return { pixels: read('images-idx3').subarray(16), labels: read('labels-idx1').subarray(8) };
}

/** The images at some positions, with values from 0 to 1. */
export function imagesAt({ pixels }: Digits, positions: readonly number[]): Float32Array {
  const size = SIDE * SIDE;
  const values = new Float32Array(positions.length * size);
  positions.forEach((at, i) => values.set(pixels.subarray(at * size, (at + 1) * size), i * size));
  return values.map((value) => value / 255);
}

/** Their classes. */
export const labelsAt = ({ labels }: Digits, positions: readonly number[]): Int32Array =>
  Int32Array.from(positions, (at) => labels[at]!);

type Point = readonly [x: number, y: number];

/** Points on an ellipse, between two angles in turns that count clockwise from the right. */
function arc(x: number, y: number, width: number, height: number, from: number, to: number): Point[] {
  return Array.from({ length: 13 }, (_, i) => {
    const angle = 2 * Math.PI * (from + ((to - from) * i) / 12);
    return [x + width * Math.cos(angle), y + height * Math.sin(angle)] as const;
  });
}

/** The strokes of each digit, as lines through points of a unit square whose y points down. */
const STROKES: readonly (readonly (readonly Point[])[])[] = [
  [arc(0.5, 0.5, 0.27, 0.4, 0, 1)],
  [
    [
      [0.35, 0.25],
      [0.53, 0.1],
      [0.53, 0.9],
    ],
  ],
  [[...arc(0.5, 0.34, 0.25, 0.24, 0.5, 1.08), [0.25, 0.9], [0.78, 0.9]]],
  [arc(0.47, 0.3, 0.26, 0.2, 0.55, 1.25), arc(0.47, 0.7, 0.29, 0.2, 0.75, 1.45)],
  [
    [
      [0.6, 0.9],
      [0.6, 0.1],
      [0.2, 0.64],
      [0.82, 0.64],
    ],
  ],
  [[[0.75, 0.1], [0.32, 0.1], [0.28, 0.46], ...arc(0.48, 0.65, 0.27, 0.25, 0.62, 1.42)]],
  [[[0.68, 0.12], [0.4, 0.3], [0.26, 0.55], ...arc(0.5, 0.68, 0.25, 0.22, 0.5, 1.5)]],
  [
    [
      [0.22, 0.1],
      [0.78, 0.1],
      [0.42, 0.9],
    ],
  ],
  [arc(0.5, 0.3, 0.22, 0.2, 0, 1), arc(0.5, 0.7, 0.26, 0.2, 0, 1)],
  [[...arc(0.5, 0.32, 0.25, 0.22, 0, 1), [0.72, 0.5], [0.6, 0.9]]],
];

/** Draws digits at random places, sizes, angles and widths of the pen, on a noisy ground. The same seed, the same digits. */
function drawDigits(count: number, seed: string): Digits {
  const pixels = new Uint8Array(count * SIDE * SIDE);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const random = new Random('digits', seed, i);
    labels[i] = random.int(10);
    pixels.set(drawDigit(STROKES[labels[i]!]!, random), i * SIDE * SIDE);
  }
  return { pixels, labels };
}

function drawDigit(strokes: readonly (readonly Point[])[], random: Random): Uint8Array {
  const place = randomPlacement(random);
  const distances = new Float32Array(SIDE * SIDE).fill(Infinity); // From the middle of each pixel to the nearest line.
  for (const stroke of strokes) {
    const points = stroke.map(place);
    for (let i = 1; i < points.length; i++) measure(distances, points[i - 1]!, points[i]!);
  }
  const pen = random.uniform(0.8, 1.8); // Half of its width, in pixels.
  const ink = random.uniform(140, 255);
  return Uint8Array.from(distances, (distance) => {
    const coverage = Math.min(Math.max(pen + 0.5 - distance, 0), 1);
    return Math.min(Math.max(coverage * ink + random.uniform(-70, 70), 0), 255);
  });
}

/** A map of the unit square to pixels: stretched, slanted, rotated and shifted, with a shaky hand. */
function randomPlacement(random: Random): (point: Point) => Point {
  const [width, height] = [random.uniform(10, 24), random.uniform(13, 25)];
  const angle = random.normal(0, 0.2);
  const slant = random.normal(0, 0.25);
  const [left, top] = [SIDE / 2 + random.uniform(-4, 4), SIDE / 2 + random.uniform(-4, 4)];
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return ([x, y]) => {
    const across = (x - 0.5 + slant * (0.5 - y)) * width + random.normal(0, 0.4);
    const down = (y - 0.5) * height + random.normal(0, 0.4);
    return [left + across * cos - down * sin, top + across * sin + down * cos];
  };
}

/** Lowers the distances of the pixels around a line from `a` to `b`. */
function measure(distances: Float32Array, a: Point, b: Point): void {
  const inside = (value: number): number => Math.min(Math.max(Math.floor(value), 0), SIDE - 1);
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  for (let row = inside(Math.min(a[1], b[1]) - REACH); row <= inside(Math.max(a[1], b[1]) + REACH); row++) {
    for (let column = inside(Math.min(a[0], b[0]) - REACH); column <= inside(Math.max(a[0], b[0]) + REACH); column++) {
      const [x, y] = [column + 0.5 - a[0], row + 0.5 - a[1]];
      const along = Math.min(Math.max((x * dx + y * dy) / (dx * dx + dy * dy), 0), 1);
      const at = row * SIDE + column;
      distances[at] = Math.min(distances[at]!, Math.hypot(x - along * dx, y - along * dy));
    }
  }
}
