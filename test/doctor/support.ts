import jpeg from 'jpeg-js';
import type { Box } from '../../src/imagery/geometry.ts';
import type { LabelledImage, LabelledObject } from '../../src/labels/types.ts';
import { rgbImage } from '../../src/imagery/image.ts';
import { Random } from '../../src/common/random.ts';
import type { RgbImage } from '../../src/imagery/types.ts';
import { withExif } from '../data/support.ts';
import { noFacts, type Finding, type ImageFacts, type Inventory, type Item } from '../../src/doctor/types.ts';

/** An object of class `label`. */
export const objectAt = (box: Box, label = 0, more: Partial<LabelledObject> = {}): LabelledObject => ({
  label,
  box,
  ...more,
});

/** An image of `width` x `height` pixels with its facts. */
export function itemOf(
  file: string,
  width: number,
  height: number,
  objects: readonly LabelledObject[],
  facts: Partial<ImageFacts> = {},
  image: Partial<LabelledImage> = {},
): Item {
  return {
    image: { file, width: null, height: null, objects, ...image },
    facts: { ...noFacts(file), kind: 'png', hash: file, size: { width, height }, ...facts },
  };
}

/** An inventory of items of the classes given. */
export function inventoryOf(items: readonly Item[], classes: readonly string[] = ['car']): Inventory {
  return { table: { classes, images: items.map(({ image }) => image) }, items, unlabelled: [] };
}

/** The kinds of findings, in their order. */
export const kinds = (findings: readonly Finding[]): string[] => findings.map(({ kind }) => kind);

/** The finding of a kind. */
export function findingOf(findings: readonly Finding[], kind: string): Finding {
  const found = findings.find((finding) => finding.kind === kind);
  if (found === undefined) throw new Error(`no finding ${kind} among: ${kinds(findings).join(', ')}`);
  return found;
}

/** An image of smooth random blotches, different for each seed. */
export function blotches(seed: number, width: number, height: number): RgbImage {
  const random = new Random('blotches', seed);
  const waves = Array.from(
    { length: 4 },
    () => [random.uniform(1, 6), random.uniform(1, 6), random.uniform(0, 6)] as const,
  );
  const image = rgbImage(height, width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = waves.reduce(
        (sum, [a, b, phase]) => sum + Math.sin(((a * x) / width) * 3 + ((b * y) / height) * 3 + phase),
        0,
      );
      for (let c = 0; c < 3; c++) image.set(y, x, c, 128 + 25 * value + 4 * c);
    }
  }
  return image;
}

/** JPEG bytes of blotches with an EXIF orientation. */
export function jpegBytes(seed: number, width: number, height: number, orientation = 1): Uint8Array {
  const image = blotches(seed, width, height);
  const data = Buffer.alloc(width * height * 4, 255);
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) data[4 * i + c] = image.data[3 * i + c]!;
  const plain = jpeg.encode({ width, height, data }, 90).data;
  return withExif(plain, orientation);
}
