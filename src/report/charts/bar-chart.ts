import {
  chartColours,
  checkSides,
  drawFrame,
  escapeXml,
  ink,
  leftOf,
  noData,
  px,
  tickCounts,
  type LegendEntry,
} from './svg-frame.ts';
import { axisPosition, linearAxis, tickLabel, type Axis } from './ticks.ts';

/** One layer of the bars. */
export interface BarSeries {
  readonly name: string;
  /** The height of each bar's part: one number from 0 per bar. */
  readonly values: ArrayLike<number>;
  /** Any CSS colour; by default the next of the charts' colours. */
  readonly colour?: string;
}

/** What `barChart` draws. */
export interface BarChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** The ends of the bars along x, ascending: bar `i` stands from `edges[i]` to `edges[i + 1]`. */
  readonly edges: readonly number[];
  /** Layers, stacked from the axis up. */
  readonly series: readonly BarSeries[];
  /** Pixels; default 720. */
  readonly width?: number;
  /** Pixels; default 420. */
  readonly height?: number;
  /** Whether x is logarithmic, with ticks at powers of 2. */
  readonly log2X?: boolean;
  /** Places on the x axis, each marked with a small triangle below it, and their name in the legend. */
  readonly marks?: { readonly name: string; readonly at: readonly number[] };
}

function checkBars({ edges, series, log2X = false, marks }: BarChart): void {
  if (edges.length < 2) throw new RangeError(`barChart: ${edges.length} edges, expected at least two`);
  edges.forEach((edge, i) => {
    if (!Number.isFinite(edge) || (i > 0 && !(edge > edges[i - 1]!))) {
      throw new RangeError(`barChart: edge ${i} is ${edge}, expected finite numbers in ascending order`);
    }
  });
  if (log2X && edges[0]! <= 0) {
    throw new RangeError(`barChart: edge 0 is ${edges[0]}, expected a number above 0 on a logarithmic axis`);
  }
  for (const { name, values } of series) {
    if (values.length !== edges.length - 1) {
      throw new RangeError(
        `barChart: series "${name}" has ${values.length} values, expected one for each of ${edges.length - 1} bars`,
      );
    }
    const bad = Array.from(values).findIndex((value) => !(value >= 0 && value < Infinity));
    if (bad >= 0) {
      throw new RangeError(`barChart: value ${bad} of series "${name}" is ${values[bad]}, expected a number from 0`);
    }
  }
  const odd = marks?.at.find((value) => !Number.isFinite(value));
  if (odd !== undefined) throw new RangeError(`barChart: a mark is at ${odd}, expected a finite number`);
}

function axisOfEdges(edges: readonly number[], count: number, log2X: boolean): Axis {
  const [low, high] = [edges[0]!, edges.at(-1)!];
  const fixed = linearAxis(low, high, count, { low: true, high: true });
  if (!log2X) return fixed;
  const [first, last] = [Math.ceil(Math.log2(low) - 1e-9), Math.floor(Math.log2(high) + 1e-9)];
  const stride = Math.max(1, Math.ceil((last - first) / (2 * count)));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += stride) ticks.push(2 ** power);
  // A span of less than an octave may hold no power of 2.
  if (ticks.length === 0) return { ...fixed, log: true };
  return { low, high, ticks, labels: ticks.map((tick) => (tick < 1 ? String(tick) : tickLabel(tick, 1))), log: true };
}

/**
 * A chart of bars side by side, in layers, as the text of an SVG file, in the look of `lineChart`: a histogram, when the
 * values are counts. Bars are as wide as their edges say, without gaps but for a hair; hovering over one tells its
 * values. Throws a RangeError for fewer than two edges, edges that are not ascending (nor above 0 on a logarithmic axis),
 * series with another number of values than there are bars, values below 0 or not finite, and sizes outside 160 to 10,000
 * pixels.
 */
export function barChart(chart: BarChart): string {
  const { title, xLabel, yLabel, edges, series, width = 720, height = 420, log2X = false, marks } = chart;
  checkSides('barChart', { width, height });
  checkBars(chart);
  const bars = edges.length - 1;
  const totals = Array.from({ length: bars }, (_, i) => series.reduce((sum, { values }) => sum + values[i]!, 0));
  const highest = Math.max(...totals);
  const counts = tickCounts(width, height);
  // Counts get no ticks between whole numbers.
  const whole = totals.every(Number.isInteger) && highest > 0;
  const axes = {
    x: axisOfEdges(edges, counts.x, log2X),
    y: linearAxis(0, highest > 0 ? highest : 1, whole ? Math.min(counts.y, highest) : counts.y, {
      low: true,
      high: false,
    }),
  };
  const colours = series.map(({ colour }, i) => escapeXml(colour ?? (chartColours[i % chartColours.length] as string)));
  const legend: LegendEntry[] = series.map(({ name }, i) => ({
    name,
    sample: (x, y) => `<rect x="${px(x + 6)}" y="${y - 11}" width="14" height="14" fill="${colours[i]}"/>`,
  }));
  const triangle = (x: number, y: number) => `<path d="M${px(x)} ${px(y)}l4 7h-8z" fill="${ink}"/>`;
  if (marks !== undefined) legend.push({ name: marks.name, sample: (x, y) => triangle(x + 13, y - 8) });
  const frame = {
    title,
    xLabel,
    yLabel,
    width,
    height,
    axes,
    left: leftOf(axes.y),
    legend: legend.length > 1 ? legend : [],
    verticalGrid: false,
  };
  const { markup: out, plot } = drawFrame(frame);
  const across = (value: number) => plot.left + axisPosition(axes.x, value) * plot.width;
  const rise = (value: number) => axisPosition(axes.y, value) * plot.height;
  for (let i = 0; i < bars; i++) {
    if (totals[i] === 0) continue;
    const [x1, x2] = [across(edges[i]!), across(edges[i + 1]!)];
    const gap = Math.min(1, (x2 - x1) / 4);
    const range = [edges[i], edges[i + 1]].map((edge) => Number(edge!.toPrecision(3))).join(' to ');
    const parts = series.map(({ name, values }) => `${name} ${values[i]!.toLocaleString('en-US')}`);
    out.push(`<g><title>${escapeXml(`${range}: ${parts.join(', ')}`)}</title>`);
    let base = plot.top + plot.height;
    series.forEach(({ values }, s) => {
      const size = rise(values[i]!);
      if (size <= 0) return;
      base -= size;
      out.push(
        `<rect class="bar" x="${px(x1 + gap / 2)}" y="${px(base)}" width="${px(x2 - x1 - gap)}" height="${px(size)}" fill="${colours[s]}"/>`,
      );
    });
    out.push('</g>');
  }
  if (highest === 0 || series.length === 0) out.push(noData(plot));
  for (const place of marks?.at ?? []) {
    if (place >= axes.x.low && place <= axes.x.high) out.push(triangle(across(place), plot.top + plot.height));
  }
  out.push('</svg>');
  return `${out.join('\n')}\n`;
}
