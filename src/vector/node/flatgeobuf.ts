import { readLimited } from '../../imagery/node/read-limited.ts';
import { optionalPackage } from '../../common/optional-package.ts';
import { crsOfEpsg, crsOfWkt, type Crs } from '../crs.ts';
import { checkFlatGeobuf } from '../flatgeobuf-check.ts';
import { geojsonGeometry } from '../geojson.ts';
import type { Feature, VectorLayer } from '../layer.ts';

/** Reads a FlatGeobuf file. Rejects with an Error for a damaged file. */
export async function readFlatGeobuf(path: string): Promise<VectorLayer> {
  const { deserialize } = await optionalPackage('flatgeobuf', () => import('flatgeobuf/lib/mjs/geojson.js'));
  const bytes = await readLimited(path);
  // Version 3, followed by a patch level.
  if (bytes.toString('latin1', 0, 7) !== 'fgb\x03fgb')
    throw new Error('not a FlatGeobuf file of version 3 (wrong signature)');
  const hasFeatures = checkFlatGeobuf(bytes);
  if (!hasFeatures) return { name: path, crs: null, features: [] };
  let crs: Crs | null = null;
  let count = 0;
  const features: Feature[] = [];
  const items = deserialize(new Uint8Array(bytes), {
    headerMetaFn: (header: FileHeader) => {
      count = header.featuresCount;
      crs = headerCrs(header.crs);
    },
  });
  let index = 0;
  for await (const { properties, geometry } of items) {
    if (geometry !== null) features.push({ index, properties: properties ?? {}, ...geojsonGeometry(geometry, index) });
    index++;
  }
  // A count of 0 is an unknown one.
  if (count > 0 && index !== count) throw new Error(`truncated: ${index} of ${count} features could be read`);
  return { name: path, crs, features };
}

/** The part of a header that is used. The package declares it in a file that TypeScript does not find from Node. */
interface FileHeader {
  readonly featuresCount: number;
  readonly crs: { readonly org: string | null; readonly code: number; readonly wkt: string | null } | null;
}

function headerCrs(crs: FileHeader['crs']): Crs | null {
  if (crs === null) return null;
  if (crs.code > 0 && (crs.org ?? 'EPSG') === 'EPSG') return crsOfEpsg(crs.code);
  return crs.wkt === null || crs.wkt === '' ? null : crsOfWkt(crs.wkt);
}
