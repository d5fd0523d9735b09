import { checkInteger } from '../../common/check.ts';
import {
  checkFinite,
  checkSides,
  coloursOf,
  drawFrame,
  escapeXml,
  ink,
  leftOf,
  noData,
  px,
  tickCounts,
  type LegendEntry,
  type Plot,
} from './svg-frame.ts';
import { axisPosition, linearAxis, tickLabel, type Axis } from './ticks.ts';

/** One layer of the bars. */
export interface BarSeries {
  readonly name: string;
  /** Height of the layer in each bar: one number >= 0 per bar. */
  readonly values: ArrayLike<number>;
  /** Any CSS colour; by default the next of the charts' colours. */
  readonly colour?: string;
}

/** What `barChart` draws. */
export interface BarChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Ends of the bars along x, ascending: bar `i` extends from `edges[i]` to `edges[i + 1]`. */
  readonly edges: readonly number[];
  /** Layers, stacked from the axis upwards. */
  readonly series: readonly BarSeries[];
  /** Pixels; default 720. */
  readonly width?: number;
  /** Pixels; default 420. */
  readonly height?: number;
  /** Whether x is logarithmic, with ticks at powers of 2. */
  readonly log2X?: boolean;
  /** Positions on the x axis to mark with small triangles below it, and their name in the legend. */
  readonly marks?: { readonly name: string; readonly at: readonly number[] };
}

function checkBars({ edges, series, log2X = false, marks }: BarChart): void {
  checkInteger('barChart', 'the number of edges', edges.length, { min: 2 });
  edges.forEach((edge, i) => {
    if (!Number.isFinite(edge) || (i > 0 && !(edge > edges[i - 1]!))) {
      throw new RangeError(`barChart: edge ${i} is ${edge}, expected finite numbers in ascending order`);
    }
  });
  if (log2X) checkFinite('barChart', 'edge 0 of a logarithmic axis', edges[0]!, { above: 0 });
  for (const { name, values } of series) {
    if (values.length !== edges.length - 1) {
      throw new RangeError(
        `barChart: series "${name}" has ${values.length} values, expected one for each of ${edges.length - 1} bars`,
      );
    }
    for (let i = 0; i < values.length; i++) {
      checkFinite('barChart', `value ${i} of series "${name}"`, values[i]!, { min: 0 });
    }
  }
  for (const position of marks?.at ?? []) checkFinite('barChart', 'a mark', position);
}

function axisOfEdges(edges: readonly number[], count: number, log2X: boolean): Axis {
  const [low, high] = [edges[0]!, edges.at(-1)!];
  const fixed = linearAxis(low, high, count, { low: true, high: true });
  if (!log2X) return fixed;
  const [first, last] = [Math.ceil(Math.log2(low) - 1e-9), Math.floor(Math.log2(high) + 1e-9)];
  const stride = Math.max(1, Math.ceil((last - first) / (2 * count)));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += stride) ticks.push(2 ** power);
  // A range of less than an octave may contain no power of 2.
  if (ticks.length === 0) return { ...fixed, log: true };
  return { low, high, ticks, labels: ticks.map((tick) => (tick < 1 ? String(tick) : tickLabel(tick, 1))), log: true };
}

/**
 * A chart of bars side by side, in layers, as the text of an SVG file, in the style of `lineChart`: a histogram, if the
 * values are counts. Bars extend between their edges with a gap of at most a pixel; hovering over a bar shows its values.
 * Throws a RangeError for fewer than two edges, edges that are not ascending (and positive on a logarithmic axis), series
 * whose number of values is not that of the bars, values that are negative or not finite, and sizes outside 160 to 10,000
 * pixels.
 */
export function barChart(chart: BarChart): string {
  const { title, xLabel, yLabel, edges, series, width = 720, height = 420, log2X = false, marks } = chart;
  checkSides('barChart', { width, height });
  checkBars(chart);
  const totals = edges.slice(1).map((_, i) => series.reduce((sum, { values }) => sum + values[i]!, 0));
  const ticks = tickCounts(width, height);
  const axes = { x: axisOfEdges(edges, ticks.x, log2X), y: axisOfTotals(totals, ticks.y) };
  const legend = legendOf(chart);
  const { markup, plot } = drawFrame({
    title,
    xLabel,
    yLabel,
    width,
    height,
    axes,
    left: leftOf(axes.y),
    legend: legend.length > 1 ? legend : [],
    verticalGrid: false,
  });
  const isEmpty = series.length === 0 || totals.every((total) => total === 0);
  const bars = totals.flatMap((total, i) => (total === 0 ? [] : barMarkup(chart, i, axes, plot)));
  const triangles = (marks?.at ?? [])
    .filter((position) => position >= axes.x.low && position <= axes.x.high)
    .map((position) => triangle(plot.left + axisPosition(axes.x, position) * plot.width, plot.top + plot.height));
  return `${[...markup, ...bars, ...(isEmpty ? [noData(plot)] : []), ...triangles, '</svg>'].join('\n')}\n`;
}

/** The axis of the heights. Counts have no ticks between integers. */
function axisOfTotals(totals: readonly number[], ticks: number): Axis {
  const highest = Math.max(...totals);
  const isCount = totals.every(Number.isInteger) && highest > 0;
  const count = isCount ? Math.min(ticks, highest) : ticks;
  return linearAxis(0, highest > 0 ? highest : 1, count, { low: true, high: false });
}

const triangle = (x: number, y: number): string => `<path d="M${px(x)} ${px(y)}l4 7h-8z" fill="${ink}"/>`;

function legendOf({ series, marks }: BarChart): LegendEntry[] {
  const colours = coloursOf(series);
  const legend: LegendEntry[] = series.map(({ name }, i) => ({
    name,
    sample: (x, y) => `<rect x="${px(x + 6)}" y="${y - 11}" width="14" height="14" fill="${colours[i]}"/>`,
  }));
  if (marks !== undefined) legend.push({ name: marks.name, sample: (x, y) => triangle(x + 13, y - 8) });
  return legend;
}

/** The layers of bar `i`, with its values as a tooltip. */
function barMarkup(
  { edges, series }: BarChart,
  i: number,
  axes: { readonly x: Axis; readonly y: Axis },
  plot: Plot,
): string[] {
  const [low, high] = [edges[i]!, edges[i + 1]!];
  const [x1, x2] = [low, high].map((edge) => plot.left + axisPosition(axes.x, edge) * plot.width);
  const gap = Math.min(1, (x2! - x1!) / 4);
  const range = [low, high].map((edge) => Number(edge.toPrecision(3))).join(' to ');
  const parts = series.map(({ name, values }) => `${name} ${values[i]!.toLocaleString('en-US')}`);
  const colours = coloursOf(series);
  let base = plot.top + plot.height;
  const layers = series.flatMap(({ values }, s) => {
    const size = axisPosition(axes.y, values[i]!) * plot.height;
    if (size <= 0) return [];
    base -= size;
    return [
      `<rect class="bar" x="${px(x1! + gap / 2)}" y="${px(base)}" width="${px(x2! - x1! - gap)}" height="${px(size)}" fill="${colours[s]}"/>`,
    ];
  });
  return [`<g><title>${escapeXml(`${range}: ${parts.join(', ')}`)}</title>`, ...layers, '</g>'];
}
