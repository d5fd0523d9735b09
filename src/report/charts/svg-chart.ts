import type { Limits } from '../../common/check.ts';
import {
  checkFinite,
  checkSides,
  coloursOf,
  drawFrame,
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
  /** If there are few points, each is drawn as a dot, too. */
  readonly x: ArrayLike<number>;
  /** The same number as `x`. Values that cannot be drawn (not finite, or not positive on a logarithmic axis) leave a gap. */
  readonly y: ArrayLike<number>;
  /** Any CSS colour; by default the next of `chartColours`. */
  readonly colour?: string;
  /** Draws the line thin and pale, as the background of another line. */
  readonly faint?: boolean;
}

/** A marked point with a label. */
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
  /** Ends of the axes; by default those of the data, moved outwards to the next tick for y. */
  readonly xMin?: number;
  readonly xMax?: number;
  readonly yMin?: number;
  readonly yMax?: number;
  /** Logarithmic y axis; values that are not positive are left out. */
  readonly logY?: boolean;
  readonly marks?: readonly ChartMark[];
}

/** Maximum number of points in a line that are drawn as dots, too. */
const maxDots = 30;
/** Space around the plot for what is drawn on its edge. */
const bleed = 4;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The segments between the gaps of a series, in pixels of the plot. */
function segmentsOf(series: ChartSeries, toPoint: (x: number, y: number) => Point | null): Point[][] {
  const segments: Point[][] = [];
  let segment: Point[] = [];
  for (let i = 0; i < series.x.length; i++) {
    const point = toPoint(series.x[i]!, series.y[i]!);
    if (point !== null) {
      if (segment.length === 0) segments.push(segment);
      segment.push(point);
    } else if (segment.length > 0) {
      segment = [];
    }
  }
  return segments;
}

/** Keeps only points that can be seen: of those in one column of pixels the first, lowest, highest and last. */
function decimate(segment: readonly Point[]): readonly Point[] {
  const out: Point[] = [];
  for (let start = 0; start < segment.length;) {
    const column = Math.floor(segment[start]!.x);
    let end = start;
    let [low, high] = [start, start];
    for (; end < segment.length && Math.floor(segment[end]!.x) === column; end++) {
      if (segment[end]!.y < segment[low]!.y) low = end;
      if (segment[end]!.y > segment[high]!.y) high = end;
    }
    const kept = [...new Set([start, Math.min(low, high), Math.max(low, high), end - 1])];
    for (const i of kept) out.push(segment[i]!);
    start = end;
  }
  return out;
}

function seriesMarkup(series: ChartSeries, colour: string, toPoint: (x: number, y: number) => Point | null): string {
  const width = series.faint ? 1 : 2;
  const opacity = series.faint ? ' stroke-opacity="0.35" fill-opacity="0.35"' : '';
  const parts: string[] = [];
  for (const segment of segmentsOf(series, toPoint)) {
    if (segment.length > 1)
      parts.push(
        `<path d="M${decimate(segment)
          .map(({ x, y }) => `${px(x)} ${px(y)}`)
          .join('L')}"/>`,
      );
    if (segment.length > 1 && series.x.length > maxDots) continue;
    for (const { x, y } of segment) {
      parts.push(`<circle cx="${px(x)}" cy="${px(y)}" r="${width + 1}" fill="${colour}" stroke="none"/>`);
    }
  }
  return `<g fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round"${opacity}>${parts.join('')}</g>`;
}

function checkChart(chart: LineChart): void {
  for (const { name, x, y } of chart.series) {
    if (x.length !== y.length) {
      throw new RangeError(`lineChart: series "${name}" has ${x.length} x and ${y.length} y, expected the same number`);
    }
  }
  checkSides('lineChart', { width: chart.width ?? 720, height: chart.height ?? 420 });
  const { xMin, xMax, yMin, yMax } = chart;
  checkEnds('x', xMin, xMax, {});
  checkEnds('y', yMin, yMax, chart.logY ? { above: 0 } : {});
}

/** Checks the ends of an axis as far as they are given. */
function checkEnds(axis: 'x' | 'y', low: number | undefined, high: number | undefined, limits: Limits): void {
  if (low !== undefined) checkFinite('lineChart', `${axis}Min`, low, limits);
  if (high !== undefined) checkFinite('lineChart', `${axis}Max`, high, limits);
  if (low !== undefined && high !== undefined && low >= high) {
    throw new RangeError(`lineChart: ${axis}Min is ${low} and ${axis}Max is ${high}, expected ${axis}Min < ${axis}Max`);
  }
}

/** Axes that contain all points that can be drawn. */
function axesOf(chart: LineChart, xTicks: number, yTicks: number): { x: Axis; y: Axis } {
  const { series, marks = [], logY = false, xMin, xMax, yMin, yMax } = chart;
  const isDrawable = (x: number, y: number) => Number.isFinite(x) && Number.isFinite(y) && (!logY || y > 0);
  const points = [
    ...series.flatMap(({ x, y }) => Array.from(x, (value, i) => ({ x: value, y: y[i]! }))),
    ...marks,
  ].filter(({ x, y }) => isDrawable(x, y));
  const xs = extent(points.map(({ x }) => x)) ?? [0, 1];
  const ys = extent(points.map(({ y }) => y)) ?? [logY ? 0.1 : 0, 1];
  const [left, right] = [xMin ?? Math.min(xs[0], xMax ?? Infinity), xMax ?? Math.max(xs[1], xMin ?? -Infinity)];
  const [bottom, top] = [yMin ?? Math.min(ys[0], yMax ?? Infinity), yMax ?? Math.max(ys[1], yMin ?? -Infinity)];
  const fixed = { low: yMin !== undefined, high: yMax !== undefined };
  return {
    // The x axis ends where the data end, unless they have only one x.
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
  /** Space that the labels of the y axis need. */
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
  const colours = coloursOf(series);
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

/** A ringed dot with its label on the side that has space, on a white outline that keeps it legible over lines. */
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
 * A line chart as the text of an SVG file, drawn on white, so that it looks the same in light and dark viewers. Axes have a
 * grid and ticks at 1, 2 or 5 times a power of ten; there is a legend if there is more than one series. A series may be
 * empty, have one point (a dot) and have gaps; a chart may have no series. Points of long lines that cannot be seen are
 * left out. Throws a RangeError for series whose x and y differ in length, for sizes outside 160 to 10,000 pixels and for
 * axis ends that are not in order, not finite, or not positive on a logarithmic axis.
 */
export function lineChart(chart: LineChart): string {
  return render(layOut(chart));
}

/** At least one chart, stacked in one SVG file with their y axes aligned. */
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
