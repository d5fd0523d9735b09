import { counted, percentage } from '../html/markup.ts';
import { barChart } from './bar-chart.ts';
import { checkFinite } from './svg-frame.ts';

/** The boxes of a training set, and how well the anchors reach them. */
export interface BoxSizes {
  /** Square root of the area of each box in pixels of the resized image. */
  readonly sizes: ArrayLike<number>;
  /** IoU of each box with its best anchor. */
  readonly bestIou: ArrayLike<number>;
  /** Minimum IoU of an anchor that is trained to detect a box (`MatcherSpec.high`). */
  readonly foregroundIou: number;
  /** Square roots of the areas of the anchors, of all levels. */
  readonly anchorSizes: readonly number[];
}

function checkSizes({ sizes, bestIou, anchorSizes, foregroundIou }: BoxSizes): void {
  if (sizes.length !== bestIou.length) {
    throw new RangeError(
      `boxSizeChart: ${sizes.length} sizes and ${bestIou.length} of bestIou, expected the same number`,
    );
  }
  Array.from(sizes).forEach((size, i) => checkFinite('boxSizeChart', `sizes[${i}]`, size, { above: 0 }));
  anchorSizes.forEach((size, i) => checkFinite('boxSizeChart', `anchorSizes[${i}]`, size, { above: 0 }));
  Array.from(bestIou).forEach((iou, i) => checkFinite('boxSizeChart', `bestIou[${i}]`, iou, { min: 0, max: 1 }));
  checkFinite('boxSizeChart', 'foregroundIou', foregroundIou, { above: 0, max: 1 });
}

/** Histogram in bins of half an octave of the boxes that an anchor reaches and of those that no anchor reaches. */
export function sizeHistogram(boxes: BoxSizes): { edges: number[]; reached: number[]; unreached: number[] } {
  checkSizes(boxes);
  const { sizes, bestIou, anchorSizes, foregroundIou } = boxes;
  // A size on an edge belongs to the bin above it; with tolerance, because 2 ** (k / 2) is rounded.
  const binOf = (size: number) => Math.floor(2 * Math.log2(size) + 1e-9);
  const all = [...Array.from(sizes, binOf), ...anchorSizes.map(binOf)];
  const first = all.reduce((a, b) => Math.min(a, b), Infinity);
  const last = all.reduce((a, b) => Math.max(a, b), -Infinity);
  // The ends are integer octaves, so that both ends of the axis are labelled.
  const from = all.length === 0 ? 8 : 2 * Math.floor(first / 2);
  const to = all.length === 0 ? 12 : 2 * Math.ceil((last + 1) / 2);
  const edges = Array.from({ length: to - from + 1 }, (_, i) => 2 ** ((from + i) / 2));
  const reached = edges.slice(1).map(() => 0);
  const unreached = [...reached];
  for (let i = 0; i < sizes.length; i++) {
    const bins = bestIou[i]! >= foregroundIou ? reached : unreached;
    const bin = binOf(sizes[i]!) - from;
    bins[bin] = bins[bin]! + 1;
  }
  return { edges, reached, unreached };
}

/**
 * The sizes of boxes and anchors as the text of an SVG file: a histogram on a logarithmic axis, with the boxes that no
 * anchor overlaps enough in red. Throws a RangeError for arrays that differ in length and for numbers out of range.
 */
export function boxSizeChart(
  boxes: BoxSizes,
  size: { readonly width?: number; readonly height?: number } = {},
): string {
  const { edges, reached, unreached } = sizeHistogram(boxes);
  return barChart({
    ...size,
    title: 'Box sizes and anchors',
    xLabel: 'square root of the area in pixels, after resizing',
    yLabel: 'boxes',
    edges,
    log2X: true,
    series: [
      { name: 'reached by an anchor', values: reached },
      { name: 'not reached', values: unreached, colour: '#c1272d' },
    ],
    marks: { name: 'anchor sizes', at: boxes.anchorSizes },
  });
}

/** One sentence on how many boxes no anchor reaches. */
export function boxSizeSummary({ sizes, bestIou, foregroundIou }: BoxSizes): string {
  const total = sizes.length;
  if (total === 0) return 'There are no boxes.';
  const unreached = Array.from(bestIou).filter((iou) => iou < foregroundIou).length;
  const of = `of ${counted(total, 'box', 'boxes')} (${percentage(unreached / total)})`;
  return `${counted(unreached, `${of} has`, `${of} have`)} no anchor with an IoU of at least ${foregroundIou}.`;
}
