import { coveredFraction } from '../../imagery/boxes.ts';
import {
  clipAnnotations,
  defaultVisibility,
  listBoxes,
  packAnnotations,
  type Box,
  type Visibility,
} from '../../imagery/geometry.ts';
import { imageSize, packedBytes, rgbImage } from '../../imagery/image.ts';
import type { Random } from '../../common/random.ts';
import type { Annotations, RgbImage } from '../../imagery/types.ts';
import type { Sample } from '../types.ts';

/**
 * Joins four samples, upper left, upper right, lower left and lower right, to one (the mosaic of YOLOv4: Bochkovskiy,
 * Wang and Liao, 2020). It has the name of the first. Throws a RangeError unless those side by side are equally high
 * and those below each other equally wide.
 */
export function mosaic(parts: readonly [Sample, Sample, Sample, Sample]): Sample {
  const sizes = parts.map(({ image }) => imageSize(image)) as [Size, Size, Size, Size];
  const [a, b, c, d] = sizes;
  if (a.height !== b.height || c.height !== d.height || a.width !== c.width || b.width !== d.width) {
    throw new RangeError(
      `mosaic: ${sizes.map((size) => `${size.width} x ${size.height}`).join(', ')} pixels, expected equal heights side by side and equal widths below each other`,
    );
  }
  const image = rgbImage(a.height + c.height, a.width + b.width);
  const annotations = parts.map((part, i): Annotations => {
    const [x, y] = [i % 2 === 1 ? a.width : 0, i >= 2 ? a.height : 0];
    copyRectangle(part.image, image, x, y);
    return shift(part, x, y);
  });
  return { id: parts[0].id, image, ...join(annotations) };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Blends two samples of one size, `share` of the first and the rest of the second, with the boxes of both (mixup: Zhang,
 * Cisse, Dauphin and Lopez-Paz, 2018; for detectors Zhang et al., "Bag of Freebies", 2019). It has the name of the first.
 */
export function mixup(first: Sample, second: Sample, share: number): Sample {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`mixup: share is ${share}, expected a number from 0 to 1`);
  const [size, other] = [imageSize(first.image), imageSize(second.image)];
  if (size.width !== other.width || size.height !== other.height) {
    throw new RangeError(
      `mixup: ${size.width} x ${size.height} and ${other.width} x ${other.height} pixels, expected the same size`,
    );
  }
  const [a, b] = [packedBytes(first.image), packedBytes(second.image)];
  const out = new Uint8ClampedArray(a.length);
  for (let i = 0; i < out.length; i++) out[i] = share * a[i]! + (1 - share) * b[i]!;
  const image = rgbImage(size.height, size.width, new Uint8Array(out.buffer));
  return { id: first.id, image, ...join([first, second]) };
}

/** How objects of one sample are pasted into another. */
export interface PasteOptions {
  /** Most objects that are pasted; their number is drawn from 1 to this. Default 5. */
  readonly most?: number;
  /** Largest share of any other object that pasted ones may cover together. Default 0.1. */
  readonly maxCovered?: number;
  /** Width in pixels of the border around an object that fades into the picture. Default 2. */
  readonly feather?: number;
  readonly visibility?: Visibility;
}

/** Places that are tried for an object before it is left out. */
const TRIES = 10;

/**
 * Pastes some objects of `source` into a sample at random places (copy-paste: Ghiasi et al., 2021, with boxes in place
 * of masks: the ground within the box comes along, and other objects there as far as they are visible). Objects that
 * the edge of `source` cuts are not taken, nor places where too much of another object would be covered. Nothing is
 * turned or scaled. The sample itself is returned where nothing could be pasted.
 */
