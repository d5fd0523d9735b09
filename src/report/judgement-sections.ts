import type { OperatingPoint } from '../evaluation/precision-recall.ts';
import { confusionMarkup } from './confusion.ts';
import type { ConfusionCounts } from './confusion.ts';
import type { ImageScore } from './examples.ts';
import type { JudgedCoco, JudgedCurve, JudgedInterval, ReportJudgement } from './judgement-parts.ts';
import {
  count,
  counted,
  details,
  figure,
  gallery,
  notDefined,
  paragraph,
  ratio,
  table,
  tables,
  type Cell,
  type Section,
} from './markup.ts';
import { chartSize } from './run-sections.ts';
import { lineChart, type ChartSeries } from './svg-chart.ts';
import { chartColours } from './svg-frame.ts';

// The sections of a report that come from a judgement.

/** Most classes that get a curve of their own in a chart. */
const mostCurves = 5;
/** Most images in the table of images. */
const mostImages = 100;

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** The ends of an interval; null where it is not defined. */
function range(interval: JudgedInterval | undefined): string | null {
  const [low, high] = [ratio(interval?.low), ratio(interval?.high)];
  return low === null || high === null ? null : `${low} to ${high}`;
}

/** How sure an interval is, in words: `95 % interval`. */
const intervalName = (judgement: ReportJudgement): string =>
  `${Number((100 * (judgement.intervals?.confidence ?? 0.95)).toFixed(1))} % interval`;

/** The verdict in a few sentences. */
export function verdict(judgement: ReportJudgement): string {
  const { chosen, best, settings, counts, intervals } = judgement;
  if (counts.images === 0) return 'No images were evaluated.';
  const ground = `${counted(counts.images, 'image')} with ${counted(counts.truths, 'object')}`;
  if (counts.truths === 0) return `${ground}: nothing to find, and ${counted(counts.detections, 'detection')}.`;
  const interval = range(intervals?.f1);
  const certainty = interval === null ? '' : ` (${intervalName(judgement)} ${interval})`;
  const choice =
    settings.scoreThresholdFrom === 'best'
      ? ', the best for these images'
      : best.f1 > chosen.f1
        ? `, which was given (the best for these images is ${best.threshold.toFixed(2)}, with F1 ${ratio(best.f1)})`
        : ', which was given and is the best for these images too';
  return (
    `F1 ${ratio(chosen.f1)}${certainty} on ${ground}. At a score threshold of ${chosen.threshold.toFixed(2)}${choice}, ` +
    `${percent(chosen.recall)} of the objects are found and ${percent(chosen.precision)} of the detections are right, ` +
    `at an IoU of ${settings.iouThreshold} or more.`
  );
}

/** The numbers that matter most, large. */
export function tiles(judgement: ReportJudgement): string {
  const { chosen, intervals, coco, counts } = judgement;
  const tile = (name: string, value: number | null | undefined, interval: JudgedInterval | undefined) => {
    // Without objects the counts make 0 or 1 by convention, which says nothing of the detector.
    const shown = ratio(counts.truths === 0 ? null : value);
    const ends = counts.truths === 0 ? null : range(interval);
    return (
      `<div><dt>${name}</dt><dd${shown === null ? ' class="text"' : ''}>${shown ?? notDefined}</dd>` +
      `${ends === null ? '' : `<dd class="range">${ends}</dd>`}</div>\n`
    );
  };
  const number = (name: string, value: number) => `<div><dt>${name}</dt><dd>${count(value)}</dd></div>\n`;
  const sure =
    intervals === null || intervals === undefined ? '' : ` The smaller numbers are ${intervalName(judgement)}s.`;
  return (
    '<dl class="tiles">\n' +
    tile('F1', chosen.f1, intervals?.f1) +
    tile('Precision', chosen.precision, intervals?.precision) +
    tile('Recall', chosen.recall, intervals?.recall) +
    (coco === null || coco === undefined
      ? ''
      : tile('AP50', coco.ap50, intervals?.ap50) + tile('AP', coco.ap, undefined)) +
    number('Images', counts.images) +
    number('Objects', counts.truths) +
    number('Detections', counts.detections) +
    '</dl>\n' +
    paragraph(`Detections are counted whatever their score.${sure}`, 'note')
  );
}

