import { checkVisibility, clipAnnotations, listBoxes, packAnnotations, type Visibility } from '../imagery/geometry.ts';
import { imageSize, packedBytes, rgbImage } from '../imagery/image.ts';
import { steppedStarts } from '../imagery/tile-axis.ts';
import { describeSample, type Dataset, type Sample, type SampleDescription } from './types.ts';
import type { Annotations, RgbImage } from '../imagery/types.ts';

/** How images are cut into tiles. */
export interface TileOptions {
  /** Side of a tile in pixels. */
  readonly size: number;
  /** Pixels that neighbours share, so that an object at a border is whole in one of them. Default 0. */
  readonly overlap?: number;
  /** Objects of which a tile shows a smaller share of the area than this are no objects of it. Default 0.25. */
  readonly minVisible?: number;
  /** Boxes with a side shorter than this many pixels after clipping are dropped. Default 2. */
  readonly minSide?: number;
  /** Tiles without objects: kept (default), or left out. `BalancedSampler` bounds how many of them an epoch has. */
  readonly empty?: 'keep' | 'skip';
  /**
   * Bytes of decoded images to keep, so that neighbouring tiles do not decode their image anew; the image read last is
   * kept in any case. Without effect where the data set reads windows by itself. Default 256 * 10^6.
   */
  readonly cacheBytes?: number;
}

/** One tile: which part of which image, and what is on it. */
export interface Tile extends Annotations {
  /** `image@x,y`. */
  readonly id: string;
  /** Position of the image in the data set that was cut. */
  readonly index: number;
  /** Id of that image. */
  readonly image: string;
  /** Where the upper left corner lies in the image. */
  readonly x: number;
  readonly y: number;
  /** As `size`, less where the image is smaller. */
  readonly width: number;
  readonly height: number;
  readonly isEmpty: boolean;
}

/** Tiles as samples. */
export interface TiledDataset extends Dataset {
  /** In the order of the ids: image by image, row by row. */
  readonly tiles: readonly Tile[];
  describe(index: number): Promise<SampleDescription>;
}

/**
 * Cuts every image of a data set into square tiles. The last ones of a row or column are moved inward, so that they are
 * full, and share more with their neighbour; an image that is smaller than a tile is one tile of its own size. Sizes and
 * boxes come from `describeSample`, so that data sets with `describe` need not decode anything yet.
 *
 * Tiles are read by `Dataset.window` where there is one, else out of the whole image: with images too large for the cache,
 * an order that jumps between them decodes one per tile.
 */
export async function tileDataset(dataset: Dataset, options: TileOptions): Promise<TiledDataset> {
  const { size, overlap = 0, minVisible = 0.25, minSide = 2, empty = 'keep', cacheBytes = 256e6 } = options;
  if (!Number.isInteger(size) || size < 1) {
    throw new RangeError(`tileDataset: size is ${size}, expected a whole number from 1`);
  }
  if (!Number.isInteger(overlap) || overlap < 0 || overlap >= size) {
    throw new RangeError(`tileDataset: overlap is ${overlap}, expected whole pixels from 0 to ${size - 1}`);
  }
  if (empty !== 'keep' && empty !== 'skip') {
    throw new TypeError(`tileDataset: empty is "${String(empty)}", expected "keep" or "skip"`);
  }
  if (!(cacheBytes >= 0)) throw new RangeError(`tileDataset: cacheBytes is ${cacheBytes}, expected a number from 0`);
  const rule = { minSide, minVisible };
  checkVisibility(rule);
  const tiles: Tile[] = [];
  const sizes: SampleDescription[] = [];
  for (let index = 0; index < dataset.ids.length; index++) {
    const described = await describeSample(dataset, index);
    sizes.push(described);
    for (const tile of cutImage(described, index, size, overlap, rule)) {
      if (empty === 'keep' || !tile.isEmpty) tiles.push(tile);
    }
  }
  const readWhole = keepRecent(dataset, cacheBytes);
  const at = (index: number): Tile => {
    const tile = tiles[index];
    if (tile === undefined) throw new RangeError(`Tiles: index ${index}, expected 0 to ${tiles.length - 1}`);
    return tile;
  };
  return {
    classes: dataset.classes,
    ids: tiles.map(({ id }) => id),
    tiles,
    describe(index) {
      return new Promise((resolve) => {
        const { id, width, height, boxes, labels } = at(index);
        resolve({ id, width, height, boxes, labels });
      });
    },
    async get(index): Promise<Sample> {
      const tile = at(index);
      const { id, x, y, width, height, boxes, labels } = tile;
      if (dataset.window !== undefined) {
        return { id, image: await dataset.window(tile.index, x, y, width, height), boxes, labels };
      }
      const whole = await readWhole(tile.index);
      checkSize(whole, sizes[tile.index]!);
      // A copy: a view would keep the whole image in memory as long as the tile.
      const part = packedBytes(whole.lo(y, x, 0).hi(height, width, 3));
      return { id, image: rgbImage(height, width, Uint8Array.from(part)), boxes, labels };
    },
  };
}

