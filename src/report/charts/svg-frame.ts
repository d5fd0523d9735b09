import { axisPosition, type Axis } from './ticks.ts';

// What all charts have in common: their look, their text and the frame around the plot.

/** Colours that people with any colour vision tell apart (Okabe and Ito, 2008), those with most contrast on white first. */
export const chartColours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;

export const ink = '#222222';
export const paleInk = '#666666';
const gridColour = '#e3e3e3';
const font = 'system-ui, -apple-system, &quot;Segoe UI&quot;, Roboto, &quot;DejaVu Sans&quot;, sans-serif';
const maximumSide = 10_000;

/** Text made safe for XML: markup is escaped, characters that XML forbids become U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Coordinates need no more than hundredths of a pixel. */
export const px = (value: number): string => String(Math.round(value * 100) / 100);

/** Width of text, near enough for a layout: fonts differ from viewer to viewer. */
export const textWidth = (text: string, size: number): number => text.length * size * 0.58;

/** A text element with its content escaped; `attributes` is markup. */
export function textAt(x: number, y: number, text: string, attributes: string): string {
  return `<text x="${px(x)}" y="${px(y)}" ${attributes}>${escapeXml(text)}</text>`;
}

/** The opening tag of a drawing, its title for those who cannot see it, and white ground. */
export function openSvg(width: number, height: number, title: string): string[] {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="${font}" font-size="12">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
  ];
}

/** Throws a RangeError, in the name of `op`, unless both sides are from 160 to 10,000 pixels. */
export function checkSides(op: string, sides: { readonly width: number; readonly height: number }): void {
  for (const [name, value] of Object.entries(sides)) {
    if (!(value >= 160 && value <= maximumSide)) {
      throw new RangeError(`${op}: ${name} is ${value}, expected 160 to ${maximumSide} pixels`);
    }
  }
}

/** The lowest and highest of the values that can be drawn, or null without any. */
export function extent(values: Iterable<number>): [number, number] | null {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : null;
}

/** A name in the legend, and how to draw its sample: markup, with the left end of its baseline given. */
export interface LegendEntry {
  readonly name: string;
  readonly sample: (x: number, y: number) => string;
}

/** Rows of legend entries, each with its x, that fit a width. */
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
  /** Room left of the plot; `leftOf` tells what the labels need. */
  readonly left: number;
  readonly legend: readonly LegendEntry[];
  /** Whether lines go up from the ticks of the x axis. */
  readonly verticalGrid: boolean;
}

/** The place of the data within a frame, in pixels of the drawing. */
export interface Plot {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Room that the labels of a y axis need. */
export function leftOf(y: Axis): number {
  return 40 + Math.max(...y.labels.map((label) => textWidth(label, 12)), 12);
}

/** How many ticks the axes of a chart have room for. */
export function tickCounts(width: number, height: number): { x: number; y: number } {
  return { x: Math.max(2, Math.floor(width / 90)), y: Math.max(2, Math.floor(height / 50)) };
}

/** The elements of a frame, without the tag that closes the drawing, and the place that it leaves for the data. */
export function drawFrame(frame: Frame): { readonly markup: string[]; readonly plot: Plot } {
  const { title, xLabel, yLabel, width, height, axes, left } = frame;
  const legend = legendRows(frame.legend, width - left - 20);
  const top = 42 + legend.length * 20;
  const plot = { left, top, width: Math.max(1, width - left - 24), height: Math.max(1, height - top - 52) };
  const out = openSvg(width, height, title);
  out.push(textAt(left, 26, title, `font-size="16" font-weight="600" fill="${ink}"`));
  legend.forEach((row, r) => {
    const y = 48 + r * 20;
    for (const { entry, x } of row) {
      out.push(entry.sample(left + x, y));
      out.push(textAt(left + x + 30, y, entry.name, `fill="${ink}"`));
    }
  });
  axes.y.ticks.forEach((tick, i) => {
    const y = top + (1 - axisPosition(axes.y, tick)) * plot.height;
    out.push(`<path d="M${px(left)} ${px(y)}h${px(plot.width)}" stroke="${gridColour}"/>`);
    out.push(textAt(left - 8, y + 4, axes.y.labels[i]!, `text-anchor="end" fill="${paleInk}"`));
  });
  axes.x.ticks.forEach((tick, i) => {
    const x = left + axisPosition(axes.x, tick) * plot.width;
    if (frame.verticalGrid) out.push(`<path d="M${px(x)} ${px(top)}v${px(plot.height)}" stroke="${gridColour}"/>`);
    out.push(textAt(x, top + plot.height + 18, axes.x.labels[i]!, `text-anchor="middle" fill="${paleInk}"`));
  });
  out.push(`<path d="M${px(left)} ${px(top)}v${px(plot.height)}h${px(plot.width)}" fill="none" stroke="${paleInk}"/>`);
  out.push(textAt(left + plot.width / 2, height - 12, xLabel, `text-anchor="middle" fill="${ink}"`));
  const middle = top + plot.height / 2;
  out.push(textAt(16, middle, yLabel, `text-anchor="middle" fill="${ink}" transform="rotate(-90 16 ${px(middle)})"`));
  return { markup: out, plot };
}

/** Says in the middle of a plot that there is nothing to draw. */
export function noData({ left, top, width, height }: Plot): string {
  return textAt(left + width / 2, top + height / 2, 'no data', `text-anchor="middle" fill="${paleInk}"`);
}
