import { checkNumber, expectedNumber, isWithin, type Limits } from '../../common/check.ts';
import { axisPosition, type Axis } from './ticks.ts';

// What all charts share: their look, their text and the frame around the plot.

/** Colours that can be told apart with any colour vision (Okabe and Ito, 2008), in order of contrast on white. */
export const chartColours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;

export const ink = '#222222';
export const paleInk = '#666666';
const gridColour = '#e3e3e3';
const font = 'system-ui, -apple-system, &quot;Segoe UI&quot;, Roboto, &quot;DejaVu Sans&quot;, sans-serif';
const maximumSide = 10_000;

/** Escapes markup in a text, and replaces characters that XML forbids by U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A coordinate, rounded to hundredths of a pixel. */
export const px = (value: number): string => String(Math.round(value * 100) / 100);

/** Approximate width of a text: fonts differ between viewers. */
export const textWidth = (text: string, size: number): number => text.length * size * 0.58;

/** A text element with its content escaped; `attributes` is markup. */
export function textAt(x: number, y: number, text: string, attributes: string): string {
  return `<text x="${px(x)}" y="${px(y)}" ${attributes}>${escapeXml(text)}</text>`;
}

/** The opening tag of a drawing, its title for screen readers, and a white background. */
export function openSvg(width: number, height: number, title: string): string[] {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="${font}" font-size="12">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
  ];
}

/** Throws a RangeError unless a value is a finite number within limits. */
export function checkFinite(op: string, name: string, value: number, limits: Limits = {}): void {
  if (Number.isFinite(value) && isWithin(value, limits)) return;
  throw new RangeError(`${op}: ${name} is ${value}, expected ${expectedNumber('a number', limits)}`);
}

/** Throws a RangeError, in the name of `op`, unless both sides are from 160 to 10,000 pixels. */
export function checkSides(op: string, sides: { readonly width: number; readonly height: number }): void {
  for (const [name, value] of Object.entries(sides)) {
    checkNumber(op, name, value, { min: 160, max: maximumSide });
  }
}

/** The lowest and the highest finite value, or null without any. */
export function extent(values: Iterable<number>): [number, number] | null {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : null;
}

/** A name in the legend, and the markup of its sample, whose baseline starts at x, y. */
export interface LegendEntry {
  readonly name: string;
  readonly sample: (x: number, y: number) => string;
}

/** Legend entries with their x, in rows that fit a width. */
function legendRows(entries: readonly LegendEntry[], width: number): { entry: LegendEntry; x: number }[][] {
  const rows: { entry: LegendEntry; x: number }[][] = [];
  let x = Infinity;
  for (const entry of entries) {
    const room = 34 + textWidth(entry.name, 12) + 14;
    if (x + room > width) {
      rows.push([]);
      x = 0;
    }
    rows.at(-1)?.push({ entry, x });
    x += room;
  }
  return rows;
}

/** Everything around the data of a chart. */
export interface Frame {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly width: number;
  readonly height: number;
  readonly axes: { readonly x: Axis; readonly y: Axis };
  /** Space left of the plot; `leftOf` is what the labels need. */
  readonly left: number;
  readonly legend: readonly LegendEntry[];
  /** Whether the ticks of the x axis have grid lines. */
  readonly verticalGrid: boolean;
}

/** The area of the data within a frame, in pixels of the drawing. */
export interface Plot {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Space that the labels of a y axis need. */
export function leftOf(y: Axis): number {
  return 40 + Math.max(...y.labels.map((label) => textWidth(label, 12)), 12);
}

/** The colour of each series as markup: its own, else the next of `chartColours`. */
export const coloursOf = (series: readonly { readonly colour?: string }[]): string[] =>
  series.map(({ colour }, i) => escapeXml(colour ?? chartColours[i % chartColours.length]!));

/** Number of ticks that fit on the axes of a chart. */
export function tickCounts(width: number, height: number): { x: number; y: number } {
  return { x: Math.max(2, Math.floor(width / 90)), y: Math.max(2, Math.floor(height / 50)) };
}

/** The elements of a frame, without the closing tag of the drawing, and the area for the data. */
export function drawFrame(frame: Frame): { readonly markup: string[]; readonly plot: Plot } {
  const { title, xLabel, yLabel, width, height, left } = frame;
  const legend = legendRows(frame.legend, width - left - 20);
  const top = 42 + legend.length * 20;
  const plot = { left, top, width: Math.max(1, width - left - 24), height: Math.max(1, height - top - 52) };
  const middle = top + plot.height / 2;
  const markup = [
    ...openSvg(width, height, title),
    textAt(left, 26, title, `font-size="16" font-weight="600" fill="${ink}"`),
    ...legend.flatMap((row, r) => {
      const y = 48 + r * 20;
      return row.flatMap(({ entry, x }) => [
        entry.sample(left + x, y),
        textAt(left + x + 30, y, entry.name, `fill="${ink}"`),
      ]);
    }),
    ...axisMarkup(frame, plot),
    `<path d="M${px(left)} ${px(top)}v${px(plot.height)}h${px(plot.width)}" fill="none" stroke="${paleInk}"/>`,
    textAt(left + plot.width / 2, height - 12, xLabel, `text-anchor="middle" fill="${ink}"`),
    textAt(16, middle, yLabel, `text-anchor="middle" fill="${ink}" transform="rotate(-90 16 ${px(middle)})"`),
  ];
  return { markup, plot };
}

/** Grid lines and labels of the ticks of both axes. */
function axisMarkup({ axes, verticalGrid }: Frame, { left, top, width, height }: Plot): string[] {
  return [
    ...axes.y.ticks.flatMap((tick, i) => {
      const y = top + (1 - axisPosition(axes.y, tick)) * height;
      return [
        `<path d="M${px(left)} ${px(y)}h${px(width)}" stroke="${gridColour}"/>`,
        textAt(left - 8, y + 4, axes.y.labels[i]!, `text-anchor="end" fill="${paleInk}"`),
      ];
    }),
    ...axes.x.ticks.flatMap((tick, i) => {
      const x = left + axisPosition(axes.x, tick) * width;
      return [
        ...(verticalGrid ? [`<path d="M${px(x)} ${px(top)}v${px(height)}" stroke="${gridColour}"/>`] : []),
        textAt(x, top + height + 18, axes.x.labels[i]!, `text-anchor="middle" fill="${paleInk}"`),
      ];
    }),
  ];
}

/** A text in the middle of a plot without data. */
export function noData({ left, top, width, height }: Plot): string {
  return textAt(left + width / 2, top + height / 2, 'no data', `text-anchor="middle" fill="${paleInk}"`);
}
