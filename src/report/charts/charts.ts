import type { Evaluation } from '../../evaluation/detection-metrics.ts';
import type { PrecisionRecallCurve } from '../../evaluation/precision-recall.ts';
import { lineChart, stackCharts, type ChartSeries, type LineChart } from './svg-chart.ts';

/** One logged training step. Null, which JSON makes of NaN, leaves a gap, as NaN does. */
export interface LossRecord {
  readonly step: number;
  readonly loss: number | null;
  readonly learningRate: number;
  /** The parts of the loss. */
  readonly classification?: number | null;
  readonly boxRegression?: number | null;
  /** Norm of all gradients together, before clipping. */
  readonly gradientNorm?: number | null;
}

/** One evaluation on held-out images during training. */
export interface ValidationRecord {
  readonly step: number;
  readonly epoch?: number;
  readonly f1: number;
  /** Null if it is not defined. */
  readonly averagePrecision: number | null;
}

/**
 * The mean of each value and up to `reach` values on either side. Values that are not finite are left out of the means and
 * kept unchanged.
 */
export function smooth(values: readonly number[], reach: number): number[] {
  const sums = [0];
  const counts = [0];
  values.forEach((value, i) => {
    const isCounted = Number.isFinite(value);
    sums.push(sums[i]! + (isCounted ? value : 0));
    counts.push(counts[i]! + (isCounted ? 1 : 0));
  });
  return values.map((value, i) => {
    if (!Number.isFinite(value)) return value;
    const from = Math.max(0, i - reach);
    const to = Math.min(values.length, i + reach + 1);
    return (sums[to]! - sums[from]!) / (counts[to]! - counts[from]!);
  });
}

/** Whether positive values span more than a factor of 10, for which a logarithmic axis is better. */
function spansDecade(values: readonly number[]): boolean {
  const positive = values.filter((value) => Number.isFinite(value) && value > 0);
  return positive.reduce((a, b) => Math.max(a, b), 0) > 10 * positive.reduce((a, b) => Math.min(a, b), Infinity);
}

/** The panels of `lossChart`, from top to bottom. */
export function lossPanels(
  history: readonly LossRecord[],
  validation: readonly ValidationRecord[] = [],
): readonly LineChart[] {
  const last = [...history, ...validation].reduce((most, { step }) => Math.max(most, step), 0);
  const axis = { xLabel: 'step', xMin: 0, ...(last > 0 ? { xMax: last } : {}) };
  return [
    { ...axis, ...lossPanel(history) },
    ...validationPanels(validation).map((panel) => ({ ...axis, ...panel })),
    ...gradientPanels(history).map((panel) => ({ ...axis, ...panel })),
    { ...axis, ...learningRatePanel(history) },
  ];
}

/** A panel without the axis of steps, which all panels share. */
type Panel = Omit<LineChart, 'xLabel' | 'xMin' | 'xMax'>;
type LossKey = 'loss' | 'classification' | 'boxRegression' | 'gradientNorm';

const stepsOf = (history: readonly LossRecord[]): number[] => history.map(({ step }) => step);

/** A value of each record; null if no record has it. */
const columnOf = (history: readonly LossRecord[], key: LossKey): number[] | null =>
  history.some((record) => record[key] !== undefined) ? history.map((record) => record[key] ?? NaN) : null;

/** Smooths over a fortieth of the records. */
const smoothed = (values: readonly number[]): number[] => smooth(values, Math.floor(values.length / 80));

/** A y axis for a quantity that is positive: logarithmic if its smoothed values span decades, otherwise from 0. */
const positiveAxis = (name: string, means: readonly number[]): Pick<LineChart, 'yLabel' | 'logY' | 'yMin'> =>
  spansDecade(means) ? { yLabel: `${name} (logarithmic)`, logY: true } : { yLabel: name, logY: false, yMin: 0 };

