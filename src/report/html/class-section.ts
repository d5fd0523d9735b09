import type { JudgementCurve, Judgement } from '../../evaluation/judgement.ts';
import { count, figure, gallery, notDefined, ratio, table, type Section } from './markup.ts';
import { chartSize, checkCurve, endOfScores } from '../charts/score-charts.ts';
import { lineChart, type ChartSeries } from '../charts/svg-chart.ts';

/** Maximum number of classes that curves are drawn of. */
const maxCurves = 5;

type ClassScores = Judgement['perClass'][number];

/** A table of the classes, and curves of the classes with most objects. */
export function classSection({ perClass: classes, settings }: Judgement): Section {
  classes.forEach(({ name, curve }) => checkCurve(`"${name}"`, curve));
  const drawn = classes
    .filter(({ truths }) => truths > 0)
    .sort((a, b) => b.truths - a.truths)
    .slice(0, maxCurves);
  const subset =
    drawn.length < classes.length ? ` The ${drawn.length} of ${classes.length} classes with the most objects.` : '';
  const charts = gallery(
    figure(precisionRecallByClass(drawn), `Average precision at IoU ${settings.iouThreshold} in parentheses.${subset}`),
    figure(f1ByClass(drawn), 'If the peaks are far apart, a threshold for each class is better than a common one.'),
  );
  return {
    heading: 'Classes',
    markup: classTable(classes, settings.iouThreshold) + (classes.length > 1 && drawn.length > 0 ? charts : ''),
  };
}

function classTable(classes: readonly ClassScores[], iouThreshold: number): string {
  return table({
    caption: 'Scores of each class at the chosen score threshold, and its own F1-optimal threshold',
    columns: [
      'class',
      'objects',
      'detections',
      'precision',
      'recall',
      'F1',
      `AP at IoU ${iouThreshold}`,
      'AP',
      'best threshold',
      'best F1',
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
        ratio(entry.cocoAp),
        none ? null : best.threshold.toFixed(2),
        ratio(none ? null : best.f1),
      ];
    }),
  });
}

const chart = { ...chartSize, height: 400, xMin: 0, yMin: 0, yMax: 1 };

/** A series for each class, named with its average precision. */
const seriesOf = (
  classes: readonly ClassScores[],
  xOf: (curve: JudgementCurve) => readonly number[],
  yOf: (curve: JudgementCurve) => readonly number[],
): ChartSeries[] =>
  classes.map(({ name, curve, averagePrecision }) => {
    const label = name.length > 24 ? `${name.slice(0, 23)}…` : name;
    return { name: `${label} (${ratio(averagePrecision) ?? notDefined})`, x: xOf(curve), y: yOf(curve) };
  });

function precisionRecallByClass(classes: readonly ClassScores[]): string {
  return lineChart({
    ...chart,
    title: 'Precision and recall by class',
    xLabel: 'recall',
    yLabel: 'precision',
    xMax: 1,
    series: seriesOf(
      classes,
      ({ recall }) => recall,
      ({ precision }) => precision,
    ),
  });
}

function f1ByClass(classes: readonly ClassScores[]): string {
  return lineChart({
    ...chart,
    ...endOfScores(classes.flatMap(({ curve }) => curve.thresholds)),
    title: 'F1 by score threshold and class',
    xLabel: 'score threshold',
    yLabel: 'F1',
    series: seriesOf(
      classes,
      ({ thresholds }) => thresholds,
      ({ f1 }) => f1,
    ),
  });
}
