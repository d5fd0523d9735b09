import { optionalPackage } from '../../common/optional-package.ts';
import { geojsonOf, type OutputField, type OutputLayer, type LayerSummary } from '../output-layer.ts';
import { BufferedFile } from './buffered-file.ts';

/** GeometryType and ColumnType of FlatGeobuf's schema. */
const GEOMETRY = { Polygon: 3, MultiPolygon: 6 } as const;
const COLUMN = { integer: 7, real: 10, text: 11 } as const satisfies Record<OutputField['type'], number>;

/** Writes a FlatGeobuf file (version 3) without a spatial index, whose coordinate system is named by its EPSG code. */
export async function writeFlatGeobuf(
  path: string,
  { fields, features, crs }: OutputLayer,
  { count, isMulti }: LayerSummary,
): Promise<void> {
  const [{ magicbytes }, { buildHeader }, { buildFeature }, { parseGeometry }] = await optionalPackage(
    'flatgeobuf',
    () =>
      // The parts of the package's `serialize`, which takes all features at once.
      Promise.all([
        import('flatgeobuf/lib/mjs/constants.js'),
        import('flatgeobuf/lib/mjs/generic/featurecollection.js'),
        import('flatgeobuf/lib/mjs/generic/feature.js'),
        import('flatgeobuf/lib/mjs/geojson/geometry.js'),
      ]),
  );
  const none = { title: null, description: null, metadata: null };
  const column = { ...none, width: -1, precision: -1, scale: -1, nullable: true, unique: false, primary_key: false };
  const header = {
    ...none,
    geometryType: isMulti ? GEOMETRY.MultiPolygon : GEOMETRY.Polygon,
    columns: fields.map(({ name, type }) => ({ ...column, name, type: COLUMN[type] })),
    envelope: null,
    featuresCount: count,
    indexNodeSize: 0,
    crs: null,
  };
  await BufferedFile.write(path, async (file) => {
    await file.add(magicbytes);
    await file.add(buildHeader(header, crs?.epsg ?? 0));
    for (const { polygons, properties } of features) {
      await file.add(buildFeature(parseGeometry(geojsonOf(polygons, isMulti)), { ...properties }, header));
    }
  });
}
