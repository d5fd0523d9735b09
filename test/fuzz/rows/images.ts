import { walks, type Pair, type WindowOptions } from '../../../src/measure/reference/windows.ts';
import { conv2d } from '../../reference/conv2d.ts';
import { map, unary, zip } from '../../reference/elementwise.ts';
import { matmul } from '../../reference/matmul.ts';
import { avgPool2d, maxPool2d, type AvgPoolOptions, type PoolOptions } from '../../reference/pool2d.ts';
import { upsampleBilinear, upsampleNearest } from '../../reference/upsample.ts';
import { broadcastShape, sizeOf, type Ref } from '../../reference/array.ts';
import type { Fill } from '../../support/fill.ts';
import type { Draw } from '../draw.ts';
import { isFloat, type Argument, type Operand, type Row, type Value } from '../program.ts';

/** An image [N, H, W, C] with pixels. */
export const image = (d: Draw): Operand =>
  d.operand(
    (v) => isFloat(v) && v.shape.length === 4 && v.shape[1]! > 0 && v.shape[2]! > 0 && sizeOf(v.shape) <= 250,
    () => d.leaf([d.pick([1, 2, 1, 3, 0]), d.int(1, 6), d.int(1, 6), d.pick([1, 2, 3, 4, 5])]),
  );

export const pairOf = (d: Draw, list: readonly number[]): Pair =>
  d.chance(2) ? [d.pick(list), d.pick(list)] : d.pick(list);

/** What an operation does to its result before it writes it. */
export interface After {
  readonly scale?: Value | null;
  readonly add?: Value | null;
  readonly relu?: boolean;
}

/** y = relu(scale y + add), where the scale is that of the convolution without its bias. */
export function finished(y: Ref, { add = null, relu = false }: After): Ref {
  const sum = add === null ? y : zip(y, add, (a, b) => a + b);
  return relu ? map(sum, unary.relu) : sum;
}

/** Options of an epilogue for a result of some shape. */
export function after(d: Draw, shape: readonly number[]): { readonly [name: string]: Argument } {
  const add = d.chance(3)
    ? d.operand(
        (v) => isFloat(v) && `${v.shape}` === `${shape}`,
        () => d.leaf(shape),
      )
    : undefined;
  return { ...(add === undefined ? {} : { add }), ...(d.chance(3) ? { relu: true } : {}) };
}

/** Weights of a shape. Whether one that is NaN or infinite meets the zeros of the padding is not defined. */
export const filter = (d: Draw, shape: readonly number[]): Operand =>
  d.operand(
    (v) => isFloat(v) && `${v.shape}` === `${shape}` && v.data.every((weight) => Number.isFinite(weight)),
    () => d.leaf(shape, d.pick<Fill>(['integers', 'normal'])),
  );

function drawnConvolution(d: Draw): readonly Argument[] | null {
  const x = image(d);
  const [n, h, w, c] = d.shapeOf(x) as [number, number, number, number];
  if (c === 0) return null;
  const groups = d.pick([1, 1, 2, c].filter((g) => c % g === 0));
  const weights = filter(d, [d.int(1, 3), d.int(1, 3), c / groups, groups * d.pick([1, 2, 3, 4])]);
  const [r, s, , k] = d.shapeOf(weights) as [number, number, number, number];
  const padding = d.pick<NonNullable<WindowOptions['padding']>>([
    0,
    1,
    [1, 2],
    [
      [0, 1],
      [2, 0],
    ],
    'same',
  ]);
  const options = {
    ...d.options({ padding, dilation: pairOf(d, [1, 2]) }),
    ...(padding === 'same' ? {} : d.options({ stride: pairOf(d, [1, 2, 3]) })),
    ...(groups > 1 ? { groups } : {}),
  };
  const [down, across] = walks([h, w], [r, s], options);
  if (down.count < 1 || across.count < 1 || k === 0) return null;
  const shape = [n, down.count, across.count, k];
  if (sizeOf(shape) * r * s * c > 20_000) return null;
  const bias = d.chance(2) ? d.beside([k], 'float32') : null;
  if (bias !== null && `${d.shapeOf(bias)}` !== `${k}`) return null;
  const scale = d.chance(5) ? { scale: d.leaf([k], 'positive', 'float32', true) } : {};
  return [x, weights, bias, options, { ...after(d, shape), ...scale }];
}

