import { boundsOf } from '../imagery/boxes.ts';
import { applyAffine, cornersOnMap, invertAffine, projectionOf } from '../imagery/georeference.ts';
import type { Box, Point } from '../imagery/geometry.ts';
import type { Finding, Inventory, Item } from './types.ts';
import { counted } from '../common/check.ts';
import { isProper } from '../detector/visible-box.ts';

/** Share of the boxes that another coordinate system must bring into their images to be the explanation. */
const EXPLAINED = 0.8;

/** A centre of a box in map coordinates of its image, and where it would lie after a change. */
interface Stray {
  readonly item: Item;
  readonly map: Point;
}
type Test = (stray: Stray) => boolean;

/**
 * Whether labels that lie outside their georeferenced images would lie inside in another coordinate system: latitude and
 * longitude exchanged, degrees where the image has metres. GeoJSON's order is longitude first (RFC 7946, section 3.1.1);
 * many services give latitude first.
 */
export function checkPlacement({ items }: Inventory): Finding[] {
  const strays = items.flatMap((item): Stray[] => {
    const { size, affine } = item.facts;
    if (size === null || affine === null) return [];
    return item.image.objects.flatMap(({ box }) => {
      const [x, y] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
      if (!isProper(box) || isIn(item, [x, y])) return [];
      return [{ item, map: applyAffine(affine, x, y) }];
    });
  });
  if (strays.length === 0) return [];
  const swapped = swappedBounds();
  const readings: readonly (readonly [kind: string, fits: Test, message: string, remedy: string])[] = [
    [
      'crs-swapped-axes',
      ({ item, map: [x, y] }) => isOnMap(item, [y, x]) || isWithin([x, y], swapped(item)),
      'outside their images, but inside with longitude and latitude (or east and north) exchanged',
      'Write longitude (east) first, then latitude (north), as GeoJSON has it',
    ],
    [
      'crs-degrees',
      ({ item, map }) => isOnMap(item, projected(item, map)),
      'in degrees, read as metres of the image',
      'Say so in the labels (crs CRS84), or reproject them with ogr2ogr -t_srs',
    ],
    [
      'crs-degrees-swapped',
      ({ item, map: [x, y] }) => isOnMap(item, projected(item, [y, x])),
      'in degrees with latitude first, read as metres of the image',
      'Write longitude first and say that they are degrees (crs CRS84)',
    ],
  ];
  const found = readings.find(([, fits]) => strays.filter(fits).length >= EXPLAINED * strays.length);
  if (found === undefined) return [];
  const [kind, , message, remedy] = found;
  const places = [...new Set(strays.map(({ item }) => item.image.file))];
  return [
    {
      severity: 'error',
      kind,
      where: 'labels',
      message: `${counted(strays.length, 'box', 'boxes')} ${message}`,
      remedy,
      count: strays.length,
      examples: places.slice(0, 5),
    },
  ];
}

const isIn = ({ facts: { size } }: Item, [x, y]: Point): boolean =>
  size !== null && x >= 0 && y >= 0 && x <= size.width && y <= size.height;

/** Whether a point in map coordinates of an image lies in it. */
const isOnMap = (item: Item, point: Point | null): boolean =>
  point !== null && item.facts.affine !== null && isIn(item, invertAffine(item.facts.affine)(...point));

const isWithin = ([x, y]: Point, bounds: Box | null): boolean =>
  bounds !== null && x >= bounds[0] && y >= bounds[1] && x <= bounds[2] && y <= bounds[3];

/** The projection of an image in metres; null for degrees and for systems that are not known. */
const projectionFor = ({ facts: { geographic, epsg } }: Item): ReturnType<typeof projectionOf> =>
  geographic === true || epsg === null ? null : projectionOf(epsg);

/** A point in degrees on the map of an image in metres; null where it is not in degrees. */
function projected(item: Item, [lon, lat]: Point): Point | null {
  const project = projectionFor(item);
  return project === null || Math.abs(lon) > 180 || Math.abs(lat) > 90 ? null : project(lon, lat);
}

/**
 * For images in metres: bounds, in metres, of where an image's ground lands when a reader projects its degrees with
 * latitude and longitude exchanged. Kept for each image, since it has many boxes.
 */
function swappedBounds(): (item: Item) => Box | null {
  const known = new Map<Item, Box | null>();
  const measure = (item: Item): Box | null => {
    const project = projectionFor(item);
    const { affine, size, epsg } = item.facts;
    if (project === null || affine === null || size === null || epsg === null) return null;
    // UTM is plainest in the middle of its zone, Mercator's projection is alike everywhere.
    const centre = epsg === 3857 ? 0 : (epsg % 100) * 6 - 183;
    const swapped = cornersOnMap(affine, size.width, size.height).map((corner) => {
      const [lon, lat] = unproject(project, centre, corner);
      return project(lat, lon);
    });
    return boundsOf(swapped);
  };
  return (item) => {
    let bounds = known.get(item);
    if (bounds === undefined) known.set(item, (bounds = measure(item)));
    return bounds;
  };
}

/** Longitude and latitude of a point in metres, by Newton's method from the equator at the longitude `centre`. */
function unproject(project: (lon: number, lat: number) => Point, centre: number, [x, y]: Point): Point {
  const step = 1e-5;
  let [lon, lat] = [centre, 0];
  for (let i = 0; i < 20; i++) {
    const [px, py] = project(lon, lat);
    const [ax, ay] = project(lon + step, lat);
    const [bx, by] = project(lon, lat + step);
    const [dx, dy] = [x - px, y - py];
    const [xLon, yLon, xLat, yLat] = [(ax - px) / step, (ay - py) / step, (bx - px) / step, (by - py) / step];
    const determinant = xLon * yLat - xLat * yLon;
    lon += (dx * yLat - dy * xLat) / determinant;
    lat += (dy * xLon - dx * yLon) / determinant;
  }
  return [lon, lat];
}
