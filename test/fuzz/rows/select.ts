import { boxIou } from '../../reference/boxes.ts';
import { maskedFill, oneHot, scatter, scatterAdd, sort, takeAlongAxis } from '../../reference/select.ts';
import type { DType } from '../../../src/tensor/dtype.ts';
import { ref, type Ref } from '../../reference/array.ts';
import type { Draw } from '../draw.ts';
import type { Argument, Row, Value } from '../program.ts';
import { ranked } from './axes.ts';

const same = (x: Value): DType => x.dtype;
const pair = (x: Value): readonly DType[] => [x.dtype, 'int32'];

type Order = { readonly descending?: boolean };

/** Sorted along an axis, by default the last. */
function order(d: Draw): readonly Argument[] {
  const x = ranked(d);
  return [x, d.axis(d.shapeOf(x).length), d.options({ descending: true })];
}

/** Arguments of a scatter: indices that may be out of range, and a source that may be larger than them. */
function scattered(d: Draw, types: readonly DType[]): readonly Argument[] {
  const x = d.operand(
    (v) => v.shape.length > 0 && types.includes(v.dtype),
    () => d.leaf(d.shape(1), 'any', d.pick(types)),
  );
  const { shape, dtype } = d.value(x);
  const axis = d.axis(shape.length);
  const along = axis < 0 ? axis + shape.length : axis;
  const extents = shape.map((extent, i) => (i === along ? d.int(0, 4) : d.int(0, extent)));
  const indices = d.leaf(extents, { low: -1, high: shape[along]! }, 'int32');
  const fits = (v: Value): boolean =>
    v.dtype === dtype && v.shape.length === extents.length && v.shape.every((extent, i) => extent >= extents[i]!);
  const source = d.operand(fits, () =>
    d.leaf(
      extents.map((extent) => extent + (d.chance(4) ? 1 : 0)),
      'any',
      dtype,
    ),
  );
  return [x, indices, source, axis];
}

interface Suppression {
  readonly iouThreshold?: number;
  readonly scoreThreshold?: number;
  readonly classes?: Value;
  readonly maxOutputs: number;
}

/** The highest-scoring box, then the next that overlaps none of the picked too much. */
function suppressed(boxes: Value, scores: Value, options: Suppression): { indices: Ref; count: Ref } {
  const { iouThreshold = 0.5, scoreThreshold = -Infinity, classes, maxOutputs } = options;
  const overlaps = boxIou(boxes, boxes);
  const n = scores.data.length;
  const picked: number[] = [];
  const byScore = [...scores.data.keys()].sort((i, j) => scores.data[j]! - scores.data[i]! || i - j);
  for (const i of byScore) {
    const isRival = (j: number): boolean => classes === undefined || classes.data[i] === classes.data[j];
    const isFree = picked.every((j) => !isRival(j) || !(overlaps.data[i * n + j]! > iouThreshold));
    if (picked.length < maxOutputs && scores.data[i]! > scoreThreshold && isFree) picked.push(i);
  }
  const indices = Array.from({ length: maxOutputs }, (_, i) => picked[i] ?? -1);
  return { indices: ref([maxOutputs], indices), count: ref([1], [picked.length]) };
}

export const selections: Readonly<Record<string, Row>> = {
  sort: {
    draw: order,
    reference: (x: Value, axis: number, { descending = false }: Order) => ({ ...sort(x, axis, descending) }),
    dtype: pair,
    accuracy: 'exact',
    selects: true,
  },
  argsort: {
    draw: order,
    reference: (x: Value, axis: number, { descending = false }: Order) => sort(x, axis, descending).indices,
    dtype: () => 'int32',
    accuracy: 'exact',
  },
  topK: {
    draw: (d) => {
      const x = ranked(d);
      const axis = d.axis(d.shapeOf(x).length);
      const options = axis === d.shapeOf(x).length - 1 || axis === -1 ? {} : { axis };
      return [x, d.int(0, d.shapeOf(x).at(axis)!), { ...options, ...d.options({ largest: false }) }];
    },
    reference: (x: Value, k: number, { axis = -1, largest = true }: { axis?: number; largest?: boolean }) => ({
      ...sort(x, axis, largest, k),
    }),
    dtype: pair,
    accuracy: 'exact',
    selects: true,
  },
  takeAlongAxis: {
    draw: (d) => {
      const x = ranked(d);
      const { shape, dtype } = d.value(x);
      const axis = d.axis(shape.length);
      const along = axis < 0 ? axis + shape.length : axis;
      const others = shape.map((extent, i) => (i === along ? d.int(0, 4) : d.chance(4) ? 1 : extent));
      // Of an empty axis, nothing can be picked.
      const extents = others.map((extent, i) => (i === along && shape[along] === 0 ? 0 : extent));
      // Out of range is NaN.
      const beyond = d.special && dtype === 'float32' ? 1 : 0;
      return [x, d.leaf(extents, { low: -beyond, high: shape[along]! - 1 + beyond }, 'int32'), axis];
    },
    reference: (x: Value, indices: Value, axis: number) => takeAlongAxis(x, indices, axis),
    dtype: same,
    accuracy: 'exact',
    selects: true,
  },
  scatter: {
    draw: (d) => scattered(d, ['float32', 'float32', 'int32', 'bool']),
    reference: (x: Value, indices: Value, source: Value, axis: number) => scatter(x, indices, source, axis),
    dtype: same,
    accuracy: 'exact',
    selects: true,
  },
  scatterAdd: {
    draw: (d) => scattered(d, ['float32', 'float32', 'int32', 'uint32']),
    reference: (x: Value, indices: Value, source: Value, axis: number) => scatterAdd(x, indices, source, axis),
    dtype: same,
    mayOverflow: true,
    selects: true,
  },
  maskedFill: {
    draw: (d) => {
      const x = d.tensor();
      const { shape, dtype } = d.value(x);
      const own = shape.slice(d.int(0, shape.length)).map((extent) => (d.chance(4) ? 1 : extent));
      const mask = d.operand(
        // A number that becomes 0 jumps.
        (v) => `${v.shape}` === `${own}` && v.dtype !== 'float32',
        () => d.leaf(own, 'any', 'bool'),
      );
      return [x, mask, dtype === 'float32' ? d.number() : d.int(0, 1)];
    },
    reference: (x: Value, mask: Value, value: number) => maskedFill(x, mask, value),
    dtype: same,
    accuracy: 'exact',
    selects: true,
  },
  oneHot: {
    draw: (d) => [
      d.operand(
        (v) => v.dtype === 'int32' && v.shape.length < 5,
        () => d.leaf(d.shape(0, 3), { low: -1, high: 4 }, 'int32'),
      ),
      d.int(1, 4),
    ],
    reference: (indices: Value, classes: number) => oneHot(indices, classes),
    dtype: () => 'int32',
    accuracy: 'exact',
  },
  nonMaxSuppression: {
    draw: (d) => {
      const n = d.int(0, 9);
      const classes = d.chance(2) ? { classes: d.leaf([n], { low: 0, high: 2 }, 'int32') } : {};
      const options = { maxOutputs: d.int(0, 6), ...d.options({ iouThreshold: 0.1, scoreThreshold: 0 }), ...classes };
      return [d.leaf([n, 4], 'boxes', 'float32', true), d.leaf([n], 'normal', 'float32', true), options];
    },
    reference: suppressed,
    dtype: () => 'int32',
    accuracy: 'exact',
  },
};
