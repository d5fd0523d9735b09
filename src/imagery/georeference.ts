import { type Box, type Point, boundsOf } from './geometry.ts';

/** Map x = a*column + b*row + c, map y = d*column + e*row + f. The upper left corner of pixel (0, 0) is at (0, 0). */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Map coordinates of a place in the image, in pixels. */
export function applyAffine([a, b, c, d, e, f]: Affine, x: number, y: number): Point {
  return [c + a * x + b * y, f + d * x + e * y];
}

/** Map coordinates of the four corners of an image of `width` x `height` pixels, row by row. */
export function cornersOnMap(affine: Affine, width: number, height: number): Point[] {
  return [
    applyAffine(affine, 0, 0),
    applyAffine(affine, width, 0),
    applyAffine(affine, 0, height),
    applyAffine(affine, width, height),
  ];
}

/** The smallest upright box, in map coordinates, around an image of `width` x `height` pixels. */
export function boundsOnMap(affine: Affine, width: number, height: number): Box {
  return boundsOf(cornersOnMap(affine, width, height));
}

/** The map from map coordinates to pixels. Throws a RangeError when the transform has no inverse. */
export function invertAffine([a, b, c, d, e, f]: Affine): (x: number, y: number) => Point {
  const determinant = a * e - b * d;
  if (!Number.isFinite(determinant) || determinant === 0) {
    throw new RangeError(`georeference: transform [${[a, b, c, d, e, f].join(', ')}] has no inverse`);
  }
  return (x, y) => [(e * (x - c) - b * (y - f)) / determinant, (a * (y - f) - d * (x - c)) / determinant];
}

/**
 * The projection of an EPSG code, from longitude and latitude in degrees (WGS84) to metres: UTM zones (326zz, 327zz) and
 * Web Mercator (3857). Null for other codes.
 */
export function projectionOf(epsg: number): ((lon: number, lat: number) => Point) | null {
  if (epsg === 3857) return webMercator;
  const zone = epsg % 100;
  const south = Math.floor(epsg / 100) === 327;
  if ((!south && Math.floor(epsg / 100) !== 326) || zone < 1 || zone > 60) return null;
  return (lon, lat) => {
    const [x, y] = transverseMercator(lon - (zone * 6 - 183), lat);
    return [500_000 + x, (south ? 10_000_000 : 0) + y];
  };
}

/** The EPSG code that well-known text of a coordinate system (WKT 1 or 2) names for the whole system; null if it names none. */
export function epsgOfWkt(wkt: string): number | null {
  // The entry of the whole is the last; those before belong to its parts.
  const code = /(?:AUTHORITY\s*\[\s*"EPSG"\s*,\s*"?(\d+)"?|\bID\s*\[\s*"EPSG"\s*,\s*(\d+))\s*\]\s*\]\s*$/i.exec(wkt);
  return code === null ? null : Number(code[1] ?? code[2]);
}

const RADIUS = 6_378_137; // semi-major axis of WGS84
const FLATTENING = 1 / 298.257223563;

/**
 * Side of a pixel on the ground in metres (the square root of its area) in the middle of an image, within half a percent;
 * null without a georeference and for coordinate systems whose unit is not known. Known are degrees, Web Mercator (EPSG
 * 3857), and UTM zones of WGS84 (326zz, 327zz), ETRS89 (258zz) and NAD83 (269zz).
 */
export function groundResolution(image: {
  readonly width: number;
  readonly height: number;
  readonly affine: Affine | null;
  readonly epsg: number | null;
  readonly geographic: boolean | null;
}): number | null {
  const { affine, epsg, geographic, width, height } = image;
  if (affine === null) return null;
  const [a, b, , d, e] = affine;
  const side = Math.sqrt(Math.abs(a * e - b * d));
  const [, y] = applyAffine(affine, width / 2, height / 2);
  if (!(side > 0 && side < Infinity)) return null;
  if (geographic === true) {
    // A degree of longitude shrinks with the cosine of the latitude, one of latitude does not.
    return Math.abs(y) < 90 ? side * ((RADIUS * Math.PI) / 180) * Math.sqrt(Math.cos((y * Math.PI) / 180)) : null;
  }
  // Mercator's map is enlarged by 1 / cos(latitude).
  if (epsg === 3857) return side / Math.cosh(y / RADIUS);
  return isUtm(epsg) ? side : null;
}

/** The median of ground resolutions, for an even number the mean of the middle two; null of none. */
export function medianResolution(resolutions: readonly number[]): number | null {
  const sorted = [...resolutions].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

/** Whether an EPSG code is a UTM zone, in metres. */
function isUtm(epsg: number | null): boolean {
  if (epsg === null) return false;
  const zone = epsg % 100;
  return [258, 269, 326, 327].includes(Math.floor(epsg / 100)) && zone >= 1 && zone <= 60;
}

function webMercator(lon: number, lat: number): Point {
  const phi = (lat * Math.PI) / 180;
  return [(RADIUS * lon * Math.PI) / 180, RADIUS * Math.asinh(Math.tan(phi))];
}

/** Krüger's series to the third order: accurate to a millimetre within a zone (Karney, 2011, equations 7 to 12 and 35). */
function transverseMercator(lonFromCentre: number, lat: number): Point {
  const n = FLATTENING / (2 - FLATTENING);
  const rectifying = (RADIUS / (1 + n)) * (1 + n ** 2 / 4 + n ** 4 / 64);
  const alpha = [
    n / 2 - (2 / 3) * n ** 2 + (5 / 16) * n ** 3,
    (13 / 48) * n ** 2 - (3 / 5) * n ** 3,
    (61 / 240) * n ** 3,
  ];
  const sinPhi = Math.sin((lat * Math.PI) / 180);
  const lambda = (lonFromCentre * Math.PI) / 180;
  const eccentricity = (2 * Math.sqrt(n)) / (1 + n);
  const t = Math.sinh(Math.atanh(sinPhi) - eccentricity * Math.atanh(eccentricity * sinPhi));
  const xi = Math.atan2(t, Math.cos(lambda));
  const eta = Math.atanh(Math.sin(lambda) / Math.sqrt(1 + t * t));
  let [x, y] = [eta, xi];
  alpha.forEach((value, i) => {
    const j = 2 * (i + 1);
    x += value * Math.cos(j * xi) * Math.sinh(j * eta);
    y += value * Math.sin(j * xi) * Math.cosh(j * eta);
  });
  return [0.9996 * rectifying * x, 0.9996 * rectifying * y];
}
