import { checkInteger } from '../common/check.ts';
import { splitIds, type Split } from '../data/split.ts';
import { bestIous, coverageOf, type AnchorCoverage } from '../detector/anchor-coverage.ts';
import type { Stretch } from '../imagery/stretch.ts';
import type { BandSelection } from '../imagery/types.ts';
import type { LabelProblem, LabelTable } from '../labels/types.ts';
import type { RetinaNetSpec } from '../retinanet/spec.ts';
import type { Device } from '../tensor/device.ts';
import { checkAnchors } from './anchor-checks.ts';
import { suggestAnchors, type AnchorSuggestion } from './anchor-suggestion.ts';
import { checkBoxes } from './box-checks.ts';
import { checkClasses, classTable, crowdsIn, type ClassRow } from './class-checks.ts';
import { costReport, extrapolate, type CostReport } from './cost-report.ts';
import { checkImages } from './image-checks.ts';
import { checkNotes, checkProblems } from './label-checks.ts';
import { checkLeakage } from './leakage-checks.ts';
import { choosePictures, type PictureSource } from './picture-choice.ts';
import { checkPlacement } from './placement-checks.ts';
import { recommend } from './recommend.ts';
import { adviseSize, countSamples, placeSamples, sampleSize, type SizeAdvice, type Tiling } from './size-advice.ts';
import { medianSize, summariseSizes, type SizeSummary } from './sizes.ts';
import type { Finding, Inventory, Item, Recommendation, Severity } from './types.ts';

/** A data set: its labels and the metadata of its image files. */
export interface InventoriedData {
  readonly inventory: Inventory;
  /** Folder that the paths of the images are relative to; recorded in the examination. */
  readonly imagesRoot: string;
  /** Name of the label format, such as `coco`. */
  readonly format: string;
  /** What the reader of the labels could not make sense of. Default: nothing. */
  readonly problems?: readonly LabelProblem[];
  /** What the reader of the labels left out or interpreted, a sentence each. Default: nothing. */
  readonly notes?: readonly string[];
}

/** For which training a data set is examined. */
export interface TrainingPlan {
  /** The network that will be trained. */
  readonly spec: RetinaNetSpec;
  /** Indices of `table.images`. Default: `splitIds` of the files; give the split that training uses. */
  readonly split?: Split;
  /** Side of the tiles that images are cut into; null (default) for whole images. */
  readonly tile?: number | null;
  /** Pixels that neighbouring tiles share. Default 64. */
  readonly overlap?: number;
  /** The levels of 16-bit images that become 0 and 255, if they are fixed. Default: pictures stretch each image by itself. */
  readonly stretch?: Stretch;
  /** Bands that are read, as in `ReadImageOptions.bands`. */
  readonly bands?: BandSelection;
  /** The device to measure a training step on; null (default) estimates from the network. */
  readonly device?: Device | null;
  /** Memory of the device in bytes. Default: `device.memoryLimit`, or 8 GB are assumed. */
  readonly memoryLimit?: number;
  /** Number of images to show anchors on: those with the most unreached boxes. Default 12. */
  readonly pictures?: number;
  /** Random seed of the search for anchors. Default 1. */
  readonly seed?: number;
}

/** What to examine, and for which training. */
export interface ExamineOptions extends InventoriedData, TrainingPlan {
  /** A separate data set for validation, instead of a split. */
  readonly validation?: InventoriedData;
}

/** The result of an examination: plain data. */
export interface Examination {
  readonly format: string;
  readonly imagesRoot: string;
  readonly images: number;
  /** Without crowds. */
  readonly boxes: number;
  /** Regions of crowds, which are not trained on. */
  readonly crowds: number;
  /** Number of training and of held-out images; with a validation set, the latter are its images. */
  readonly train: number;
  readonly heldOut: number;
  /** Errors first, then warnings and notes. */
  readonly findings: readonly Finding[];
  /** The worst severity of all findings, or null without findings. */
  readonly worst: Severity | null;
  readonly classes: readonly ClassRow[];
  /** Sizes of the visible boxes, in pixels of the images before resizing; null without boxes. */
  readonly sizes: SizeSummary | null;
  readonly stretch: Stretch | null;
  readonly bands: TrainingPlan['bands'] | null;
  /** With the anchors of the spec. */
  readonly anchors: AnchorCoverage;
  /** Null without boxes. */
  readonly suggestion: AnchorSuggestion | null;
  /** Null if the size of no image is known. */
  readonly cost: CostReport | null;
  /** Empty if boxes were read wrongly, or there are none. */
  readonly recommendations: readonly Recommendation[];
  readonly pictures: readonly PictureSource[];
}

