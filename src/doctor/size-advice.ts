import { percent } from '../common/check.ts';
import { placeBoxes, trainedSizes, type PlacedBoxes } from '../detector/anchor-coverage.ts';
import { visibleBox, type SizedImage } from '../detector/visible-box.ts';
import type { Box } from '../imagery/geometry.ts';
import { steppedStarts } from '../imagery/tile-axis.ts';
import type { Size } from '../retinanet/anchors.ts';
import type { RetinaNetSpec } from '../retinanet/spec.ts';
import type { SizeSummary } from './sizes.ts';
import { short, sizedImage, sizeOf, type Item, type Recommendation } from './types.ts';

// At which size images are trained: enlarged, shrunk, or cut into tiles, judged by the size of small objects in pixels.

/** How large images are cut into square tiles, as `data.tile` and `data.overlap` do it. */
export interface Tiling {
  /** Side of a tile in pixels; null for whole images. */
  readonly tile: number | null;
  /** Pixels that neighbouring tiles share. */
  readonly overlap: number;
}

/** The size that images should be trained at, and the network at that size. */
export interface SizeAdvice extends Tiling {
  readonly rows: readonly Recommendation[];
  /** The spec given, with another `minSize` if another size is better. */
  readonly spec: RetinaNetSpec;
  /** Height and width, before resizing, of what is trained on: a whole image of median size, or a tile of it. */
  readonly image: Size;
}

/** Pixels of a small object after resizing: the minimum, a comfortable number, more than needed. */
const [LEAST, ENOUGH, PLENTY] = [8, 12, 64];
/** Longest side that is trained as a whole; torchvision's `maxSize`. */
const LONGEST = 1333;
/** Side of a tile after resizing. */
const TILE = 640;

/** A side of an image that is a multiple of 32, at least 64. */
const multipleOf32 = (side: number, round = Math.round): number => Math.max(64, round(side / 32) * 32);

/** The part of an image that is one sample: a tile, or the side of the image where that is shorter. */
export const sampleSize = ([height, width]: Size, tile: number | null): Size =>
  tile === null ? [height, width] : [Math.min(tile, height), Math.min(tile, width)];

/** Pixels after resizing for each pixel before. */
const scaleOf = (sample: Size, spec: RetinaNetSpec): number =>
  Math.max(...trainedSizes(sample, spec).resized) / Math.max(...sample);

/** Whether to enlarge or shrink images or to cut them into tiles; `whole` is the size of a whole image. */
export function adviseSize(spec: RetinaNetSpec, whole: Size, sizes: SizeSummary, tiling: Tiling): SizeAdvice {
  const { p10 } = sizes;
  const image = sampleSize(whole, tiling.tile);
  const [shorter, longer] = [Math.min(...image), Math.max(...image)];
  const scale = scaleOf(image, spec);
  const side = p10 * scale;
  const now = `10 % of the objects are smaller than ${short(p10)} pixels, ${short(side)} after resizing`;
  const resizedTo = (minSize: number): RetinaNetSpec => ({ ...spec, transform: { ...spec.transform, minSize } });
  const resized = (to: number, reason: (pixels: string) => string): SizeAdvice => {
    const other = resizedTo(to);
    const pixels = short(p10 * scaleOf(image, other));
    return {
      rows: [{ setting: 'image size', value: `${to}`, number: to, reason: reason(pixels) }],
      spec: other,
      image,
      ...tiling,
    };
  };
  const present = spec.transform.minSize ?? shorter;
  const kept = (reason: string): SizeAdvice => ({
    rows: [{ setting: 'image size', value: `${present} (unchanged)`, number: present, isPresent: true, reason }],
    spec,
    image,
    ...tiling,
  });
  if (side < LEAST || longer * scale > LONGEST) {
    // Enlarged more than four times, pixels show nothing new.
    const factor = Math.min(4, Math.max(1, ENOUGH / p10));
    const larger = multipleOf32(shorter * factor);
    if ((longer * larger) / shorter <= LONGEST) {
      return resized(larger, (pixels) => `${now}; at ${larger} they have ${pixels}`);
    }
    const why = side < LEAST ? now : `whole images of ${longer} pixels need much memory`;
    // Large objects must fit into a tile as well.
    const tile = multipleOf32(Math.max(TILE / factor, 2 * sizes.p90));
    if (tile < longer) return adviseTiles(spec, whole, sizes, { tile, factor, why, overlap: tiling.overlap });
    const fitting = multipleOf32((shorter * LONGEST) / longer, Math.floor);
    const large = `large objects need whole images (10 % are larger than ${short(sizes.p90)} pixels)`;
    if ((p10 * fitting) / shorter < LEAST) return kept(`${why}, but ${large}`);
    return resized(fitting, (pixels) => `${why}; ${large}; small objects then have ${pixels} pixels`);
  }
  const smaller = multipleOf32((shorter * (PLENTY / 2)) / p10);
  const saved = (shorter * scale) / smaller;
  if (side > PLENTY && saved >= 1.5) {
    const cost = percent(1 / saved ** 2);
    return resized(smaller, (pixels) => `${now}; at ${smaller} they still have ${pixels}, at ${cost} of the cost`);
  }
  return kept(`${now}: enough`);
}

