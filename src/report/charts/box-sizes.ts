import { barChart } from './bar-chart.ts';
import { counted } from '../html/markup.ts';

/** The true boxes of a training set beside the anchors that have to find them. */
export interface BoxSizes {
  /** For each box the square root of its area in pixels, at the size that the network sees. */
  readonly sizes: ArrayLike<number>;
  /** For each box its highest IoU with any anchor. */
  readonly bestIou: ArrayLike<number>;
  /** IoU from which an anchor is trained to find a box (`MatcherSpec.high`). */
  readonly foregroundIou: number;
  /** Square roots of the anchors' areas, of all levels. */
  readonly anchorSizes: readonly number[];
}

function checkSizes({ sizes, bestIou, anchorSizes, foregroundIou }: BoxSizes): void {
  if (sizes.length !== bestIou.length) {
    throw new RangeError(`boxSizeChart: ${sizes.length} sizes and ${bestIou.length} of bestIou, expected as many`);
  }
  for (const [name, values] of [
    ['sizes', sizes],
    ['anchorSizes', anchorSizes],
  ] as const) {
    const bad = Array.from(values).findIndex((value) => !(value > 0 && value < Infinity));
    if (bad >= 0) throw new RangeError(`boxSizeChart: ${name}[${bad}] is ${values[bad]}, expected a number above 0`);
  }
  const bad = Array.from(bestIou).findIndex((value) => !(value >= 0 && value <= 1));
  if (bad >= 0) throw new RangeError(`boxSizeChart: bestIou[${bad}] is ${bestIou[bad]}, expected 0 to 1`);
  if (!(foregroundIou > 0 && foregroundIou <= 1)) {
    throw new RangeError(`boxSizeChart: foregroundIou is ${foregroundIou}, expected a number above 0 and at most 1`);
  }
}

/** Counts of boxes in bins of half an octave, those that an anchor reaches and those that none does. */
export function sizeHistogram(boxes: BoxSizes): { edges: number[]; reached: number[]; unreached: number[] } {
  checkSizes(boxes);
  const { sizes, bestIou, anchorSizes, foregroundIou } = boxes;
  // A size on an edge belongs to the bin above it; a hair of tolerance, because 2 ** (k / 2) is rounded.
  const binOf = (size: number) => Math.floor(2 * Math.log2(size) + 1e-9);
  const all = [...Array.from(sizes, binOf), ...anchorSizes.map(binOf)];
  const first = all.reduce((a, b) => Math.min(a, b), Infinity);
  const last = all.reduce((a, b) => Math.max(a, b), -Infinity);
  // Ends are whole octaves, so that the axis begins and ends with a label.
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
 * The sizes of true boxes against those of the anchors, as the text of an SVG file: a histogram on a logarithmic axis,
 * with boxes that no anchor overlaps enough in red. Throws a RangeError for arrays that do not fit together and for
 * numbers out of range.
 */
export function boxSizeChart(
  boxes: BoxSizes,
  size: { readonly width?: number; readonly height?: number } = {},
): string {
  const { edges, reached, unreached } = sizeHistogram(boxes);
  return barChart({
    ...size,
    title: 'Box sizes and anchors',
    xLabel: 'square root of the area, in pixels that the network sees',
    yLabel: 'boxes',
    edges,
    log2X: true,
    series: [
      { name: 'reached by an anchor', values: reached },
      { name: 'reached by none', values: unreached, colour: '#c1272d' },
    ],
    marks: { name: 'anchor sizes', at: boxes.anchorSizes },
  });
}

/** One sentence on how many boxes no anchor reaches. */
export function boxSizeSummary({ sizes, bestIou, foregroundIou }: BoxSizes): string {
  if (sizes.length === 0) return 'There are no boxes.';
  const lost = Array.from(bestIou).filter((iou) => iou < foregroundIou).length;
  const share = ((100 * lost) / sizes.length).toFixed(1);
  return (
    `No anchor reaches an IoU of ${foregroundIou} with ${counted(lost, 'box', 'boxes')} of ` +
    `${sizes.length.toLocaleString('en-US')} (${share} %).`
  );
}
