import { applyAffine, groundResolution, invertAffine, projectionOf, type Affine } from '../../imagery/georeference.ts';
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
  const shrink = image.geographic === true ? Math.cos(y / DEGREES) : 1;
  const ratio = Math.sqrt(Math.hypot(a * shrink, d) / Math.hypot(b * shrink, e));
  return [side * ratio, side / ratio];
}

/**
 * Longitude and latitude (WGS84, degrees) of nine points of an image, three by three at its left edge, middle and right
 * edge, row by row; quadratic interpolation between them is accurate to a metre for images of up to 20 kilometres. Null
 * without a georeference and for coordinate systems that `projectionOf` does not know.
 */
export function lonLatGrid({ affine, epsg, geographic, width, height }: PlacedImage): Point[] | null {
  if (affine === null) return null;
  const toLonLat = geographic === true ? (x: number, y: number): Point => [x, y] : inverseProjection(epsg);
  if (toLonLat === null) return null;
  const points = [0, 0.5, 1].flatMap((v) =>
    [0, 0.5, 1].map((u) => toLonLat(...applyAffine(affine, u * width, v * height))),
  );
  return points.every((point) => point.every(Number.isFinite)) ? points : null;
}

/** From map coordinates to longitude and latitude; null for systems that `projectionOf` does not know. */
function inverseProjection(epsg: number | null): ((x: number, y: number) => Point) | null {
  if (epsg === 3857) return inverseWebMercator;
  const project = epsg === null ? null : projectionOf(epsg);
  return epsg === null || project === null ? null : inverseUtm(epsg, project);
}

const DEGREES = 180 / Math.PI;
const EARTH_RADIUS = 6_378_137; // of Web Mercator's sphere, in metres

const inverseWebMercator = (x: number, y: number): Point => [
  (x / EARTH_RADIUS) * DEGREES,
  Math.atan(Math.sinh(y / EARTH_RADIUS)) * DEGREES,
];

/** Degrees over which slopes of a projection are measured. */
const STEP = 1e-5;

/** Newton's method from the middle of a zone: within a zone the projection is nearly linear. */
function inverseUtm(epsg: number, project: (lon: number, lat: number) => Point): (x: number, y: number) => Point {
  const middle = (epsg % 100) * 6 - 183;
  const isSouth = Math.floor(epsg / 100) === 327;
  return (x, y) => {
    let [lon, lat] = [middle, isSouth ? -40 : 40];
    for (let i = 0; i < 10; i++) {
      const [x0, y0] = project(lon, lat);
      const [xLon, yLon] = project(lon + STEP, lat);
      const [xLat, yLat] = project(lon, lat + STEP);
      const slopes = [(xLon - x0) / STEP, (xLat - x0) / STEP, 0, (yLon - y0) / STEP, (yLat - y0) / STEP, 0] as const;
      const [dLon, dLat] = invertAffine(slopes)(x - x0, y - y0);
      lon += dLon;
      lat += dLat;
    }
    return [lon, lat];
  };
}
