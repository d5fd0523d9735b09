/**
 * A file of test/cases declares with which inputs its operations are tried, in tables:
 *
 *     export const cases: readonly OpCase[] = casesOf<WindowOptions>({
 *       op: 'conv2d',
 *       run: ([x, w, bias], options) => ops.conv2d(x!, w!, bias ?? null, options),
 *       reference: ([x, w, bias], options) => conv2d(x!, w!, bias ?? null, options),
 *       tolerance: (terms) => tolerance(terms),
 *       rows: [
 *         { inputs: [normal(2, 9, 8, 3), normal(3, 3, 3, 8), normal(8)], options: { stride: 2, padding: 1 } },
 *       ],
 *     });
 *
 * test/autograd/ops.test.ts runs every row of every file (gemm.test.ts those of products): the results against the float64
 * reference, and the gradients against central differences of that reference, or against gradients that are written out
 * (which cases.test.ts compares with central differences). Rows are small and odd, to break kernels. The benchmarks measure the
 * shapes of real networks instead (src/measure/tasks.ts), and check them against the same references.
 */
import { readdirSync } from 'node:fs';
import { Random } from '../../src/common/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { ref, sizeOf, type Ref } from '../reference/array.ts';
import { gradientTolerance, type Tolerance } from './compare.ts';
import { filled, specials, type Fill } from './fill.ts';

export type DType = 'float32' | 'int32' | 'uint32' | 'bool';

/** Options of an operation that has none. */
export type None = Readonly<Record<string, never>>;

export interface CaseInput {
  readonly shape: readonly number[];
  readonly fill: Fill;
  readonly dtype: DType;
}

export interface OpCase {
  /** Unique among all cases: operation, shapes, options and note. Also the seed of the inputs. */
  readonly name: string;
  readonly op: string;
  /** The results on the GPU, as a list even if there is only one. */
  readonly run: (inputs: readonly Tensor[]) => readonly Tensor[];
  /** The results in float64. */
  readonly reference: (inputs: readonly Ref[]) => readonly Ref[];
  /** The gradients of the inputs in float64 for a gradient of the first result, or null where they are not written out. */
  readonly gradients: ((dy: Ref, inputs: readonly Ref[]) => readonly Ref[]) | null;
  readonly inputs: readonly CaseInput[];
  /**
   * Which inputs to differentiate; none where the result has a kink at the inputs, or no useful gradient. Gradients are
   * taken of the first result, with random weights as its gradient.
   */
  readonly differentiable: readonly number[];
  /** Whether the operation has a gradient at all. */
  readonly hasGradient: boolean;
  /** dtype of each result. */
  readonly results: readonly DType[];
  /** Number of products or terms in one element of the result. */
  readonly terms: number;
  readonly tolerance: Tolerance;
  readonly sliced: boolean;
  readonly costly: boolean;
}

/** One line of a table. */
export interface Row<O extends object = None> {
  /** What is special about the case, if shapes and options do not tell. */
  readonly note?: string;
  readonly inputs: readonly CaseInput[];
  /** May be left out if no option is required. */
  readonly options?: O;
  /** Default: that of the table. */
  readonly differentiable?: readonly number[];
  /** Default: that of the table. */
  readonly tolerance?: Tolerance;
  /**
   * Also run on a device that binds 4 KiB at once, so that kernels are launched on slices of the tensors: results and
   * gradients must stay the same. Some tensor must be larger than that. Default false.
   */
  readonly sliced?: boolean;
  /** The reference takes seconds: the case runs with the default tuning only. Default false. */
  readonly costly?: boolean;
}

export interface Table<O extends object> {
  readonly op: string;
  /** The call of the operation. */
  readonly run: (inputs: readonly Tensor[], options: O) => Tensor | readonly Tensor[];
  /** The same call of its reference. */
  readonly reference: (inputs: readonly Ref[], options: O) => Ref | readonly Ref[];
  /**
   * The gradients of the inputs, for a gradient of the first result. Worth writing out where the reference takes long:
   * central differences evaluate it twice for each element. Default: central differences.
   */
  readonly gradients?: (dy: Ref, inputs: readonly Ref[], options: O) => readonly Ref[];
  /** Which inputs to differentiate; `[]` if the operation has no gradient. Default: all that hold floats. */
  readonly differentiable?: readonly number[];
  /** dtypes of the results. Default: one of float32. */
  readonly results?: readonly DType[] | ((row: Row<O>) => readonly DType[]);
  /** Default: 1. */
  readonly terms?: (shapes: readonly (readonly number[])[], options: O) => number;
  readonly tolerance: Tolerance | ((terms: number, row: Row<O>) => Tolerance);
  readonly rows: readonly Row<O>[];
}

