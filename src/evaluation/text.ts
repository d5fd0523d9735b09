import { counted } from '../common/check.ts';
import { MIN_SCENES } from './bootstrap.ts';
import { gain, type RunComparison } from './compare.ts';
import type { Interval, Intervals, Judgement, SpaceNetScore } from './judgement.ts';
import type { OperatingPoint } from './precision-recall.ts';

/** The table over score thresholds shows every second threshold of a judgement. */
const THRESHOLD_STEP = 2;
/** Maximum number of classes for which the confusion matrix fits on a screen. */
const CONFUSION_CLASSES = 12;

export const show = (value: number | null): string => (value === null ? '-' : value.toFixed(3));
const signed = (value: number | null): string => (value !== null && value >= 0 ? `+${show(value)}` : show(value));
/** Up to one decimal, as confidences such as 97.5 % need it. */
export const percentage = (fraction: number | null): string =>
  fraction === null ? '-' : `${Number((fraction * 100).toFixed(1))} %`;

/** Lines of cells in columns, two spaces apart: the first column flush left, the others flush right. */
function table(rows: readonly (readonly string[])[], indent = ''): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, k) => Math.max(...rows.map((row) => row[k]?.length ?? 0)));
  return rows.map((row) => {
    const cells = row.map((cell, k) => (k === 0 ? cell.padEnd(widths[k]!) : cell.padStart(widths[k]!)));
    return `${indent}${cells.join('  ')}`.trimEnd();
  });
}

/** A table with an explanation after each row, flush left. */
export function explained(rows: readonly { readonly cells: readonly string[]; readonly text: string }[]): string[] {
  const lines = table(rows.map(({ cells }) => cells));
  const width = Math.max(...lines.map((line) => line.length));
  return lines.map((line, k) => `  ${line.padEnd(width)}  ${rows[k]?.text ?? ''}`.trimEnd());
}

export function bracket(interval: Interval | undefined): string {
  if (interval === undefined) return '';
  return interval.low === null ? '-' : `[${show(interval.low)}, ${show(interval.high)}]`;
}

function head({ counts, settings }: Judgement): string[] {
  const empty = counts.emptyImages === 0 ? '' : `, ${counts.emptyImages} without objects`;
  const unlisted =
    counts.imagesWithoutPredictions === 0 ? '' : `, ${counts.imagesWithoutPredictions} not in the predictions`;
  const ignored = counts.ignoredTruths === 0 ? '' : `, and ${counts.ignoredTruths} ignored (crowds, difficult ones)`;
  const on = counts.ignoredDetections === 0 ? '' : `, and ${counts.ignoredDetections} of ignored objects`;
  return [
    `images      ${counts.images}${empty}${unlisted}`,
    `objects     ${counts.truths}${ignored}`,
    `detections  ${counts.detections}${on}`,
    ...(counts.truths > 0
      ? []
      : [
          `There is nothing to find: ${counts.ignoredTruths === 0 ? 'the ground truth has no objects' : 'all objects of the ground truth are crowds or difficult ones'}.`,
        ]),
    `A detection is right if its IoU with an object of its class, not already matched by a higher-scoring detection, is at least ${settings.iouThreshold}.`,
  ];
}

function chosenLines({ chosen, settings, intervals, macro }: Judgement): string[] {
  const { truePositives: right, falsePositives: wrong, falseNegatives: missed } = chosen;
  const origin =
    settings.scoreThresholdFrom === 'given' ? '' : ', where F1 is highest on these same images (optimistic)';
  const rows = [
    {
      cells: ['precision', show(chosen.precision), bracket(intervals?.precision)],
      text: `${right} of ${counted(right + wrong, 'detection', 'detections')} right`,
    },
    {
      cells: ['recall', show(chosen.recall), bracket(intervals?.recall)],
      text: `${right} of ${counted(right + missed, 'object', 'objects')} found`,
    },
    { cells: ['F1', show(chosen.f1), bracket(intervals?.f1)], text: 'harmonic mean of the two' },
  ];
  if (macro !== null && macro.classes > 1) {
    rows.push({ cells: ['macro F1', show(macro.f1), ''], text: `mean over ${macro.classes} classes` });
  }
  return ['', `At scores from ${settings.scoreThreshold.toPrecision(3)}${origin}:`, ...explained(rows)];
}

function thresholdLines({ thresholds, best }: Judgement): string[] {
  const row = (point: OperatingPoint, note = '') => [
    point.threshold.toFixed(note === '' ? 2 : 3),
    show(point.precision),
    show(point.recall),
    show(point.f1),
    String(point.truePositives),
    String(point.falsePositives),
    String(point.falseNegatives),
    note,
  ];
  const rows = thresholds.filter((_, k) => k % THRESHOLD_STEP === 0).map((point) => row(point));
  const header = ['score >=', 'precision', 'recall', 'F1', 'right', 'wrong', 'missed', ''];
  return ['', ...table([header, ...rows, row(best, 'highest F1')])];
}

