import { counted, reasonOf } from '../common/check.ts';
import { InputError } from '../common/errors.ts';
import { applyAffine } from '../imagery/georeference.ts';
import { boundsOf, type Point } from '../imagery/geometry.ts';
import type { Georeference } from '../imagery/raster.ts';
import { crsOfEpsg, isSameCrs, WGS84, type Crs } from '../vector/crs.ts';
import { esriWkt } from '../vector/esri-wkt.ts';
import { geojsonText } from '../vector/geojson-text.ts';
import type { LayerFormat, OutputFeature, OutputLayer } from '../vector/output-layer.ts';
import { transformation } from '../vector/transformation.ts';
import { imageFeatures, labelFields, type Placement } from './label-features.ts';
import type { LabelledImage, LabelTable } from './types.ts';

const OP = 'writeLabelLayer';

/** Where the objects of a layer are. */
export interface LabelLayerOptions {
  /** The place of each image on the map, by its path in the table. */
  readonly georeferences: ReadonlyMap<string, Georeference>;
  /**
   * Coordinate system of the layer: an EPSG code, or `raster` for that of the images, or WGS84 (4326) if they have several.
   * Default: 4326 for GeoJSON, as RFC 7946 demands, otherwise `raster`, and 4326 for shapefiles in a system whose definition
   * is not known: known are WGS84, ETRS89 and NAD83, their UTM zones, and Web Mercator.
   */
  readonly crs?: 'raster' | number;
}

/** An image whose objects a layer lacks. */
export interface UnplacedImage {
  readonly file: string;
  /** Why it has no place on the map. */
  readonly reason: string;
}

/** What else is known of a layer of labels. */
export interface LabelLayerNotes {
  /** Name of the coordinate system, such as `EPSG:32633`; null if it is not known. */
  readonly crs: string | null;
  readonly unplaced: readonly UnplacedImage[];
  /** What else a user should know, one sentence each. */
  readonly notes: readonly string[];
}

/** The objects of all images as a vector layer in the system that a format asks for. Rejects as `writeLabelLayer`. */
export async function labelLayer(
  { classes, images }: LabelTable,
  format: LayerFormat,
  { georeferences, crs: wanted }: LabelLayerOptions,
): Promise<LabelLayerNotes & { readonly layer: OutputLayer }> {
  const notes = new Set<string>();
  const places = [...georeferences.values()];
  const crs = layerCrs(places.map(crsOf), format, wanted, notes);
  const uncoded = places.filter(
    ({ affine, epsg, geographic }) => affine !== null && epsg === null && geographic === true,
  );
  if (uncoded.length > 0) {
    notes.add(`${counted(uncoded.length, 'image is', 'images are')} in degrees without an EPSG code: taken as WGS84`);
  }
  const conversions = conversionsTo(crs, notes);
  const placed: { readonly image: LabelledImage; readonly placement: Placement }[] = [];
  const unplaced: UnplacedImage[] = [];
  for (const image of images) {
    try {
      placed.push({ image, placement: await placementOf(image, georeferences.get(image.file), conversions) });
    } catch (error) {
      unplaced.push({ file: image.file, reason: reasonOf(error) });
    }
  }
  if (placed.length === 0 && unplaced.length > 0) {
    const { file, reason } = unplaced[0]!;
    const many = unplaced.length === 1 ? '' : `none of ${unplaced.length} images has a place on the map: `;
    throw new InputError(OP, `${many}${file}: ${reason}`);
  }
  const features: Iterable<OutputFeature> = {
    *[Symbol.iterator]() {
      for (const { image, placement } of placed) yield* imageFeatures(image, classes, placement);
    },
  };
  return {
    layer: { fields: labelFields, features, crs },
    crs: crs?.name ?? null,
    unplaced,
    notes: [...notes],
  };
}

/** A GeoJSON text of labels. */
export interface LabelGeojson extends LabelLayerNotes {
  readonly text: string;
}

/**
 * The objects of all images as GeoJSON, which GIS programs open, with the attributes of `writeLabelLayer`; by default in WGS84, as
 * RFC 7946 demands. Rejects with an `InputError` if no image has a place on the map.
 *
 * @param name of the layer
 */
