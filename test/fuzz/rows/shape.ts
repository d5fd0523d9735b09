import * as ops from '../../../src/index.ts';
import type { DType } from '../../../src/tensor/dtype.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { broadcastTo, ref, sizeOf } from '../../reference/array.ts';
import { map, zip } from '../../reference/elementwise.ts';
import { concat, gather, pad, reshape, slice, transpose } from '../../reference/shape.ts';
import type { Draw } from '../draw.ts';
import { isFloat, type Argument, type Operand, type Row, type Value } from '../program.ts';

type Shape = readonly number[];
const same = (x: Value): DType => x.dtype;
/** Elements are moved, not changed. */
const moved = { dtype: same, accuracy: 'exact', selects: true } as const;

/** An order of axes. */
function order(d: Draw, rank: number): number[] {
  const rest = [...Array(rank).keys()];
  return [...Array(rank).keys()].map(() => {
    const axis = rest.splice(d.int(0, rest.length - 1), 1)[0]!;
    return d.chance(4) ? axis - rank : axis;
  });
}

/** Extents whose product is a number. */
function factors(d: Draw, size: number): number[] {
  const rank = d.pick([1, 2, 3, 4, 0, 5]);
  if (size === 0) return Array.from({ length: Math.max(rank, 1) }, (_, i) => (i === 0 ? 0 : d.pick([1, 2, 3])));
  if (rank === 0) return size === 1 ? [] : [size];
  let rest = size;
  const shape: number[] = [];
  for (let i = 1; i < rank; i++) {
    const factor = d.pick([1, 2, 3, 5, 7, 4].filter((f) => rest % f === 0));
    shape.push(factor);
    rest /= factor;
  }
  return d.chance(2) ? [rest, ...shape] : [...shape, rest];
}

/** Whole numbers that fit every integer type that a value may be cast to. */
const castable = (v: Value, to: DType): boolean =>
  to === 'float32' ||
  to === 'bool' ||
  !isFloat(v) ||
  v.data.every((x) => x >= (to === 'uint32' ? 0 : -1e9) && x <= 1e9);

function largerShape(d: Draw, shape: Shape): number[] {
  const stretched = shape.map((extent) => (extent === 1 ? d.pick([1, 2, 3, 0]) : extent));
  const lead = d.int(0, Math.max(0, Math.min(2, 5 - shape.length)));
  return [...Array.from({ length: lead }, () => d.pick([1, 2, 3])), ...stretched];
}

function joined(d: Draw): readonly Argument[] | null {
  const first = d.operand(
    (v) => v.shape.length > 0,
    () => d.leaf(d.shape(1), 'any', d.dtype()),
  );
  const { shape, dtype } = d.value(first);
  const axis = d.axis(shape.length);
  const along = axis < 0 ? axis + shape.length : axis;
  const fits = (v: Value): boolean =>
    v.dtype === dtype &&
    v.shape.length === shape.length &&
    v.shape.every((extent, i) => i === along || extent === shape[i]);
  const list: Operand[] = [first];
  for (let more = d.int(0, 3); more > 0; more--) {
    const other = shape.map((extent, i) => (i === along ? d.int(0, 3) : extent));
    list.push(d.operand(fits, () => d.leaf(other, 'any', dtype)));
  }
  return [d.chance(2) ? [...list].reverse() : list, axis];
}

