import { reasonOf } from '../../common/check.ts';
import { readLimited } from '../../imagery/node/read-limited.ts';
import { optionalPackage } from '../../common/optional-package.ts';
import { crsOfWkt } from '../crs.ts';
import { geojsonGeometry } from '../geojson.ts';
import type { Feature, VectorLayer } from '../layer.ts';

/**
 * Reads a shapefile (ESRI, 1998): `.shp`, with attributes of the `.dbf`, the coordinate system of the `.prj` and the encoding
 * of the `.cpg` beside it (default Windows-1252 as in the package shapefile). Rejects with an Error for a damaged file.
 */
export async function readShapefile(path: string): Promise<VectorLayer> {
  const { openShp, openDbf } = await optionalPackage('shapefile', () => import('shapefile'));
  const beside = (ending: string): Promise<Buffer | null> => besideOf(path, ending);
  const [bytes, table, prj, cpg] = [
    await readLimited(path),
    await beside('dbf'),
    await beside('prj'),
    await beside('cpg'),
  ];
  checkLength(bytes);
  if (table !== null) checkTable(table);
  const shapes = await openShp(bytes);
  const rows = table === null ? null : await openDbf(table, { encoding: encodingOf(cpg?.toString('latin1') ?? '') });
  const features: Feature[] = [];
  let index = 0;
  for (; ; index++) {
    const [shape, row] = [await shapes.read(), await rows?.read()];
    if (shape.done || (row?.done ?? false)) {
      if (row !== undefined && shape.done !== row.done) {
        throw new Error(
          `damaged: ${shape.done ? 'more rows in the .dbf than shapes' : 'more shapes than rows in the .dbf'}`,
        );
      }
      break;
    }
    // A null shape.
    if (shape.value === null) continue;
    features.push({ index, properties: row?.value ?? {}, ...geojsonGeometry(shape.value, index) });
  }
  const count = table?.readUInt32LE(4) ?? index;
  if (index !== count) throw new Error(`damaged: ${index} shapes could be read, the .dbf has ${count} rows`);
  return { name: path, crs: prj === null ? null : crsOfWkt(prj.toString('utf8')), features };
}

/** Compares the length of the file with that in its header, in words of two bytes. */
function checkLength(bytes: Buffer): void {
  if (bytes.length < 100 || bytes.readUInt32BE(0) !== 9994) throw new Error('not a shapefile (wrong signature)');
  const length = bytes.readUInt32BE(24) * 2;
  if (bytes.length < length) throw new Error(`truncated: it has ${bytes.length} of ${length} bytes`);
}

/** Compares the length of the `.dbf` with that of the rows in its header. Some programs omit the mark of the end. */
function checkTable(table: Buffer): void {
  if (table.length < 32) throw new Error(`truncated: the .dbf has ${table.length} bytes, its header alone takes 32`);
  const length = table.readUInt16LE(8) + table.readUInt32LE(4) * table.readUInt16LE(10);
  if (table.length < length) throw new Error(`truncated: the .dbf has ${table.length} of ${length} bytes`);
}

/** The file of the same name with another ending, in small or capital letters; null if it does not exist. */
async function besideOf(path: string, ending: string): Promise<Buffer | null> {
  const bare = path.replace(/\.shp$/i, '');
  for (const name of [`${bare}.${ending}`, `${bare}.${ending.toUpperCase()}`]) {
    try {
      return await readLimited(name);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
        throw new Error(reasonOf(error), { cause: error });
    }
  }
  return null;
}

/** The encoding that a `.cpg` file names, as `TextDecoder` knows it: `UTF-8`, `1252`, `ISO88591`. */
function encodingOf(cpg: string): string {
  const name = cpg.trim().toLowerCase();
  if (name === '') return 'windows-1252';
  const latin = /^(?:iso)?[- ]?8859[- ]?(\d+)$/.exec(name)?.[1];
  if (latin !== undefined) return `iso-8859-${latin}`;
  return /^\d{3,4}$/.test(name) ? `windows-${name}` : name;
}
