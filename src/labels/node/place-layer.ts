import { InputError } from '../../common/errors.ts';
import { JsonError } from '../../common/json.ts';
import { imageSizeOf } from '../../imagery/node/image-size.ts';
import { openImage } from '../../imagery/node/open-image.ts';
import { readWorldFile } from '../../imagery/node/world-file.ts';
import type { VectorLayer } from '../../vector/layer.ts';
import { readLayer, type ReadLayerOptions } from '../../vector/node/read-layer.ts';
import type { PlacedImage } from '../layer-placer.ts';
import { LabelError } from '../problems.ts';

/** Size and place of an image, by itself or the world file beside it; null without a georeference. */
export async function placeOf(path: string): Promise<PlacedImage | null> {
  if (!/\.(tiff?|vrt)$/i.test(path)) {
    const place = await readWorldFile(path);
    return place.affine === null ? null : { path, ...(await imageSizeOf(path)), ...place };
  }
  const { width, height, affine, epsg, geographic } = await openImage(path);
  return affine === null ? null : { path, width, height, affine, epsg, geographic };
}

/** Reads a layer of labels. Rejects with a `LabelError`, with the line where it is known. */
export async function readLabelLayer(path: string, options: ReadLayerOptions = {}): Promise<VectorLayer> {
  try {
    return await readLayer(path, options);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const line = error.cause instanceof JsonError ? error.cause.line : undefined;
    throw new LabelError('syntax', { file: path, ...(line === undefined ? {} : { line }) }, error.reason, {
      cause: error,
    });
  }
}