/** Throws a RangeError unless the columns of a curve are equally long. */
function checkCurve(name: string, { thresholds, precision, recall, f1 }: JudgedCurve): void {
  for (const [key, values] of Object.entries({ precision, recall, f1 })) {
    if (values.length !== thresholds.length) {
      throw new RangeError(
        `reportHtml: the curve of ${name} has ${thresholds.length} thresholds and ${values.length} of ${key}, expected as many`,
      );
    }
  }
}

const isBest = ({ settings, chosen, best }: ReportJudgement): boolean =>
  settings.scoreThresholdFrom === 'best' || chosen.threshold === best.threshold;

/** The right end of an axis of scores: 1, but for detectors whose scores are no probabilities. */
const endOfScores = (scores: readonly number[]): { xMax?: number } =>
  scores.every((score) => score <= 1) ? { xMax: 1 } : {};

function precisionRecall(judgement: ReportJudgement): string {
  const { curve, chosen, settings } = judgement;
  return lineChart({
    ...chartSize,
    title: `Precision and recall at IoU ${settings.iouThreshold}`,
    xLabel: 'recall',
    yLabel: 'precision',
    xMin: 0,
    xMax: 1,
    yMin: 0,
    yMax: 1,
    series: [{ name: 'all classes', x: curve.recall, y: curve.precision }],
    marks:
      curve.thresholds.length === 0
        ? []
        : [
            {
              x: chosen.recall,
              y: chosen.precision,
              label: `F1 ${ratio(chosen.f1)} at ${chosen.threshold.toFixed(2)}`,
            },
          ],
  });
}

function overThresholds(judgement: ReportJudgement): string {
  const { curve, chosen } = judgement;
  const x = curve.thresholds;
  return lineChart({
    ...chartSize,
    title: 'Scores over the threshold',
    xLabel: 'score threshold',
    yLabel: 'score',
    xMin: 0,
    ...endOfScores(x),
    yMin: 0,
    yMax: 1,
    series: [
      { name: 'precision', x, y: curve.precision, colour: chartColours[0] },
      { name: 'recall', x, y: curve.recall, colour: chartColours[1] },
      { name: 'F1', x, y: curve.f1, colour: chartColours[2] },
    ],
    marks:
      x.length === 0
        ? []
        : [
            {
              x: chosen.threshold,
              y: chosen.f1,
              label: `${isBest(judgement) ? 'best' : 'chosen'} ${chosen.threshold.toFixed(2)}`,
            },
          ],
  });
}

/** Rows at every second round threshold, with the chosen and the best one in their places. */
function thresholdTable(judgement: ReportJudgement): string {
  const { thresholds, chosen, best } = judgement;
  const extra: readonly (readonly [OperatingPoint, string])[] = isBest(judgement)
    ? [[chosen, ' (best)']]
    : [
        [chosen, ' (chosen)'],
        [best, ' (best)'],
      ];
  const rows = [...thresholds.filter((_, i) => i % 2 === 0).map((point) => [point, ''] as const), ...extra].sort(
    ([a], [b]) => a.threshold - b.threshold,
  );
  return table({
    caption: 'What a score threshold keeps',
    columns: ['threshold', 'found', 'wrong', 'missed', 'precision', 'recall', 'F1'],
    rows: rows.map(([point, note]) => [
      `${point.threshold.toFixed(note === '' ? 1 : 3)}${note}`,
      count(point.truePositives),
      count(point.falsePositives),
      count(point.falseNegatives),
      ratio(point.precision),
      ratio(point.recall),
      ratio(point.f1),
    ]),
    marked: rows.findIndex(([point]) => point === chosen),
  });
}

