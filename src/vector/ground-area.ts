import { ringArea, type Point, type Polygon } from '../imagery/geometry.ts';

const RADIUS = 6_378_137; // semi-major axis of WGS84
const ECCENTRICITY = Math.sqrt(0.00669437999014);

/**
 * Area in square metres on the ellipsoid of polygons in degrees (longitude, latitude), by the cylindrical equal-area
 * projection (Snyder, "Map Projections: A Working Manual", 1987, equations 10-1, 10-2 and 3-12). Heights do not count. Edges are
 * straight on that map; for objects smaller than a kilometre they differ from the shortest lines by less than 0.01 % of the
 * area.
 */
export function groundArea(polygons: readonly Polygon[]): number {
  const area = polygons.reduce((sum, rings) => {
    const [outer = 0, ...holes] = rings.map((ring) => Math.abs(ringArea(ring.map(onEqualAreaMap))));
    return sum + holes.reduce((rest, hole) => rest - hole, outer);
  }, 0);
  return area;
}

function onEqualAreaMap([longitude, latitude]: Point): Point {
  const sine = Math.sin((latitude * Math.PI) / 180);
  const e = ECCENTRICITY;
  const q = (1 - e * e) * (sine / (1 - (e * sine) ** 2) + Math.atanh(e * sine) / e);
  return [(RADIUS * longitude * Math.PI) / 180, (RADIUS * q) / 2];
}