export const shapes: Readonly<Record<string, Row>> = {
  reshape: {
    draw: (d) => {
      const x = d.tensor();
      const shape = factors(d, sizeOf(d.shapeOf(x)));
      const hole = d.int(0, 2 * shape.length);
      const known = sizeOf(shape.filter((_, i) => i !== hole));
      return [x, shape.map((extent, i) => (i === hole && known > 0 ? -1 : extent))];
    },
    reference: (x: Value, shape: Shape) => reshape(x, shape),
    ...moved,
  },
  transpose: {
    draw: (d) => {
      const x = d.tensor();
      return d.chance(3) ? [x] : [x, order(d, d.shapeOf(x).length)];
    },
    reference: (x: Value, axes?: Shape) => transpose(x, axes),
    ...moved,
  },
  slice: {
    draw: (d) => {
      const x = d.tensor();
      const starts = d.shapeOf(x).map((extent) => d.int(0, extent));
      const sizes = d.shapeOf(x).map((extent, i) => (d.chance(3) ? -1 : d.int(0, extent - starts[i]!)));
      return [x, starts, sizes];
    },
    reference: (x: Value, starts: Shape, sizes: Shape) => slice(x, starts, sizes),
    ...moved,
  },
  pad: {
    draw: (d) => {
      const x = d.tensor();
      const amounts = d.shapeOf(x).map(() => [d.int(0, 2), d.int(0, 2)]);
      if (!d.chance(2)) return [x, amounts];
      return [x, amounts, d.value(x).dtype === 'float32' ? d.number() : d.int(0, 1)];
    },
    reference: (x: Value, amounts: readonly [number, number][], value?: number) => pad(x, amounts, value),
    ...moved,
  },
  concat: {
    draw: joined,
    reference: (list: readonly Value[], axis: number) => concat(list, axis),
    ...moved,
    dtype: (list: readonly Value[]) => list[0]!.dtype,
  },
  broadcastTo: {
    draw: (d) => {
      const x = d.tensor();
      return [x, largerShape(d, d.shapeOf(x))];
    },
    reference: (x: Value, shape: Shape) => broadcastTo(x, shape),
    ...moved,
  },
  gather: {
    draw: (d) => {
      const x = d.operand(
        (v) => v.shape.length > 0,
        () => d.leaf(d.shape(1), 'any', d.dtype()),
      );
      const shape = d.shapeOf(x);
      const axis = d.axis(shape.length);
      const n = shape.at(axis)!;
      const indices = d.operand(
        (v) => v.dtype === 'int32' && v.shape.length < 3 && v.data.every((i) => i >= 0 && i < n),
        () => (n === 0 ? null : d.leaf(d.shape(0, 2), { low: 0, high: n - 1 }, 'int32')),
      );
      return indices === null ? null : [x, indices, axis];
    },
    reference: (x: Value, indices: Value, axis: number) => gather(x, indices, axis),
    ...moved,
  },
  clone: { draw: (d) => [d.tensor()], reference: (x: Value) => x, ...moved },
  cast: {
    draw: (d) => {
      const to = d.dtype();
      return [
        d.operand(
          (v) => castable(v, to),
          () => d.leaf(d.shape(), 'positive'),
        ),
        to,
      ];
    },
    reference: (x: Value, to: DType) =>
      map(x, (v) =>
        to === 'float32' ? (isFloat(x) ? v : Math.fround(v)) : to === 'bool' ? Number(v !== 0) : Math.trunc(v),
      ),
    dtype: (_: Value, to: DType) => to,
    accuracy: 'exact',
  },
  assign: {
    draw: (d) => {
      const y = d.tensor();
      const { shape, dtype } = d.value(y);
      return [d.leaf(shape, 'any', dtype), y];
    },
    reference: (_: Value, x: Value) => x,
    dtype: (_: Value, x: Value) => x.dtype,
    accuracy: 'exact',
    detached: [0],
    call: inPlace((target, x) => ops.assign(target as Tensor, x as Tensor), 'assign'),
  },
  axpby: {
    draw: (d) => {
      const x = d.float();
      return [d.leaf(d.shapeOf(x)), x, d.pick([1, -2, 0.5]), d.pick([1, -0.5, 0])];
    },
    reference: (y: Value, x: Value, alpha: number, beta: number) => zip(y, x, (b, a) => alpha * a + beta * b),
    mayOverflow: true,
    detached: [0],
    call: {
      ...inPlace((y, x, alpha, beta) => ops.axpby(x as Tensor, y as Tensor, alpha as number, beta as number), 'axpby'),
      text: (y, x, alpha, beta) =>
        `(() => { const y = detach(clone(${y})); axpby(${x}, y, ${alpha}, ${beta}); return y; })()`,
    },
  },
};

/** A call that changes a copy of its first operand. */
function inPlace(change: (...args: readonly unknown[]) => void, op: string): NonNullable<Row['call']> {
  return {
    run: (x, ...args) => {
      const copy = ops.detach(ops.clone(x as Tensor));
      change(copy, ...args);
      return copy;
    },
    text: (x, ...args) => `(() => { const x = detach(clone(${x})); ${op}(${['x', ...args].join(', ')}); return x; })()`,
  };
}

type Options = { readonly dtype?: DType };

const filledWith = (value: number): Row => ({
  draw: (d) => [d.shape(), d.options({ dtype: d.dtype() })],
  reference: (shape: Shape) => ref(shape, new Float64Array(sizeOf(shape)).fill(value)),
  dtype: (_: Shape, { dtype }: Options) => dtype ?? 'float32',
  accuracy: 'exact',
});

export const creation: Readonly<Record<string, Row>> = {
  zeros: filledWith(0),
  ones: filledWith(1),
  full: {
    draw: (d) => {
      const dtype = d.dtype();
      const integers = dtype === 'bool' ? [1, 0] : [1, 0, 7, 2147483647, 16777217];
      return [d.shape(), dtype === 'float32' ? d.number() : d.pick(integers), { dtype }];
    },
    reference: (shape: Shape, value: number) => ref(shape, new Float64Array(sizeOf(shape)).fill(value)),
    dtype: (_: Shape, __: number, { dtype }: Options) => dtype ?? 'float32',
    accuracy: 'exact',
  },
  arange: {
    draw: (d) => {
      const start = d.int(0, 5);
      return [
        start,
        start + d.int(0, 9),
        d.int(1, 3),
        d.options({ dtype: d.pick<DType>(['float32', 'int32', 'uint32']) }),
      ];
    },
    reference: (start: number, stop: number, step: number) => {
      const count = Math.max(0, Math.ceil((stop - start) / step));
      return ref(
        [count],
        Array.from({ length: count }, (_, i) => start + i * step),
      );
    },
    dtype: (_: number, __: number, ___: number, { dtype }: Options) => dtype ?? 'float32',
    accuracy: 'exact',
  },
};
