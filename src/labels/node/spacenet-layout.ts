import { readdir } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { InputError } from '../../common/errors.ts';
import { checkFolder, listFiles } from '../../imagery/node/files.ts';
import { IMAGE_KINDS, placeKey } from '../spacenet-names.ts';

const OP = 'openSpaceNet';

/** An example of the layout, for messages. */
export const spaceNetExample = [
  '  AOI_2_Vegas_Train/RGB-PanSharpen/RGB-PanSharpen_AOI_2_Vegas_img1.tif',
  '  AOI_2_Vegas_Train/geojson/buildings/buildings_AOI_2_Vegas_img1.geojson',
  '  or AOI_2_Vegas_Train/summaryData/AOI_2_Vegas_Train_Building_Solutions.csv',
].join('\n');

/** The files of a data set in one of SpaceNet's layouts; all paths are relative to `root`. */
export interface SpaceNetLayout {
  readonly root: string;
  /** Name of the folders of images, such as `RGB-PanSharpen`. */
  readonly kind: string;
  /** Image of each id, in the order of the ids. */
  readonly images: ReadonlyMap<string, string>;
  /** GeoJSON file of a key, see `labelKeyOf`. */
  readonly geojson: ReadonlyMap<string, string>;
  readonly csv: readonly string[];
}

/** Finds images and labels below a folder, or next to it if it is the folder of the images itself. */
export async function findSpaceNet(path: string, imageFolder?: string): Promise<SpaceNetLayout> {
  await checkFolder(OP, path);
  let root = resolve(path);
  let files = await listFiles(root);
  // The path is the folder of the images itself: the labels are next to it.
  if (files.some((file) => isTif(file) && !file.includes('/')) && !files.some(isLabelFile)) {
    const beside = await readdir(dirname(root));
    if (beside.some((name) => /^(geojson|geojson_buildings|vectordata|summarydata)$/i.test(name))) {
      imageFolder ??= basename(root);
      root = dirname(root);
      files = await listFiles(root);
    }
  }
  const kind = chooseKind(path, files, imageFolder);
  const images = indexBy(
    files.filter((file) => isTif(file) && folderName(file) === kind),
    'images',
  );
  return {
    root,
    kind,
    images,
    geojson: indexBy(files.filter(isPlaceLabel), 'label files'),
    csv: files.filter((file) => isSummary(file)),
  };
}

/** Whether a file has the outlines of one place: not roads, and not the summary of all places that SpaceNet 1 has. */
export const isPlaceLabel = (file: string): boolean =>
  /\.geojson$/i.test(file) && !/roads|^summarydata$/i.test(folderName(file));

/**
 * The key among `keys` for an image: its id, or the longest end of it. SpaceNet 4 labels a place once (`732701_3724639`)
 * for images from many angles (`Atlanta_nadir7_catid_..._732701_3724639`).
 */
export function labelKeyOf(id: string, keys: { has(key: string): boolean }): string | undefined {
  const words = id.split('_');
  for (let from = 0; from < words.length; from++) {
    const key = words.slice(from).join('_');
    if (keys.has(key)) return key;
  }
  return undefined;
}

/** Whether a list of files looks like one of SpaceNet's layouts. */
export function looksLikeSpaceNet(files: readonly string[]): boolean {
  return files.some(isTif) && files.some((file) => isLabelFile(file) || IMAGE_KINDS.includes(folderName(file)));
}

/** Whether a list of files has the folders of SpaceNet's layouts, unlike other images next to GeoJSON files. */
export function hasSpaceNetFolders(files: readonly string[]): boolean {
  const known = /^(geojson.*|vectordata|summarydata|buildings|spacenet-buildings)$/i;
  return files.some((file) => {
    const folder = folderName(file);
    return (isTif(file) && IMAGE_KINDS.includes(folder)) || (isLabelFile(file) && known.test(folder));
  });
}

function chooseKind(path: string, files: readonly string[], wanted: string | undefined): string {
  const found = [...new Set(files.filter(isTif).map(folderName))];
  const tree = `Expected a tree such as\n${spaceNetExample}`;
  if (found.length === 0) throw new InputError(OP, `no .tif files below ${path}. ${tree}`);
  if (wanted !== undefined) {
    if (found.includes(wanted)) return wanted;
    throw new InputError(OP, `no .tif files in a folder ${wanted} below ${path}, only in ${found.join(', ')}`);
  }
  const known = IMAGE_KINDS.find((kind) => found.includes(kind));
  if (known !== undefined) return known;
  if (found.length === 1) return found[0]!;
  const reason = `.tif files below ${path} are in ${found.join(', ')}, none of which is known`;
  throw new InputError(OP, reason, { remedy: 'choose one with', option: 'images' });
}

function indexBy(files: readonly string[], what: string): Map<string, string> {
  const index = new Map<string, string>();
  for (const file of files) {
    const key = placeKey(file);
    const other = index.get(key);
    if (other !== undefined) throw new InputError(OP, `two ${what} of ${key}: ${other} and ${file}`);
    index.set(key, file);
  }
  return new Map([...index].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const isTif = (file: string): boolean => /\.tiff?$/i.test(file);
const isSummary = (file: string): boolean =>
  /\.csv$/i.test(file) && (/^summarydata$/i.test(folderName(file)) || /_solutions?\.csv$/i.test(file));
const isLabelFile = (file: string): boolean => isPlaceLabel(file) || isSummary(file);

/** Name of the folder of a file; '' at the top. */
function folderName(file: string): string {
  return file.split('/').at(-2) ?? '';
}
