import {
  chartColours,
  checkSides,
  drawFrame,
  escapeXml,
  extent,
  ink,
  leftOf,
  noData,
  px,
  textAt,
  textWidth,
  tickCounts,
  type Plot,
} from './svg-frame.ts';
import { axisPosition, linearAxis, logAxis, type Axis } from './ticks.ts';

/** One line of a chart. */
export interface ChartSeries {
  readonly name: string;
  /** A line with few points shows each as a dot. */
  readonly x: ArrayLike<number>;
  /** As many as `x`. A value that cannot be drawn (NaN, infinite, or not positive on a logarithmic axis) leaves a gap. */
  readonly y: ArrayLike<number>;
  /** Any CSS colour; by default the next of `chartColours`. */
  readonly colour?: string;
  /** Drawn thin and pale, as the background of another line. */
  readonly faint?: boolean;
}

/** A point that is marked and named. */
interface ChartMark {
  readonly x: number;
  readonly y: number;
  readonly label: string;
}

/** What `lineChart` draws. */
export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly ChartSeries[];
  /** Pixels; default 720. */
  readonly width?: number;
  /** Pixels; default 420. */
  readonly height?: number;
  /** Ends of the axes; by default those of the data, for y moved out to the next tick. */
  readonly xMin?: number;
  readonly xMax?: number;
  readonly yMin?: number;
  readonly yMax?: number;
  /** Logarithmic y axis; values that are not positive are left out. */
  readonly logY?: boolean;
  readonly marks?: readonly ChartMark[];
}

/** Lines of up to this many points show them. */
const mostDots = 30;
/** Room around the plot for what is drawn on its edge. */
const bleed = 4;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The runs of points of a series that can be drawn, in pixels of the plot. */
function runsOf(series: ChartSeries, toPoint: (x: number, y: number) => Point | null): Point[][] {
  const runs: Point[][] = [];
  let run: Point[] = [];
  for (let i = 0; i < series.x.length; i++) {
    const point = toPoint(series.x[i]!, series.y[i]!);
    if (point !== null) {
      if (run.length === 0) runs.push(run);
      run.push(point);
    } else if (run.length > 0) {
      run = [];
    }
  }
  return runs;
}

/** Leaves out points that cannot be seen: of those in one column of pixels the first, lowest, highest and last remain. */
function thin(run: readonly Point[]): readonly Point[] {
  const out: Point[] = [];
  for (let start = 0; start < run.length;) {
    const column = Math.floor(run[start]!.x);
    let end = start;
    let [low, high] = [start, start];
    for (; end < run.length && Math.floor(run[end]!.x) === column; end++) {
      if (run[end]!.y < run[low]!.y) low = end;
      if (run[end]!.y > run[high]!.y) high = end;
    }
    const kept = [...new Set([start, Math.min(low, high), Math.max(low, high), end - 1])];
    for (const i of kept) out.push(run[i]!);
    start = end;
  }
  return out;
}

function seriesMarkup(series: ChartSeries, colour: string, toPoint: (x: number, y: number) => Point | null): string {
  const width = series.faint ? 1 : 2;
  const opacity = series.faint ? ' stroke-opacity="0.35" fill-opacity="0.35"' : '';
  const parts: string[] = [];
  for (const run of runsOf(series, toPoint)) {
    if (run.length > 1)
      parts.push(
        `<path d="M${thin(run)
          .map(({ x, y }) => `${px(x)} ${px(y)}`)
          .join('L')}"/>`,
      );
    if (run.length > 1 && series.x.length > mostDots) continue;
    for (const { x, y } of run) {
      parts.push(`<circle cx="${px(x)}" cy="${px(y)}" r="${width + 1}" fill="${colour}" stroke="none"/>`);
    }
  }
  return `<g fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round"${opacity}>${parts.join('')}</g>`;
}

function checkChart(chart: LineChart): void {
  for (const { name, x, y } of chart.series) {
    if (x.length !== y.length) {
      throw new RangeError(`lineChart: series "${name}" has ${x.length} x and ${y.length} y, expected as many`);
    }
  }
  checkSides('lineChart', { width: chart.width ?? 720, height: chart.height ?? 420 });
  for (const [axis, low, high] of [
    ['x', chart.xMin, chart.xMax],
    ['y', chart.yMin, chart.yMax],
  ] as const) {
    if (low !== undefined && high !== undefined && !(low < high)) {
      throw new RangeError(`lineChart: ${axis}Min is ${low} and ${axis}Max is ${high}, expected the first to be lower`);
    }
  }
  for (const end of [chart.xMin, chart.xMax, chart.yMin, chart.yMax]) {
    if (end !== undefined && !Number.isFinite(end))
      throw new RangeError(`lineChart: an axis ends at ${end}, expected a number`);
  }
  if (chart.logY) {
    for (const end of [chart.yMin, chart.yMax]) {
      if (end !== undefined && end <= 0) {
        throw new RangeError(`lineChart: a logarithmic axis ends at ${end}, expected a number above 0`);
      }
    }
  }
}

