import type { OperatingPoint } from '../../evaluation/precision-recall.ts';
import type { CocoMetrics } from '../../evaluation/coco.ts';
import type { ConfusionMatrix, ImageJudgement, Judgement } from '../../evaluation/judgement.ts';
import { confusionMarkup } from '../charts/confusion.ts';
import {
  count,
  counted,
  details,
  figure,
  gallery,
  paragraph,
  ratio,
  table,
  tables,
  type Cell,
  type Section,
} from './markup.ts';
import { chartSize, checkCurve, endOfScores } from '../charts/score-charts.ts';
import { lineChart } from '../charts/svg-chart.ts';
import { chartColours } from '../charts/svg-frame.ts';

// The sections of a report that show a judgement, except for that of the classes.

/** Maximum number of images in the table of images. */
const maxImages = 100;

const isBest = ({ settings, chosen, best }: Judgement): boolean =>
  settings.scoreThresholdFrom === 'best' || chosen.threshold === best.threshold;

function precisionRecall(judgement: Judgement): string {
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
              x: chosen.recall!,
              y: chosen.precision!,
              label: `F1 ${ratio(chosen.f1)} at ${chosen.threshold.toFixed(2)}`,
            },
          ],
  });
}

function overThresholds(judgement: Judgement): string {
  const { curve, chosen } = judgement;
  const x = curve.thresholds;
  return lineChart({
    ...chartSize,
    title: 'Precision, recall and F1 by score threshold',
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
              y: chosen.f1!,
              label: `${isBest(judgement) ? 'best' : 'chosen'} ${chosen.threshold.toFixed(2)}`,
            },
          ],
  });
}

/** Rows at every second threshold of the judgement, and at the chosen and the best threshold. */
function thresholdTable(judgement: Judgement): string {
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
    caption: 'Effect of the score threshold',
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

const cocoNames: readonly (readonly [keyof Omit<CocoMetrics, 'perClass' | 'leftOut'>, string])[] = [
  ['ap', 'AP, IoU 0.50 to 0.95'],
  ['ap50', 'AP50, IoU 0.50'],
  ['ap75', 'AP75, IoU 0.75'],
  ['apSmall', 'AP of small objects, up to 32 x 32 pixels'],
  ['apMedium', 'AP of medium objects, up to 96 x 96 pixels'],
  ['apLarge', 'AP of large objects'],
  ['ar1', 'AR with 1 detection per class and image'],
  ['ar10', 'AR with 10 detections'],
  ['ar100', 'AR with 100 detections'],
  ['arSmall', 'AR of small objects'],
  ['arMedium', 'AR of medium objects'],
  ['arLarge', 'AR of large objects'],
];

function cocoTable(coco: CocoMetrics): string {
  const rows = cocoNames.map(([key, name]): Cell[] => [name, ratio(coco[key])]);
  return table({ caption: 'COCO metrics, means over the classes', columns: ['metric', 'value'], rows });
}

function countNotes({ counts, macro, spaceNet }: Judgement): string {
  const { emptyImages, imagesWithoutPredictions, ignoredTruths, ignoredDetections } = counts;
  const { polygon } = spaceNet;
  const notes = [
    emptyImages > 0 ? `${counted(emptyImages, 'image')} without objects.` : '',
    imagesWithoutPredictions > 0
      ? `${counted(imagesWithoutPredictions, 'image')} not listed in the predictions, evaluated as images without detections.`
      : '',
    ignoredTruths > 0
      ? `${counted(ignoredTruths, 'crowd or difficult object', 'crowds or difficult objects')} and ` +
        `${counted(ignoredDetections, 'detection')} of them are ignored: they count as neither correct nor wrong.`
      : '',
    // With one class it would repeat the scores.
    macro === null || macro.classes < 2
      ? ''
      : `Mean over the classes: F1 ${ratio(macro.f1)}, precision ${ratio(macro.precision)}, recall ${ratio(macro.recall)}.`,
    polygon === null
      ? ''
      : `With outlines instead of boxes (SpaceNet's metric): F1 ${ratio(polygon.chosen.f1)}, precision ` +
        `${ratio(polygon.chosen.precision)}, recall ${ratio(polygon.chosen.recall)}.`,
  ].filter((note) => note !== '');
  return notes.length === 0 ? '' : paragraph(notes.join(' '));
}

/** Curves, thresholds and COCO metrics of all classes pooled. */
export function scoreSection(judgement: Judgement): Section {
  checkCurve('all classes', judgement.curve);
  if (judgement.counts.truths === 0) {
    return { heading: 'Scores', markup: countNotes(judgement) + paragraph('There are no scores without objects.') };
  }
  const advice =
    'A higher threshold gives fewer but more reliable detections. If missed objects cost more than false positives, choose ' +
    'a lower one.';
  return {
    heading: 'Scores',
    markup:
      countNotes(judgement) +
      gallery(
        figure(
          precisionRecall(judgement),
          'All classes pooled, one point per score threshold. Closer to the top right is better.',
        ),
        figure(overThresholds(judgement), advice),
      ) +
      tables(thresholdTable(judgement), cocoTable(judgement.coco)),
  };
}

/** Which classes were confused. */
export function confusionSection(confusion: ConfusionMatrix): Section {
  return { heading: 'Confusion matrix', markup: confusionMarkup(confusion) };
}

/** The images with most errors, in a table. */
export function imageSection(images: readonly ImageJudgement[]): Section {
  const errors = (image: ImageJudgement) => image.falsePositives + image.falseNegatives;
  const wrong = images
    .filter((image) => errors(image) > 0)
    .sort((a, b) => errors(b) - errors(a) || a.f1! - b.f1! || (a.file < b.file ? -1 : 1));
  const listed = wrong.slice(0, maxImages);
  const caption =
    listed.length < wrong.length
      ? `The ${listed.length} images with the most errors, of ${wrong.length}`
      : 'Images with errors';
  return {
    heading: 'Images',
    markup:
      paragraph(
        images.length === 0
          ? 'There are no images.'
          : `${count(images.length - wrong.length)} of ${counted(images.length, 'image')} without errors.`,
      ) +
      (listed.length === 0
        ? ''
        : details(
            caption,
            table({
              caption,
              columns: ['image', 'found', 'wrong', 'missed', 'F1'],
              rows: listed.map((image) => [
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
