import { InputError } from '../../../common/errors.ts';
import type { Affine } from '../../georeference.ts';

/** Corners of an area in degrees of longitude and latitude (WGS84). */
export type LonLatBounds = readonly [west: number, south: number, east: number, north: number];

/** The pixels of an area at one zoom level of Web Mercator, and the tiles that they lie in. */
export interface TileGrid {
  readonly zoom: number;
  readonly tileSize: number;
  /** Column and row of the area's upper left pixel, counted from that of the world. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Column and row of the upper left tile, and the number of columns and rows of tiles. */
  readonly firstColumn: number;
  readonly firstRow: number;
  readonly columns: number;
  readonly rows: number;
  /** From pixels of the area to EPSG:3857. */
  readonly affine: Affine;
}

/** Half of the width of the world in EPSG:3857, in metres: pi times the semi-major axis of WGS84. */
const HALF_WORLD = Math.PI * 6_378_137;
/** The latitude at which the map is a square. */
const MAX_LATITUDE = (Math.atan(Math.sinh(Math.PI)) * 180) / Math.PI;
/** Areas that end on the border of a pixel do so up to this part of one, which is within rounding. */
const TOLERANCE = 1e-3;

/**
 * The pixels that cover an area, which is extended to whole pixels.
 *
 * @throws InputError unless the area lies within Web Mercator's latitudes and does not cross the antimeridian
 */
export function tileGrid(bbox: LonLatBounds, zoom: number, tileSize: number): TileGrid {
  checkBounds(bbox);
  const [west, south, east, north] = bbox;
  const world = tileSize * 2 ** zoom;
  const clamp = (pixel: number): number => Math.min(Math.max(pixel, 0), world);
  const columnOf = (lon: number): number => clamp((world * (lon + 180)) / 360);
  const rowOf = (lat: number): number =>
    clamp((world * (1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI)) / 2);
  const [left, top] = [Math.floor(columnOf(west) + TOLERANCE), Math.floor(rowOf(north) + TOLERANCE)];
  // An area smaller than the tolerance still has a pixel.
  const right = Math.max(Math.ceil(columnOf(east) - TOLERANCE), left + 1);
  const bottom = Math.max(Math.ceil(rowOf(south) - TOLERANCE), top + 1);
  const [firstColumn, firstRow] = [Math.floor(left / tileSize), Math.floor(top / tileSize)];
  const metres = (2 * HALF_WORLD) / world;
  return {
    zoom,
    tileSize,
    left,
    top,
    width: right - left,
    height: bottom - top,
    firstColumn,
    firstRow,
    columns: Math.ceil(right / tileSize) - firstColumn,
    rows: Math.ceil(bottom / tileSize) - firstRow,
    affine: [metres, 0, left * metres - HALF_WORLD, 0, -metres, HALF_WORLD - top * metres],
  };
}

function checkBounds(bbox: LonLatBounds): void {
  const fail = (problem: string): never => {
    throw new InputError('openTiles', `the area ${bbox.join(',')} ${problem}`);
  };
  if (bbox.length !== 4 || !bbox.every(Number.isFinite)) {
    fail('is not four numbers: west, south, east and north in degrees');
  }
  const [west, south, east, north] = bbox;
  if (Math.abs(west) > 180 || Math.abs(east) > 180) {
    fail('has a longitude beyond 180 degrees, expected west,south,east,north from -180 to 180');
  }
  if (Math.max(Math.abs(south), Math.abs(north)) > MAX_LATITUDE) {
    const limit = MAX_LATITUDE.toFixed(4);
    fail(`has a latitude beyond ${limit} degrees, where Web Mercator ends, expected west,south,east,north`);
  }
  if (west > east) {
    const halves = `${west},${south},180,${north} and -180,${south},${east},${north}`;
    fail(`has its west edge east of its east edge; an area across the antimeridian is read in two parts, ${halves}`);
  }
  if (west === east || south >= north) fail('is empty, expected west < east and south < north');
}
