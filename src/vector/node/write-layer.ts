import { access, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { InputError } from '../../common/errors.ts';
import { writeAtomically } from '../../common/node/write-atomically.ts';
import { MissingPackageError } from '../../common/optional-package.ts';
import { esriWkt } from '../esri-wkt.ts';
import { summarizeLayer, type LayerFormat, type OutputLayer } from '../output-layer.ts';
import { writeFlatGeobuf } from './write-flatgeobuf.ts';
import { writeGeojson } from './write-geojson.ts';
import { writeGeopackage } from './write-geopackage.ts';
import { shapefilePaths, writeShapefile } from './write-shapefile.ts';

const OP = 'writeLayer';
const FIELD_NAME = /^[A-Za-z]\w{0,9}$/;

/**
 * Writes a vector layer: GeoJSON, GeoPackage (a file with this layer only), FlatGeobuf or shapefile. The layer is named as
 * the file. All files are written, or none; existing ones are kept unless `overwrite` is true. Memory does not depend on the
 * number of features, except where sql.js writes GeoPackage. Resolves to the paths of the files.
 *
 * Rejects with an `InputError` if a file exists or cannot be written, if the format cannot express the coordinate system or
 * the layer, and with a RangeError for invalid names of fields.
 */
export async function writeLayer(
  path: string,
  format: LayerFormat,
  layer: OutputLayer,
  overwrite = false,
): Promise<readonly string[]> {
  for (const { name } of layer.fields) {
    if (!FIELD_NAME.test(name)) {
      throw new RangeError(`${OP}: field "${name}", expected at most ten ASCII letters, digits and underscores`);
    }
  }
  const name = basename(path).replace(/\.\w+$/, '');
  const wkt = checkCrs(path, format, layer);
  const paths = format === 'shp' ? shapefilePaths(path) : [path];
  if (format === 'gpkg') await checkUnused(path);
  await writeAtomically(OP, paths, overwrite, async (temporaryOf) => {
    const summary = summarizeLayer(layer.fields, layer.features);
    const to = temporaryOf(path);
    if (format === 'geojson') await writeGeojson(to, name, layer, summary);
    else if (format === 'gpkg') await writeGeopackage(to, name, layer, summary);
    else if (format === 'fgb') await writeFlatGeobuf(to, layer, summary);
    else await writeShapefile(OP, paths.map(temporaryOf), layer, summary, wkt);
  }).catch((error: unknown) => {
    if (!(error instanceof MissingPackageError)) throw error;
    const newer = format === 'gpkg' ? 'Node 22.13 or later, or ' : '';
    const reason = `${format} needs ${newer}the package ${error.package}: npm install ${error.package}`;
    throw new InputError(OP, reason, { file: path, cause: error });
  });
  // Indexes that other programs made for the features before.
  if (format === 'shp')
    for (const ending of ['.qix', '.sbn', '.sbx']) await rm(path.replace(/\.shp$/i, '') + ending, { force: true });
  return paths;
}

/** The text of a .prj file; empty for other formats and if the system is not known. */
function checkCrs(path: string, format: LayerFormat, { crs }: OutputLayer): string {
  if (crs === null) {
    if (format !== 'geojson') return '';
    throw new InputError(
      OP,
      'the coordinate system is not known, and GeoJSON without one is in WGS84: write GeoPackage',
      { file: path },
    );
  }
  if (format === 'shp') {
    const wkt = esriWkt(crs);
    if (wkt !== null) return wkt;
    throw new InputError(
      OP,
      `the definition of ${crs.name}, which a shapefile needs, is not known: write WGS84 or GeoPackage`,
      { file: path },
    );
  }
  if (format !== 'gpkg' && crs.epsg === null) {
    throw new InputError(OP, `${crs.name} has no EPSG code, by which ${format} names it: write WGS84 or GeoPackage`, {
      file: path,
    });
  }
  return '';
}

/** SQLite would apply the journal of another file with this name to the new one. */
async function checkUnused(path: string): Promise<void> {
  for (const journal of [`${path}-wal`, `${path}-journal`]) {
    const exists = await access(journal).then(
      () => true,
      () => false,
    );
    if (exists) {
      throw new InputError(OP, `another program has it open (${basename(journal)} exists): close it there`, {
        file: path,
      });
    }
  }
}
