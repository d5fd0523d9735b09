import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { barChart, type BarChart } from '../../src/report/charts/bar-chart.ts';
import { checkXml, refuses, svgTexts } from './support.ts';

const names = { title: 'Title', xLabel: 'across', yLabel: 'up' };
const one = (values: number[], more: Partial<BarChart> = {}): BarChart => ({
  ...names,
  edges: Array.from({ length: values.length + 1 }, (_, i) => i),
  series: [{ name: 'a', values }],
  ...more,
});

interface Bar {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly fill: string;
}

/** The bars of a chart, in pixels. */
const barsOf = (svg: string): Bar[] =>
  Array.from(
    svg.matchAll(/<rect class="bar" x="([\d.-]+)" y="([\d.-]+)" width="([\d.-]+)" height="([\d.-]+)" fill="([^"]*)"/g),
    ([, x, y, width, height, fill = '']) => ({
      x: Number(x),
      y: Number(y),
      width: Number(width),
      height: Number(height),
      fill,
    }),
  );
/** Left, top, width and height of the plot, from the line along its axes. */
function plotOf(svg: string) {
  const [, left, top, height, width] = /<path d="M([\d.]+) ([\d.]+)v([\d.]+)h([\d.]+)" fill="none"/.exec(svg) ?? [];
  return { left: Number(left), top: Number(top), height: Number(height), width: Number(width) };
}
const near = (a: number | undefined, b: number, message: string) =>
  assert.ok(Math.abs((a ?? NaN) - b) < 0.06, `${message}: ${a}, expected ${b}`);

test('a chart is well-formed, on white, with title, axis names and size', () => {
  const svg = barChart(one([1, 2, 3], { width: 500, height: 300 }));
  checkXml(svg);
  assert.match(svg, /^<svg [^>]*width="500" height="300" viewBox="0 0 500 300"/);
  assert.match(svg, '<rect width="500" height="300" fill="#ffffff"/>');
  for (const text of ['Title', 'across', 'up', '0', '3']) assert.ok(svgTexts(svg).includes(text), text);
  assert.match(barChart(one([1])), /^<svg [^>]*width="720" height="420"/);
});

test('bars stand on the axis, between their edges, as high as the ticks say', () => {
  const svg = barChart(one([2, 0, 4], { edges: [0, 10, 20, 40] }));
  const { left, top, height, width } = plotOf(svg);
  const [first, last, ...more] = barsOf(svg);
  assert.is(more.length, 0, 'no bar for 0');
  near(first?.height, height / 2, 'half as high as the highest, which is at the last tick');
  near(last?.height, height, 'as high as the plot');
  for (const bar of [first, last]) near((bar?.y ?? 0) + (bar?.height ?? 0), top + height, 'on the axis');
  // There is a gap of a pixel between bars.
  near((first?.x ?? 0) - 0.5, left, 'from the first edge');
  near((first?.x ?? 0) + (first?.width ?? 0) + 0.5, left + width / 4, 'to the second edge');
  near((last?.x ?? 0) - 0.5, left + width / 2, 'from the third edge');
});

test('layers are stacked, in different colours, with a legend', () => {
  const svg = barChart({
    ...names,
    edges: [0, 1, 2],
    series: [
      { name: 'lower', values: [3, 1] },
      { name: 'upper', values: [1, 0], colour: '#c1272d' },
    ],
  });
  checkXml(svg);
  const [lower, upper, next] = barsOf(svg);
  near(lower?.y, (upper?.y ?? 0) + (upper?.height ?? 0), 'the upper stands on the lower');
  near(lower?.height, 3 * (upper?.height ?? 0), 'three times as high');
  assert.equal([lower?.fill, upper?.fill, next?.fill], ['#0072b2', '#c1272d', '#0072b2']);
  for (const name of ['lower', 'upper']) assert.ok(svgTexts(svg).includes(name));
  assert.match(svg, '<title>0 to 1: lower 3, upper 1</title>');
  assert.not.ok(svgTexts(barChart(one([1]))).includes('a'), 'one layer needs no legend');
});

test('on a logarithmic axis bars of an octave are equally wide and ticks are powers of 2', () => {
  const svg = barChart(one([1, 2, 3, 4], { edges: [4, 8, 16, 32, 64], log2X: true }));
  checkXml(svg);
  const widths = barsOf(svg).map(({ width }) => width);
  for (const width of widths) near(width, widths[0]!, 'width');
  for (const label of ['4', '8', '16', '32', '64']) assert.ok(svgTexts(svg).includes(label), label);
  const small = svgTexts(barChart(one([1, 1], { edges: [0.25, 0.5, 1], log2X: true })));
  for (const label of ['0.25', '0.5', '1']) assert.ok(small.includes(label), label);
  checkXml(barChart(one([1], { edges: [5, 7], log2X: true })));
});

