import { stat } from 'node:fs/promises';
import { defined } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import type { LabelFormat } from '../../labels/formats.ts';
import { listFiles } from '../../imagery/node/files.ts';
import { examples, listLabels } from '../../labels/node/find-labels.ts';
import { findSplits } from '../../labels/node/find-splits.ts';
import { imageEnding } from '../../imagery/node/image-size.ts';
import { openLabelled, type LabelledDataset, type LabelledOptions, type LabelledRasters } from './open-labelled.ts';
import { readLabels } from '../../labels/node/read-labels.ts';
import { nameClasses } from '../../labels/node/read-spacenet.ts';
import type { SplitName } from '../../labels/splits.ts';
import { openSpaceNet, spaceNetClasses, type SpaceNetDataset, type SpaceNetOptions } from './open-spacenet.ts';
import {
  hasSpaceNetFolders,
  isPlaceLabel,
  looksLikeSpaceNet,
  spaceNetExample,
} from '../../labels/node/spacenet-layout.ts';

/**
 * Options of both readers. Options of the reader that does not apply are refused. `images` is the name of the folders of
 * images in a SpaceNet tree, otherwise the path of the folder of images. For a SpaceNet tree, `classes` can only be its
 * one class.
 */
export type OpenOptions = SpaceNetOptions &
  LabelledOptions & {
    /** Format of the labels. Default: found by names and first lines. */
    readonly format?: LabelFormat;
    /** Which split is opened, if the data set has splits (`readLabels`). Default: all images. */
    readonly split?: SplitName;
    /** GeoJSON's property that has the class (`readLabels`). */
    readonly classProperty?: string;
    /** Side in pixels of the box around a point of GeoJSON (`readLabels`). */
    readonly pointSize?: number;
    /** Layer of a GeoPackage (`readLabels`). */
    readonly layer?: string;
  };

const SPACENET_ONLY = ['labels'] as const;
const LABELLED_ONLY = ['otherClasses', 'difficult', 'format', 'split', 'layer'] as const;

/**
 * Opens labelled imagery: a label file (with its images around it, or in the folder `images`), or a folder in a known
 * layout: SpaceNet's, or images with labels in one of the `labelFormats`. Rejects, with an example of each layout, when the
 * folder has none.
 */
export async function openDataset(
  path: string,
  options: OpenOptions = {},
): Promise<SpaceNetDataset | LabelledDataset | LabelledRasters> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new InputError('openDataset', `${path} does not exist`);
  if (found.isDirectory() && options.format === undefined && (await findSplits(path, options)) === null) {
    const files = await listFiles(path);
    const labels = await listLabels(path, files);
    // In SpaceNet's trees its own labels come first, even if other label files were saved there.
    const own = labels.length === 0 || labels.some(({ format }) => format === 'geojson' || format === 'spacenet-csv');
    const tree = hasSpaceNetFolders(files) && looksLikeSpaceNet(files);
    // GeoTIFF files without any labels can only be SpaceNet's; its reader says what is missing.
    const onlyTif = labels.length === 0 && files.some((file) => /\.tiff?$/i.test(file));
    if (onlyTif || (tree && own && !(await hasOtherObjects(path, files, options)))) {
      refuse(options, LABELLED_ONLY, `${path} has SpaceNet's layout`);
      const { classes } = options;
      if (classes !== undefined && classes.join('\n') !== spaceNetClasses.join('\n')) {
        const only = `its only class is ${spaceNetClasses.join(', ')}`;
        throw new InputError('openDataset', `${path} has SpaceNet's layout: ${only}, not ${classes.join(', ')}`);
      }
      return openSpaceNet(path, options);
    }
    if (labels.length === 0) {
      const count = (pattern: RegExp): number => files.filter((file) => pattern.test(file)).length;
      throw new Error(
        `openDataset: ${path} holds ${files.length} files (${count(imageEnding)} images, ${count(/\.json$/i)} .json, ` +
          `${count(/\.xml$/i)} .xml, ${count(/\.txt$/i)} .txt, ${count(/\.csv$/i)} .csv, ${count(/\.geojson$/i)} .geojson) ` +
          `in no known layout. Expected SpaceNet's\n${spaceNetExample}\nor images with labels in one of these formats\n${examples()}`,
      );
    }
  }
  refuse(options, SPACENET_ONLY, `${path} is no SpaceNet tree`);
  const { format, images, split, classProperty, pointSize, layer, otherClasses } = options;
  const classes = otherClasses === 'drop' ? undefined : options.classes;
  const table = await readLabels(path, defined({ format, images, split, classes, classProperty, pointSize, layer }));
  return openLabelled(table, options);
}

/** Whether the labels of a tree have objects that SpaceNet's own do not have: of several classes, or points with a size. */
async function hasOtherObjects(path: string, files: readonly string[], options: OpenOptions): Promise<boolean> {
  if (options.classProperty !== undefined || options.pointSize !== undefined) return true;
  return nameClasses(path, files.filter(isPlaceLabel));
}

function refuse(options: OpenOptions, names: readonly (keyof OpenOptions)[], reason: string): void {
  const given = names.filter((name) => options[name] !== undefined);
  if (given.length > 0)
    throw new TypeError(`openDataset: ${reason}, so these options do not apply: ${given.join(', ')}`);
}
