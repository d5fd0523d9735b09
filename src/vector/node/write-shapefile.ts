import { writeFile } from 'node:fs/promises';
import { InputError } from '../../common/errors.ts';
import type { OutputLayer, LayerSummary } from '../output-layer.ts';
import {
  DBF_END,
  dbfColumns,
  dbfHeader,
  dbfRow,
  HEADER_BYTES,
  indexRecord,
  MAX_BYTES,
  MAX_TEXT_BYTES,
  recordBytes,
  rowBytes,
  shapeHeader,
  shapeRecord,
} from '../shapefile-records.ts';
import { BufferedFile } from './buffered-file.ts';

/** The files of a shapefile: geometries, their index, attributes, coordinate system and encoding of text. */
const ENDINGS = ['.shp', '.shx', '.dbf', '.prj', '.cpg'] as const;

/** The paths of the files of a shapefile; that of the .shp file is first. */
export const shapefilePaths = (path: string): string[] => {
  const stem = path.replace(/\.shp$/i, '');
  return [path, ...ENDINGS.slice(1).map((ending) => stem + ending)];
};

/** Writes the files of a shapefile to the paths that `shapefilePaths` names, in the same order. `wkt` is the text of the .prj file. */
export async function writeShapefile(
  op: string,
  paths: readonly string[],
  { fields, features }: OutputLayer,
  summary: LayerSummary,
  wkt: string,
): Promise<void> {
  const [shp, shx, dbf, prj, cpg] = paths as [string, string, string, string, string];
  for (const [name, bytes] of summary.textBytes) {
    if (bytes > MAX_TEXT_BYTES) {
      const reason = `a text of ${name} has ${bytes} bytes, shapefiles hold at most ${MAX_TEXT_BYTES}`;
      throw new InputError(op, `${reason}: write a GeoPackage`);
    }
  }
  const columns = dbfColumns(fields, summary.textBytes);
  const shpBytes = HEADER_BYTES + recordBytes(summary.count, summary.rings, summary.points);
  const largest = Math.max(shpBytes, summary.count * rowBytes(columns));
  if (largest > MAX_BYTES) {
    const reason = `${summary.count} features need files of ${(largest / 2 ** 30).toFixed(1)} GiB`;
    throw new InputError(op, `${reason}, shapefiles have at most 2: write a GeoPackage`);
  }
  await BufferedFile.write(shp, (shapes) =>
    BufferedFile.write(shx, (index) =>
      BufferedFile.write(dbf, async (table) => {
        await shapes.add(shapeHeader(shpBytes, summary.bounds));
        await index.add(shapeHeader(HEADER_BYTES + 8 * summary.count, summary.bounds));
        await table.add(dbfHeader(columns, summary.count, new Date()));
        let number = 0;
        for (const { polygons, properties } of features) {
          const record = shapeRecord(++number, polygons);
          await index.add(indexRecord(shapes.length, record.length));
          await shapes.add(record);
          await table.add(dbfRow(columns, properties));
        }
        await table.add(DBF_END);
      }),
    ),
  );
  await writeFile(prj, wkt);
  await writeFile(cpg, 'UTF-8');
}
