import { resolve } from 'node:path';
import type { Bands } from '../imagery/node/read-image.ts';
import type { LabelProblem, LabelTable } from '../labels/types.ts';
import { splitIds, type Split } from '../data/split.ts';
import type { Stretch } from '../imagery/stretch.ts';
import type { Device } from '../tensor/device.ts';
import type { RetinaNetSpec } from '../retinanet/spec.ts';
import type { Size } from '../retinanet/anchors.ts';
import { checkAnchors } from './anchor-checks.ts';
import { bestIous, coverageOf, iousOfImage, placeBoxes, type AnchorCoverage } from '../detector/anchor-coverage.ts';
import type { ReachedBox } from './anchor-pictures.ts';
import { checkBoxes } from './box-checks.ts';
import { checkClasses, classTable, type ClassRow } from './class-checks.ts';
import { costReport, extrapolate, type CostReport } from './cost-report.ts';
import { checkImages } from './image-checks.ts';
import { checkProblems } from './label-checks.ts';
import { checkLeakage } from './leakage-checks.ts';
import { checkPlacement } from './placement-checks.ts';
import { takeInventory } from './read.ts';
import { adviseSize, recommend, type Recommendation, type SizeAdvice, type SizeSummary } from './recommend.ts';
import { suggestAnchors, type SuggestedAnchors } from '../detector/fit-anchors.ts';
import type { Finding, ImageFacts, Inventory, Severity } from './types.ts';
import { visibleBox, sizeOf } from '../detector/visible-box.ts';

/** A data set as the reader of labels gives it. */
export interface LabelledData {
  readonly table: LabelTable;
  /** Folder that the images' paths are relative to. */
  readonly imagesRoot: string;
  /** Name of the label format, such as `coco`. */
  readonly format: string;
  /** What the reader could not make sense of. Default: nothing. */
  readonly problems?: readonly LabelProblem[];
}