function convolution(x: Value, w: Value, bias: Value | null, options: WindowOptions, epilogue: After): Ref {
  const { scale = null } = epilogue;
  const y = conv2d(x, w, null, options);
  const scaled = scale === null ? y : zip(y, scale, (a, b) => a * b);
  return finished(bias === null ? scaled : zip(scaled, bias, (a, b) => a + b), epilogue);
}

/** A pooling whose windows fit. */
function drawnPool(d: Draw, more: (d: Draw) => object): readonly Argument[] | null {
  const x = image(d);
  const [, h, w] = d.shapeOf(x) as [number, number, number, number];
  const kernel = pairOf(d, [1, 2, 3]);
  const half = typeof kernel === 'number' ? [Math.floor(kernel / 2)] : kernel.map((extent) => Math.floor(extent / 2));
  const padding = d.int(0, Math.min(...half));
  const options = {
    kernel,
    ...d.options({ stride: pairOf(d, [1, 2, 3]), padding, dilation: pairOf(d, [1, 2]), ceilMode: true }),
    ...more(d),
  } as PoolOptions;
  const size: readonly [number, number] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
  const [down, across] = walks([h, w], size, { stride: kernel, ...options });
  return down.count < 1 || across.count < 1 ? null : [x, options as unknown as Argument];
}

const resized = (f: (x: Ref, size: readonly [number, number]) => Ref): Row => ({
  draw: (d) => [image(d), [d.int(1, 9), d.int(1, 9)]],
  reference: (x: Value, size: readonly [number, number]) => f(x, size),
});

/** Matrices, or stacks of them whose leading axes broadcast. */
function drawnProduct(d: Draw): readonly Argument[] | null {
  const a = d.operand(
    (v) => isFloat(v) && v.shape.length >= 2,
    () => d.leaf(d.shape(2)),
  );
  const shape = d.shapeOf(a);
  const inner = shape.at(-1)!;
  const lead = shape.slice(0, -2);
  const fits = (v: Value): boolean => {
    if (!isFloat(v) || v.shape.length < 2 || v.shape.at(-2) !== inner) return false;
    try {
      return sizeOf(broadcastShape(v.shape.slice(0, -2), lead)) <= 100;
    } catch {
      return false;
    }
  };
  const b = d.operand(fits, () => d.leaf([...d.partner(lead), inner, d.pick([1, 2, 3, 5, 0])]));
  return [a, b];
}

export const images: Readonly<Record<string, Row>> = {
  matmul: { draw: drawnProduct, reference: (a: Value, b: Value) => matmul(a, b), mayOverflow: true },
  conv2d: { draw: drawnConvolution, reference: convolution, mayOverflow: true },
  maxPool2d: {
    draw: (d) => drawnPool(d, () => ({})),
    reference: (x: Value, options: PoolOptions) => maxPool2d(x, options),
    accuracy: 'exact',
    selects: true,
  },
  avgPool2d: {
    draw: (d) => drawnPool(d, () => d.options({ countIncludePad: false })),
    reference: (x: Value, options: AvgPoolOptions) => avgPool2d(x, options),
    mayOverflow: true,
  },
  upsampleNearest: { ...resized(upsampleNearest), accuracy: 'exact' },
  upsampleBilinear: {
    ...resized(upsampleBilinear),
    // The position between two pixels is rounded.
    cancels: ([x, size]: readonly [Value, readonly [number, number]]) =>
      map(upsampleBilinear(map(x, Math.abs), size), (v) => v * (x.shape[1]! + x.shape[2]!)),
    mayOverflow: true,
  },
};
