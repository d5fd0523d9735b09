import type { Evaluation } from '../../evaluation/detection-metrics.ts';
import type { PrecisionRecallCurve } from '../../evaluation/precision-recall.ts';
import { lineChart, stackCharts, type ChartSeries, type LineChart } from './svg-chart.ts';

/** One logged training step. Null, which JSON makes of NaN, leaves a gap as NaN does. */
export interface LossRecord {
  readonly step: number;
  readonly loss: number | null;
  readonly learningRate: number;
  /** The parts of the loss: of classes, and of boxes. */
  readonly classification?: number | null;
  readonly boxRegression?: number | null;
  /** Norm of all gradients together, before it is limited. */
  readonly gradientNorm?: number | null;
}

/** One evaluation on held-out images during training. */
export interface ValidationRecord {
  readonly step: number;
  readonly epoch?: number;
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
    sums.push(sums[i]! + (counted ? value : 0));
    counts.push(counts[i]! + (counted ? 1 : 0));
  });
  return values.map((value, i) => {
    if (!Number.isFinite(value)) return value;
    const from = Math.max(0, i - reach);
    const to = Math.min(values.length, i + reach + 1);
    return (sums[to]! - sums[from]!) / (counts[to]! - counts[from]!);
  });
}

/** Whether positive values span more than a factor of 10, so that a logarithmic axis shows them better. */
function spansDecade(values: readonly number[]): boolean {
  const positive = values.filter((value) => Number.isFinite(value) && value > 0);
  return positive.reduce((a, b) => Math.max(a, b), 0) > 10 * positive.reduce((a, b) => Math.min(a, b), Infinity);
}

/** The panels of `lossChart`, from the top down. */
export function lossPanels(
  history: readonly LossRecord[],
  validation: readonly ValidationRecord[] = [],
): readonly LineChart[] {
  const x = history.map(({ step }) => step);
  const column = (key: 'loss' | 'classification' | 'boxRegression' | 'gradientNorm') =>
    history.some((record) => record[key] !== undefined) ? history.map((record) => record[key] ?? NaN) : null;
  const reach = Math.floor(history.length / 80);
  const loss = column('loss') ?? [];
  const smoothed = smooth(loss, reach);
  const parts = [
    { name: 'classification', y: column('classification'), colour: '#009e73' },
    { name: 'boxes', y: column('boxRegression'), colour: '#d55e00' },
  ].flatMap(({ name, y, colour }) => (y === null ? [] : [{ name, x, y: smooth(y, reach), colour }]));
  const logY = spansDecade(smoothed);
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
        { name: parts.length > 0 ? 'total, smoothed' : 'smoothed', x, y: smoothed, colour: '#0072b2' },
        ...parts,
      ],
    },
  ];
  if (validation.length > 0) {
    const steps = validation.map(({ step }) => step);
    const best = validation.reduce((top, record) => (record.f1 > top.f1 ? record : top));
    const when = best.epoch === undefined ? `step ${best.step}` : `epoch ${best.epoch}`;
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
      marks: [{ x: best.step, y: best.f1, label: `F1 ${best.f1.toFixed(3)}, ${when}` }],
    });
  }
  const norms = column('gradientNorm');
  if (norms !== null) {
    const means = smooth(norms, reach);
    const log = spansDecade(means);
    panels.push({
      ...shared,
      title: 'Gradient norm',
      yLabel: log ? 'norm (logarithmic)' : 'norm',
      height: 260,
      logY: log,
      ...(log ? {} : { yMin: 0 }),
      series: [
        { name: 'each step', x, y: norms, faint: true, colour: '#cc79a7' },
        { name: 'smoothed', x, y: means, colour: '#cc79a7' },
      ],
    });
  }
  panels.push({
    ...shared,
    title: 'Learning rate',
    yLabel: 'rate',
    height: 200,
    yMin: 0,
    series: [{ name: 'learning rate', x, y: history.map(({ learningRate }) => learningRate), colour: '#666666' }],
  });
  return panels;
}

/**
 * The course of a training run as the text of an SVG file: the loss of each record in pale and the mean over a fortieth
 * of the records around it, on a logarithmic axis where the smoothed loss spans more than a factor of 10, with its parts
 * where they are known; below it F1 (the best marked) and average precision on held-out images, when there are any, the
 * norm of the gradients, where it is known, and the learning rate. A loss that is not finite leaves a gap.
 */
export function lossChart(history: readonly LossRecord[], validation: readonly ValidationRecord[] = []): string {
  return stackCharts(lossPanels(history, validation));
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
