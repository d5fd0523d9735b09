import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { InputError } from '../../common/errors.ts';
import { epsgOfWkt, type Affine } from '../georeference.ts';
import { noReference, type Georeference } from '../raster.ts';

/**
 * The place of an image by the world file beside it: six lines, which give the place of the centre of the first pixel
 * (`a.tfw`, `a.pgw`, `a.jgw`, `a.wld`, or the image's own ending and a `w`), and by the coordinate system in `a.prj`.
 * Rejects with an `InputError` for a world file that is damaged.
 */
export async function readWorldFile(path: string): Promise<Georeference> {
  const ending = extname(path).slice(1);
  const bare = path.slice(0, path.length - ending.length);
  const short = ending === '' ? [] : [`${ending[0]}${ending[ending.length - 1]}w`, `${ending}w`];
  const names = [...short, 'wld'].flatMap((name) => [name, name.toUpperCase()]).map((name) => `${bare}${name}`);
  for (const file of names) {
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text === null) continue;
    const system = await readProjection(`${bare}prj`);
    return { affine: parseWorldFile(text, file), ...system };
  }
  return noReference;
}

function parseWorldFile(text: string, file: string): Affine {
  const values = text
    .trim()
    .split(/\s+/)
    .map((value) => Number(value.replace(',', '.')));
  const [a, d, b, e, x, y] = values;
  if (values.length !== 6 || !values.every(Number.isFinite)) {
    const reason = `"${text.trim().replace(/\s+/g, ' ').slice(0, 80)}" is not a world file, expected six numbers: pixel width, two rotations, pixel height, x and y`;
    throw new InputError('readWorldFile', reason, { file });
  }
  // From the centre of the first pixel to its corner.
  return [a!, b!, x! - (a! + b!) / 2, d!, e!, y! - (d! + e!) / 2];
}

/** The coordinate system in a .prj file (WKT): its EPSG code, if it has one or is WGS84, a UTM zone of it or Web Mercator. */
async function readProjection(file: string): Promise<Pick<Georeference, 'epsg' | 'geographic'>> {
  return systemOfWkt(await readFile(file, 'utf8').catch(() => ''));
}

/** The coordinate system of a text in WKT 1; nothing is known of an empty one. */
export function systemOfWkt(wkt: string): Pick<Georeference, 'epsg' | 'geographic'> {
  const kind = /^\s*(GEOG|PROJ)/i.exec(wkt)?.[1]?.toUpperCase();
  return { epsg: epsgOfWkt(wkt) ?? epsgOfName(wkt), geographic: kind === undefined ? null : kind === 'GEOG' };
}

/** The EPSG code of a system by its name, as OGC or Esri write it; null if it has none that is known. */
function epsgOfName(wkt: string): number | null {
  const name = /^\s*\w+\[\s*"([^"]*)"/.exec(wkt)?.[1] ?? '';
  const utm = /WGS[_ ]?(?:19)?84[ _/]+UTM[_ ]zone[_ ](\d{1,2})([NS])/i.exec(name);
  if (utm !== null) return (utm[2]!.toUpperCase() === 'N' ? 32_600 : 32_700) + Number(utm[1]);
  if (/^(GCS_)?WGS[_ ]?(19)?84$/i.test(name)) return 4326;
  return /Web_?Mercator|Pseudo-Mercator/i.test(name) ? 3857 : null;
}
