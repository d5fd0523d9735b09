import { counted } from '../common/check.ts';
import { isProper } from '../detector/visible-box.ts';
import { applyAffine, cornersOnMap, invertAffine, projectionOf } from '../imagery/georeference.ts';
import { type Box, type Point, boundsOf } from '../imagery/geometry.ts';
import { MAX_EXAMPLES, type Finding, type Inventory, type Item } from './types.ts';

/** Fraction of the boxes outside that another coordinate system must bring into their images to be the explanation. */
const EXPLAINED = 0.8;

/** The centre of a box that lies outside its image, in map coordinates of the image. */
interface OutsideBox {
  readonly item: Item;
  readonly map: Point;
}

/** Another way to read map coordinates. */
interface MapReading {
  readonly kind: string;
  /** Whether a box would lie in its image if its coordinates were read in this way. */
  readonly fits: (box: OutsideBox) => boolean;
  /** What is wrong with the coordinates if they are to be read in this way. */
  readonly problem: string;
  readonly remedy: string;
}

function mapReadings(): MapReading[] {
  const swapped = swappedBounds();
  return [
    {
      kind: 'crs-swapped-axes',
      fits: ({ item, map: [x, y] }) => isOnMap(item, [y, x]) || isWithin([x, y], swapped(item)),
      problem: 'lie outside their images, but inside with longitude and latitude (or easting and northing) swapped',
      remedy: 'Write longitude (easting) before latitude (northing), as GeoJSON requires',
    },
    {
      kind: 'crs-degrees',
      fits: ({ item, map }) => isOnMap(item, projected(item, map)),
      problem: 'are in degrees, but were read as metres in the coordinate system of the image',
      remedy: 'Name the coordinate system in the labels (crs CRS84), or reproject them with ogr2ogr -t_srs',
    },
    {
      kind: 'crs-degrees-swapped',
      fits: ({ item, map: [x, y] }) => isOnMap(item, projected(item, [y, x])),
      problem: 'are in degrees with latitude first, but were read as metres in the coordinate system of the image',
      remedy: 'Write longitude before latitude, and name the coordinate system in the labels (crs CRS84)',
    },
  ];
}

/**
 * Whether labels that lie outside their georeferenced images would lie inside in another coordinate system: latitude and
 * longitude swapped, degrees where the image has metres. GeoJSON's order is longitude first (RFC 7946, section 3.1.1);
 * many services give latitude first.
 */
export function checkPlacement({ items }: Inventory): Finding[] {
  const outside = items.flatMap(boxesOutside);
  if (outside.length === 0) return [];
  const reading = mapReadings().find(({ fits }) => outside.filter(fits).length >= EXPLAINED * outside.length);
  if (reading === undefined) return [];
  const { kind, problem, remedy } = reading;
  const files = [...new Set(outside.map(({ item }) => item.image.file))];
  return [
    {
      severity: 'error',
      kind,
      where: 'labels',
      message: `The coordinates of ${counted(outside.length, 'box', 'boxes')} ${problem}`,
      remedy,
      count: outside.length,
      examples: files.slice(0, MAX_EXAMPLES),
    },
  ];
}

/** Boxes of a georeferenced image whose centres lie outside it. */
function boxesOutside(item: Item): OutsideBox[] {
  const { size, affine } = item.facts;
  if (size === null || affine === null) return [];
  return item.image.objects.flatMap(({ box }) => {
    const [x, y] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    if (!isProper(box) || isIn(item, [x, y])) return [];
    return [{ item, map: applyAffine(affine, x, y) }];
  });
}

const isIn = ({ facts: { size } }: Item, [x, y]: Point): boolean =>
  size !== null && x >= 0 && y >= 0 && x <= size.width && y <= size.height;

/** Whether a point in map coordinates of an image lies in it. */
const isOnMap = (item: Item, point: Point | null): boolean =>
  point !== null && item.facts.affine !== null && isIn(item, invertAffine(item.facts.affine)(...point));

const isWithin = ([x, y]: Point, bounds: Box | null): boolean =>
  bounds !== null && x >= bounds[0] && y >= bounds[1] && x <= bounds[2] && y <= bounds[3];

/** The projection of an image in metres; null for degrees and for unknown coordinate systems. */
const projectionFor = ({ facts: { geographic, epsg } }: Item): ReturnType<typeof projectionOf> =>
  geographic === true || epsg === null ? null : projectionOf(epsg);

/** A point in degrees, in the coordinates of an image in metres; null if the point is not in degrees. */
function projected(item: Item, [lon, lat]: Point): Point | null {
  const project = projectionFor(item);
  return project === null || Math.abs(lon) > 180 || Math.abs(lat) > 90 ? null : project(lon, lat);
}

/**
 * For images in metres: the bounds, in metres, of the place where the ground of an image lands if a reader projects its
 * degrees with latitude and longitude swapped. Cached for each image, since it has many boxes.
 */
function swappedBounds(): (item: Item) => Box | null {
  const known = new Map<Item, Box | null>();
  const measure = (item: Item): Box | null => {
    const project = projectionFor(item);
    const { affine, size, epsg } = item.facts;
    if (project === null || affine === null || size === null || epsg === null) return null;
    // UTM is least distorted in the middle of its zone; Mercator's projection is the same at every longitude.
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
