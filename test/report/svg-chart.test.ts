import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { lineChart, stackCharts, type LineChart } from '../../src/report/charts/svg-chart.ts';
import { chartColours, escapeXml } from '../../src/report/charts/svg-frame.ts';
import { checkXml, refuses, svgLines, svgTexts } from './support.ts';

const names = { title: 'Title', xLabel: 'across', yLabel: 'up' };
const one = (y: number[], more: Partial<LineChart> = {}): LineChart => ({
  ...names,
  series: [{ name: 'a', x: y.map((_, i) => i), y }],
  ...more,
});
const circles = (svg: string) => [...svg.matchAll(/<circle/g)].length;

test('a chart is well-formed, on white, with title, axis names and size', () => {
  const svg = lineChart(one([1, 2, 3], { width: 500, height: 300 }));
  checkXml(svg);
  assert.match(svg, /^<svg [^>]*width="500" height="300" viewBox="0 0 500 300"/);
  assert.match(svg, '<rect width="500" height="300" fill="#ffffff"/>');
  const texts = svgTexts(svg);
  for (const text of ['Title', 'across', 'up', '0', '1.0', '3.0']) assert.ok(texts.includes(text), text);
  assert.match(lineChart(one([1])), /^<svg [^>]*width="720" height="420"/);
});

test('points lie where the ticks say', () => {
  const svg = lineChart(one([0, 10, 5], { width: 400, height: 300 }));
  const [line = []] = svgLines(svg);
  assert.is(line.length, 3);
  // Grid lines: those of y run across ("M left y h width"), those of x down ("M x top v height").
  const across = [...svg.matchAll(/<path d="M([\d.]+) ([\d.]+)h([\d.]+)" stroke="#e3e3e3"/g)].map((m) =>
    m.slice(1).map(Number),
  );
  const down = [...svg.matchAll(/<path d="M([\d.]+) ([\d.]+)v([\d.]+)" stroke="#e3e3e3"/g)].map((m) =>
    m.slice(1).map(Number),
  );
  const [left = 0, bottom = 0] = across[0]!;
  const [, top = 0, height = 0] = down[0]!;
  const labels = svgTexts(svg);
  assert.is(labels[1], '0');
  assert.is(labels[across.length], '10');
  assert.ok(Math.abs(bottom - top - height) < 0.02);
  assert.ok(Math.abs((line[0]?.[1] ?? NaN) - height) < 0.02, '0 is at the bottom');
  assert.ok(Math.abs(line[1]?.[1] ?? NaN) < 0.02, '10 is at the top');
  assert.ok(Math.abs((line[2]?.[1] ?? NaN) - height / 2) < 0.02, '5 is half way');
  assert.ok(Math.abs((line[2]?.[0] ?? NaN) + left - (down.at(-1)?.[0] ?? NaN)) < 0.02, '2 is at the last tick');
});

test('text is escaped and cleaned of what XML forbids', () => {
  assert.is(escapeXml(`<a & "b" 'c'>`), '&#60;a &#38; &#34;b&#34; &#39;c&#39;&#62;');
  assert.is(escapeXml('a\u0000b\ud800c\u{1f3e0}'), 'a\ufffdb\ufffdc\u{1f3e0}');
  const evil = `</text><script>alert("1")</script> & 'x'`;
  const svg = lineChart({
    title: evil,
    xLabel: evil,
    yLabel: evil,
    series: [
      { name: evil, x: [0, 1], y: [0, 1], colour: '"/><script>' },
      { name: 'b', x: [], y: [] },
    ],
    marks: [{ x: 0, y: 0, label: evil }],
  });
  checkXml(svg);
  assert.not.match(svg, '<script');
  assert.is(svgTexts(svg).filter((text) => text === evil).length, 5);
});

test('values that cannot be drawn leave gaps, lone points become dots', () => {
  const y = [1, NaN, 2, 3, Infinity, 4, 5];
  const svg = lineChart(one(y));
  checkXml(svg);
  assert.equal(
    svgLines(svg).map((line) => line.length),
    [2, 2],
  );
  assert.is(circles(svg), 5);
  const log = lineChart(one([10, 0, 1, 2, -5, 3, 4], { logY: true }));
  checkXml(log);
  assert.equal(
    svgLines(log).map((line) => line.length),
    [2, 2],
  );
  // Series with many points have dots only where a line is impossible.
  const many = Array.from({ length: 200 }, (_, i) => (i === 3 || i === 5 ? NaN : i));
  assert.is(circles(lineChart(one(many))), 1);
});

test('empty charts say so', () => {
  for (const series of [[], [{ name: 'a', x: [], y: [] }], [{ name: 'a', x: [1, 2], y: [NaN, NaN] }]]) {
    for (const logY of [false, true]) {
      const svg = lineChart({ ...names, series, logY });
      checkXml(svg);
      assert.ok(svgTexts(svg).includes('no data'));
    }
  }
  assert.not.ok(svgTexts(lineChart(one([4]))).includes('no data'));
});

