import type { ImageLimits } from '../../imagery/limits.ts';
import { openImage } from '../../imagery/node/open-image.ts';
import type { RawImage } from '../../imagery/raw-image.ts';
import { withinRegion, type Region } from '../../imagery/region.ts';

/** How the images of a data set are opened. */
export interface OpenRegionOptions extends ImageLimits {
  /** Parts of images, by path: pixels outside of them are as without data. Default: all of every image. */
  readonly regions?: ReadonlyMap<string, Region>;
}

/** Opens an image, without data outside of its region. */
export async function openRegion(path: string, { regions, ...limits }: OpenRegionOptions): Promise<RawImage> {
  const raw = await openImage(path, limits);
  const region = regions?.get(path);
  return region === undefined ? raw : withinRegion(raw, region);
}
