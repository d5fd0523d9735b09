import type { JudgementCurve, Judgement } from '../../evaluation/judgement.ts';
import { count, figure, gallery, notDefined, ratio, table, type Section } from './markup.ts';
import { chartSize, checkCurve, endOfScores } from '../charts/score-charts.ts';
import { lineChart, type ChartSeries } from '../charts/svg-chart.ts';

/** Most classes that get a curve of their own in a chart. */
const mostCurves = 5;

/** A table of the classes, and curves of those with most objects. */
export function classSection({ perClass: classes, settings }: Judgement): Section {
  classes.forEach(({ name, curve }) => checkCurve(`"${name}"`, curve));
  const drawn = classes
    .filter(({ truths }) => truths > 0)
    .sort((a, b) => b.truths - a.truths)
    .slice(0, mostCurves);
  const seriesOf = (
    xOf: (curve: JudgementCurve) => readonly number[],
    yOf: (curve: JudgementCurve) => readonly number[],
  ) =>
    drawn.map(({ name, curve, averagePrecision }): ChartSeries => {
      const shown = name.length > 24 ? `${name.slice(0, 23)}…` : name;
      return { name: `${shown} (${ratio(averagePrecision) ?? notDefined})`, x: xOf(curve), y: yOf(curve) };
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
    ...endOfScores(drawn.flatMap(({ curve }) => curve.thresholds)),
    title: 'F1 over the threshold by class',
    xLabel: 'score threshold',
    yLabel: 'F1',
    series: seriesOf(
      ({ thresholds }) => thresholds,
      ({ f1 }) => f1,
    ),
  });
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
          'AP',
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
            ratio(entry.cocoAp),
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
