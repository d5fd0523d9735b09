import { listFiles } from '../../imagery/node/files.ts';
import { imageEnding } from '../../imagery/node/image-size.ts';
import { findSpaceNet, looksLikeSpaceNet } from './spacenet-layout.ts';

/** The images in a given folder, otherwise of the SpaceNet layout or simply in the folder `around` the labels. */
export async function imagesAround(
  images: string | undefined,
  around: string,
): Promise<{ root: string; files: string[] }> {
  const root = images ?? around;
  const files = await listFiles(root);
  if (images === undefined && looksLikeSpaceNet(files)) {
    const layout = await findSpaceNet(root).catch(() => null);
    if (layout !== null) return { root: layout.root, files: [...layout.images.values()] };
  }
  return { root, files: files.filter((file) => imageEnding.test(file)) };
}