export async function labelGeojson(table: LabelTable, name: string, options: LabelLayerOptions): Promise<LabelGeojson> {
  const { layer, ...notes } = await labelLayer(table, 'geojson', options);
  return { text: [...geojsonText(name, layer)].join(''), ...notes };
}

/** Null without a georeference, and if the system is not known. Degrees without a code, which are nearly always those of WGS84, are taken as such. */
function crsOf({ affine, epsg, geographic }: Georeference): Crs | null {
  if (affine === null) return null;
  if (epsg !== null) return crsOfEpsg(epsg);
  return geographic === true ? WGS84 : null;
}

/** The coordinate system of the layer; null if that of no image is known. */
function layerCrs(
  systems: readonly (Crs | null)[],
  format: LayerFormat,
  wanted: LabelLayerOptions['crs'],
  notes: Set<string>,
): Crs | null {
  if (wanted !== undefined && wanted !== 'raster') return crsOfEpsg(wanted);
  const known = systems.filter((crs) => crs !== null);
  const [first = null] = known;
  // GeoJSON is in WGS84 unless something else is asked for.
  if (first === null || (wanted === undefined && format === 'geojson')) return first && WGS84;
  if (known.some((crs) => !isSameCrs(crs, first))) {
    const names = [...new Set(known.map(({ name }) => name))];
    notes.add(`the images have ${names.length} coordinate systems (${names.join(', ')}): the layer is in WGS84`);
    return WGS84;
  }
  if (wanted === undefined && format === 'shp' && esriWkt(first) === null) {
    notes.add(`the definition of ${first.name}, which a shapefile needs, is not known: the layer is in WGS84`);
    return WGS84;
  }
  return first;
}

type Conversions = Omit<Placement, 'affine'>;

/** The conversions from the coordinate system of an image. The result rejects with an Error if there are none. */
function conversionsTo(layer: Crs | null, notes: Set<string>): (from: Crs | null) => Promise<Conversions> {
  const made = new Map<string, Promise<Conversions>>();
  const make = async (from: Crs): Promise<Conversions> => {
    const conversion = async (to: Crs): Promise<Placement['toLayer']> => {
      const { apply, accuracy } = await transformation(from, to);
      if (accuracy !== 0 && to === layer) {
        const how = accuracy === null ? 'with an unknown accuracy' : `to within ${accuracy} m`;
        notes.add(`coordinates are converted from ${from.name} to ${to.name} ${how}`);
      }
      return ([x, y]) => {
        const point = apply(x, y);
        // Coordinates that stay as they are may be no degrees.
        if (point === null || (to.epsg === 4326 && Math.abs(point[1]) > 90))
          throw new InputError(OP, `(${x}, ${y}) of ${from.name} has no place in ${to.name}`);
        return point;
      };
    };
    const toLayer = await conversion(layer ?? from);
    if (layer !== null && isSameCrs(layer, WGS84)) return { toLayer, toDegrees: toLayer };
    const toDegrees = await conversion(WGS84).catch((error: unknown) => {
      notes.add(`the areas of objects are not known: ${reasonOf(error)}`);
      return null;
    });
    return { toLayer, toDegrees };
  };
  return async (from) => {
    if (from === null && layer !== null) throw new Error('its coordinate system is not known');
    if (from === null) return { toLayer: (point: Point) => point, toDegrees: null };
    const conversions = made.get(from.name) ?? make(from);
    made.set(from.name, conversions);
    return conversions;
  };
}

/** How an image is placed. Rejects with an Error if it has no place, or if its objects have none in the layer's system. */
async function placementOf(
  { objects }: LabelledImage,
  georeference: Georeference | undefined,
  conversions: (from: Crs | null) => Promise<Conversions>,
): Promise<Placement> {
  if (georeference?.affine == null) throw new Error('it has no georeference');
  const { affine } = georeference;
  const { toLayer, toDegrees } = await conversions(crsOf(georeference));
  if (objects.length > 0) {
    const [x1, y1, x2, y2] = boundsOf(
      objects.flatMap(({ box: [a, b, c, d] }): Point[] => [
        [a, b],
        [c, d],
      ]),
    );
    for (const [x, y] of [
      [x1, y1],
      [x2, y1],
      [x1, y2],
      [x2, y2],
    ] as const) {
      const corner = applyAffine(affine, x, y);
      toLayer(corner);
      toDegrees?.(corner);
    }
  }
  return { affine, toLayer, toDegrees };
}
