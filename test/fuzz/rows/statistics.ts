import { all, any, argmin, cumsum, logSumExp, norm, prod, std, variance } from '../../reference/statistics.ts';
import { reducedCount, type Axes } from '../../reference/reduce.ts';
import type { Row, Value } from '../program.ts';
import { ranked } from './axes.ts';
import { overAxes } from './reduce.ts';

interface Options {
  readonly keepDims?: boolean;
  readonly correction?: number;
  readonly p?: number;
}

/** The sum of bools is their number. */
const counted = (x: Value): Value['dtype'] => (x.dtype === 'bool' ? 'int32' : x.dtype);

const spread = (f: typeof variance): Row => ({
  draw: (d) => overAxes(d, d.float(), 2, { correction: d.pick([0, 0.5, 1]) }),
  reference: (x: Value, axes: Axes, { correction, keepDims }: Options) => f(x, axes, correction, keepDims),
  mayOverflow: true,
});

const truth = (f: typeof any): Row => ({
  draw: (d) => overAxes(d, d.tensor(), 0),
  reference: (x: Value, axes: Axes, { keepDims }: Options) => f(x, axes, keepDims),
  dtype: () => 'bool',
  accuracy: 'exact',
});

export const statistics: Readonly<Record<string, Row>> = {
  variance: spread(variance),
  std: spread(std),
  norm: {
    draw: (d) => overAxes(d, d.float(), 1, { p: d.pick([1, Infinity, 2]) }),
    reference: (x: Value, axes: Axes, { p = 2, keepDims }: Options) => norm(x, p, axes, keepDims),
    mayOverflow: true,
  },
  logSumExp: {
    draw: (d) => overAxes(d, d.float(), 1),
    reference: (x: Value, axes: Axes, { keepDims }: Options) => logSumExp(x, axes, keepDims),
    accuracy: { ulps: 16, absolute: 2 ** -21 },
  },
  prod: {
    draw: (d) => {
      const x = d.operand(
        (v) => v.dtype === 'float32' || v.dtype === 'bool',
        () => d.leaf(d.shape()),
      );
      const args = overAxes(d, x, 0);
      // A product of many changes too fast for differences where one of them is 0.
      const isSteep = args !== null && !d.special && reducedCount(d.shapeOf(x), args[1] as Axes) > 8;
      return isSteep ? null : args;
    },
    reference: (x: Value, axes: Axes, { keepDims }: Options) => prod(x, axes, keepDims),
    dtype: counted,
    accuracy: { ulps: 16 },
    mayOverflow: true,
  },
  any: truth(any),
  all: truth(all),
  argmin: {
    draw: (d) => {
      const x = ranked(d);
      const axis = d.axis(d.shapeOf(x).length);
      return d.shapeOf(x).at(axis) === 0 || d.value(x).dtype === 'bool' ? null : [x, axis];
    },
    reference: (x: Value, axis: number) => argmin(x, axis),
    dtype: () => 'int32',
    accuracy: 'exact',
  },
  cumsum: {
    draw: (d) => {
      const x = ranked(d);
      return [x, d.axis(d.shapeOf(x).length)];
    },
    reference: (x: Value, axis: number) => cumsum(x, axis),
    dtype: counted,
    mayOverflow: true,
    selects: true,
  },
};