const show = (value: object): string => JSON.stringify(value).replaceAll('"', '');

/** The cases of a table. */
export function casesOf<O extends object = None>(table: Table<O>): OpCase[] {
  const { op, run, reference, gradients, results = ['float32'], tolerance } = table;
  return table.rows.map((row) => {
    const options = row.options ?? ({} as O);
    const shapes = row.inputs.map((input) => input.shape);
    const fills = row.inputs.map(({ fill }) => (typeof fill === 'string' ? fill : show(fill)));
    const terms = table.terms?.(shapes, options) ?? 1;
    const floats = [...row.inputs.keys()].filter((k) => row.inputs[k]!.dtype === 'float32');
    const parts = [op, ...shapes.map((shape, k) => `${fills[k]} [${shape}]`)];
    if (row.options !== undefined) parts.push(show(options));
    if (row.note !== undefined) parts.push(`(${row.note})`);
    return {
      name: parts.join(' '),
      op,
      run: (inputs) => [run(inputs, options)].flat() as Tensor[],
      reference: (inputs) => [reference(inputs, options)].flat(),
      gradients: gradients === undefined ? null : (dy, inputs) => gradients(dy, inputs, options),
      inputs: row.inputs,
      differentiable: row.differentiable ?? table.differentiable ?? floats,
      hasGradient: table.differentiable?.length !== 0,
      results: typeof results === 'function' ? results(row) : results,
      terms,
      tolerance: row.tolerance ?? (typeof tolerance === 'function' ? tolerance(terms, row) : tolerance),
      sliced: row.sliced ?? false,
      costly: row.costly ?? false,
    };
  });
}

/** Results of the dtype of the first input. */
export const sameType = ({ inputs }: { readonly inputs: readonly CaseInput[] }): DType[] => [inputs[0]!.dtype];

/** The inputs of a case: the same numbers every time, all of which their type can hold. */
export function inputsOf(c: OpCase): Ref[] {
  return c.inputs.map(({ shape, fill, dtype }, k) =>
    ref(shape, filled(fill, sizeOf(shape), new Random(c.name, k), k, dtype === 'float32')),
  );
}

/** Operations that run on the kernels for matrix products: test/autograd/gemm*.test.ts try those of each tuning. */
export const products = ['conv2d', 'matmul'];

/**
 * The cases of all files in test/cases, or those of the named operations.
 *
 * @throws an Error if one of them has no case
 */
export async function loadCases(ops?: readonly string[]): Promise<OpCase[]> {
  const folder = new URL('../cases/', import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const cases: OpCase[] = [];
  for (const file of files.sort()) {
    const module = (await import(new URL(file, folder).href)) as { readonly cases: readonly OpCase[] };
    cases.push(...module.cases);
  }
  const known = new Set(cases.map(({ op }) => op));
  for (const op of ops ?? []) {
    if (!known.has(op)) throw new Error(`no cases of ${op}; there are cases of ${[...known].join(', ')}`);
  }
  return ops === undefined ? cases : cases.filter(({ op }) => ops.includes(op));
}

/** Tolerance of the gradient of input `k`: each of its elements gathers the same number of terms. */
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
export const subnormal = input('subnormal');
export const boxes = input('boxes');
export const zeros = input('zeros');
export const ones = input('ones');

/** Integers from `low` to `high`. */
export const whole = (low: number, high: number, dtype: DType, ...shape: number[]): CaseInput =>
  input({ low, high }, dtype)(...shape);

/** Indices below `n`, as int32. */
export const below = (n: number, ...shape: number[]): CaseInput => whole(0, n - 1, 'int32', ...shape);

/** Two inputs that pair each special value with each. */
export const specialPairs = (): CaseInput[] => [
  { shape: [121], fill: specials.flatMap((value) => specials.map(() => value)), dtype: 'float32' },
  { shape: [121], fill: [...specials], dtype: 'float32' },
];

/** The given values, repeated. */
export const values = (list: readonly number[], shape: readonly number[], dtype: DType = 'float32'): CaseInput => ({
  shape,
  fill: list,
  dtype,
});