export function copyPaste(sample: Sample, source: Sample, random: Random, options: PasteOptions = {}): Sample {
  const { most = 5, maxCovered = 0.1, feather = 2, visibility = defaultVisibility } = options;
  checkPaste({ most, maxCovered, feather });
  const size = imageSize(sample.image);
  const from = imageSize(source.image);
  const whole = random.shuffle(
    listBoxes(source).filter(([x1, y1, x2, y2]) => x1 > 0 && y1 > 0 && x2 < from.width && y2 < from.height),
  );
  const count = 1 + random.int(most);
  const target = { boxes: listBoxes(sample), labels: Array.from(sample.labels) };
  const covered = target.boxes.map(() => 0);
  let image: RgbImage | null = null;
  for (const box of whole.slice(0, count)) {
    // The patch in whole pixels, so that the box keeps its place within it; the border as far as the source has it.
    const [left, top, right, bottom] = [Math.floor(box[0]), Math.floor(box[1]), Math.ceil(box[2]), Math.ceil(box[3])];
    const [spareX, spareY] = [size.width - (right - left), size.height - (bottom - top)];
    if (spareX < 0 || spareY < 0) continue;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const [x, y] = [random.int(spareX + 1), random.int(spareY + 1)];
      const width = right - left;
      const height = bottom - top;
      const touched: Box = [x - feather, y - feather, x + width + feather, y + height + feather];
      const more = target.boxes.map((other) => coveredFraction(other, touched));
      if (more.some((share, i) => covered[i]! + share > maxCovered)) continue;
      more.forEach((share, i) => (covered[i] = covered[i]! + share));
      image ??= rgbImage(size.height, size.width, Uint8Array.from(packedBytes(sample.image)));
      pastePatch(source.image, image, { left, top, width, height, x, y, feather });
      const patch = clipAnnotations(shift(source, -left, -top), width, height, visibility);
      const moved = shift(patch, x, y);
      target.boxes.push(...listBoxes(moved));
      target.labels.push(...moved.labels);
      covered.push(...moved.labels.map(() => 0));
      break;
    }
  }
  return image === null ? sample : { id: sample.id, image, ...packAnnotations(target.boxes, target.labels) };
}

/** Throws a RangeError for options of `copyPaste` that make no sense. */
export function checkPaste({ most = 5, maxCovered = 0.1, feather = 2 }: PasteOptions): void {
  if (!Number.isInteger(most) || most < 1) {
    throw new RangeError(`copyPaste: most is ${most}, expected a whole number from 1`);
  }
  if (!(maxCovered >= 0 && maxCovered <= 1)) {
    throw new RangeError(`copyPaste: maxCovered is ${maxCovered}, expected a share from 0 to 1`);
  }
  if (!Number.isInteger(feather) || feather < 0) {
    throw new RangeError(`copyPaste: feather is ${feather}, expected whole pixels from 0`);
  }
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

/** Copies a patch as it is, and the border around it the less the farther it is from the patch. */
function pastePatch(source: RgbImage, target: RgbImage, patch: Patch): void {
  const { left, top, width, height, x, y, feather } = patch;
  const [from, to] = [imageSize(source), imageSize(target)];
  for (let row = -feather; row < height + feather; row++) {
    if (top + row < 0 || top + row >= from.height || y + row < 0 || y + row >= to.height) continue;
    const dy = Math.max(-row, row - height + 1, 0);
    for (let column = -feather; column < width + feather; column++) {
      if (left + column < 0 || left + column >= from.width || x + column < 0 || x + column >= to.width) continue;
      const distance = Math.max(-column, column - width + 1, 0, dy);
      const share = 1 - distance / (feather + 1);
      for (let c = 0; c < 3; c++) {
        const old = target.get(y + row, x + column, c);
        const value = source.get(top + row, left + column, c);
        target.set(y + row, x + column, c, Math.round(old + share * (value - old)));
      }
    }
  }
}

function copyRectangle(source: RgbImage, target: RgbImage, x: number, y: number): void {
  const { width, height } = imageSize(source);
  const bytes = packedBytes(source);
  const line = imageSize(target).width * 3;
  for (let row = 0; row < height; row++) {
    target.data.set(bytes.subarray(row * width * 3, (row + 1) * width * 3), (y + row) * line + x * 3);
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
