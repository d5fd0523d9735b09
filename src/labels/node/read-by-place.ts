import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FeatureOptions } from '../feature-objects.ts';
import { placeFeatures } from '../place-features.ts';
import type { LabelTable } from '../types.ts';
import { imagesAround } from './images-around.ts';
import { placeOf, readLabelLayer } from './place-layer.ts';

/** How a layer is placed on images. */
export interface ByPlaceOptions extends FeatureOptions {
  /** Folder of the images, or one image. Default: the folder of the vector file, or the one around it. */
  readonly images?: string | undefined;
  /** Name of a layer of a GeoPackage. Default: its only one. */
  readonly layer?: string | undefined;
}

/** Reads a vector file whose features are placed on every georeferenced image that they touch, by position (`placeFeatures`). */
export async function readByPlace(
  path: string,
  options: ByPlaceOptions,
): Promise<LabelTable & { imagesRoot: string; notes: string[] }> {
  const layer = await readLabelLayer(path, options);
  const { root, files } = await findImages(path, options.images);
  const images = files.map((file) => {
    const image = join(root, file);
    return { file, path: image, place: () => placeOf(image) };
  });
  return { ...(await placeFeatures(path, layer, images, { ...options, where: ` in ${root}` })), imagesRoot: root };
}

async function findImages(path: string, given: string | undefined): Promise<{ root: string; files: string[] }> {
  if (given !== undefined && (await stat(given)).isFile()) return { root: dirname(given), files: [basename(given)] };
  const near = await imagesAround(given, dirname(path));
  return near.files.length > 0 || given !== undefined ? near : imagesAround(undefined, dirname(dirname(path)));
}