/** The figures of a class that all judgements have. */
interface ClassFigures {
  readonly name: string;
  readonly truths: number;
  readonly chosen: OperatingPoint;
  readonly best: OperatingPoint;
}

/** A table of the figures of each class and of further ones, given by their headers; nothing for a single class. */
export function classTable<Row extends ClassFigures>(
  perClass: readonly Row[],
  further: Readonly<Record<string, (row: Row) => number | null>>,
): string[] {
  if (perClass.length < 2) return [];
  const header = ['class', 'objects', 'precision', 'recall', 'F1', 'highest F1', 'at score', ...Object.keys(further)];
  const rows = perClass.map((row) => [
    row.name,
    String(row.truths),
    show(row.chosen.precision),
    show(row.chosen.recall),
    show(row.chosen.f1),
    show(row.best.f1),
    row.best.threshold.toFixed(3),
    ...Object.values(further).map((figure) => show(figure(row))),
  ]);
  return ['', ...table([header, ...rows])];
}

function confusionLines({ confusion: { classes, counts } }: Judgement): string[] {
  if (classes.length < 3) return [];
  if (classes.length - 1 > CONFUSION_CLASSES) {
    const pairs = counts.flatMap((row, i) =>
      row.flatMap((count, j) =>
        i !== j && i < classes.length - 1 && j < classes.length - 1 && count > 0 ? [{ i, j, count }] : [],
      ),
    );
    const most = pairs.sort((a, b) => b.count - a.count).slice(0, CONFUSION_CLASSES);
    const rows = most.map(({ i, j, count }) => [`${classes[i]} detected as ${classes[j]}`, String(count)]);
    return rows.length === 0 ? [] : ['', 'Most frequent confusions:', ...table(rows, '  ')];
  }
  const rows = counts.map((row, i) => [classes[i]!, ...row.map(String)]);
  return [
    '',
    'Objects (rows) by the class they were detected as (columns):',
    ...table([['', ...classes], ...rows], '  '),
  ];
}

function cocoLines({ coco, intervals }: Judgement): string[] {
  const rows = [
    { cells: ['AP', show(coco.ap), ''], text: 'average precision, mean over IoU 0.50 to 0.95 and classes' },
    {
      cells: ['AP50', show(coco.ap50), bracket(intervals?.ap50)],
      text: 'at IoU 0.50, mean of the precision at 101 recalls',
    },
    { cells: ['AP75', show(coco.ap75), ''], text: 'at IoU 0.75' },
    {
      cells: ['AP by size', `${show(coco.apSmall)} ${show(coco.apMedium)} ${show(coco.apLarge)}`, ''],
      text: 'small (to 32 x 32 pixels), medium, large (from 96 x 96)',
    },
    {
      cells: ['AR', `${show(coco.ar1)} ${show(coco.ar10)} ${show(coco.ar100)}`, ''],
      text: 'average recall with 1, 10, 100 detections per class and image',
    },
    {
      cells: ['AR by size', `${show(coco.arSmall)} ${show(coco.arMedium)} ${show(coco.arLarge)}`, ''],
      text: 'small, medium, large',
    },
  ];
  const left =
    coco.leftOut === 0
      ? []
      : [`  ${counted(coco.leftOut, 'detection', 'detections')} beyond 100 per class and image left out here`];
  const title = 'COCO, as pycocotools computes it (of at most 100 detections per class and image):';
  return ['', title, ...explained(rows), ...left];
}

function spaceNetLines({ spaceNet: { box, polygon } }: Judgement): string[] {
  const row = (name: string, { all, chosen, best }: SpaceNetScore) => [
    name,
    show(all.f1),
    show(chosen.f1),
    show(best.f1),
    best.threshold.toFixed(3),
  ];
  const header = ['', 'all detections', 'chosen score', 'highest', 'at score'];
  const rows = [header, row('boxes', box), ...(polygon === null ? [] : [row('outlines', polygon)])];
  return ['', "SpaceNet's F1 at IoU 0.5:", ...table(rows, '  ')];
}

function imageLines({ perImage, listed }: Judgement): string[] {
  if (perImage.length < 2) return [];
  const lists = [
    ['worst', listed.worst],
    ['nothing found', listed.missed],
    ['best', listed.best],
  ] as const;
  const lines = lists
    .filter(([, files]) => files.length > 0)
    .map(([name, files]) => [name, files.slice(0, 3).join(', ')]);
  const width = Math.max(0, ...lines.map(([name = '']) => name.length));
  return lines.length === 0
    ? []
    : ['', 'Images:', ...lines.map(([name = '', files]) => `  ${name.padEnd(width)}  ${files}`)];
}