/** Findings that explain many others: they come first, and hide what only follows from them. */
const MISREAD: ReadonlySet<string> = new Set([
  'box-normalised',
  'box-swapped-axes',
  'box-corners-as-size',
  'box-size-as-corners',
  'box-inverted',
  'crs-swapped-axes',
  'crs-degrees',
  'crs-degrees-swapped',
]);
const rankOf = ({ severity, kind }: Finding): number =>
  MISREAD.has(kind) ? -1 : { error: 0, warning: 1, note: 2 }[severity];

/**
 * Examines a data set before training: its files, boxes, classes and split, how well the anchors of the network fit the
 * boxes, and what training will cost. Problems of the data are collected in `findings`; rejects only if the examination
 * itself is impossible (options that do not fit, a device that fails). Reads no files: `examineFiles` takes the inventory
 * in Node. Deterministic, except for measurements on the device.
 */
export async function examine(options: ExamineOptions): Promise<Examination> {
  const { inventory, imagesRoot, format, spec, seed = 1, stretch, bands, pictures = 12 } = options;
  const { table, items } = inventory;
  checkOptions(table, options);
  const { train, heldOut } = sidesOf(options);
  const sizes = summariseSizes(inventory);
  const tiling = tilingOf(options);
  const placed = placeSamples(items, spec, tiling);
  const ious = bestIous(placed, spec.anchors);
  const suggestion = ious.length === 0 ? null : suggestAnchors(placed, spec, seed);
  const { advice, cost, memory } = await examineCost(options, sizes, train);

  const ofData = [
    ...examineSide(options, stretch),
    ...validationFindings(options),
    ...checkClasses(table),
    ...checkLeakage(train, heldOut),
    ...memory,
  ];
  const isMisread = ofData.some(({ kind }) => MISREAD.has(kind));
  const ofAnchors = isMisread ? [] : checkAnchors(inventory, spec, placed, ious, suggestion);
  const findings = [...ofData, ...ofAnchors].sort((a, b) => rankOf(a) - rankOf(b));
  return {
    format,
    imagesRoot,
    images: table.images.length,
    boxes: table.images.reduce((sum, { objects }) => sum + objects.length, 0) - crowdsIn(table),
    crowds: crowdsIn(table),
    train: train.length,
    heldOut: heldOut.length,
    findings,
    worst: findings[0]?.severity ?? null,
    classes: classTable(table),
    sizes,
    stretch: stretch ?? null,
    bands: bands ?? null,
    anchors: coverageOf(placed, ious, spec.matcher),
    suggestion,
    cost,
    recommendations:
      isMisread || cost === null || suggestion === null || advice === null
        ? []
        : recommendAt({ inventory, spec, seed, tiling, advice, suggestion, cost, train }),
    pictures: choosePictures(items, placed, ious, spec.matcher.high, pictures),
  };
}

const tilingOf = ({ tile = null, overlap = 64 }: TrainingPlan): Tiling => ({ tile, overlap });

/** Throws if options do not fit each other or the labels. */
export function checkOptions(
  { images }: LabelTable,
  { split, validation, pictures = 0 }: Pick<TrainingPlan, 'split' | 'pictures'> & { readonly validation?: unknown },
): void {
  if (split !== undefined && validation !== undefined) {
    throw new TypeError('examine: a split and a validation set are given, expected one of the two');
  }
  for (const index of [...(split?.train ?? []), ...(split?.heldOut ?? [])]) {
    checkInteger('examine', 'an index of the split', index, { min: 0, max: images.length - 1 });
  }
  checkInteger('examine', 'pictures', pictures, { min: 0 });
}

