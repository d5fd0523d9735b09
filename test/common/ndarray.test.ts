// Our views do what those of the package `ndarray` do.
import { fc } from '../support/property.ts';
import real, { type NdArray } from 'ndarray';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ndarray } from '../../src/common/ndarray.ts';

type View = NdArray<Float64Array>;
/** One call on a view; `values` are cut or extended by the view to its number of axes. */
interface Call {
  readonly name: 'hi' | 'lo' | 'step' | 'transpose' | 'pick';
  readonly values: readonly number[];
}

const calls = fc.array(
  fc.record({
    name: fc.constantFrom<Call['name'][]>('hi', 'lo', 'step', 'transpose', 'pick'),
    values: fc.array(fc.nat(99), { minLength: 4, maxLength: 4 }),
  }),
  { maxLength: 5 },
);

/** Applies a call with arguments that its axes allow: within the shape, for `pick` one axis, for `transpose` a rotation. */
function apply(view: View, { name, values }: Call): View {
  const { shape } = view;
  const within = shape.map((length, axis) => values[axis]! % (length + 1));
  const [turn, axis] = [values[0]!, values[1]! % shape.length];
  if (name === 'step')
    return view.step(...within.map((_, i) => ((values[i]! % 3) + 1) * (values[i]! % 2 === 0 ? 1 : -1)));
  if (name === 'transpose') return view.transpose(...shape.map((_, i) => (i + turn) % shape.length));
  if (name !== 'pick') return view[name](...within);
  if (shape.length === 0 || shape[axis] === 0) return view;
  return view.pick(...shape.map((length, i) => (i === axis ? values[0]! % length : null)));
}

/** All that can be asked of a view. */
function facts(view: View) {
  const { data, shape, stride, offset, dtype, dimension } = view;
  const size = shape.reduce((product, length) => product * length, 1);
  const at = Array.from({ length: size }, (_, i) => {
    let rest = i;
    return shape.map((length) => {
      const digit = rest % length;
      rest = Math.floor(rest / length);
      return digit;
    });
  });
  const elements = at.map((index) => [view.index(...index), view.get(...index)]);
  return { data, shape, stride, offset, dtype, dimension, size: view.size, order: strides(view), elements };
}

/** The strides in the order of the view: equal ones may change places. */
const strides = ({ order, stride }: View): number[] => order.map((axis) => Math.abs(stride[axis]!));

test('views, elements and what they say of themselves are those of the package', () => {
  const shapes = fc.array(fc.nat(4), { maxLength: 4 });
  fc.assert(
    fc.property(shapes, calls, (shape, program) => {
      const size = shape.reduce((product, length) => product * length, 1);
      const data = Float64Array.from({ length: size }, (_, i) => i);
      let [ours, theirs]: [View, View] = [ndarray(data, shape), real(data, [...shape])];
      for (const call of program) [ours, theirs] = [apply(ours, call), apply(theirs, call)];
      assert.equal(facts(ours), facts(theirs));
    }),
    { numRuns: 2000, seed: 1 },
  );
});

test('set writes and returns the value', () => {
  for (const shape of [[], [6], [2, 3], [1, 2, 3], [1, 2, 1, 3], [1, 1, 2, 1, 3]]) {
    const index = shape.map((length) => length - 1);
    const [ours, theirs] = [ndarray(new Int32Array(6), shape), real(new Int32Array(6), shape)];
    assert.is(ours.set(...index, 7.9), theirs.set(...index, 7.9));
    assert.equal(ours.data, theirs.data);
  }
});

test('types and transposition', () => {
  for (const type of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array])
    assert.is(ndarray(new type(1), [1]).dtype, real(new type(1), [1]).dtype);
  for (const type of [Float32Array, Float64Array]) assert.is(ndarray(new type(1), [1]).dtype, real(new type(1)).dtype);
  const { T } = ndarray(new Float32Array(6), [1, 2, 3]);
  assert.equal(
    [T.shape, T.stride],
    [
      [3, 2, 1],
      [1, 3, 6],
    ],
  );
  assert.is(Number(ndarray(Float32Array.of(5), [])), 5);
});

test('nothing compiles code, which a Content Security Policy may refuse', () => {
  const compile = globalThis.Function;
  globalThis.Function = (() => assert.unreachable('new Function')) as unknown as FunctionConstructor;
  try {
    assert.is(ndarray(Float64Array.of(1, 2), [1, 1, 1, 1, 1, 2]).get(0, 0, 0, 0, 0, 1), 2);
  } finally {
    globalThis.Function = compile;
  }
});

test.run();
