import type { DType } from '../../../src/tensor/dtype.ts';
import { fromFront, ref, sizeOf, type Ref } from '../../reference/array.ts';
import { flip, repeat, shaped, split, stack, stridedSlice, triangle, type Range } from '../../reference/axes.ts';
import type { Draw } from '../draw.ts';
import type { Argument, Operand, Row, Value } from '../program.ts';

type Shape = readonly number[];

/** Elements are moved, not changed. */
const moved = { dtype: (x: Value): DType => x.dtype, accuracy: 'exact', selects: true } as const;

/** A tensor of any type with at least `rank` axes. */
export const ranked = (d: Draw, rank = 1): Operand =>
  d.operand(
    (v) => v.shape.length >= rank,
    () => d.leaf(d.shape(rank), 'any', d.dtype()),
  );

/** Extents that add up to an extent. */
function parts(d: Draw, extent: number): number[] {
  const sizes: number[] = [];
  for (let rest = extent; rest > 0; rest -= sizes.at(-1)!) sizes.push(d.int(1, rest));
  return d.chance(4) ? [...sizes, 0] : sizes;
}

/** Extents of `size`, the last smaller. */
const equalParts = (extent: number, size: number): number[] =>
  extent === 0 ? [0] : Array.from({ length: Math.ceil(extent / size) }, (_, i) => Math.min(size, extent - i * size));

function chunks(x: Value, count: number, axis = 0): Ref[] {
  const extent = x.shape.at(axis)!;
  const sizes = extent === 0 ? new Array<number>(count).fill(0) : equalParts(extent, Math.ceil(extent / count));
  return split(x, sizes, axis);
}

/** A limit of a range, also outside of the axis. */
const limit = (d: Draw, extent: number): number => d.int(-extent - 1, extent + 1);

function range(d: Draw, extent: number): Argument {
  if (d.chance(5)) return null;
  if (extent > 0 && d.chance(4)) return d.int(-extent, extent - 1);
  return d.options({ start: limit(d, extent), stop: limit(d, extent), step: d.pick([2, 1, -1, -2, 3]) });
}

const triangleRow = (stays: (distance: number) => boolean): Row => ({
  draw: (d) => {
    const x = ranked(d, 2);
    return d.chance(2) ? [x, d.int(-2, 2)] : [x];
  },
  reference: (x: Value, diagonal?: number) => triangle(x, diagonal ?? 0, stays),
  ...moved,
});

const axisOf = (d: Draw, rank: number): number[] => (d.chance(2) ? [d.axis(rank)] : []);

/** The shape without the axes of extent 1, or without those of a list. */
function squeezed(shape: Shape, axes?: number | Shape): number[] {
  const list = [axes ?? [...shape.keys()]].flat().map((axis) => fromFront(axis, shape.length));
  return shape.filter((extent, d) => extent !== 1 || !list.includes(d));
}

export const axes: Readonly<Record<string, Row>> = {
  squeeze: {
    draw: (d) => {
      const x = d.tensor();
      return [x, d.axes(d.shapeOf(x).length)];
    },
    reference: (x: Value, axes?: number | Shape) => shaped(x, squeezed(x.shape, axes)),
    ...moved,
  },
  unsqueeze: {
    draw: (d) => {
      const x = d.tensor();
      return [x, d.axis(d.shapeOf(x).length + 1)];
    },
    reference: (x: Value, axis: number) => {
      const shape = [...x.shape];
      shape.splice(fromFront(axis, x.shape.length + 1), 0, 1);
      return shaped(x, shape);
    },
    ...moved,
  },
  flatten: {
    draw: (d) => {
      const x = d.tensor();
      const rank = d.shapeOf(x).length;
      if (rank === 0 || d.chance(3)) return [x];
      const first = d.int(0, rank - 1);
      return [x, first, d.int(first, rank - 1) - (d.chance(2) ? rank : 0)];
    },
    reference: (x: Value, first?: number, end?: number) => {
      const start = first ?? 0;
      const last = fromFront(end ?? -1, Math.max(x.shape.length, 1));
      const merged = sizeOf(x.shape.slice(start, last + 1));
      return shaped(x, [...x.shape.slice(0, start), merged, ...x.shape.slice(last + 1)]);
    },
    ...moved,
  },
  stack: {
    draw: (d) => {
      const first = d.tensor();
      const { shape, dtype } = d.value(first);
      const list = [first];
      for (let more = d.int(0, 2); more > 0; more--) {
        const fits = (v: Value): boolean => v.dtype === dtype && `${v.shape}` === `${shape}`;
        list.push(d.operand(fits, () => d.leaf(shape, 'any', dtype)));
      }
      return [list, ...axisOf(d, shape.length + 1)];
    },
    reference: (list: readonly Value[], axis?: number) => stack(list, axis),
    ...moved,
    dtype: ([first]: readonly Value[]) => first!.dtype,
  },
  split: {
    draw: (d) => {
      const x = ranked(d);
      const axis = d.axis(d.shapeOf(x).length);
      const extent = d.shapeOf(x).at(axis)!;
      return [x, d.chance(2) ? Math.max(d.int(1, extent), 1) : parts(d, extent), axis];
    },
    reference: (x: Value, sizes: number | Shape, axis: number) =>
      split(x, typeof sizes === 'number' ? equalParts(x.shape.at(axis)!, sizes) : sizes, axis),
    ...moved,
  },
  chunk: {
    draw: (d) => {
      const x = ranked(d);
      return [x, d.int(1, 4), ...axisOf(d, d.shapeOf(x).length)];
    },
    reference: chunks,
    ...moved,
  },
  repeat: {
    draw: (d) => {
      const x = d.tensor();
      const lead = d.int(0, Math.max(0, Math.min(2, 5 - d.shapeOf(x).length)));
      return [x, Array.from({ length: lead + d.shapeOf(x).length }, () => d.pick([1, 2, 1, 3, 0]))];
    },
    reference: (x: Value, repeats: Shape) => repeat(x, repeats),
    ...moved,
  },
  flip: {
    draw: (d) => {
      const x = d.tensor();
      return [x, d.axes(d.shapeOf(x).length)];
    },
    reference: (x: Value, axes?: number | Shape) => flip(x, axes),
    ...moved,
  },
  stridedSlice: {
    draw: (d) => {
      const x = d.tensor();
      const count = d.int(0, d.shapeOf(x).length);
      return [
        x,
        d
          .shapeOf(x)
          .slice(0, count)
          .map((extent) => range(d, extent)),
      ];
    },
    reference: (x: Value, index: readonly (Range | number | null)[]) => stridedSlice(x, index),
    ...moved,
  },
  tril: triangleRow((distance) => distance <= 0),
  triu: triangleRow((distance) => distance >= 0),
  eye: {
    draw: (d) => [d.int(0, 4), d.int(0, 4), d.options({ dtype: d.dtype() })],
    reference: (rows: number, columns: number) =>
      ref(
        [rows, columns],
        Array.from({ length: rows * columns }, (_, i) => Number(Math.floor(i / columns) === i % columns)),
      ),
    dtype: (_: number, __: number, { dtype }: { readonly dtype?: DType }) => dtype ?? 'float32',
    accuracy: 'exact',
  },
  linspace: {
    draw: (d) => [d.pick([0, -1, 0.5]), d.pick([1, 2, -1]), d.int(0, 7)],
    reference: (start: number, stop: number, count: number) =>
      ref(
        [count],
        Array.from({ length: count }, (_, i) => start + (i * (stop - start)) / Math.max(count - 1, 1)),
      ),
    accuracy: 'rounded',
  },
};
