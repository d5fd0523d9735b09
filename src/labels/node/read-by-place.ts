import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { counted } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { boundsOnMap } from '../../imagery/georeference.ts';
import { reportError } from '../problems.ts';
import type { LabelTable } from '../types.ts';
import { FeatureObjects, isVisible, type FeatureOptions } from './feature-objects.ts';
import { imagesAround } from './images-around.ts';
import { LayerPlacer, placeOf, readLabelLayer, type PlacedImage } from './place-layer.ts';

/** How a layer is placed on images. */
export interface ByPlaceOptions extends FeatureOptions {
  /** Folder of the images, or one image. Default: the folder of the vector file, or the one around it. */
  readonly images?: string | undefined;
  /** Name of a layer of a GeoPackage. Default: its only one. */
  readonly layer?: string | undefined;
}

/**
 * Reads a vector file whose features are placed on every georeferenced image that they touch, by position. An image without
 * any feature is an empty one if it lies within the bounds of all features, and is left out if not.
 */
export async function readByPlace(
  path: string,
  options: ByPlaceOptions,
): Promise<LabelTable & { imagesRoot: string; notes: string[] }> {
  const layer = await readLabelLayer(path, options);
  const { root, files } = await findImages(path, options.images);
  const placer = new LayerPlacer(layer);
  const objects = new FeatureObjects(options);
  const images: PlacedImage[] = [];
  const placed = new Set<number>();
  const without = { place: 0, inside: 0, outside: 0 };
  for (const file of files) {
    try {
      const image = await placeOf(join(root, file));
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
      reportError(error, { file: join(root, file) }, options.onProblem);
    }
  }
  if (images.length === 0) {
    const reason = `${counted(files.length, 'image', 'images')} in ${root}, none with a georeference, so that ${path} cannot be placed`;
    throw new InputError('readLabels', reason, {
      remedy: 'give the folder of georeferenced images with',
      option: 'images',
    });
  }
  const { notes, ...table } = objects.build();
  if (placed.size === 0 && layer.features.length > 0) throw nothingPlaced(path, placer, images, layer.crs?.name);
  return {
    ...table,
    imagesRoot: root,
    notes: [...notes, ...placer.notes(), ...notesOf(without, layer.features.length - placed.size)],
  };
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

async function findImages(path: string, given: string | undefined): Promise<{ root: string; files: string[] }> {
  if (given !== undefined && (await stat(given)).isFile()) return { root: dirname(given), files: [basename(given)] };
  const near = await imagesAround(given, dirname(path));
  return near.files.length > 0 || given !== undefined ? near : imagesAround(undefined, dirname(dirname(path)));
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