test('one point, equal values, huge and tiny values', () => {
  for (const y of [[3], [0], [7, 7, 7], [-1e30, 1e30], [1e-30, 2e-30], [1e9, 1e9 + 1e-6]]) {
    checkXml(lineChart(one(y)));
    if (y.every((value) => value > 0)) checkXml(lineChart(one(y, { logY: true })));
  }
  checkXml(lineChart(one([1], { xMin: 0, yMin: 1 })));
  checkXml(lineChart(one([1, 2], { xMin: 50, yMin: 60 })));
  checkXml(lineChart(one([1, 2], { xMax: -50, yMax: -60 })));
});

test('a legend appears with more than one series and takes rows as it needs', () => {
  const series = (n: number) =>
    Array.from({ length: n }, (_, i) => ({ name: `series number ${i}`, x: [0, 1], y: [i, i] }));
  assert.not.ok(svgTexts(lineChart({ ...names, series: series(1) })).includes('series number 0'));
  const svg = lineChart({ ...names, series: series(12), width: 400 });
  checkXml(svg);
  const places = [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"[^>]*>series number/g)].map((m) => [
    Number(m[1]),
    Number(m[2]),
  ]);
  assert.is(places.length, 12);
  assert.ok(new Set(places.map(([, y]) => y)).size > 2, 'several rows');
  assert.ok(places.every(([x = NaN]) => x < 300));
  for (const colour of chartColours) assert.match(svg, `stroke="${colour}"`);
});

test('long lines are decimated and keep their extremes', () => {
  const y = Array.from({ length: 200_000 }, (_, i) => Math.sin(i / 5000));
  y[123_456] = 9;
  y[50_000] = -9;
  const svg = lineChart(one(y));
  assert.ok(svg.length < 60_000, `${svg.length} bytes`);
  const [line = []] = svgLines(svg);
  const height = Number(/<svg x=[^>]* height="([\d.]+)"/.exec(svg)?.[1]) - 8;
  const width = line.at(-1)?.[0] ?? NaN;
  // The axis runs from -10 to 10.
  const at = (value: number) => line.filter(([, down]) => Math.abs(down - ((10 - value) / 20) * height) < 0.02);
  assert.equal(
    at(9).map(([x]) => Math.abs((x / width) * 199_999 - 123_456) < 500),
    [true],
    'the peak is there',
  );
  assert.equal(
    at(-9).map(([x]) => Math.abs((x / width) * 199_999 - 50_000) < 500),
    [true],
    'the trough is there',
  );
});

test('marks have a ring and a label inside the chart', () => {
  const svg = lineChart(
    one([0, 10], {
      marks: [
        { x: 1, y: 10, label: 'top right' },
        { x: 0, y: 0, label: 'corner' },
      ],
    }),
  );
  checkXml(svg);
  assert.match(svg, /text-anchor="end"[^>]*>top right/);
  assert.match(svg, /text-anchor="start"[^>]*>corner/);
  const outside = lineChart(
    one([0, 10], {
      xMax: 1,
      yMax: 5,
      marks: [
        { x: 1, y: 10, label: 'outside' },
        { x: NaN, y: 1, label: 'nowhere' },
      ],
    }),
  );
  assert.not.match(outside, /outside|nowhere/);
});

test('stacked charts form one file with aligned axes', () => {
  const svg = stackCharts([one([1, 2], { height: 200 }), one([100_000, 900_000], { height: 300 })]);
  checkXml(svg);
  assert.match(svg, /^<svg [^>]*width="720" height="500"/);
  assert.match(svg, 'translate(0 200)');
  const lefts = [...svg.matchAll(/<path d="M([\d.]+) [\d.]+v[\d.]+h[\d.]+" fill="none"/g)].map((match) => match[1]);
  assert.is(lefts.length, 2);
  assert.is(lefts[0], lefts[1]);
});

test('charts that cannot be drawn are refused', () => {
  refuses(
    () => lineChart({ ...names, series: [{ name: 's', x: [1], y: [] }] }),
    'lineChart: series "s" has 1 x and 0 y, expected the same number',
  );
  refuses(() => lineChart(one([1], { width: 10 })), 'lineChart: width is 10, expected a number from 160 to 10000');
  refuses(() => lineChart(one([1], { height: NaN })), 'lineChart: height is NaN, expected a number from 160 to 10000');
  refuses(() => lineChart(one([1], { yMin: 2, yMax: 1 })), 'lineChart: yMin is 2 and yMax is 1, expected yMin < yMax');
  refuses(() => lineChart(one([1], { xMin: -Infinity })), 'lineChart: xMin is -Infinity, expected a number');
  refuses(() => lineChart(one([1], { yMin: 0, logY: true })), 'lineChart: yMin is 0, expected a number > 0');
});

test.run();