/** What to examine, and for which training. */
export interface ExamineOptions extends LabelledData {
  /** The network that will be trained. */
  readonly spec: RetinaNetSpec;
  /** Positions in `table.images`. Default: `splitIds` of the files; give the one that training uses. */
  readonly split?: Split;
  /** A data set of its own to validate on, in place of a split. */
  readonly validation?: LabelledData;
  /** The levels that become 0 and 255 in 16-bit images, where they are settled; pictures show each image by its own otherwise. */
  readonly stretch?: Stretch;
  /** Bands of TIFF images for red, green and blue, numbered from 1. Default: see `ReadImageOptions.bands`. */
  readonly bands?: Bands;
  /** Whether pixels are decoded, which finds damage and near-duplicates, for the time of an epoch's reading. Default true. */
  readonly pixels?: boolean;
  /** The device to take a training step on, or null (default) to estimate. */
  readonly device?: Device | null;
  /** Bytes of the device's memory, where they are known. */
  readonly memoryLimit?: number;
  /** Images to show anchors on, those with the most unreached boxes. Default 12. */
  readonly pictures?: number;
  /** Of the search for anchors. Default 1. */
  readonly seed?: number;
  /** Called after each image file. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** An image to draw, with how anchors reach its boxes. */
export interface PictureSource {
  readonly facts: ImageFacts;
  readonly boxes: readonly ReachedBox[];
}

/** All that was found out. Plain data. */
export interface Examination {
  readonly format: string;
  readonly imagesRoot: string;
  readonly images: number;
  readonly boxes: number;
  /** Images on either side of the split; with a validation set, its images are the second number. */
  readonly train: number;
  readonly heldOut: number;
  /** Errors first, then warnings and notes. */
  readonly findings: readonly Finding[];
  /** The worst severity of all findings, or null without any. */
  readonly worst: Severity | null;
  readonly classes: readonly ClassRow[];
  /** Sizes of the boxes, clipped to their images, in pixels of the images as they are; null without boxes. */
  readonly sizes: SizeSummary | null;
  readonly stretch: Stretch | null;
  readonly bands: Bands | null;
  /** With the anchors of the spec. */
  readonly anchors: AnchorCoverage;
  /** Null without boxes. */
  readonly suggestion: SuggestedAnchors | null;
  /** Null where the size of no image is known. */
  readonly cost: CostReport | null;
  /** None where boxes were read wrongly, or there are none. */
  readonly recommendations: readonly Recommendation[];
  readonly pictures: readonly PictureSource[];
}

/** Findings that explain many others: they come first. */
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
 * Examines a data set before training: its files, boxes, classes and split, how the network's anchors reach the boxes, and
 * what training will take. What is wrong with the data is collected in `findings`; only what makes the examination itself
 * impossible rejects (options that do not fit, a device that fails). The same input gives the same result, but for what
 * the device measured.
 */
export async function examine(options: ExamineOptions): Promise<Examination> {
  const { table, imagesRoot, format, spec, seed = 1, pixels = true, stretch, device = null } = options;
  checkSplit(options);
  const other = options.validation;
  const reading = { pixels, stretch, bands: options.bands };
  const inventory = withoutOthers(
    await takeInventory(table, imagesRoot, { ...reading, onProgress: options.onProgress }),
    imagesRoot,
    other,
  );
  const validation =
    other === undefined
      ? null
      : withoutOthers(await takeInventory(other.table, other.imagesRoot, reading), other.imagesRoot, options);
  const split = options.split ?? splitIds(table.images.map(({ file }) => file));
  const at = (positions: readonly number[]): Inventory['items'] => positions.map((i) => inventory.items[i]!);
  const train = validation === null ? at(split.train) : inventory.items;
  const heldOut = validation === null ? at(split.heldOut) : validation.items;

  const placed = placeBoxes(inventory, spec);
  const ious = bestIous(placed, spec.anchors);
  const suggestion = ious.length === 0 ? null : suggestAnchors(placed, spec.anchors, spec.matcher, { seed });
  const image = usualSize(inventory);
  const sizes = summarise(inventory);
  const advice = image === null || sizes === null ? null : adviseSize(spec, image, sizes);
  const cost =
    image === null || table.classes.length === 0
      ? null
      : await costReport(spec, table.classes.length, image, {
          device,
          train: train.length,
          memoryLimit: options.memoryLimit,
          // A scene of thousands of pixels would take minutes, or more memory than there is.
          ...(advice === null ? {} : { stepWith: advice }),
        });

  const ofData = [
    ...examineSide(inventory, options),
    ...(validation === null || other === undefined
      ? []
      : validationFindings(table, validation, { ...options, ...other, problems: other.problems ?? [] })),
    ...checkClasses(table),
    ...checkLeakage(train, heldOut),
    ...(cost?.findings ?? []),
  ];
  // What follows from boxes that were read wrongly would hide that they were.
  const isMisread = ofData.some(({ kind }) => MISREAD.has(kind));
  const findings = [...ofData, ...(isMisread ? [] : checkAnchors(inventory, spec, placed, ious, suggestion))].sort(
    (a, b) => rankOf(a) - rankOf(b),
  );

  return {
    format,
    imagesRoot,
    images: table.images.length,
    boxes: table.images.reduce((sum, { objects }) => sum + objects.length, 0),
    train: train.length,
    heldOut: heldOut.length,
    findings,
    worst: findings[0]?.severity ?? null,
    classes: classTable(table),
    sizes,
    stretch: stretch ?? null,
    bands: options.bands ?? null,
    anchors: coverageOf(placed, ious, spec.matcher),
    suggestion,
    cost: cost?.report ?? null,
    recommendations:
      isMisread || cost === null || suggestion === null || advice === null
        ? []
        : settings(inventory, spec, advice, suggestion, cost.report, train.length, seed),
    pictures: choosePictures(inventory, placed, ious, spec, options.pictures ?? 12),
  };
}

/** Recommendations; anchors and cost are those at the size that is recommended. */
function settings(
  inventory: Inventory,
  spec: RetinaNetSpec,
  advice: SizeAdvice,
  suggestion: SuggestedAnchors,
  cost: CostReport,
  train: number,
  seed: number,
): Recommendation[] {
  const count = train * advice.tiles;
  if (advice.spec === spec) return recommend({ advice, suggestion, cost, train: count });
  // Tiles are not cut here: the whole image at their scale has the same boxes on the same grids, but for those cut.
  const scale = (advice.spec.transform.minSize ?? 0) / Math.min(...advice.image);
  const scaled = {
    ...advice.spec,
    transform: { ...spec.transform, minSize: Math.round(Math.min(...cost.image) * scale), maxSize: Infinity },
  };
  return recommend({
    advice,
    suggestion: suggestAnchors(placeBoxes(inventory, scaled), spec.anchors, spec.matcher, { seed }),
    cost: extrapolate(cost, advice.spec, inventory.table.classes.length, advice.image, count),
    train: count,
  });
}

function checkSplit({ table, split, validation, pictures = 0 }: ExamineOptions): void {
  if (split !== undefined && validation !== undefined) {
    throw new TypeError('examine: a split and a validation set are given, expected one of the two');
  }
  const wrong = [...(split?.train ?? []), ...(split?.heldOut ?? [])].find((i) => table.images[i] === undefined);
  if (wrong !== undefined) {
    throw new RangeError(`examine: the split has position ${wrong}, expected 0 to ${table.images.length - 1}`);
  }
  if (!Number.isInteger(pictures) || pictures < 0) {
    throw new RangeError(`examine: pictures is ${pictures}, expected a whole number from 0`);
  }
}

/** An inventory whose images without labels are not those that another data set in the same folder labels. */
function withoutOthers(inventory: Inventory, root: string, other: LabelledData | undefined): Inventory {
  if (other === undefined || resolve(other.imagesRoot) !== resolve(root)) return inventory;
  const named = new Set(other.table.images.map(({ file }) => file));
  return { ...inventory, unlabelled: inventory.unlabelled.filter((file) => !named.has(file)) };
}

/** Findings about the files and boxes of one data set. */
function examineSide(
  inventory: Inventory,
  { format, stretch, problems = [] }: Omit<ExamineOptions, 'spec'>,
): Finding[] {
  return [
    ...checkProblems(problems),
    ...checkImages(inventory, { isStretched: stretch !== undefined || /spacenet|geojson/i.test(format) }),
    ...checkPlacement(inventory),
    ...checkBoxes(inventory, problems),
  ];
}

function validationFindings(table: LabelTable, validation: Inventory, options: ExamineOptions): Finding[] {
  const own = examineSide(validation, options).map((finding) => ({
    ...finding,
    where: `validation: ${finding.where}`,
  }));
  const [ours, theirs] = [table.classes, validation.table.classes];
  if (ours.length === theirs.length && ours.every((name, i) => name === theirs[i])) return own;
  return [
    {
      severity: 'error',
      kind: 'class-order',
      where: 'validation',
      message: `The classes are ${ours.join(', ')}, those of the validation set ${theirs.join(', ')}`,
      remedy: 'Give both the same class names in the same order: the position is the label',
      count: 1,
      examples: [],
    },
    ...own,
  ];
}

/** Height and width of the image with the median number of pixels; null where no size is known. */
function usualSize({ items }: Inventory): Size | null {
  const sizes = items.flatMap((item) => sizeOf(item) ?? []).sort((a, b) => a.width * a.height - b.width * b.height);
  const middle = sizes[Math.floor(sizes.length / 2)];
  return middle === undefined ? null : [middle.height, middle.width];
}

function summarise({ items }: Inventory): SizeSummary | null {
  const sides = items
    .flatMap((item) => item.image.objects.map((object) => visibleBox(item, object)))
    .filter((box) => box !== null)
    .map(([x1, y1, x2, y2]) => Math.sqrt((x2 - x1) * (y2 - y1)))
    .sort((a, b) => a - b);
  if (sides.length === 0) return null;
  const at = (share: number): number => sides[Math.min(sides.length - 1, Math.floor(share * sides.length))]!;
  return { p10: at(0.1), median: at(0.5), p90: at(0.9), largest: at(1) };
}

/** Images with the most unreached boxes first, then the lowest mean IoU; those that cannot be read are left out. */
function choosePictures(
  { items }: Inventory,
  placed: ReturnType<typeof placeBoxes>,
  ious: Float64Array,
  spec: RetinaNetSpec,
  count: number,
): PictureSource[] {
  const missed = items.map(() => 0);
  const sum = items.map(() => 0);
  const boxes = items.map(() => 0);
  ious.forEach((iou, n) => {
    const i = placed.images[n]!;
    missed[i] = missed[i]! + (iou < spec.matcher.high ? 1 : 0);
    sum[i] = sum[i]! + iou;
    boxes[i] = boxes[i]! + 1;
  });
  const mean = (i: number): number => sum[i]! / boxes[i]!;
  return items
    .map((_, i) => i)
    .filter((i) => boxes[i]! > 0 && items[i]?.facts.problem === null)
    .sort((a, b) => missed[b]! - missed[a]! || mean(a) - mean(b))
    .slice(0, count)
    .map((i) => ({ facts: items[i]!.facts, boxes: iousOfImage({ items }, placed, ious, i) }));
}
