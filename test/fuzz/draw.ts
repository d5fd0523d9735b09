import { Random } from '../../src/common/random.ts';
import type { DType } from '../../src/tensor/dtype.ts';
import { broadcastShape, sizeOf } from '../reference/array.ts';
import { filled, randomSign, type Fill } from '../support/fill.ts';
import { isFloat, Operand, valueOf, type Entry, type Leaf, type Value } from './program.ts';

/** What float tensors of `special` programs contain besides ordinary numbers. */
const SPECIAL = [
  NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1e-40,
  -1e-45,
  3.4028234663852886e38,
  -3.4028234663852886e38,
  2 ** -126,
];
const INTEGERS = [0, -1, 2147483647, -2147483648, 16777217, 65536];

/** Extents of axes. The first is the simplest; 0 is rare. */
const EXTENTS = [1, 2, 3, 5, 2, 3, 4, 1, 7, 2, 3, 0];

/** Fills of ordinary tensors, the simplest first. */
const FILLS: readonly Fill[] = [[1, -2, 0.5, 3, -1.5], 'integers', 'normal', 'apart', 'normal', 'normal', 'normal'];

/** What a tensor is filled with; `any` leaves it to the program. */
export type LeafFill = Fill | 'any';

const fits = (from: readonly number[], to: readonly number[]): boolean => {
  const lead = to.length - from.length;
  return lead >= 0 && from.every((extent, d) => extent === to[lead + d] || extent === 1 || to[lead + d] === 1);
};

/** Whether two shapes broadcast together. */
export const broadcasts = (a: readonly number[], b: readonly number[]): boolean =>
  a.length >= b.length ? fits(b, a) : fits(a, b);

/**
 * Makes decisions out of a list of numbers. Any list gives legal decisions, and smaller numbers simpler ones: so a failing
 * program shrinks by shrinking numbers.
 */
export class Draw {
  readonly special: boolean;
  readonly entries: Entry[];
  readonly values: Value[];
  readonly #picks: readonly number[];
  #next = 0;

  constructor(
    picks: readonly number[],
    { special, entries, values }: { special: boolean; entries: Entry[]; values: Value[] },
  ) {
    this.#picks = picks;
    this.special = special;
    this.entries = entries;
    this.values = values;
  }