const cocoNames: readonly (readonly [keyof JudgedCoco, string])[] = [
  ['ap', 'AP, IoU 0.50 to 0.95'],
  ['ap50', 'AP50, IoU 0.50'],
  ['ap75', 'AP75, IoU 0.75'],
  ['apSmall', 'AP of small objects, to 32 x 32 pixels'],
  ['apMedium', 'AP of medium objects, to 96 x 96 pixels'],
  ['apLarge', 'AP of large objects'],
  ['ar1', 'AR with 1 detection per class and image'],
  ['ar10', 'AR with 10 detections'],
  ['ar100', 'AR with 100 detections'],
  ['arSmall', 'AR of small objects'],
  ['arMedium', 'AR of medium objects'],
  ['arLarge', 'AR of large objects'],
];

function cocoTable(coco: JudgedCoco): string {
  const rows = cocoNames.flatMap(([key, name]): Cell[][] =>
    coco[key] === undefined ? [] : [[name, ratio(coco[key])]],
  );
  return table({ caption: "COCO's metrics, means over the classes", columns: ['metric', 'value'], rows });
}

function countNotes({ counts, macro, spaceNet }: ReportJudgement): string {
  const { emptyImages = 0, imagesWithoutPredictions = 0, ignoredTruths = 0, ignoredDetections = 0 } = counts;
  const polygon = spaceNet?.polygon;
  const notes = [
    emptyImages > 0 ? `${counted(emptyImages, 'image')} without objects.` : '',
    imagesWithoutPredictions > 0
      ? `${counted(imagesWithoutPredictions, 'image')} without a line in the predictions, taken as without detections.`
      : '',
    ignoredTruths > 0
      ? `${counted(ignoredTruths, 'crowd or difficult object', 'crowds or difficult objects')} and ` +
        `${counted(ignoredDetections, 'detection')} of them, neither right nor wrong.`
      : '',
    macro === null || macro === undefined
      ? ''
      : `Mean over the classes: F1 ${ratio(macro.f1)}, precision ${ratio(macro.precision)}, recall ${ratio(macro.recall)}.`,
    polygon === null || polygon === undefined
      ? ''
      : `With outlines in place of boxes (SpaceNet's metric): F1 ${ratio(polygon.chosen.f1)}, precision ` +
        `${ratio(polygon.chosen.precision)}, recall ${ratio(polygon.chosen.recall)}.`,
  ].filter((note) => note !== '');
  return notes.length === 0 ? '' : paragraph(notes.join(' '));
}

/** Curves, thresholds and COCO's metrics of all classes together. */
export function scoreSection(judgement: ReportJudgement): Section {
  checkCurve('all classes', judgement.curve);
  const { coco } = judgement;
  if (judgement.counts.truths === 0) {
    return { heading: 'Scores', markup: countNotes(judgement) + paragraph('Without objects there are no scores.') };
  }
  const advice =
    'A higher threshold gives fewer and surer detections. Where misses cost more than false alarms, choose a lower one.';
  return {
    heading: 'Scores',
    markup:
      countNotes(judgement) +
      gallery(
        figure(
          precisionRecall(judgement),
          'All classes together, one point per score threshold. Up and right is better.',
        ),
        figure(overThresholds(judgement), advice),
      ) +
      tables(thresholdTable(judgement), coco === null || coco === undefined ? '' : cocoTable(coco)),
  };
}

