import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { parseJson } from '../../common/json.ts';
import { readUtf8 } from '../../common/node/read-file.ts';
import { MissingPackageError } from '../../common/optional-package.ts';
import { geojsonLayer } from '../geojson.ts';
import { kmlLayer } from '../kml.ts';
import type { VectorLayer } from '../layer.ts';
import { readFlatGeobuf } from './flatgeobuf.ts';
import { readGeoPackage } from './geopackage.ts';
import { readShapefile } from './shapefile.ts';

/** How a vector file is read. */
export interface ReadLayerOptions {
  /** Name of a layer of a GeoPackage. Default: its only one. */
  readonly layer?: string | undefined;
}

/**
 * Reads a layer of a vector file, by the ending of its name: GeoJSON (`.geojson`, `.json`), shapefile (`.shp`), GeoPackage
 * (`.gpkg`), FlatGeobuf (`.fgb`) or KML (`.kml`). Rejects with an `InputError` for other files and damaged ones.
 */
export async function readLayer(path: string, { layer }: ReadLayerOptions = {}): Promise<VectorLayer> {
  try {
    const ending = /\.([^./\\]*)$/.exec(path)?.[1]?.toLowerCase();
    if (layer !== undefined && ending !== 'gpkg')
      throw new Error(`layer is "${layer}", but only a GeoPackage has layers`);
    switch (ending) {
      case 'geojson':
      case 'json':
        return geojsonLayer(parseJson(await readUtf8(path)), path);
      case 'shp':
        return await readShapefile(path);
      case 'gpkg':
        return await readGeoPackage(path, layer);
      case 'fgb':
        return await readFlatGeobuf(path);
      case 'kml':
        return kmlLayer(await readUtf8(path), path);
      case 'kmz':
        throw new Error('a KMZ archive: unzip it and give the .kml file inside');
      default:
        throw new Error(
          'not a vector file: expected .geojson, .json, .shp, .gpkg, .fgb or .kml (ogr2ogr converts others)',
        );
    }
  } catch (error) {
    if (error instanceof MissingPackageError) throw error;
    throw new InputError('readLayer', reasonOf(error), { file: path, cause: error });
  }
}
