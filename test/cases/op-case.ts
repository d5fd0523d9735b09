/**
 * The tables of this folder say with which inputs each operation is tried: by the kernel tests (result against the float64
 * reference), by the gradient tests (against central differences of the reference) and by the benchmarks.
 *
 * A case is one line of its operation's table:
 *
 *     { inputs: [normal(2, 9, 8, 3), normal(3, 3, 3, 8), normal(8)], options: { stride: 2, padding: 1 } },
 *
 * Whoever tries an operation binds its name to a function of `(inputs, options)`, with `OpBindings` for completeness:
 *
 *     const gpu: OpBindings<Tensor> = {
 *       conv2d: ([x, w, bias], options) => conv2d(x!, w!, bias ?? null, options),
 *       sum: ([x], { axes, keepDims = false }) => sum(x!, axes, { keepDims }),
 *       concat: (inputs, { axis }) => concat(inputs, axis),
 *       topK: ([x], { k }) => { const { values, indices } = topK(x!, k); return [values, indices]; },
 *       ...
 *     };
 *     for (const c of allCases) {
 *       const inputs = inputsOf(c);                         // float64 arrays of float32 or whole numbers
 *       const results = callOp(gpu, c, inputs.map(upload));  // tensors of c.inputs[i].dtype
 *       c.reference(inputs).forEach((expected, i) => assertClose(await results[i].data(), expected, c));
 *     }
 *
 * `OpOptions` below gives each operation's inputs and options. Results come as a list in the order that its comment names;
 * gradients are taken through the first result only, with `hashedWeights` as its gradient, and for the inputs that
 * `differentiable` lists.
 */
import { ref, sizeOf, type Ref } from '../reference/array.ts';
import type { WindowOptions } from '../../src/measure/reference/windows.ts';
import type { AvgPoolOptions, PoolOptions } from '../reference/pool2d.ts';
import type { Axes } from '../reference/reduce.ts';
import { gradientTolerance, type Tolerance } from '../support/compare.ts';
import { filled, Rng, type Fill } from '../support/rng.ts';

export type DType = 'float32' | 'int32' | 'uint32';

type None = Readonly<Record<string, never>>;
/** a, b; or one input and the number on its left or on its right. */
export type Operands = { readonly left?: number; readonly right?: number };
type Reduction = { readonly axes?: Axes; readonly keepDims?: boolean };
type AlongAxis = { readonly axis?: number };
type Size = { readonly size: readonly [height: number, width: number] };
type Eps = { readonly eps?: number };

/** Options of each operation; what the comment names are its inputs, and its results if there are several. */
export interface OpOptions {
  // x
  readonly neg: None;
  readonly exp: None;
  readonly log: None;
  readonly sqrt: None;
  readonly abs: None;
  readonly square: None;
  readonly sigmoid: None;
  readonly relu: None;
  readonly softplus: None;
  readonly reciprocal: None;
  readonly tanh: None;
  readonly clamp: { readonly low: number; readonly high: number };
  // a, b or one of them
  readonly add: Operands;
  readonly sub: Operands;
  readonly mul: Operands;
  readonly div: Operands;
  readonly pow: Operands;
  readonly minimum: Operands;
  readonly maximum: Operands;
  readonly equal: Operands;
  readonly notEqual: Operands;
  readonly less: Operands;
  readonly lessEqual: Operands;
  readonly greater: Operands;
  readonly greaterEqual: Operands;
  // condition (uint32), a, b
  readonly where: None;
  // x
  readonly sum: Reduction;
  readonly mean: Reduction;
  readonly max: Reduction;
  readonly min: Reduction;
  readonly argmax: { readonly axis: number };
  readonly softmax: AlongAxis;
  readonly logSoftmax: AlongAxis;
  // x -> values, indices
  readonly topK: { readonly k: number };
  // x
  readonly reshape: { readonly shape: readonly number[] };
  readonly transpose: { readonly order?: readonly number[] };
  readonly broadcastTo: { readonly shape: readonly number[] };
  readonly slice: { readonly starts: readonly number[]; readonly sizes: readonly number[] };
  readonly pad: { readonly amounts: readonly (readonly [number, number])[]; readonly value?: number };
  // any number of arrays
  readonly concat: { readonly axis: number };
  // x, indices (int32)
  readonly gather: AlongAxis;
  // a, b
  readonly matmul: None;
  // x, w, and bias or nothing
  readonly conv2d: WindowOptions;
  // x
  readonly maxPool2d: PoolOptions;
  readonly avgPool2d: AvgPoolOptions;
  readonly upsampleNearest: Size;
  readonly upsampleBilinear: Size;
  // x, gamma, beta -> y, mean, variance
  readonly batchNorm: Eps;
  // x, gamma, beta, mean, variance
  readonly batchNormInference: Eps;
  // x, gamma, beta
  readonly groupNorm: { readonly groups: number; readonly eps?: number };
  // logits, targets (int32) -> loss of each element
  readonly sigmoidFocalLoss: { readonly alpha?: number; readonly gamma?: number };
  // logits, targets -> loss of each element (reduction 'none')
  readonly bceWithLogits: None;
  // logits, targets (int32) -> loss of each row (reduction 'none')
  readonly crossEntropy: None;
  // a, b
  readonly smoothL1: { readonly beta?: number };
  readonly giouLoss: Eps;
}

export type OpName = keyof OpOptions;

/** One function for each operation, over whatever stands for a tensor. */
export type OpBindings<T> = {
  readonly [O in OpName]: (inputs: readonly T[], options: OpOptions[O]) => T | readonly T[];
};

