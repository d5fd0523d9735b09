import { ref, type Ref } from '../../reference/array.ts';
import { zip } from '../../reference/elementwise.ts';
import { argmax, max, mean, min, reducedCount, sum, type Axes } from '../../reference/reduce.ts';
import { logSoftmax, softmax } from '../../reference/softmax.ts';
import type { Draw } from '../draw.ts';
import type { Accuracy, Argument, Operand, Row, Value } from '../program.ts';

type Keep = { readonly keepDims?: boolean };
type Reduction = (x: Ref, axes?: Axes, keepDims?: boolean) => Ref;

/** A tensor, axes of at least `least` elements, and options. */
export function overAxes(
  d: Draw,
  x: Operand,
  least: number,
  more: { readonly [name: string]: Argument } = {},
): readonly Argument[] | null {
  const shape = d.shapeOf(x);
  const axes = d.axes(shape.length);
  return reducedCount(shape, axes) < least ? null : [x, axes, d.options({ keepDims: true, ...more })];
}

/** A reduction over axes of at least `least` elements. */
const over = (f: Reduction, accuracy: Accuracy, least: number, more: Partial<Row> = {}): Row => ({
  draw: (d) => overAxes(d, d.float(), least),
  reference: (x: Value, axes: Axes, { keepDims }: Keep) => f(x, axes, keepDims),
  accuracy,
  ...more,
});

/**
 * Terms that cancel in the gradient of log softmax, dy - p sum(dy) with the probabilities p at rest: the elements themselves and
 * their mean, of one sign.
 */
export function logSoftmaxTerms(x: Value, rest: Value, axis = -1): Ref {
  if (x.data.length === 0) return x;
  const sizes = zip(x, rest, (v, at) => (at < 0 ? -v : v));
  return zip(
    sizes,
    sum(
      zip(sizes, softmax(rest, axis), (v, p) => v * p),
      axis,
      true,
    ),
    (v, mean) => v + mean,
  );
}

/** Along one axis, by default the last. `terms` are those that cancel in the gradient. */
const along = (
  f: (x: Ref, axis?: number) => Ref,
  accuracy: Accuracy,
  terms: (x: Value, rest: Value, axis?: number) => Ref,
): Row => ({
  draw: (d) => {
    const x = d.array();
    return d.chance(2) ? [x, d.axis(d.shapeOf(x).length)] : [x];
  },
  reference: (x: Value, axis?: number) => f(x, axis),
  cancels: ([x, axis]: readonly [Value, number?], [rest]: readonly [Value], isForGradient) =>
    isForGradient ? terms(x, rest, axis) : ref(x.shape),
  accuracy,
});

export const reductions: Readonly<Record<string, Row>> = {
  sum: {
    ...over(sum, 'sum', 0, { mayOverflow: true, selects: true }),
    draw: (d) => overAxes(d, d.tensor(), 0),
    dtype: (x: Value) => (x.dtype === 'bool' ? 'int32' : x.dtype),
  },
  mean: over(mean, 'sum', 1, { mayOverflow: true, selects: true }),
  max: over(max, 'exact', 1),
  min: over(min, 'exact', 1),
  softmax: along(softmax, { ulps: 16 }, (x, rest, axis) =>
    zip(logSoftmaxTerms(x, rest, axis), softmax(rest, axis), (v, p) => v * p),
  ),
  // The logarithm of a sum near 1 has an absolute error.
  logSoftmax: along(logSoftmax, { ulps: 16, absolute: 2 ** -21 }, logSoftmaxTerms),
  argmax: {
    draw: (d) => {
      const x = d.operand(
        (v) => v.dtype !== 'bool' && v.shape.length > 0,
        () => d.leaf(d.shape(1)),
      );
      const axis = d.axis(d.shapeOf(x).length);
      return d.shapeOf(x).at(axis) === 0 ? null : [x, axis];
    },
    reference: (x: Value, axis: number) => argmax(x, axis),
    dtype: () => 'int32',
    accuracy: 'exact',
  },
};
