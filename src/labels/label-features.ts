import { applyAffine, type Affine } from '../imagery/georeference.ts';
import { boundsOf, type Point, type Polygon } from '../imagery/geometry.ts';
import { groundArea } from '../vector/ground-area.ts';
import type { OutputFeature, OutputField } from '../vector/output-layer.ts';
import { outlineOf } from './table-builder.ts';
import type { LabelledImage, LabelTable } from './types.ts';

/** The attributes of objects in a vector layer: class, score, image, box in pixels of the image, area on the ground. */
export const labelFields: readonly OutputField[] = [
  { name: 'label', type: 'text' },
  { name: 'score', type: 'real' },
  { name: 'image', type: 'text' },
  { name: 'x1', type: 'real' },
  { name: 'y1', type: 'real' },
  { name: 'x2', type: 'real' },
  { name: 'y2', type: 'real' },
  { name: 'area_m2', type: 'real' },
];

/** Converts a point on the map to another coordinate system. */
type Conversion = (point: Point) => Point;

/** How the pixels of an image are placed in a layer. */
export interface Placement {
  readonly affine: Affine;
  /** From the image's coordinate system to that of the layer; `toDegrees` if that is WGS84. */
  readonly toLayer: Conversion;
  /** From the image's coordinate system to longitude and latitude on WGS84; null if it is not known. */
  readonly toDegrees: Conversion | null;
}

/** The objects of an image as features: their outlines if they have some, else their boxes. */
export function* imageFeatures(
  { file, objects }: LabelledImage,
  classes: LabelTable['classes'],
  { affine, toLayer, toDegrees }: Placement,
): Generator<OutputFeature, void, void> {
  for (const object of objects) {
    const onMap = mapPolygons(outlineOf(object), ([x, y]) => applyAffine(affine, x, y));
    const [x1, y1, x2, y2] = object.box.map((value) => rounded(value, 3));
    const inDegrees = toDegrees === null ? null : acrossDateLine(mapPolygons(onMap, toDegrees));
    yield {
      polygons: inDegrees !== null && toLayer === toDegrees ? inDegrees : mapPolygons(onMap, toLayer),
      properties: {
        label: classes[object.label]!,
        score: object.score === undefined ? null : rounded(object.score, 9),
        image: file,
        x1: x1!,
        y1: y1!,
        x2: x2!,
        y2: y2!,
        area_m2: inDegrees === null ? null : rounded(groundArea(inDegrees), 2),
      },
    };
  }
}

const mapPolygons = (polygons: readonly Polygon[], map: Conversion): Polygon[] =>
  polygons.map((rings) => rings.map((ring) => ring.map(map)));

/** An object across the 180th meridian does not go around the Earth: its longitudes go on beyond 180 degrees. */
function acrossDateLine(polygons: readonly Polygon[]): readonly Polygon[] {
  const [west, , east] = boundsOf(polygons.flat(2));
  if (east - west <= 180) return polygons;
  return mapPolygons(polygons, ([longitude, latitude]) => [longitude < 0 ? longitude + 360 : longitude, latitude]);
}

/** Scores and boxes are computed with 24 bits, whose decimal digits would suggest a precision that they do not have. */
const rounded = (value: number, decimals: number): number => Number(value.toFixed(decimals));