/** Why there is no interval; null if there can be one. */
export function tooFewScenes({ scenes, resampled }: Pick<Intervals, 'scenes' | 'resampled'>): string | null {
  if (scenes >= MIN_SCENES) return null;
  const noun = resampled === 'scenes' ? 'scene' : 'image';
  const have = counted(scenes, `${noun} has`, `${noun}s have`);
  return `too few scenes for an interval: ${have} objects, at least ${MIN_SCENES} are needed`;
}

/** How the intervals were estimated, or why there are none. */
function intervalLines(intervals: Intervals): string[] {
  const { confidence, resamples, resampled, scenes } = intervals;
  const tooFew = tooFewScenes(intervals);
  if (tooFew !== null) return [`  -: ${tooFew}`];
  const of =
    resampled === 'scenes' ? `the ${scenes} scenes with objects` : 'the images, taken as independent of each other';
  const few = scenes < 20 ? `; rough for so few ${resampled}` : '';
  return [`  [ ]: ${percentage(confidence)} confidence, from ${resamples} resamples of ${of}${few}`];
}

/**
 * A judgement as the command prints it: aligned lines of plain text, each figure with its meaning. `-` stands for undefined
 * figures; brackets hold confidence intervals. Ends without a line break.
 */
export function judgementText(judgement: Judgement): string {
  const { intervals } = judgement;
  return [
    ...head(judgement),
    ...chosenLines(judgement),
    ...(intervals === null ? [] : intervalLines(intervals)),
    ...thresholdLines(judgement),
    ...classTable(judgement.perClass, { AP50: ({ cocoAp50 }) => cocoAp50, AP: ({ cocoAp }) => cocoAp }),
    ...confusionLines(judgement),
    ...cocoLines(judgement),
    ...spaceNetLines(judgement),
    ...imageLines(judgement),
  ].join('\n');
}

/** What the interval of the difference in F1 means. */
function conclusion({ f1, settings }: RunComparison): string {
  if (settings.resamples === 0) return '';
  if (f1.low === null || f1.high === null) return tooFewScenes(settings) ?? '';
  if (f1.low > 0) return 'b is better in F1: its interval lies above 0.';
  if (f1.high < 0) return 'a is better in F1: its interval lies below 0.';
  return 'These images do not decide which is better in F1: the interval contains 0.';
}

/** A comparison as the command prints it, in the style of `judgementText`. Ends without a line break. */
export function comparisonText(comparison: RunComparison): string {
  const { settings, precision, recall, f1, ap50, perClass, changed, images, truths } = comparison;
  const { a, b } = settings.scoreThreshold;
  const origin = settings.scoreThresholdFrom === 'best' ? ', where F1 of each is highest' : '';
  const rows = (
    [
      ['precision', precision],
      ['recall', recall],
      ['F1', f1],
      ['AP50', ap50],
    ] as const
  ).map(([name, one]) => [
    name,
    show(one.a),
    show(one.b),
    signed(one.difference),
    one.low === null ? '-' : `[${signed(one.low)}, ${signed(one.high)}]`,
    percentage(one.bBetter),
  ]);
  const interval = `${percentage(settings.confidence)} interval`;
  const classes = perClass.map((one) => [
    one.name,
    String(one.truths),
    show(one.f1.a),
    show(one.f1.b),
    show(one.ap50.a),
    show(one.ap50.b),
    String(one.onlyA),
    String(one.onlyB),
  ]);
  const header = ['class', 'objects', 'F1 a', 'F1 b', 'AP50 a', 'AP50 b', 'only a found', 'only b found'];
  const list = (title: string, some: typeof changed) => {
    if (some.length === 0) return [];
    const cells = some
      .slice(0, 5)
      .map(({ file, f1: of, onlyA, onlyB }) => [
        file,
        show(of.a),
        show(of.b),
        String(onlyA.length),
        String(onlyB.length),
      ]);
    return ['', ...table([[title, 'F1 a', 'F1 b', 'only a found', 'only b found'], ...cells])];
  };
  const text = conclusion(comparison);
  return [
    `${counted(images, 'image', 'images')}, ${counted(truths, 'object', 'objects')}; IoU ${settings.iouThreshold}; scores from ${a.toPrecision(3)} (a) and ${b.toPrecision(3)} (b)${origin}`,
    '',
    ...table([['', 'a', 'b', 'b - a', interval, 'b better in'], ...rows]),
    ...(text === '' ? [] : [text]),
    '',
    ...table([header, ...classes]),
    ...list(
      'images that b lost',
      changed.filter((image) => gain(image) < 0),
    ),
    ...list(
      'images that b gained',
      [...changed].reverse().filter((image) => gain(image) > 0),
    ),
  ].join('\n');
}