test('marks point at their positions on the axis; those outside are left out', () => {
  const svg = barChart(one([1, 1], { edges: [8, 16, 32], log2X: true, marks: { name: 'anchors', at: [16, 32, 99] } }));
  checkXml(svg);
  const { left, top, height, width } = plotOf(svg);
  const places = Array.from(svg.matchAll(/<path d="M([\d.]+) ([\d.]+)l4 7h-8z"/g), ([, x, y]) => [
    Number(x),
    Number(y),
  ]);
  const onAxis = places.filter(([, y]) => Math.abs((y ?? 0) - top - height) < 0.06).map(([x]) => x);
  assert.is(onAxis.length, 2);
  near(onAxis[0], left + width / 2, 'an octave of two');
  near(onAxis[1], left + width, 'the end');
  assert.ok(svgTexts(svg).includes('anchors'));
});

test('counts have no ticks between integers', () => {
  for (const highest of [1, 2, 3, 7, 1200]) {
    const svg = barChart(one([highest, 1]));
    const labels = Array.from(svg.matchAll(/text-anchor="end"[^>]*>([^<]*)</g), ([, label = '']) => label);
    assert.ok(labels.length >= 2);
    for (const label of labels) assert.match(label, /^[\d,]+$/);
  }
});

test('empty charts say so', () => {
  for (const chart of [one([0, 0]), { ...names, edges: [0, 1], series: [] }]) {
    const svg = barChart(chart);
    checkXml(svg);
    assert.ok(svgTexts(svg).includes('no data'));
  }
  assert.not.ok(svgTexts(barChart(one([1]))).includes('no data'));
});

test('text is escaped', () => {
  const evil = `</text><script>alert("1")</script> & 'x'`;
  const svg = barChart({
    title: evil,
    xLabel: evil,
    yLabel: evil,
    edges: [0, 1],
    series: [
      { name: evil, values: [1], colour: '"/><script>' },
      { name: 'b', values: [1] },
    ],
    marks: { name: evil, at: [0.5] },
  });
  checkXml(svg);
  assert.not.match(svg, '<script');
  assert.is(svgTexts(svg).filter((text) => text === evil).length, 5);
});

test('any counts over any edges can be drawn, and heights add up', () => {
  const chart = fc
    .array(fc.tuple(fc.double({ min: 0.01, max: 100, noNaN: true }), fc.nat(1e6), fc.nat(1e6)), {
      minLength: 1,
      maxLength: 40,
    })
    .map((rows) => {
      const edges = [0.5];
      for (const [step] of rows) edges.push(edges.at(-1)! + step);
      return { edges, lower: rows.map(([, value]) => value), upper: rows.map(([, , value]) => value) };
    });
  fc.assert(
    fc.property(chart, fc.boolean(), ({ edges, lower, upper }, log2X) => {
      const series = [
        { name: 'a', values: lower },
        { name: 'b', values: upper },
      ];
      const svg = barChart({ ...names, edges, log2X, series });
      checkXml(svg);
      const bars = barsOf(svg);
      const total = [...lower, ...upper].reduce((a, b) => a + b, 0);
      const area = bars.reduce((sum, { height }) => sum + height, 0);
      // All bars have one scale: the sum of the heights is that of the values, wherever the axis ends.
      const tallest = bars.reduce((most, bar) => Math.max(most, bar.height), 0);
      const largest = Math.max(...lower, ...upper);
      if (total > 0) assert.ok(Math.abs(area / tallest - total / largest) < 0.02 * (total / largest) + 0.1);
      else assert.is(bars.length, 0);
    }),
    { numRuns: 60 },
  );
});

test('charts that cannot be drawn are refused', () => {
  refuses(() => barChart(one([1], { edges: [1] })), 'barChart: the number of edges is 1, expected an integer >= 2');
  refuses(
    () => barChart(one([1, 2], { edges: [0, 2, 2] })),
    'barChart: edge 2 is 2, expected finite numbers in ascending order',
  );
  refuses(
    () => barChart(one([1], { edges: [0, Infinity] })),
    'barChart: edge 1 is Infinity, expected finite numbers in ascending order',
  );
  refuses(
    () => barChart(one([1], { log2X: true })),
    'barChart: edge 0 of a logarithmic axis is 0, expected a number > 0',
  );
  refuses(
    () => barChart(one([1], { edges: [0, 1, 2] })),
    'barChart: series "a" has 1 values, expected one for each of 2 bars',
  );
  refuses(() => barChart(one([1, -2])), 'barChart: value 1 of series "a" is -2, expected a number >= 0');
  refuses(() => barChart(one([NaN])), 'barChart: value 0 of series "a" is NaN, expected a number >= 0');
  refuses(() => barChart(one([1], { width: 10 })), 'barChart: width is 10, expected a number from 160 to 10000');
  refuses(() => barChart(one([1], { marks: { name: 'm', at: [NaN] } })), 'barChart: a mark is NaN, expected a number');
});

test.run();
