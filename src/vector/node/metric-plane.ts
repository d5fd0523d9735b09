import { ringArea, type Point, type Ring } from '../../imagery/geometry.ts';
import { crsOfEpsg, WGS84, type Crs } from '../crs.ts';
import { groundArea } from '../ground-area.ts';
import { transformation } from '../transformation.ts';

/** Maximum relative error of areas on the map. UTM has less than 0.2 % inside its zone, Web Mercator 4 % at 11 degrees. */
const AREA_ERROR = 0.01;
/** Half the side in degrees of the square that is measured. */
const HALF = 0.0005;

/**
 * A coordinate system in metres for the surroundings of a place in longitude and latitude: the first of `candidates` on
 * whose map areas there are as on the ground, within 1 %; otherwise the place's UTM zone on WGS84. Systems in degrees or
 * feet are no such candidates, nor is Web Mercator far from the equator.
 */
export async function metricPlane(place: Point, candidates: readonly Crs[]): Promise<Crs> {
  for (const crs of candidates) if (await hasTrueAreas(crs, place)) return crs;
  const [longitude, latitude] = place;
  const zone = (Math.floor((longitude + 180) / 6) % 60) + 1;
  return crsOfEpsg((latitude < 0 ? 32700 : 32600) + zone);
}

async function hasTrueAreas(crs: Crs, [x, y]: Point): Promise<boolean> {
  const { apply } = await transformation(WGS84, crs);
  const square: Ring = [
    [x - HALF, y - HALF],
    [x + HALF, y - HALF],
    [x + HALF, y + HALF],
    [x - HALF, y + HALF],
  ];
  const onMap = square.map(([longitude, latitude]): Point => apply(longitude, latitude) ?? [NaN, NaN]);
  return Math.abs(Math.abs(ringArea(onMap)) / groundArea([[square]]) - 1) <= AREA_ERROR;
}
