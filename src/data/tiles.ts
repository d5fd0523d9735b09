import { checkChoice, checkInteger, checkNumber } from '../common/check.ts';
import { checkVisibility, clipAnnotations, listBoxes, packAnnotations, type Visibility } from '../imagery/geometry.ts';
import { imageShape, packedBytes, byteImage } from '../imagery/image.ts';
import { steppedStarts } from '../imagery/tile-axis.ts';
import { describeSample, type Dataset, type Sample, type SampleDescription } from './types.ts';
import type { Annotations, ByteImage } from '../imagery/types.ts';

/** How images are cut into tiles. */
export interface TileOptions {
  /** Side of a tile in pixels. */
  readonly size: number;
  /** Pixels that neighbours share, so that an object at a border is whole in one of them. Default 0. */
  readonly overlap?: number;
  /** Minimum fraction of an object's area that a tile shows; other objects are dropped from the tile. Default 0.25. */
  readonly minVisible?: number;
  /** Minimum side of a box after clipping, in pixels; smaller boxes are dropped. Default 2. */
  readonly minSide?: number;
  /** Tiles without objects: kept (default), or left out. `BalancedSampler` bounds how many of them an epoch has. */
  readonly empty?: 'keep' | 'skip';
  /**
   * Bytes of decoded images to keep, so that neighbouring tiles do not decode their image again; the last image is always
   * kept. Without effect where the data set reads windows itself. Default 256 * 10^6.
   */
  readonly cacheBytes?: number;
}

/** One tile: its part of an image, with the objects in it, in pixels of the tile. */
export interface Tile extends Annotations {
  /** `image@x,y`. */
  readonly id: string;
  /** Position of the image in the data set that was cut. */
  readonly index: number;
  /** Id of that image. */
  readonly image: string;
  /** Upper left corner, in pixels of the image. */
  readonly x: number;
  readonly y: number;
  /** `TileOptions.size`, or the side of the image where that is smaller. */
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
 * Cuts every image of a data set into square tiles. The last tile of a row or column is moved inward, so that it is full
 * and shares more with its neighbour (`steppedStarts`); an image that is smaller than a tile becomes one tile of its own
 * size. Sizes and boxes come from `describeSample`: data sets with `describe` decode nothing yet.
 *
 * Tiles without a pixel in the region of their image (`Dataset.region`) are left out.
 *
 * Tiles are read by `Dataset.window` where there is one, otherwise from the whole image: with images too large for the
 * cache, an order that jumps between them decodes one image per tile.
 *
 * @throws RangeError for options out of range
 */
export async function tileDataset(dataset: Dataset, options: TileOptions): Promise<TiledDataset> {
  const { size, overlap = 0, minVisible = 0.25, minSide = 2, empty = 'keep', cacheBytes = 256e6 } = options;
  checkInteger('tileDataset', 'size', size, { min: 1 });
  checkInteger('tileDataset', 'overlap', overlap, { min: 0, max: size - 1 });
  checkChoice('tileDataset', 'empty', empty, ['keep', 'skip']);
  checkNumber('tileDataset', 'cacheBytes', cacheBytes, { min: 0 });
  const rule = { minSide, minVisible };
  checkVisibility(rule);
  const tiles: Tile[] = [];
  const sizes: SampleDescription[] = [];
  for (let index = 0; index < dataset.ids.length; index++) {
    const described = await describeSample(dataset, index);
    sizes.push(described);
    const region = dataset.region?.(index) ?? null;
    for (const tile of cutImage(described, index, size, overlap, rule)) {
      if (region?.touches(tile) === false) continue;
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
    decoding: dataset.decoding,
    ids: tiles.map(({ id }) => id),
    tiles,
    async describe(index): Promise<SampleDescription> {
      const { id, width, height, boxes, labels } = at(index);
      return { id, width, height, boxes, labels };
    },
    region(index) {
      const tile = at(index);
      return dataset.region?.(tile.index)?.inside(tile) ?? null;
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
      const { channels } = imageShape(whole);
      const part = packedBytes(whole.lo(y, x, 0).hi(height, width, channels));
      return { id, image: byteImage({ height, width, channels }, Uint8Array.from(part)), boxes, labels };
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

/** The boxes that reach into a tile, in its pixels. Clipping all boxes of a large image for each tile would take long. */
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

function checkSize(image: ByteImage, { id, width, height }: SampleDescription): void {
  const found = imageShape(image);
  if (found.width !== width || found.height !== height) {
    throw new Error(
      `tileDataset: ${id} has ${found.width} x ${found.height} pixels, expected ${width} x ${height} as in its description`,
    );
  }
}

/** Reads whole images and keeps the most recently used, up to a number of bytes. Concurrent reads of an image are one. */
function keepRecent(dataset: Dataset, cacheBytes: number): (index: number) => Promise<ByteImage> {
  // From the least to the most recently used; 0 bytes while an image is being read.
  const recent = new Map<number, { readonly image: Promise<ByteImage>; bytes: number }>();
  const makeRoom = (): void => {
    let bytes = [...recent.values()].reduce((sum, entry) => sum + entry.bytes, 0);
    for (const [index, entry] of recent) {
      if (bytes <= cacheBytes || recent.size === 1) return;
      // An image that is being read holds no memory yet, and a caller waits for it.
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
