import { checkInteger, checkNumber } from '../../common/check.ts';
import { coveredFraction } from '../../imagery/boxes.ts';
import {
  clipAnnotations,
  defaultVisibility,
  listBoxes,
  packAnnotations,
  type Box,
  type Visibility,
} from '../../imagery/geometry.ts';
import { byteImage, imageShape, packedBytes, type ImageShape } from '../../imagery/image.ts';
import type { Random } from '../../common/random.ts';
import type { Annotations, ByteImage } from '../../imagery/types.ts';
import type { Sample } from '../types.ts';

/**
 * Joins four samples, upper left, upper right, lower left and lower right, into one (the mosaic of YOLOv4: Bochkovskiy,
 * Wang and Liao, 2020). The result has the id of the first. Throws a RangeError unless samples side by side have equal
 * heights and samples above each other equal widths.
 */
export function mosaic(parts: readonly [Sample, Sample, Sample, Sample]): Sample {
  const [a, b, c, d] = [
    imageShape(parts[0].image),
    imageShape(parts[1].image),
    imageShape(parts[2].image),
    imageShape(parts[3].image),
  ];
  if (a.height !== b.height || c.height !== d.height || a.width !== c.width || b.width !== d.width) {
    const sizes = [a, b, c, d].map((size) => `${size.width} x ${size.height}`).join(', ');
    throw new RangeError(
      `mosaic: ${sizes} pixels, expected equal heights side by side and equal widths above each other`,
    );
  }
  checkChannels('mosaic', [a, b, c, d]);
  const image = byteImage({ height: a.height + c.height, width: a.width + b.width, channels: a.channels });
  const annotations = parts.map((part, i): Annotations => {
    const [x, y] = [i % 2 === 1 ? a.width : 0, i >= 2 ? a.height : 0];
    copyRectangle(part.image, image, x, y);
    return shift(part, x, y);
  });
  return { id: parts[0].id, image, ...join(annotations) };
}

/** Throws a RangeError unless images have the same number of channels. */
function checkChannels(op: string, shapes: readonly ImageShape[]): void {
  if (shapes.every(({ channels }) => channels === shapes[0]!.channels)) return;
  const found = shapes.map(({ channels }) => channels).join(', ');
  throw new RangeError(`${op}: images of ${found} channels, expected the same number`);
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Blends two samples of one size, with the weight `fraction` for the first and the rest for the second, and the boxes of
 * both (mixup: Zhang, Cisse, Dauphin and Lopez-Paz, 2018; for detectors Zhang et al., "Bag of Freebies", 2019). The result
 * has the id of the first. Throws a RangeError for different sizes and for a fraction outside 0 to 1.
 */
export function mixup(first: Sample, second: Sample, fraction: number): Sample {
  checkNumber('mixup', 'fraction', fraction, { min: 0, max: 1 });
  const [size, other] = [imageShape(first.image), imageShape(second.image)];
  if (size.width !== other.width || size.height !== other.height) {
    throw new RangeError(
      `mixup: ${size.width} x ${size.height} and ${other.width} x ${other.height} pixels, expected the same size`,
    );
  }
  checkChannels('mixup', [size, other]);
  const [a, b] = [packedBytes(first.image), packedBytes(second.image)];
  const out = new Uint8ClampedArray(a.length);
  for (let i = 0; i < out.length; i++) out[i] = fraction * a[i]! + (1 - fraction) * b[i]!;
  const image = byteImage(size, new Uint8Array(out.buffer));
  return { id: first.id, image, ...join([first, second]) };
}

/** How objects of one sample are pasted into another. */
export interface PasteOptions {
  /** Maximum number of objects that are pasted; the number is drawn from 1 to this. Default 5. */
  readonly most?: number;
  /** Maximum fraction of any other object that all pasted objects together may cover. Default 0.1. */
  readonly maxCovered?: number;
  /** Width in pixels of the border around an object that fades into the image. Default 2. */
  readonly feather?: number;
  readonly visibility?: Visibility;
}

/** Places that are tried for an object before it is left out. */
const TRIES = 10;

/**
 * Pastes some objects of `source` into a sample at random places (copy-paste: Ghiasi et al., 2021, with boxes instead of
 * masks: the background inside the box comes along, and so do the visible parts of other objects there). Objects that
 * the edge of `source` cuts are not used, nor places where too much of another object would be covered. Nothing is
 * rotated or scaled. Returns the sample itself if nothing could be pasted.
 */
export function copyPaste(sample: Sample, source: Sample, random: Random, options: PasteOptions = {}): Sample {
  const { most = 5, maxCovered = 0.1, feather = 2, visibility = defaultVisibility } = options;
  checkPaste({ most, maxCovered, feather });
  const size = imageShape(sample.image);
  const from = imageShape(source.image);
  checkChannels('copyPaste', [size, from]);
  const whole = random.shuffle(
    listBoxes(source).filter(([x1, y1, x2, y2]) => x1 > 0 && y1 > 0 && x2 < from.width && y2 < from.height),
  );
  const count = 1 + random.int(most);
  const target = { boxes: listBoxes(sample), labels: Array.from(sample.labels) };
  const covered = target.boxes.map(() => 0);
  let image: ByteImage | null = null;
  for (const box of whole.slice(0, count)) {
    // Whole pixels, so that the box keeps its place in the patch.
    const [left, top, right, bottom] = [Math.floor(box[0]), Math.floor(box[1]), Math.ceil(box[2]), Math.ceil(box[3])];
    const patch = { left, top, width: right - left, height: bottom - top, feather };
    const place = findPlace(patch, size, target.boxes, { covered, maxCovered }, random);
    if (place === null) continue;
    image ??= byteImage(size, Uint8Array.from(packedBytes(sample.image)));
    pastePatch(source.image, image, { ...patch, ...place });
    const visible = clipAnnotations(shift(source, -left, -top), patch.width, patch.height, visibility);
    const pasted = shift(visible, place.x, place.y);
    target.boxes.push(...listBoxes(pasted));
    target.labels.push(...pasted.labels);
    covered.push(...pasted.labels.map(() => 0));
  }
  return image === null ? sample : { id: sample.id, image, ...packAnnotations(target.boxes, target.labels) };
}

/**
 * A random place for a patch where it covers no box too much, or null if there is none among some tries. What it covers
 * of each box is added to `covered`.
 */
function findPlace(
  { width, height, feather }: Omit<Patch, 'x' | 'y'>,
  size: Size,
  boxes: readonly Box[],
  { covered, maxCovered }: { readonly covered: number[]; readonly maxCovered: number },
  random: Random,
): { readonly x: number; readonly y: number } | null {
  const [spareX, spareY] = [size.width - width, size.height - height];
  if (spareX < 0 || spareY < 0) return null;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const [x, y] = [random.int(spareX + 1), random.int(spareY + 1)];
    const touched: Box = [x - feather, y - feather, x + width + feather, y + height + feather];
    const added = boxes.map((box) => coveredFraction(box, touched));
    if (added.some((fraction, i) => covered[i]! + fraction > maxCovered)) continue;
    added.forEach((fraction, i) => (covered[i] = covered[i]! + fraction));
    return { x, y };
  }
  return null;
}