export interface CaseInput {
  readonly shape: readonly number[];
  readonly fill: Fill;
  readonly dtype: DType;
}

export interface OpCase<O extends OpName = OpName> {
  /** Unique among all cases: operation, shapes and options, and what is special about it. Also the seed of the inputs. */
  readonly name: string;
  readonly op: O;
  readonly inputs: readonly CaseInput[];
  readonly options: OpOptions[O];
  /** Which inputs to differentiate; none where the result has a kink at the inputs, or no useful gradient. */
  readonly differentiable: readonly number[];
  /** dtype of each result. */
  readonly results: readonly DType[];
  /** How many products or terms make one element of the result. */
  readonly terms: number;
  readonly tolerance: Tolerance;
  /** The results in float64, as a list even if there is only one. */
  readonly reference: (inputs: readonly Ref[]) => readonly Ref[];
}

/** One line of a table. */
export interface Row<O extends OpName> {
  /** What is special about the case, if shapes and options do not say it. */
  readonly note?: string;
  readonly inputs: readonly CaseInput[];
  /** May be left out where no option is required. */
  readonly options?: OpOptions[O];
  /** Default: what the table says. */
  readonly differentiable?: readonly number[];
  /** Default: what the table says. */
  readonly tolerance?: Tolerance;
}

export interface Table<O extends OpName> {
  readonly op: O;
  readonly reference: (inputs: readonly Ref[], options: OpOptions[O]) => Ref | readonly Ref[];
  /** Which inputs to differentiate. Default: all that hold floats. */
  readonly differentiable?: readonly number[];
  /** dtypes of the results. Default: one of float32. */
  readonly results?: readonly DType[] | ((row: Row<O>) => readonly DType[]);
  /** Default: 1. */
  readonly terms?: (shapes: readonly (readonly number[])[], options: OpOptions[O]) => number;
  readonly tolerance: Tolerance | ((terms: number, row: Row<O>) => Tolerance);
  readonly rows: readonly Row<O>[];
}

const show = (value: object): string => JSON.stringify(value).replaceAll('"', '');

/** The cases of a table. */
export function casesOf<O extends OpName>(table: Table<O>): OpCase[] {
  const { op, reference } = table;
  return table.rows.map((row): OpCase<OpName> => {
    const options = row.options ?? ({} as OpOptions[O]);
    const shapes = row.inputs.map((input) => input.shape);
    const fills = row.inputs.map(({ fill }) => (typeof fill === 'string' ? fill : show(fill)));
    const terms = table.terms?.(shapes, options) ?? 1;
    const floats = [...row.inputs.keys()].filter((k) => row.inputs[k]!.dtype === 'float32');
    const { results = ['float32'], tolerance } = table;
    const parts = [op, ...shapes.map((shape, k) => `${fills[k]} [${shape}]`)];
    if (row.options !== undefined) parts.push(show(options));
    if (row.note !== undefined) parts.push(`(${row.note})`);
    return {
      name: parts.join(' '),
      op,
      inputs: row.inputs,
      options,
      differentiable: row.differentiable ?? table.differentiable ?? floats,
      results: typeof results === 'function' ? results(row) : results,
      terms,
      tolerance: row.tolerance ?? (typeof tolerance === 'function' ? tolerance(terms, row) : tolerance),
      reference: (inputs) => [reference(inputs, options)].flat(),
    };
  });
}

/** The inputs of a case: the same numbers every time, all of which float32 can hold. */
export function inputsOf(c: OpCase): Ref[] {
  return c.inputs.map(({ shape, fill }, k) => ref(shape, filled(fill, sizeOf(shape), new Rng(`${c.name} ${k}`), k)));
}

/** Runs a case's operation from a set of bindings; the results as a list. */
export function callOp<T>(bindings: OpBindings<T>, c: OpCase, inputs: readonly T[]): readonly T[] {
  const fn = bindings[c.op] as (inputs: readonly T[], options: OpCase['options']) => T | readonly T[];
  return [fn(inputs, c.options)].flat() as T[];
}

/** Tolerance of a gradient of a case with respect to input `k`: each of its elements gathers an equal share of all terms. */
export function gradientToleranceOf(c: OpCase, k: number, results: number): Tolerance {
  return gradientTolerance((c.terms * results) / Math.max(sizeOf(c.inputs[k]!.shape), 1));
}

const input =
  (fill: Fill, dtype: DType = 'float32') =>
  (...shape: number[]): CaseInput => ({ shape, fill, dtype });

// Inputs of each fill, by shape: `normal(2, 3)`, `scalar: normal()`.
export const normal = input('normal');
export const offset = input('offset');
export const positive = input('positive');
export const probability = input('probability');
export const apart = input('apart');
export const integers = input('integers');
export const ties = input('ties');
export const tiny = input('tiny');
export const huge = input('huge');
export const special = input('special');
export const boxes = input('boxes');
export const zeros = input('zeros');
export const ones = input('ones');

/** Whole numbers of a tensor of integers, from `low` to `high`. */
export const whole = (low: number, high: number, dtype: DType, ...shape: number[]): CaseInput =>
  input({ low, high }, dtype)(...shape);

/** Positions below `n`, as int32. */
export const below = (n: number, ...shape: number[]): CaseInput => whole(0, n - 1, 'int32', ...shape);

/** The given values, over and over. */
export const values = (list: readonly number[], shape: readonly number[], dtype: DType = 'float32'): CaseInput => ({
  shape,
  fill: list,
  dtype,
});
