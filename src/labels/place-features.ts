import { counted } from '../common/check.ts';
import { InputError } from '../common/errors.ts';
import { JsonError, parseJson } from '../common/json.ts';
import { boundsOnMap } from '../imagery/georeference.ts';
import type { Georeference } from '../imagery/raster.ts';
import { geojsonLayer } from '../vector/geojson.ts';
import type { VectorLayer } from '../vector/layer.ts';
import { FeatureObjects, isVisible, type FeatureOptions } from './feature-objects.ts';
import { LayerPlacer, type PlacedImage } from './layer-placer.ts';
import { LabelError, reportError, type ParseOptions } from './problems.ts';
import type { LabelTable } from './types.ts';

/** An image that a layer is placed on. */
interface ImageToPlace {
  /** Its path in the table. */
  readonly file: string;
  /** Its path for messages. */
  readonly path: string;
  /** Its size and place; null without a georeference. */
  readonly place: () => Promise<PlacedImage | null>;
}

/**
 * Places the features of a layer on every georeferenced image that they touch. An image without any feature is an empty one if
 * it lies within the bounds of all features, and is left out if not. Rejects with an `InputError` if no image has a
 * georeference, and if no feature lies on an image.
 *
 * @param path of the layer, for messages
 * @param options also `where` the images are, for messages
 */
export async function placeFeatures(
  path: string,
  layer: VectorLayer,
  toPlace: readonly ImageToPlace[],
  { where, ...options }: FeatureOptions & { readonly where: string },
): Promise<LabelTable & { notes: string[] }> {
  const placer = new LayerPlacer(layer);
  const objects = new FeatureObjects(options);
  const images: PlacedImage[] = [];
  const placed = new Set<number>();
  const without = { place: 0, inside: 0, outside: 0 };
  for (const { file, path: imagePath, place } of toPlace) {
    try {
      const image = await place();
      if (image === null) {
        without.place++;
        continue;
      }
      images.push(image);
      const touching = await placer.onImage(image);
      const own = touching.flatMap((feature) => {
        const origin = { file: path, entry: `feature ${feature.index}` };
        const outlines = objects.outlinesOf(feature, origin);
        return outlines.map((outline) => ({ feature, origin, outline }));
      });
      const visible = own.filter(({ outline }) => isVisible(outline, image.width, image.height));
      if (visible.length > 0) objects.table.addImage(file, image.width, image.height);
      for (const { feature, origin, outline } of visible) {
        placed.add(feature.index);
        objects.add(outline, feature, file, origin);
      }
      if (visible.length > 0) continue;
      const isInside = await placer.covers(image);
      if (isInside) objects.table.addImage(file, image.width, image.height);
      without[isInside ? 'inside' : 'outside']++;
    } catch (error) {
      reportError(error, { file: imagePath }, options.onProblem);
    }
  }
  if (images.length === 0) {
    const reason = `${counted(toPlace.length, 'image', 'images')}${where}, none with a georeference, so that ${path} cannot be placed`;
    throw new InputError('readLabels', reason, {
      remedy: 'give the folder of georeferenced images with',
      option: 'images',
    });
  }
  const { notes, ...table } = objects.build();
  if (placed.size === 0 && layer.features.length > 0) throw nothingPlaced(path, placer, images, layer.crs?.name);
  return { ...table, notes: [...notes, ...placer.notes(), ...notesOf(without, layer.features.length - placed.size)] };
}

function notesOf(without: { place: number; inside: number; outside: number }, outside: number): string[] {
  const images = (count: number): string => counted(count, 'image', 'images');
  return [
    ...(outside > 0 ? [`${counted(outside, 'feature', 'features')} outside all images`] : []),
    ...(without.inside > 0
      ? [`${images(without.inside)} within the extent of the layer without any feature: taken as empty`]
      : []),
    ...(without.outside > 0 ? [`${images(without.outside)} outside the extent of the layer: left out`] : []),
    ...(without.place > 0 ? [`${images(without.place)} without a georeference: left out`] : []),
  ];
}

function nothingPlaced(
  path: string,
  placer: LayerPlacer,
  [image]: readonly PlacedImage[],
  system = 'a system that it does not name',
): InputError {
  const text = (box: readonly number[]): string => box.map((value) => Number(value.toPrecision(9))).join(', ');
  const { affine, width, height, epsg } = image!;
  return new InputError(
    'readLabels',
    `no feature of ${path} lies on an image: its bounds are ${text(placer.extent)} in ${system}, those of ` +
      `${image!.path} are ${text(boundsOnMap(affine!, width, height))} in ${epsg === null ? 'a system without a code' : `EPSG:${epsg}`}`,
    { remedy: 'check the coordinate systems, and give the folder of the images with', option: 'images' },
  );
}

/** An image that GeoJSON is placed on. */
export interface ImageOnMap extends Georeference {
  /** Its path in the table. */
  readonly file: string;
  readonly width: number;
  readonly height: number;
}

/** How GeoJSON is placed on images. */
export interface PlaceGeojsonOptions extends ParseOptions, FeatureOptions {}

/**
 * The objects of a GeoJSON text (a FeatureCollection) in the pixels of georeferenced images, as `readLabels` has them for files
 * in Node. The coordinate systems may differ: that of the layer is WGS84 unless its `crs` member says otherwise; one that does
 * not fit degrees is that of the images. An image without any feature is an empty one if it lies within the bounds of all
 * features, and is left out if not.
 *
 * @returns a table with outlines and their boxes, and what was assumed or left out, one sentence each
 * @throws LabelError for a text that is not GeoJSON, and for the first feature that is invalid unless there is `onProblem`
 * @throws InputError if no image has a georeference, and if no feature lies on an image, with the bounds of both
 */
export async function placeGeojson(
  text: string,
  images: readonly ImageOnMap[],
  { name, ...options }: PlaceGeojsonOptions,
): Promise<LabelTable & { readonly notes: readonly string[] }> {
  const toPlace = images.map((image) => ({
    file: image.file,
    path: image.file,
    place: async () => (image.affine === null ? null : { ...image, path: image.file }),
  }));
  return placeFeatures(name, layerOf(text, name), toPlace, { ...options, where: '' });
}

function layerOf(text: string, name: string): VectorLayer {
  try {
    return geojsonLayer(parseJson(text), name);
  } catch (error) {
    const line = error instanceof JsonError ? error.line : undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw new LabelError('syntax', { file: name, ...(line === undefined ? {} : { line }) }, reason, { cause: error });
  }
}
