import { applyAffine, groundResolution, type Affine } from '../../imagery/georeference.ts';
import type { Point } from '../../imagery/geometry.ts';
import type { Georeference } from '../../imagery/raster.ts';

// Where the images of a map lie. A map is a plane of pixels, so that every image is shown exactly, without resampling.

/** What is known of the place of an image. */
export interface PlacedImage extends Georeference {
  readonly width: number;
  readonly height: number;
}

/** The plane of an image, and the place of its upper left corner there, in pixels. */
export interface Placement {
  readonly plane: number;
  readonly x: number;
  readonly y: number;
}

/** Difference of pixel sizes, in pixels over the width or height of an image, up to which images fit together. */
const TOLERANCE = 0.5;

/**
 * Places images. Those of one coordinate system, with north up and pixels of one size, such as the tiles of an orthophoto,
 * share a plane. Every other image has a plane of its own.
 */
export function placeImages(images: readonly PlacedImage[]): Placement[] {
  const planes: { readonly first: PlacedImage; readonly key: string }[] = [];
  return images.map((image) => {
    const key = planeKey(image);
    const plane = planes.findIndex(
      (other) => key !== null && other.key === key && haveOnePixelSize(other.first, image),
    );
    if (plane >= 0) return { plane, ...offsetFrom(planes[plane]!.first.affine!, image.affine!) };
    planes.push({ first: image, key: key ?? '' });
    return { plane: planes.length - 1, x: 0, y: 0 };
  });
}

/** What images of one plane have in common; null for an image that shares its plane with none. */
function planeKey({ affine, epsg, geographic }: PlacedImage): string | null {
  if (affine === null || (epsg === null && geographic !== true)) return null;
  const [a, b, , d, e] = affine;
  return a > 0 && e < 0 && b === 0 && d === 0 ? `${epsg ?? 'degrees'}` : null;
}

function haveOnePixelSize(first: PlacedImage, image: PlacedImage): boolean {
  const [a, , , , e] = first.affine!;
  const [a2, , , , e2] = image.affine!;
  return Math.abs(a2 / a - 1) * image.width < TOLERANCE && Math.abs(e2 / e - 1) * image.height < TOLERANCE;
}

function offsetFrom([a, , c, , e, f]: Affine, [, , c2, , , f2]: Affine): { x: number; y: number } {
  return { x: (c2 - c) / a, y: (f2 - f) / e };
}

/**
 * Width and height of a pixel on the ground in metres, in the middle of an image; null where `groundResolution` does not
 * know it.
 */
export function pixelOnGround(image: PlacedImage): readonly [width: number, height: number] | null {
  const side = groundResolution(image);
  if (side === null || image.affine === null) return null;
  const [a, b, , d, e] = image.affine;
  const [, y] = applyAffine(image.affine, image.width / 2, image.height / 2);
  // Degrees of longitude are shorter than those of latitude. The unit cancels: `side` has the area.
  const shrink = image.geographic === true ? Math.cos((y * Math.PI) / 180) : 1;
  const ratio = Math.sqrt(Math.hypot(a * shrink, d) / Math.hypot(b * shrink, e));
  return [side * ratio, side / ratio];
}

/**
 * Longitude and latitude (WGS84, degrees) of nine points of an image, three by three at its left edge, middle and right
 * edge, row by row; quadratic interpolation between them is accurate to a metre for images of up to 20 kilometres.
 * `toLonLat` converts its map coordinates; null for a place that has none. Null if that is so for one of the points.
 */
export function lonLatGrid(
  { affine, width, height }: PlacedImage,
  toLonLat: (x: number, y: number) => Point | null,
): Point[] | null {
  if (affine === null) return null;
  const points = [0, 0.5, 1].flatMap((v) =>
    [0, 0.5, 1].map((u) => toLonLat(...applyAffine(affine, u * width, v * height))),
  );
  return points.every((point) => point !== null) ? points : null;
}
