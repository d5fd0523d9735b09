import { defined } from '../common/check.ts';
import { lineChart } from '../report/charts/svg-chart.ts';
import type { RateCurve } from '../train/find-learning-rate.ts';

/**
 * The loss over the learning rates of a sweep, as SVG. The vertical axis ends at four times the minimum loss, above
 * which a sweep has diverged.
 */
export function rateChart({ curve, suggestion }: RateCurve): string {
  const x = curve.map(({ learningRate }) => Math.log10(learningRate));
  const smoothed = curve.map((point) => point.smoothed);
  const lowest = Math.min(...smoothed.filter(Number.isFinite));
  const at = suggestion === null ? -1 : curve.findIndex(({ learningRate }) => learningRate >= suggestion);
  return lineChart({
    title: 'Loss by learning rate',
    xLabel: 'log10 of the learning rate',
    yLabel: 'loss',
    yMin: 0,
    ...defined({ yMax: lowest > 0 && lowest < Infinity ? 4 * lowest : undefined }),
    series: [
      { name: 'each step', x, y: curve.map(({ loss }) => loss), faint: true, colour: '#0072b2' },
      { name: 'smoothed', x, y: smoothed, colour: '#0072b2' },
    ],
    marks: at < 0 ? [] : [{ x: x[at]!, y: smoothed[at]!, label: `suggested ${suggestion!.toPrecision(2)}` }],
  });
}