function adviseTiles(
  spec: RetinaNetSpec,
  whole: Size,
  { p10, p90 }: SizeSummary,
  {
    tile,
    factor,
    why,
    overlap: given,
  }: { readonly tile: number; readonly factor: number; readonly why: string; readonly overlap: number },
): SizeAdvice {
  const image = sampleSize(whole, tile);
  // Resizing to a shorter side would enlarge the tiles of images that are lower or narrower than a tile.
  const minSize = factor > 1 ? multipleOf32(Math.min(...image) * factor) : null;
  const other = { ...spec, transform: { ...spec.transform, minSize } };
  const pixels = short(p10 * scaleOf(image, other));
  const [height, width] = image;
  const shape = height === width ? '' : `, here ${width} x ${height} because of the size of the images`;
  const size =
    minSize === null
      ? {
          value: spec.transform.minSize === null ? 'none (unchanged)' : 'none',
          ...(spec.transform.minSize === null ? { isPresent: true as const } : {}),
          reason: `tiles keep their size: small objects then have ${pixels} pixels`,
        }
      : {
          value: `${minSize}`,
          reason: `shorter side of a tile after resizing: small objects then have ${pixels} pixels`,
        };
  const overlap = Math.min(given, multipleOf32(tile / 4));
  return {
    rows: [
      {
        setting: 'tiles',
        value: `${tile}`,
        number: tile,
        reason: `${why}; tiles of ${tile} pixels${shape} hold large objects, too (90 % are smaller than ${short(p90)} pixels)`,
      },
      ...(overlap === given
        ? []
        : [
            {
              setting: 'overlap of tiles' as const,
              value: `${overlap}`,
              number: overlap,
              reason: `a quarter of the tiles; ${given} would show most of the ground several times`,
            },
          ]),
      { setting: 'image size', number: minSize, ...size },
    ],
    spec: other,
    image,
    tile,
    overlap,
  };
}

/** Number of samples that images are cut into. Images of unknown size count as one. */
export function countSamples(items: readonly Item[], { tile, overlap }: Tiling): number {
  if (tile === null) return items.length;
  const along = (side: number): number => steppedStarts(side, tile, overlap).length;
  return items.reduce((sum, item) => {
    const size = sizeOf(item);
    return sum + (size === null ? 1 : along(size.width) * along(size.height));
  }, 0);
}

/**
 * The boxes as the network sees them. Tiles are not cut: a whole image at the scale of its tiles has the same boxes, except
 * those that the edges of tiles cut, and anchors as far from them on average.
 */
export function placeSamples(items: readonly Item[], spec: RetinaNetSpec, { tile }: Pick<Tiling, 'tile'>): PlacedBoxes {
  const images = items.map(sizedImage);
  if (tile === null || spec.transform.minSize === null) return placeBoxes(images, spec);
  return placeBoxes(
    images.map((image) => enlarged(image, tile, spec)),
    { ...spec, transform: { ...spec.transform, minSize: null } },
  );
}

/** An image at the scale to which its tiles are resized. */
function enlarged(image: SizedImage, tile: number, spec: RetinaNetSpec): SizedImage {
  const { width, height, objects } = image;
  if (width === null || height === null) return image;
  const scale = scaleOf(sampleSize([height, width], tile), spec);
  return {
    width: Math.round(width * scale),
    height: Math.round(height * scale),
    objects: objects.map(({ label, ...object }) => {
      // What is not visible stays in its place in the list, without extent.
      const box = visibleBox(image, { label, ...object }) ?? ([0, 0, 0, 0] as const);
      return { label, box: box.map((value) => value * scale) as unknown as Box };
    }),
  };
}