/** The axes that hold all that can be drawn. */
function axesOf(chart: LineChart, xTicks: number, yTicks: number): { x: Axis; y: Axis } {
  const { series, marks = [], logY = false, xMin, xMax, yMin, yMax } = chart;
  const shown = (x: number, y: number) => Number.isFinite(x) && Number.isFinite(y) && (!logY || y > 0);
  const points = [
    ...series.flatMap(({ x, y }) => Array.from(x, (value, i) => ({ x: value, y: y[i]! }))),
    ...marks,
  ].filter(({ x, y }) => shown(x, y));
  const xs = extent(points.map(({ x }) => x)) ?? [0, 1];
  const ys = extent(points.map(({ y }) => y)) ?? [logY ? 0.1 : 0, 1];
  const [left, right] = [xMin ?? Math.min(xs[0], xMax ?? Infinity), xMax ?? Math.max(xs[1], xMin ?? -Infinity)];
  const [bottom, top] = [yMin ?? Math.min(ys[0], yMax ?? Infinity), yMax ?? Math.max(ys[1], yMin ?? -Infinity)];
  const fixed = { low: yMin !== undefined, high: yMax !== undefined };
  return {
    // The x axis ends where the data end, unless all of them lie at one place.
    x: linearAxis(left, right, xTicks, {
      low: left !== right || xMin !== undefined,
      high: left !== right || xMax !== undefined,
    }),
    y: logY ? logAxis(bottom, top, fixed) : linearAxis(bottom, top, yTicks, fixed),
  };
}

interface Layout {
  readonly chart: LineChart;
  readonly axes: { readonly x: Axis; readonly y: Axis };
  /** Room that the labels of the y axis need. */
  readonly left: number;
}

function layOut(chart: LineChart): Layout {
  checkChart(chart);
  const ticks = tickCounts(chart.width ?? 720, chart.height ?? 420);
  const axes = axesOf(chart, ticks.x, ticks.y);
  return { chart, axes, left: leftOf(axes.y) };
}

function render({ chart, axes, left }: Layout): string {
  const { title, xLabel, yLabel, series, width = 720, height = 420, marks = [] } = chart;
  const colours = series.map(({ colour }, i) => escapeXml(colour ?? (chartColours[i % chartColours.length] as string)));
  const legend = series.map(({ name, faint }, i) => ({
    name,
    sample: (x: number, y: number) =>
      `<path d="M${px(x)} ${y - 4}h24" stroke="${colours[i]}" stroke-width="3"${faint ? ' stroke-opacity="0.35"' : ''}/>`,
  }));
  const { markup: out, plot } = drawFrame({
    title,
    xLabel,
    yLabel,
    width,
    height,
    axes,
    left,
    legend: legend.length > 1 ? legend : [],
    verticalGrid: true,
  });
  const toPoint = (x: number, y: number): Point | null => {
    const point = { x: axisPosition(axes.x, x) * plot.width, y: (1 - axisPosition(axes.y, y)) * plot.height };
    return Number.isFinite(point.x) && Number.isFinite(point.y) ? point : null;
  };
  const [seenWidth, seenHeight] = [plot.width + 2 * bleed, plot.height + 2 * bleed].map(px);
  out.push(
    // A nested svg clips what lies outside the axes.
    `<svg x="${px(left - bleed)}" y="${px(plot.top - bleed)}" width="${seenWidth}" height="${seenHeight}" ` +
      `viewBox="${-bleed} ${-bleed} ${seenWidth} ${seenHeight}" overflow="hidden">`,
  );
  const lines = series.map((one, i) => seriesMarkup(one, colours[i]!, toPoint));
  out.push(...lines, '</svg>');
  if (!lines.some((line) => line.includes(' d=') || line.includes('<circle'))) out.push(noData(plot));
  for (const mark of marks) {
    const point = toPoint(mark.x, mark.y);
    if (point === null || point.x < 0 || point.y < 0 || point.x > plot.width || point.y > plot.height) continue;
    out.push(markMarkup(mark.label, point, plot));
  }
  out.push('</svg>');
  return `${out.join('\n')}\n`;
}

/** A ringed dot with its label on the side that has room, over a white edge that keeps it legible on lines. */
function markMarkup(label: string, at: Point, plot: Plot): string {
  const { left, top } = plot;
  const toLeft = at.x + 14 + textWidth(label, 12) > plot.width;
  const y = Math.min(Math.max(at.y + (at.y > plot.height / 2 ? -10 : 20), 12), plot.height - 6);
  const halo = `stroke="#ffffff" stroke-width="4" paint-order="stroke" stroke-linejoin="round"`;
  return (
    `<circle cx="${px(left + at.x)}" cy="${px(top + at.y)}" r="5" fill="#ffffff" stroke="${ink}" stroke-width="2"/>\n` +
    textAt(
      left + at.x + (toLeft ? -9 : 9),
      top + y,
      label,
      `text-anchor="${toLeft ? 'end' : 'start'}" fill="${ink}" font-weight="600" ${halo}`,
    )
  );
}

/**
 * A chart of lines as the text of an SVG file, drawn on white so that it reads the same in light and dark viewers. Axes
 * have ticks at 1, 2 or 5 times a power of ten and a grid; a legend appears when there is more than one series. A series
 * without points, with one point (a dot) and with gaps is legal, as is a chart without series. Lines with many points are
 * thinned to what can be seen. Throws a RangeError for series whose x and y differ in number, for sizes outside 160 to
 * 10,000 pixels and for axis ends that are not in order, not finite, or not positive on a logarithmic axis.
 */
export function lineChart(chart: LineChart): string {
  return render(layOut(chart));
}

/** Charts one below the other in one SVG file, with their y axes in line. At least one. */
export function stackCharts(charts: readonly LineChart[]): string {
  const layouts = charts.map(layOut);
  const left = Math.max(...layouts.map((layout) => layout.left));
  const width = Math.max(...charts.map((chart) => chart.width ?? 720));
  let height = 0;
  const parts = layouts.map((layout) => {
    const part = `<g transform="translate(0 ${height})">\n${render({ ...layout, left })}</g>\n`;
    height += layout.chart.height ?? 420;
    return part;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">\n` +
    `<rect width="${width}" height="${height}" fill="#ffffff"/>\n${parts.join('')}</svg>\n`
  );
}