  #bits(): number {
    return this.#picks[this.#next++] ?? 0;
  }

  /** An integer from `low` to `high`; `low` is the simplest. */
  int(low: number, high: number): number {
    return high <= low ? low : low + (this.#bits() % (high - low + 1));
  }

  /** An element of a list; the first is the simplest. */
  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)]!;
  }

  /** True once in `n`; false is simpler. */
  chance(n: number): boolean {
    return this.int(0, n - 1) === n - 1 && n > 0;
  }

  /** A number to compute with, of float32 precision. */
  number(): number {
    if (this.special && this.chance(4)) return this.pick(SPECIAL);
    return this.pick([1, 2, 0.5, -1, -0.5, 3, -2, 0.25, 1.5, 0]);
  }

  /** A shape of rank 0 to 5. */
  shape(low = 0, high = 5): number[] {
    return this.extents(this.pick([2, 1, 0, 3, 2, 3, 4, 5].filter((rank) => rank >= low && rank <= high)));
  }

  /** `rank` extents, with at most 120 elements. */
  extents(rank: number): number[] {
    const shape = Array.from({ length: rank }, () => this.pick(EXTENTS));
    while (sizeOf(shape) > 120) shape[shape.indexOf(Math.max(...shape))] = 2;
    return shape;
  }

  value({ index }: Operand): Value {
    return this.values[index]!;
  }

  shapeOf(operand: Operand): readonly number[] {
    return this.value(operand).shape;
  }

  /** A new tensor. Its values are differentiated unless it is `constant`. */
  leaf(shape: readonly number[], fill: LeafFill = 'any', dtype: DType = 'float32', constant = false): Operand {
    const data = this.#data(fill, sizeOf(shape), dtype);
    const value = valueOf({ shape, data }, dtype);
    const made: Leaf = { kind: 'leaf', value, differentiable: dtype === 'float32' && !constant };
    this.entries.push({ made, first: this.values.length, count: 1 });
    this.values.push(value);
    return new Operand(this.values.length - 1);
  }

  #data(fill: LeafFill, size: number, dtype: DType): Float64Array {
    const seed = this.int(0, 999);
    const random = new Random('fuzz', seed);
    if (dtype !== 'float32' && fill === 'any') {
      const low = dtype === 'int32' ? -5 : 0;
      const data = filled({ low, high: dtype === 'bool' ? 1 : 5 }, size, random);
      return this.special && dtype !== 'bool'
        ? data.map((v) => (random.int(4) === 0 ? INTEGERS[random.int(INTEGERS.length)]! : v))
        : data;
    }
    const data = filled(fill === 'any' ? this.pick(FILLS) : fill, size, random);
    if (!this.special || fill !== 'any') return data;
    if (size > 0 && seed < SPECIAL.length) data[0] = Math.fround(SPECIAL[seed]!);
    return data.map((v) =>
      Math.fround(random.int(4) === 0 ? SPECIAL[random.int(SPECIAL.length)]! * randomSign(random) : v),
    );
  }

  /**
   * An earlier value that fits, the latest first, or a new one: always if none fits, otherwise once in six.
   *
   * @param fresh makes the new one; null if it cannot
   */
  operand<T extends Operand | null>(suits: (value: Value, index: number) => boolean, fresh: () => T): Operand | T {
    const found = [...this.values.keys()].reverse().filter((index) => suits(this.values[index]!, index));
    if (found.length === 0 || this.chance(6)) return fresh();
    return new Operand(this.pick(found));
  }

  /** A float32 tensor of any shape. */
  float(suits: (value: Value) => boolean = () => true): Operand {
    return this.operand(
      (v) => isFloat(v) && suits(v),
      () => this.leaf(this.shape()),
    );
  }

  /** A float32 tensor with at least one axis. */
  array(): Operand {
    return this.operand(
      (v) => isFloat(v) && v.shape.length > 0,
      () => this.leaf(this.shape(1)),
    );
  }

  /**
   * A float32 tensor whose elements all lie from `low` to `high`, or, in special programs, any. Functions that explode at 0
   * get no subnormal numbers: drivers read those as 0 or as the smallest normal number.
   */
  within(low: number, high: number, fill: Fill): Operand {
    const isSubnormal = (x: number): boolean => low > 0 && x !== 0 && Math.abs(x) < 2 ** -126;
    const isInside = (v: Value): boolean =>
      v.data.every((x) => (this.special ? !isSubnormal(x) : x >= low && x <= high));
    return this.operand(
      (v) => isFloat(v) && isInside(v),
      () => this.leaf(this.shape(), fill),
    );
  }

  /** A tensor of any type. */
  tensor(): Operand {
    return this.operand(
      () => true,
      () => this.leaf(this.shape(), 'any', this.dtype()),
    );
  }

  dtype(): DType {
    return this.pick<DType>(['float32', 'float32', 'int32', 'uint32', 'bool']);
  }

  /** A tensor that broadcasts with a shape: sometimes with fewer axes, with extents 1, or larger. */
  beside(shape: readonly number[], dtype: DType = 'float32', fill: LeafFill = 'any', constant = false): Operand {
    const suits = (v: Value): boolean =>
      !constant &&
      fill === 'any' &&
      v.dtype === dtype &&
      broadcasts(v.shape, shape) &&
      sizeOf(broadcastShape(v.shape, shape)) <= 400;
    return this.operand(suits, () => this.leaf(this.partner(shape), fill, dtype, constant));
  }

  /** A shape that broadcasts with a shape. */
  partner(shape: readonly number[]): number[] {
    const drop = this.pick([0, 0, 1, shape.length]);
    const other = shape.slice(Math.min(drop, shape.length));
    return other.map((extent) => {
      if (this.chance(4)) return 1;
      return extent === 1 && this.chance(3) ? this.pick([2, 3, 0]) : extent;
    });
  }

  /** An axis of a shape, from the front or from the back. */
  axis(rank: number): number {
    return this.int(-rank, rank - 1);
  }

  /** Axes to reduce: all (undefined), one, or a list. */
  axes(rank: number): number | number[] | undefined {
    const kind = this.int(0, 3);
    if (kind === 0 || rank === 0) return undefined;
    if (kind === 1) return this.axis(rank);
    return [...Array(rank).keys()].filter(() => this.chance(2)).map((axis) => (this.chance(3) ? axis - rank : axis));
  }

  /** Options of which some are given. */
  options<T extends object>(all: T): Partial<T> {
    return Object.fromEntries(Object.entries(all).filter(() => this.chance(2))) as Partial<T>;
  }
}
