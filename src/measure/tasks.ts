import { checkSampled } from './check.ts';
import { convName, type ConvShape } from './conv-shapes.ts';
import { offsetOf, sizeOf, type Reference, type Values } from './reference/array.ts';
import { batchNorm, batchNormGradients } from './reference/batch-norm.ts';
import { conv2d, conv2dGradInput, conv2dGradWeight, conv2dShape } from './reference/conv2d.ts';
import { matmul } from './reference/matmul.ts';
import { maxPool2d } from './reference/pool2d.ts';
import { upsampleNearest } from './reference/upsample.ts';

// What benchmarks measure, independent of the library: `retinagrad bench` and the comparison with other libraries
// (bench/peers) take their tasks from here. Images are NHWC, filters HWIO.

/** Shape of a batch of images, [N, H, W, C]. */
export type ImageShape = readonly [number, number, number, number];

/** Values by name, such as the operands of a task. */
export type Named<T> = Readonly<Record<string, T>>;

/**
 * Operations of the direct algorithm, two per multiply-add, or bytes that must be read and written: what the rate counts.
 * `intensity` is the operations per such byte, the abscissa of the roofline model (Williams et al. 2009); 0 for a copy.
 */
export type Work = ({ readonly flops: number } | { readonly bytes: number }) & { readonly intensity: number };

/** One thing to measure. */
export interface Task {
  /** Unique among all tasks; results are compared by it. */
  readonly name: string;
  readonly operation: 'matmul' | 'conv' | 'batchNorm' | 'maxPool' | 'upsample' | 'add';
  /** Of a convolution: its extents, and whether the result or the gradient of x or of w is measured. */
  readonly conv?: ConvShape & { readonly kind: 'forward' | 'dx' | 'dw' };
  readonly work: Work;
  /** Shapes of the operands, whose values are normally distributed. */
  readonly operands: Named<readonly number[]>;
  /** The results by name, in the order in which a library returns them. */
  readonly references: (operands: Named<Values>) => Named<Reference>;
}

/** The product of two square matrices. */
export function matmulTask(n: number): Task {
  return {
    name: `matmul ${n}x${n}x${n}`,
    operation: 'matmul',
    work: { flops: 2 * n ** 3, intensity: (2 * n ** 3) / (12 * n ** 2) },
    operands: { a: [n, n], b: [n, n] },
    references: ({ a, b }) => ({ y: matmul(a!, b!) }),
  };
}

/** A convolution and its gradients; without that of the image, which training does not need. */
export function convTasks(shape: ConvShape): Task[] {
  const { x: xShape, w: wShape } = shape;
  const yShape = conv2dShape(xShape, wShape, shape);
  const references: Record<'forward' | 'dx' | 'dw', Task['references']> = {
    forward: ({ x, w }) => ({ y: conv2d(x!, w!, null, shape) }),
    dx: ({ w, dy }) => ({ dx: conv2dGradInput(dy!, w!, xShape, shape) }),
    dw: ({ x, dy }) => ({ dw: conv2dGradWeight(dy!, x!, wShape, shape) }),
  };
  const flops = (2 * sizeOf(yShape) * sizeOf(wShape)) / wShape[3];
  // Each of the three reads two of the tensors and writes the other.
  const work = { flops, intensity: flops / (4 * (sizeOf(xShape) + sizeOf(wShape) + sizeOf(yShape))) };
  const kinds = (['forward', 'dx', 'dw'] as const).filter((kind) => xShape[3] !== 3 || kind !== 'dx');
  return kinds.map((kind) => ({
    name: `conv ${convName(shape)} ${kind}`,
    operation: 'conv',
    conv: { ...shape, kind },
    work,
    operands: { x: xShape, w: wShape, dy: yShape },
    references: references[kind],
  }));
}

/**
 * Batch norm in training, forward and backward. Counted as five passes over the tensor: x and y forward, x, dy and dx
 * backward, and per element as 6 operations forward and 9 backward.
 */
export function batchNormTask(shape: ImageShape): Task {
  return {
    name: `batch norm forward + backward [${shape}]`,
    operation: 'batchNorm',
    work: { bytes: 5 * 4 * sizeOf(shape), intensity: 15 / 20 },
    operands: { x: shape, gamma: [shape[3]], beta: [shape[3]], dy: shape },
    references: ({ x, gamma, beta, dy }) => ({
      y: batchNorm(x!, gamma!, beta!).y,
      ...batchNormGradients(x!, gamma!, dy!),
    }),
  };
}

/** The max pooling of a ResNet's stem. */
export const MAX_POOL = { kernel: 3, stride: 2, padding: 1 } as const;

export function maxPoolTask(shape: ImageShape): Task {
  return {
    name: `max pool 3x3 s2 [${shape}]`,
    operation: 'maxPool',
    work: { bytes: 5 * sizeOf(shape), intensity: 9 / 4 / 5 }, // The result is a quarter, of 9 comparisons each.
    operands: { x: shape },
    references: ({ x }) => ({ y: maxPool2d(x!, MAX_POOL) }),
  };
}

/** Twice the size in both axes, by nearest neighbours. */
export function upsampleTask(shape: ImageShape): Task {
  const [, h, w] = shape;
  return {
    name: `upsample 2x [${shape}]`,
    operation: 'upsample',
    work: { bytes: 20 * sizeOf(shape), intensity: 0 }, // The result is four times as large.
    operands: { x: shape },
    references: ({ x }) => ({ y: upsampleNearest(x!, [2 * h, 2 * w]) }),
  };
}

/** A tensor plus itself. */
export function addTask(shape: ImageShape): Task {
  return {
    name: `add [${shape}]`,
    operation: 'add',
    work: { bytes: 12 * sizeOf(shape), intensity: 1 / 12 },
    operands: { x: shape },
    references: ({ x }) => ({ y: { shape, at: (...index) => 2 * x!.data[offsetOf(shape, index)]! } }),
  };
}

/** What libraries are compared by: the operations in which a training step of RetinaNet on ResNet-50 spends its time. */
export function comparedTasks(): Task[] {
  const conv = (side: number, from: number, to: number, kernel: number, stride: number): Task[] =>
    convTasks({ x: [1, side, side, from], w: [kernel, kernel, from, to], stride, padding: (kernel - 1) / 2 });
  return [
    matmulTask(1024),
    ...conv(32, 256, 256, 3, 1),
    ...conv(64, 64, 64, 3, 1),
    ...conv(64, 256, 64, 1, 1),
    ...conv(64, 64, 256, 1, 1),
    ...conv(256, 3, 64, 7, 2),
    ...conv(56, 128, 128, 3, 2),
    batchNormTask([1, 64, 64, 256]),
    maxPoolTask([1, 128, 128, 64]),
    upsampleTask([1, 32, 32, 256]),
  ];
}

/**
 * Null if the results of a task agree with their references at sampled places, otherwise a message.
 *
 * @param operands values of the operands, in the order of their shapes
 * @param results in the order of `references`
 */
export function checkTask(
  { operands: shapes, references }: Task,
  operands: Named<ArrayLike<number>>,
  results: readonly ArrayLike<number>[],
): string | null {
  const values = Object.entries(shapes).map(([name, shape]) => [name, { shape, data: operands[name]! }] as const);
  const expected = Object.entries(references(Object.fromEntries(values)));
  for (const [i, [name, reference]] of expected.entries()) {
    const wrong = checkSampled(results[i]!, reference);
    if (wrong !== null) return expected.length === 1 ? wrong : `${name} ${wrong}`;
  }
  return null;
}