/** Throws a RangeError for options of `copyPaste` out of range. */
export function checkPaste({ most = 5, maxCovered = 0.1, feather = 2 }: PasteOptions): void {
  checkInteger('copyPaste', 'most', most, { min: 1 });
  checkNumber('copyPaste', 'maxCovered', maxCovered, { min: 0, max: 1 });
  checkInteger('copyPaste', 'feather', feather, { min: 0 });
}

interface Patch extends Size {
  /** In the source. */
  readonly left: number;
  readonly top: number;
  /** In the target. */
  readonly x: number;
  readonly y: number;
  readonly feather: number;
}

/** Copies a patch, and a border around it that fades with the distance from the patch. */
function pastePatch(source: ByteImage, target: ByteImage, patch: Patch): void {
  const { left, top, width, height, x, y, feather } = patch;
  const [from, to] = [imageShape(source), imageShape(target)];
  for (let row = -feather; row < height + feather; row++) {
    if (top + row < 0 || top + row >= from.height || y + row < 0 || y + row >= to.height) continue;
    const dy = Math.max(-row, row - height + 1, 0);
    for (let column = -feather; column < width + feather; column++) {
      if (left + column < 0 || left + column >= from.width || x + column < 0 || x + column >= to.width) continue;
      const distance = Math.max(-column, column - width + 1, 0, dy);
      const weight = 1 - distance / (feather + 1);
      for (let c = 0; c < to.channels; c++) {
        const old = target.get(y + row, x + column, c);
        const value = source.get(top + row, left + column, c);
        target.set(y + row, x + column, c, Math.round(old + weight * (value - old)));
      }
    }
  }
}

function copyRectangle(source: ByteImage, target: ByteImage, x: number, y: number): void {
  const { width, height, channels } = imageShape(source);
  const bytes = packedBytes(source);
  const line = imageShape(target).width * channels;
  for (let row = 0; row < height; row++) {
    const part = bytes.subarray(row * width * channels, (row + 1) * width * channels);
    target.data.set(part, (y + row) * line + x * channels);
  }
}

function shift({ boxes, labels }: Annotations, dx: number, dy: number): Annotations {
  return { boxes: boxes.map((value, i) => value + (i % 2 === 0 ? dx : dy)), labels };
}

function join(parts: readonly Annotations[]): Annotations {
  return packAnnotations(
    parts.flatMap((part) => listBoxes(part)),
    parts.flatMap(({ labels }) => Array.from(labels)),
  );
}
