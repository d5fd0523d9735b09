import type { Evaluation } from '../evaluation/detection-metrics.ts';
import type { PrecisionRecallCurve } from '../evaluation/precision-recall.ts';
import { lineChart, stackCharts } from './svg-chart.ts';
import type { ChartSeries, LineChart } from './svg-chart.ts';

/** One logged training step. */
export interface LossRecord {
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
}

/** One evaluation on held-out images during training. */
export interface ValidationRecord {
  readonly step: number;
  readonly f1: number;
  /** Null where it is not defined. */
  readonly averagePrecision: number | null;
}

/**
 * The mean of each value with up to `reach` values on either side. What is not finite is left out of the means and stays
 * as it is.
 */
export function smooth(values: readonly number[], reach: number): number[] {
  const sums = [0];
  const counts = [0];
  values.forEach((value, i) => {
    const counted = Number.isFinite(value);
    sums.push((sums[i] as number) + (counted ? value : 0));
    counts.push((counts[i] as number) + (counted ? 1 : 0));
  });
  return values.map((value, i) => {
    if (!Number.isFinite(value)) return value;
    const from = Math.max(0, i - reach);
    const to = Math.min(values.length, i + reach + 1);
    return ((sums[to] as number) - (sums[from] as number)) / ((counts[to] as number) - (counts[from] as number));
  });
}

/**
 * The course of a training run as the text of an SVG file: the loss of each record in pale and the mean over a fortieth
 * of the records around it, on a logarithmic axis where the smoothed loss spans more than a factor of 10; below it F1 and average
 * precision on held-out images, when there are any, and the learning rate. A loss that is not finite leaves a gap.
 */
export function lossChart(history: readonly LossRecord[], validation: readonly ValidationRecord[] = []): string {
  const x = history.map(({ step }) => step);
  const loss = history.map((record) => record.loss);
  const smoothed = smooth(loss, Math.floor(loss.length / 80));
  const positive = smoothed.filter((value) => Number.isFinite(value) && value > 0);
  const logY = positive.reduce((a, b) => Math.max(a, b), 0) > 10 * positive.reduce((a, b) => Math.min(a, b), Infinity);
  const last = [...history, ...validation].reduce((most, { step }) => Math.max(most, step), 0);
  const shared = { xLabel: 'step', xMin: 0, ...(last > 0 ? { xMax: last } : {}) };
  const panels: LineChart[] = [
    {
      ...shared,
      title: 'Training loss',
      yLabel: logY ? 'loss (logarithmic)' : 'loss',
      height: 360,
      logY,
      ...(logY ? {} : { yMin: 0 }),
      series: [
        { name: 'each step', x, y: loss, faint: true, colour: '#0072b2' },
        { name: 'smoothed', x, y: smoothed, colour: '#0072b2' },
      ],
    },
  ];
  if (validation.length > 0) {
    const steps = validation.map(({ step }) => step);
    panels.push({
      ...shared,
      title: 'Held-out images',
      yLabel: 'score',
      height: 260,
      yMin: 0,
      yMax: 1,
      series: [
        { name: 'best F1', x: steps, y: validation.map(({ f1 }) => f1), colour: '#009e73' },
        {
          name: 'average precision',
          x: steps,
          y: validation.map((record) => record.averagePrecision ?? NaN),
          colour: '#d55e00',
        },
      ],
    });
  }
  const rates = history.map(({ learningRate }) => learningRate);
  panels.push({
    ...shared,
    title: 'Learning rate',
    yLabel: 'rate',
    height: 200,
    yMin: 0,
    series: [{ name: 'learning rate', x, y: rates, colour: '#666666' }],
  });
  return stackCharts(panels);
}

function curveSeries(name: string, curve: PrecisionRecallCurve): ChartSeries {
  const points = Array.from({ length: curve.length }, (_, k) => curve.at(k));
  return { name, x: points.map(({ recall }) => recall), y: points.map(({ precision }) => precision) };
}

/**
 * Precision over recall as the text of an SVG file: one point per distinct score, all classes pooled, and with several
 * classes a line for each that has true boxes. The point with the best F1 is marked with its threshold.
 */
export function precisionRecallChart(evaluation: Evaluation): string {
  const { best, curve, iouThreshold, classes, truths } = evaluation;
  const present = classes.filter((entry) => entry.truths > 0);
  const several = classes.length > 1;
  const ap = evaluation.meanAveragePrecision;
  const average = ap === null ? '' : ` (${several ? 'mean ' : ''}average precision ${ap.toFixed(3)})`;
  return lineChart({
    title: `Precision and recall at IoU ${iouThreshold}${average}`,
    xLabel: 'recall',
    yLabel: 'precision',
    xMin: 0,
    xMax: 1,
    yMin: 0,
    yMax: 1,
    series: [
      curveSeries(several ? 'all classes' : 'detections', curve),
      ...(several
        ? present.map((entry) => curveSeries(`${entry.name} (${entry.averagePrecision?.toFixed(3)})`, entry.curve))
        : []),
    ],
    marks:
      curve.length === 0 || truths === 0
        ? []
        : [
            {
              x: best.recall,
              y: best.precision,
              label: `best F1 ${best.f1.toFixed(3)} at score ${best.threshold.toFixed(2)}`,
            },
          ],
  });
}
