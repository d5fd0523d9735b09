import { checkFolder, listFiles } from './files.ts';
import { folderExample, openFolder } from './folder.ts';
import type { FolderDataset, FolderOptions } from './folder.ts';
import { openSpaceNet } from './spacenet.ts';
import type { SpaceNetDataset, SpaceNetOptions } from './spacenet.ts';
import { looksLikeSpaceNet, spaceNetExample } from './spacenet-layout.ts';

/** Options of both readers; those of the other one must be left out, which is checked. */
export type OpenOptions = SpaceNetOptions & FolderOptions;

const SPACENET_ONLY = ['images', 'labels', 'percentiles', 'stretchImages'] as const;
const FOLDER_ONLY = ['csv', 'classes', 'maxMemoryMB'] as const;

/**
 * Opens a folder of imagery in whichever known layout it has: SpaceNet's, or images beside a CSV of boxes. Rejects with
 * what was looked for and an example of each when it has neither.
 */
export async function openDataset(path: string, options: OpenOptions = {}): Promise<SpaceNetDataset | FolderDataset> {
  await checkFolder('openDataset', path);
  const files = await listFiles(path);
  const hasCsv = options.csv !== undefined || files.some((file) => /\.csv$/i.test(file) && !file.includes('/'));
  // GeoTIFF files without a CSV beside them can only be SpaceNet's; its reader says what is missing.
  const onlyTif = !hasCsv && files.some((file) => /\.tiff?$/i.test(file));
  if (options.csv === undefined && (onlyTif || looksLikeSpaceNet(files))) {
    refuse(options, FOLDER_ONLY, `${path} has SpaceNet's layout`);
    return openSpaceNet(path, options);
  }
  if (hasCsv && (options.csv !== undefined || files.some((file) => /\.(png|jpe?g|tiff?)$/i.test(file)))) {
    refuse(options, SPACENET_ONLY, `${path} is a folder of images with a CSV`);
    return openFolder(path, options);
  }
  const count = (pattern: RegExp): number => files.filter((file) => pattern.test(file)).length;
  throw new Error(
    `openDataset: ${path} holds ${files.length} files (${count(/\.tiff?$/i)} .tif, ${count(/\.(png|jpe?g)$/i)} .png or .jpg, ` +
      `${count(/\.geojson$/i)} .geojson, ${count(/\.csv$/i)} .csv) in no known layout. Expected SpaceNet's\n${spaceNetExample}\n` +
      `or images beside a CSV of boxes\n${folderExample}`,
  );
}

function refuse(options: OpenOptions, names: readonly (keyof OpenOptions)[], reason: string): void {
  const given = names.filter((name) => options[name] !== undefined);
  if (given.length > 0) throw new TypeError(`openDataset: ${reason}, for which there is no option ${given.join(', ')}`);
}