/** A table of the classes, and curves of those with most objects. */
export function classSection({ perClass: classes, settings }: ReportJudgement): Section {
  classes.forEach(({ name, curve }) => {
    if (curve !== undefined) checkCurve(`"${name}"`, curve);
  });
  const drawn = classes
    .filter(({ truths, curve }) => truths > 0 && curve !== undefined)
    .sort((a, b) => b.truths - a.truths)
    .slice(0, mostCurves);
  const seriesOf = (xOf: (curve: JudgedCurve) => readonly number[], yOf: (curve: JudgedCurve) => readonly number[]) =>
    drawn.flatMap(({ name, curve, averagePrecision }): ChartSeries[] => {
      if (curve === undefined) return [];
      const shown = name.length > 24 ? `${name.slice(0, 23)}…` : name;
      return [{ name: `${shown} (${ratio(averagePrecision) ?? notDefined})`, x: xOf(curve), y: yOf(curve) }];
    });
  const shared = { ...chartSize, height: 400, xMin: 0, yMin: 0, yMax: 1 };
  const precisionRecallByClass = lineChart({
    ...shared,
    title: 'Precision and recall by class',
    xLabel: 'recall',
    yLabel: 'precision',
    xMax: 1,
    series: seriesOf(
      ({ recall }) => recall,
      ({ precision }) => precision,
    ),
  });
  const f1ByClass = lineChart({
    ...shared,
    ...endOfScores(drawn.flatMap(({ curve }) => curve?.thresholds ?? [])),
    title: 'F1 over the threshold by class',
    xLabel: 'score threshold',
    yLabel: 'F1',
    series: seriesOf(
      ({ thresholds }) => thresholds,
      ({ f1 }) => f1,
    ),
  });
  const coco = classes.some(({ cocoAp }) => cocoAp !== undefined);
  const which =
    drawn.length < classes.length ? ` The ${drawn.length} of ${classes.length} classes with most objects.` : '';
  return {
    heading: 'Classes',
    markup:
      table({
        caption: 'Scores of each class at the chosen threshold, and the threshold at which the class alone does best',
        columns: [
          'class',
          'objects',
          'detections',
          'precision',
          'recall',
          'F1',
          `AP at IoU ${settings.iouThreshold}`,
          ...(coco ? ['AP'] : []),
          'best threshold',
          'F1 there',
        ],
        rows: classes.map((entry) => {
          const none = entry.truths === 0;
          const { chosen, best } = entry;
          return [
            entry.name,
            count(entry.truths),
            count(entry.detections),
            ratio(none && chosen.truePositives + chosen.falsePositives === 0 ? null : chosen.precision),
            ratio(none ? null : chosen.recall),
            ratio(none ? null : chosen.f1),
            ratio(entry.averagePrecision),
            ...(coco ? [ratio(entry.cocoAp)] : []),
            none ? null : best.threshold.toFixed(2),
            ratio(none ? null : best.f1),
          ];
        }),
      }) +
      (classes.length > 1 && drawn.length > 0
        ? gallery(
            figure(
              precisionRecallByClass,
              `In brackets the average precision at IoU ${settings.iouThreshold}.${which}`,
            ),
            figure(
              f1ByClass,
              'Where the peaks lie far apart, a threshold for each class does better than one for all.',
            ),
          )
        : ''),
  };
}

/** Which class was taken for which. */
export function confusionSection(confusion: ConfusionCounts): Section {
  return { heading: 'Confusion of classes', markup: confusionMarkup(confusion) };
}

/** The images with most errors, in a table. */
export function imageSection(images: readonly ImageScore[]): Section {
  const errors = (image: ImageScore) => image.falsePositives + image.falseNegatives;
  const wrong = images
    .filter((image) => errors(image) > 0)
    .sort((a, b) => errors(b) - errors(a) || (a.f1 ?? 0) - (b.f1 ?? 0) || (a.file < b.file ? -1 : 1));
  const shown = wrong.slice(0, mostImages);
  const caption =
    shown.length < wrong.length
      ? `The ${shown.length} images with most errors, of ${wrong.length}`
      : 'Images with errors';
  return {
    heading: 'Images',
    markup:
      paragraph(
        images.length === 0
          ? 'There are no images.'
          : `${counted(images.length - wrong.length, 'image')} of ${count(images.length)} without an error.`,
      ) +
      (shown.length === 0
        ? ''
        : details(
            caption,
            table({
              caption,
              columns: ['image', 'found', 'wrong', 'missed', 'F1'],
              rows: shown.map((image) => [
                image.file,
                count(image.truePositives),
                count(image.falsePositives),
                count(image.falseNegatives),
                ratio(image.f1),
              ]),
            }),
          )),
  };
}
