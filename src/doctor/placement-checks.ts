import { invertAffine, projectionOf } from '../data/georeference.ts';
import type { Point } from '../data/geometry.ts';
import { counted, isProper } from './types.ts';
import type { Finding, Inventory, Item } from './types.ts';

/** Share of the boxes that another coordinate system must bring into their images to be the explanation. */
const EXPLAINED = 0.8;

/** A centre of a box in map coordinates of its image, and where it would lie after a change. */
interface Stray {
  readonly item: Item;
  readonly map: Point;
}
type Change = (stray: Stray) => Point | null;

/**
 * Whether labels that lie outside their georeferenced images would lie inside in another coordinate system: latitude and
 * longitude exchanged, degrees where the image has metres. GeoJSON's order is longitude first (RFC 7946, section 3.1.1);
 * many services give latitude first.
 */
export function checkPlacement({ items }: Inventory): Finding[] {
  const strays = items.flatMap((item): Stray[] => {
    const { size, affine } = item.facts;
    if (size === null || affine === null) return [];
    const [a, b, c, d, e, f] = affine;
    return item.image.objects.flatMap(({ box }) => {
      const [x, y] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
      if (!isProper(box) || isIn(item, [x, y])) return [];
      return [{ item, map: [a * x + b * y + c, d * x + e * y + f] as const }];
    });
  });
  if (strays.length === 0) return [];
  const share = (change: Change): number =>
    strays.filter((stray) => {
      const point = change(stray);
      const { affine } = stray.item.facts;
      return point !== null && affine !== null && isIn(stray.item, invertAffine(affine)(...point));
    }).length / strays.length;

  const degrees =
    (swap: boolean): Change =>
    ({ item: { facts }, map: [x, y] }) => {
      const project = facts.geographic === true || facts.epsg === null ? null : projectionOf(facts.epsg);
      const [lon, lat] = swap ? [y, x] : [x, y];
      return project === null || Math.abs(lon) > 180 || Math.abs(lat) > 90 ? null : project(lon, lat);
    };
  const readings: readonly (readonly [string, Change, string, string])[] = [
    [
      'crs-swapped-axes',
      ({ map: [x, y] }) => [y, x],
      'outside their images, but inside with the two map coordinates exchanged',
      'Write longitude (east) first, then latitude (north), as GeoJSON has it',
    ],
    [
      'crs-degrees',
      degrees(false),
      'in degrees, read as metres of the image',
      'Say so in the labels (crs CRS84), or reproject them with ogr2ogr -t_srs',
    ],
    [
      'crs-degrees-swapped',
      degrees(true),
      'in degrees with latitude first, read as metres of the image',
      'Write longitude first and say that they are degrees (crs CRS84)',
    ],
  ];
  const found = readings.find(([, change]) => share(change) >= EXPLAINED);
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