/** The images on both sides of the split, or of both data sets. */
function sidesOf({
  inventory: { table, items },
  split,
  validation,
}: ExamineOptions): Record<keyof Split, readonly Item[]> {
  if (validation !== undefined) return { train: items, heldOut: validation.inventory.items };
  const { train, heldOut } = split ?? splitIds(table.images.map(({ file }) => file));
  const at = (indices: readonly number[]): Item[] => indices.map((i) => items[i]!);
  return { train: at(train), heldOut: at(heldOut) };
}

/** Findings about the files, labels and boxes of one data set. */
function examineSide(
  { inventory, format, problems = [], notes = [] }: InventoriedData,
  stretch: Stretch | undefined,
): Finding[] {
  return [
    ...checkProblems(problems),
    ...checkNotes(notes),
    // The readers of SpaceNet's data sets choose a stretch themselves.
    ...checkImages(inventory, { isStretched: stretch !== undefined || /spacenet|geojson/i.test(format) }),
    ...checkPlacement(inventory),
    ...checkBoxes(inventory, problems),
  ];
}

function validationFindings({ inventory, validation, stretch }: ExamineOptions): Finding[] {
  if (validation === undefined) return [];
  const own = examineSide(validation, stretch).map((finding) => ({
    ...finding,
    where: `validation: ${finding.where}`,
  }));
  const [ours, theirs] = [inventory.table.classes, validation.inventory.table.classes];
  if (ours.length === theirs.length && ours.every((name, i) => name === theirs[i])) return own;
  return [
    {
      severity: 'error',
      kind: 'class-order',
      where: 'validation',
      message: `The classes are ${ours.join(', ')}, but those of the validation set are ${theirs.join(', ')}`,
      remedy: 'Give both the same class names in the same order: the position of a name is its label',
      count: 1,
      examples: [],
    },
    ...own,
  ];
}

/** The best image size, and what training costs at the size of the spec; nulls if the size of no image is known. */
async function examineCost(
  options: ExamineOptions,
  sizes: SizeSummary | null,
  train: readonly Item[],
): Promise<{ advice: SizeAdvice | null; cost: CostReport | null; memory: readonly Finding[] }> {
  const { inventory, spec, device = null } = options;
  const { memoryLimit = device !== null && device.memoryLimit < Infinity ? device.memoryLimit : undefined } = options;
  const image = medianSize(inventory);
  if (image === null) return { advice: null, cost: null, memory: [] };
  const tiling = tilingOf(options);
  const advice = sizes === null ? null : adviseSize(spec, image, sizes, tiling);
  const classes = inventory.table.classes.length;
  if (classes === 0) return { advice, cost: null, memory: [] };
  const { report, findings } = await costReport(spec, classes, sampleSize(image, tiling.tile), {
    device,
    train: countSamples(train, tiling),
    memoryLimit,
    // A scene of thousands of pixels would take minutes, or more memory than there is.
    ...(advice === null ? {} : { stepWith: advice }),
  });
  return { advice, cost: report, memory: findings };
}

interface RecommendationInput {
  readonly inventory: Inventory;
  readonly spec: RetinaNetSpec;
  readonly seed: number;
  readonly tiling: Tiling;
  readonly advice: SizeAdvice;
  readonly suggestion: AnchorSuggestion;
  readonly cost: CostReport;
  readonly train: readonly Item[];
}

/** Recommendations, with anchors and cost at the recommended size. */
function recommendAt({
  inventory: { items, table },
  spec,
  seed,
  tiling,
  advice,
  suggestion,
  cost,
  ...rest
}: RecommendationInput): Recommendation[] {
  // The tiles of a single image are on both sides of the split.
  const train = countSamples(rest.train.length === 0 ? items : rest.train, advice);
  if (advice.spec === spec && advice.tile === tiling.tile) return recommend({ advice, suggestion, cost, train });
  return recommend({
    advice,
    suggestion: suggestAnchors(placeSamples(items, advice.spec, advice), spec, seed),
    cost: extrapolate(cost, advice.spec, table.classes.length, advice.image, train),
    train,
  });
}
