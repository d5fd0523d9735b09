import { resolve } from 'node:path';
import type { LabelProblem, LabelTable } from '../../labels/types.ts';
import { checkOptions, examine, type Examination, type InventoriedData, type TrainingPlan } from '../examine.ts';
import { takeInventory, type ReadFactsOptions } from './read.ts';

/** A data set as the reader of labels gives it. */
export interface LabelledData {
  readonly table: LabelTable;
  /** Folder that the paths of the images are relative to. */
  readonly imagesRoot: string;
  /** Name of the label format, such as `coco`. */
  readonly format: string;
  /** What the reader of the labels could not make sense of. Default: nothing. */
  readonly problems?: readonly LabelProblem[];
  /** What the reader of the labels left out or interpreted, a sentence each. Default: nothing. */
  readonly notes?: readonly string[];
  /** Images that the labels name and that are not examined, such as those outside of an area of interest. Default: none. */
  readonly leftOut?: readonly string[];
}

/** What to examine, and for which training. */
export interface ExamineFilesOptions extends LabelledData, TrainingPlan {
  /** A separate data set for validation, instead of a split. */
  readonly validation?: LabelledData;
  /**
   * Whether pixels are decoded, which finds damage and near-duplicates but takes as long as an epoch takes to read its
   * images. Default true.
   */
  readonly pixels?: boolean;
  /** Called after each image file. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Reads the image files of a data set, and examines them with its labels (`examine`). */
export async function examineFiles(options: ExamineFilesOptions): Promise<Examination> {
  const { table, validation, pixels = true, onProgress, ...plan } = options;
  checkOptions(table, options);
  const reading = { pixels, stretch: plan.stretch, bands: plan.bands };
  const data = await openData(options, { ...reading, onProgress }, validation);
  return examine({
    ...plan,
    ...data,
    ...(validation === undefined ? {} : { validation: await openData(validation, reading, options) }),
  });
}

async function openData(
  { table, imagesRoot, format, problems = [], notes = [], leftOut = [] }: LabelledData,
  reading: ReadFactsOptions,
  other: LabelledData | undefined,
): Promise<InventoriedData> {
  const inventory = await takeInventory(table, imagesRoot, reading);
  // Images that the other data set in the same folder labels are not unlabelled.
  const isBeside = other !== undefined && resolve(other.imagesRoot) === resolve(imagesRoot);
  const others = isBeside ? [...other.table.images.map(({ file }) => file), ...(other.leftOut ?? [])] : [];
  const named = new Set([...leftOut, ...others]);
  const unlabelled = inventory.unlabelled.filter((file) => !named.has(file));
  return { inventory: { ...inventory, unlabelled }, imagesRoot, format, problems, notes };
}
