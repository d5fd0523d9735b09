import { join } from 'node:path';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import type { Polygon } from '../../imagery/geometry.ts';
import { parseCsv } from '../csv-rows.ts';
import { LayerPlacer, type PlacedImage } from '../layer-placer.ts';
import { LabelError } from '../problems.ts';
import { parseWkt } from '../wkt.ts';
import { readText } from './label-files.ts';
import { readLabelLayer } from './place-layer.ts';

/** Footprints by the key of a place (`labelKeyOf`). */
export interface LabelSource {
  readonly kind: 'geojson' | 'csv' | 'none';
  has(key: string): boolean;
  /** Footprints in pixels of the image, converted from the coordinate system of the labels. */
  polygons(key: string, image: PlacedImage): Promise<Polygon[]>;
}

/** A data set without labels. */
export const noLabels: LabelSource = { kind: 'none', has: () => false, polygons: async () => [] };

/** Labels in GeoJSON files, one for each place. */
export function geojsonLabels(root: string, files: ReadonlyMap<string, string>): LabelSource {
  return {
    kind: 'geojson',
    has: (key) => files.has(key),
    async polygons(key, image) {
      const path = join(root, files.get(key)!);
      try {
        return await footprintsOf(path, image);
      } catch (error) {
        const reason = error instanceof LabelError ? error.problem.reason : reasonOf(error);
        throw new InputError('openSpaceNet', reason, { file: path, cause: error });
      }
    },
  };
}

const COLUMNS = ['ImageId', 'BuildingId', 'PolygonWKT_Pix'];

/** Labels in summary files (`ImageId,BuildingId,PolygonWKT_Pix,...`), whose polygons are in pixels. */
export async function csvLabels(root: string, files: readonly string[]): Promise<LabelSource> {
  const places = new Map<string, Polygon[]>();
  for (const file of files) {
    const path = join(root, file);
    for (const { line, fields } of parseCsv(await readText(path), path, COLUMNS)) {
      const origin = { file: path, line };
      const key = fields['ImageId']!.trim();
      if (key === '') throw new LabelError('syntax', origin, 'ImageId is empty');
      const polygons = places.get(key) ?? [];
      places.set(key, polygons);
      // BuildingId -1 with POLYGON EMPTY marks a place that was inspected and has no building.
      if (Number(fields['BuildingId']) === -1) continue;
      try {
        polygons.push(...parseWkt(fields['PolygonWKT_Pix']!));
      } catch (error) {
        throw new LabelError('syntax', origin, reasonOf(error), { cause: error });
      }
    }
  }
  return { kind: 'csv', has: (key) => places.has(key), polygons: async (key) => places.get(key) ?? [] };
}

/** The outer rings and holes of all polygons of a GeoJSON file, in pixels of an image. */
async function footprintsOf(path: string, image: PlacedImage): Promise<Polygon[]> {
  const features = await new LayerPlacer(await readLabelLayer(path)).inPixels(image);
  return features.flatMap(({ index, geometry, polygons, points }) => {
    // SpaceNet has points where a footprint has no extent.
    if (points.length > 0 || /Polygon/.test(geometry)) return polygons;
    const expected = 'expected Polygon or MultiPolygon (footprints of buildings)';
    throw new Error(`feature ${index}: geometry is a ${geometry}, ${expected}`);
  });
}