function cutImage(
  described: SampleDescription,
  index: number,
  size: number,
  overlap: number,
  rule: Visibility,
): Tile[] {
  const { id, width, height } = described;
  const part = { width: Math.min(size, width), height: Math.min(size, height) };
  return steppedStarts(height, size, overlap).flatMap((y) =>
    steppedStarts(width, size, overlap).map((x): Tile => {
      const own = clipAnnotations(within(described, x, y, part), part.width, part.height, rule);
      return { id: `${id}@${x},${y}`, index, image: id, x, y, ...part, isEmpty: own.labels.length === 0, ...own };
    }),
  );
}

/** The boxes that reach into a tile, in its pixels: clipping all those of a large image for each tile takes long. */
function within(
  { boxes, labels }: Annotations,
  x: number,
  y: number,
  { width, height }: { readonly width: number; readonly height: number },
): Annotations {
  const own = listBoxes({ boxes, labels }).flatMap((box, i) => {
    const isNear = box[2] > x && box[0] < x + width && box[3] > y && box[1] < y + height;
    return isNear ? [{ box: [box[0] - x, box[1] - y, box[2] - x, box[3] - y] as const, label: labels[i]! }] : [];
  });
  return packAnnotations(
    own.map(({ box }) => box),
    own.map(({ label }) => label),
  );
}

function checkSize(image: RgbImage, { id, width, height }: SampleDescription): void {
  const found = imageSize(image);
  if (found.width !== width || found.height !== height) {
    throw new Error(
      `tileDataset: ${id} has ${found.width} x ${found.height} pixels, expected ${width} x ${height} as it was described`,
    );
  }
}

/** Reads whole images and keeps the ones used last, up to a number of bytes. Reads of one image share the work. */
function keepRecent(dataset: Dataset, cacheBytes: number): (index: number) => Promise<RgbImage> {
  // In the order of use, the last one at the end; 0 bytes while it is being read.
  const recent = new Map<number, { readonly image: Promise<RgbImage>; bytes: number }>();
  const makeRoom = (): void => {
    let bytes = [...recent.values()].reduce((sum, entry) => sum + entry.bytes, 0);
    for (const [index, entry] of recent) {
      if (bytes <= cacheBytes || recent.size === 1) return;
      // One that is being read costs nothing yet, and is waited for.
      if (entry.bytes === 0) continue;
      recent.delete(index);
      bytes -= entry.bytes;
    }
  };
  return (index) => {
    const known = recent.get(index);
    if (known !== undefined) {
      recent.delete(index);
      recent.set(index, known);
      return known.image;
    }
    const image = dataset.get(index).then((sample) => sample.image);
    const entry = { image, bytes: 0 };
    recent.set(index, entry);
    image.then(
      ({ data }) => {
        entry.bytes = data.byteLength;
        makeRoom();
      },
      () => recent.delete(index),
    );
    return image;
  };
}