function lossPanel(history: readonly LossRecord[]): Panel {
  const x = stepsOf(history);
  const loss = columnOf(history, 'loss') ?? [];
  const means = smoothed(loss);
  const parts = (
    [
      ['classification', 'classification', '#009e73'],
      ['boxes', 'boxRegression', '#d55e00'],
    ] as const
  ).flatMap(([name, key, colour]): ChartSeries[] => {
    const y = columnOf(history, key);
    return y === null ? [] : [{ name, x, y: smoothed(y), colour }];
  });
  return {
    title: 'Training loss',
    height: 360,
    ...positiveAxis('loss', means),
    series: [
      { name: 'each step', x, y: loss, faint: true, colour: '#0072b2' },
      { name: parts.length > 0 ? 'total, smoothed' : 'smoothed', x, y: means, colour: '#0072b2' },
      ...parts,
    ],
  };
}

function validationPanels(validation: readonly ValidationRecord[]): Panel[] {
  if (validation.length === 0) return [];
  const x = validation.map(({ step }) => step);
  const best = validation.reduce((top, record) => (record.f1 > top.f1 ? record : top));
  const when = best.epoch === undefined ? `step ${best.step}` : `epoch ${best.epoch}`;
  return [
    {
      title: 'Held-out images',
      yLabel: 'score',
      height: 260,
      yMin: 0,
      yMax: 1,
      series: [
        { name: 'best F1', x, y: validation.map(({ f1 }) => f1), colour: '#009e73' },
        {
          name: 'average precision',
          x,
          y: validation.map(({ averagePrecision }) => averagePrecision ?? NaN),
          colour: '#d55e00',
        },
      ],
      marks: [{ x: best.step, y: best.f1, label: `F1 ${best.f1.toFixed(3)}, ${when}` }],
    },
  ];
}

function gradientPanels(history: readonly LossRecord[]): Panel[] {
  const norms = columnOf(history, 'gradientNorm');
  if (norms === null) return [];
  const x = stepsOf(history);
  const means = smoothed(norms);
  return [
    {
      title: 'Gradient norm',
      height: 260,
      ...positiveAxis('norm', means),
      series: [
        { name: 'each step', x, y: norms, faint: true, colour: '#cc79a7' },
        { name: 'smoothed', x, y: means, colour: '#cc79a7' },
      ],
    },
  ];
}

const learningRatePanel = (history: readonly LossRecord[]): Panel => ({
  title: 'Learning rate',
  yLabel: 'rate',
  height: 200,
  yMin: 0,
  series: [
    {
      name: 'learning rate',
      x: stepsOf(history),
      y: history.map(({ learningRate }) => learningRate),
      colour: '#666666',
    },
  ],
});

/**
 * The progress of a training run as the text of an SVG file: the loss of each step (pale) and its mean over a fortieth of
 * the steps, on a logarithmic axis if the smoothed loss spans more than a factor of 10, with its parts if they are known;
 * below it F1 (the best one marked) and average precision on held-out images, if there are any, the norm of the gradients,
 * if it is known, and the learning rate. A loss that is not finite leaves a gap.
 */
export function lossChart(history: readonly LossRecord[], validation: readonly ValidationRecord[] = []): string {
  return stackCharts(lossPanels(history, validation));
}

function curveSeries(name: string, curve: PrecisionRecallCurve): ChartSeries {
  const points = Array.from({ length: curve.length }, (_, k) => curve.at(k));
  return { name, x: points.map(({ recall }) => recall ?? NaN), y: points.map(({ precision }) => precision ?? NaN) };
}

/**
 * The precision-recall curve as the text of an SVG file: one point per distinct score, all classes pooled, and with
 * several classes a curve for each class that has ground truth. The point of the best F1 is marked with its threshold.
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
              x: best.recall!,
              y: best.precision!,
              label: `best F1 ${best.f1!.toFixed(3)} at score ${best.threshold.toFixed(2)}`,
            },
          ],
  });
}
