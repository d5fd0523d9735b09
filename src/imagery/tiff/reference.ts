import type { GeoTIFFImage } from 'geotiff';
import type { Affine } from '../georeference.ts';
import type { Georeference } from '../raster.ts';

/** Reads transform and coordinate system (OGC 19-008r4, annex on tags and keys). */
export async function readReference(image: GeoTIFFImage): Promise<Georeference> {
  const keys = image.getGeoKeys() ?? {};
  const projected = codeOf(keys.ProjectedCSTypeGeoKey);
  const geographicCode = codeOf(keys.GeographicTypeGeoKey);
  const model = Number(keys.GTModelTypeGeoKey ?? 0);
  const isGeographic = model === 2 || (model === 0 && projected === null && geographicCode !== null);
  const isProjected = !isGeographic && (model === 1 || projected !== null);
  const geographic = isGeographic ? true : isProjected ? false : null;
  const stored = await readTransform(image);
  // With raster type 2 the transform refers to the centre of a pixel.
  const affine = stored !== null && Number(keys.GTRasterTypeGeoKey ?? 1) === 2 ? shifted(stored, -0.5) : stored;
  return { affine, epsg: isGeographic ? geographicCode : projected, geographic };
}

async function readTransform(image: GeoTIFFImage): Promise<Affine | null> {
  const matrix = await doubles(image, 'ModelTransformation');
  if (matrix.length >= 16) return [matrix[0]!, matrix[1]!, matrix[3]!, matrix[4]!, matrix[5]!, matrix[7]!];
  const scale = await doubles(image, 'ModelPixelScale');
  const tie = await doubles(image, 'ModelTiepoint');
  if (scale.length < 2 || tie.length < 6) return null;
  const [sx, sy] = [scale[0]!, scale[1]!];
  return [sx, 0, tie[3]! - tie[0]! * sx, 0, -sy, tie[4]! + tie[1]! * sy];
}

const shifted = ([a, b, c, d, e, f]: Affine, by: number): Affine => [a, b, c + by * (a + b), d, e, f + by * (d + e)];

/** The code, or null: 32767 means "user-defined". */
function codeOf(value: unknown): number | null {
  return typeof value === 'number' && value > 0 && value < 32_767 ? value : null;
}

async function doubles(
  image: GeoTIFFImage,
  tag: 'ModelTransformation' | 'ModelPixelScale' | 'ModelTiepoint',
): Promise<number[]> {
  if (!image.fileDirectory.hasTag(tag)) return [];
  return Array.from((await image.fileDirectory.loadValue(tag)) as ArrayLike<number>, Number);
}
