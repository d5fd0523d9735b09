import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boxSizeChart, boxSizeSummary, sizeHistogram, type BoxSizes } from '../../src/report/charts/box-sizes.ts';
import { checkXml, refuses, svgTexts } from './support.ts';

const boxes = (more: Partial<BoxSizes> = {}): BoxSizes => ({
  sizes: [8, 9, 15.9, 16, 40],
  bestIou: [0.2, 0.5, 0.9, 0.49, 1],
  foregroundIou: 0.5,
  anchorSizes: [32, 40.3],
  ...more,
});

test('boxes are counted in bins of half an octave, by whether an anchor reaches them', () => {
  const { edges, reached, unreached } = sizeHistogram(boxes());
  assert.equal(
    edges.map((edge) => Number(edge.toFixed(3))),
    [8, 11.314, 16, 22.627, 32, 45.255, 64],
  );
  assert.equal(reached, [1, 1, 0, 0, 1, 0]);
  assert.equal(unreached, [1, 0, 1, 0, 0, 0]);
});

test('every box is in the bin that holds its size, and the bins hold the anchors', () => {
  const size = fc.double({ min: 0.1, max: 5000, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(size, fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 50 }),
      fc.array(size, { maxLength: 10 }),
      (rows, anchorSizes) => {
        const sizes = rows.map(([value]) => value);
        const histogram = sizeHistogram(boxes({ sizes, bestIou: rows.map(([, iou]) => iou), anchorSizes }));
        const { edges, reached, unreached } = histogram;
        const inside = (from: number, to: number) => sizes.filter((value) => value >= from && value < to).length;
        edges.slice(1).forEach((to, i) => {
          assert.is((reached[i] ?? 0) + (unreached[i] ?? 0), inside(edges[i]!, to));
        });
        assert.is(
          unreached.reduce((a, b) => a + b, 0),
          rows.filter(([, iou]) => iou < 0.5).length,
        );
        for (const value of [...sizes, ...anchorSizes]) {
          assert.ok(value >= edges[0]! && value < edges.at(-1)!);
        }
      },
    ),
  );
});

test('the chart and the summary say what no anchor reaches', () => {
  const svg = boxSizeChart(boxes());
  checkXml(svg);
  for (const text of ['reached by an anchor', 'not reached', 'anchor sizes', '8', '16', '32', '64']) {
    assert.ok(svgTexts(svg).includes(text), text);
  }
  assert.is(boxSizeSummary(boxes()), '2 of 5 boxes (40.0 %) have no anchor with an IoU of at least 0.5.');
  assert.is(boxSizeSummary(boxes({ sizes: [], bestIou: [] })), 'There are no boxes.');
  checkXml(boxSizeChart(boxes({ sizes: [], bestIou: [], anchorSizes: [] })));
});

test('data that do not fit are refused', () => {
  refuses(
    () => boxSizeChart(boxes({ bestIou: [1] })),
    'boxSizeChart: 5 sizes and 1 of bestIou, expected the same number',
  );
  refuses(() => boxSizeChart(boxes({ sizes: [1, 2, 0, 4, 5] })), 'boxSizeChart: sizes[2] is 0, expected a number > 0');
  refuses(
    () => boxSizeChart(boxes({ anchorSizes: [NaN] })),
    'boxSizeChart: anchorSizes[0] is NaN, expected a number > 0',
  );
  refuses(
    () => boxSizeChart(boxes({ bestIou: [0, 0, 0, 0, 1.5] })),
    'boxSizeChart: bestIou[4] is 1.5, expected a number from 0 to 1',
  );
  refuses(
    () => boxSizeChart(boxes({ foregroundIou: 0 })),
    'boxSizeChart: foregroundIou is 0, expected a number > 0 and <= 1',
  );
});

test.run();
