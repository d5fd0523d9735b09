import type { CocoIds } from './coco.ts';
import type { LabelFormat } from './formats.ts';
import type { SplitImages } from './splits.ts';
import type { LabelTable } from './types.ts';

/** Labels with their source. */
export interface ReadLabels extends LabelTable {
  readonly format: LabelFormat;
  /** The file or folder of the labels. */
  readonly path: string;
  /** Folder that `images[].file` is relative to. */
  readonly imagesRoot: string;
  /** With `split`: the images that are not in it. */
  readonly otherSplits?: readonly string[];
  /** If the data set has splits: the images of each that were read. */
  readonly splits?: SplitImages;
  /** Contents of the files that the table does not have, one sentence each. */
  readonly notes: readonly string[];
  /** For COCO files: the ids that results refer to. */
  readonly coco?: CocoIds;
}
