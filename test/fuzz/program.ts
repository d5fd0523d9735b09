// A program: tensors, and calls of operations whose operands are those tensors and earlier results.
import type { DType } from '../../src/tensor/dtype.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { ref, type Ref } from '../reference/array.ts';
import type { Draw } from './draw.ts';

/** A reference array with the type of the tensor that it stands for. */
export interface Value extends Ref {
  readonly dtype: DType;
}

/** A value of the program as an argument, by its number: leaves and results are counted together. */
export class Operand {
  readonly index: number;
  constructor(index: number) {
    this.index = index;
  }
}

/** An argument as it is written in a call. */
export type Argument =
  | Operand
  | number
  | string
  | boolean
  | null
  | undefined
  | readonly Argument[]
  | { readonly [name: string]: Argument };

/** Results of a call: one, a list, or several with names. */
export type Results<T> = T | readonly T[] | { readonly [name: string]: T };

/**
 * How far an operation's result may lie from the exact one.
 * - `exact`: not at all
 * - `rounded`: one rounding
 * - `sum`: roundings of terms and of partial sums; none where all inputs are small integers
 * - otherwise the accuracy of an approximation, in units in the last place and as an absolute error
 */
export type Accuracy =
  | 'exact'
  | 'rounded'
  | 'sum'
  | {
      readonly ulps?: number;
      readonly absolute?: number;
      /** Whether inputs are not disturbed, because a function jumps where they are not whole. */
      readonly exactInputs?: boolean;
    };

/** What the fuzzer knows of an operation. */
export interface Row {
  /** Legal arguments, or null if there are none for what was drawn. */
  draw(d: Draw): readonly Argument[] | null;
  /** The float64 reference: it takes the same arguments, with a `Value` for each tensor. */
  reference(...args: readonly unknown[]): Results<Ref>;
  /** Type of each result, from the arguments. Default float32. */
  dtype?(...args: readonly unknown[]): DType | readonly DType[];
  /** Default `sum`. */
  readonly accuracy?: Accuracy;
  /**
   * Terms that cancel in the results, where an operation subtracts inside, as in x - mean(x): results may be off by a
   * rounding of these. Gradients cancel in the same way, where the terms are linear in the arguments: factors that depend on
   * them are computed from the arguments `atRest`, which do not move when a derivative is taken.
   */
  cancels?(args: readonly unknown[], atRest: readonly unknown[], isForGradient: boolean): Results<Ref>;
  /** Results, by position, through which no gradient flows although they are float32. */
  readonly detached?: readonly number[];
  /** Whether gradients pass unchanged or not at all, so that an infinite one behind a mask becomes 0. */
  readonly selects?: boolean;
  /** Whether large finite inputs may overflow inside although the result would not. */
  readonly mayOverflow?: boolean;
  /** How the library is called, and how that is written. Default: by the name of the row. */
  readonly call?: {
    run(...args: readonly unknown[]): Results<Tensor>;
    text(...args: readonly string[]): string;
  };
}

export interface Leaf {
  readonly kind: 'leaf';
  readonly value: Value;
  /** Whether the gradient with respect to it is compared. */
  readonly differentiable: boolean;
}

export interface Call {
  readonly kind: 'call';
  readonly op: string;
  readonly row: Row;
  readonly args: readonly Argument[];
  /** Names of the results, if they have names. */
  readonly names: readonly string[] | null;
  readonly isList: boolean;
}

export interface Entry {
  readonly made: Leaf | Call;
  /** Number of its first value, and how many there are. */
  readonly first: number;
  readonly count: number;
}

export interface Program {
  /** Whether inputs contain NaN, infinities, zeros, subnormal and very large numbers. Then values are compared only. */
  readonly special: boolean;
  readonly entries: readonly Entry[];
  /** The values that the float64 reference computes. */
  readonly values: readonly Value[];
}

/** Replaces the operands of an argument by what they stand for. */
export function resolve(arg: Argument, valueOf: (index: number) => unknown): unknown {
  if (arg instanceof Operand) return valueOf(arg.index);
  if (Array.isArray(arg)) return arg.map((item: Argument) => resolve(item, valueOf));
  if (typeof arg !== 'object' || arg === null) return arg;
  return Object.fromEntries(Object.entries(arg).map(([name, value]) => [name, resolve(value, valueOf)]));
}

/** Numbers of the values that an argument contains. */
export function operandsOf(arg: Argument): number[] {
  if (arg instanceof Operand) return [arg.index];
  if (typeof arg !== 'object' || arg === null) return [];
  return Object.values(arg).flatMap((item) => operandsOf(item as Argument));
}

/** One or several results as a list. */
export function listOf<T extends object>(results: Results<T>, isOne: (value: object) => boolean): readonly T[] {
  if (isOne(results)) return [results as T];
  return Object.values(results) as T[];
}

export const isRef = (value: object): boolean => 'data' in value && 'shape' in value;

/** Whether a value is of the type that has derivatives. */
export const isFloat = (value: Value): boolean => value.dtype === 'float32';

/** What an integer type makes of a whole number: it wraps. */
function wrapped(data: Float64Array, dtype: DType): Float64Array {
  if (dtype === 'int32') return data.map((v) => v | 0);
  if (dtype === 'uint32') return data.map((v) => v >>> 0);
  return data;
}

/** Any array as a value of a type. */
export const valueOf = ({ shape, data }: Ref, dtype: DType): Value => ({ ...ref(shape, wrapped(data, dtype)), dtype });

/** The reference's results of a call on given values. */
export function compute(call: Call, at: (index: number) => Value): Value[] {
  const args = call.args.map((arg) => resolve(arg, at));
  const results = listOf<Ref>(call.row.reference(...args), isRef);
  const types = call.row.dtype?.(...args) ?? 'float32';
  return results.map((result, i) => valueOf(result, typeof types === 'string' ? types : types[i]!));
}
