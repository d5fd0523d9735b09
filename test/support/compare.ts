import type { Ref } from '../reference/array.ts';

/** Maximum distance of a result from the expected value: the sum of three terms, each 0 by default. */
export interface Tolerance {
  /** Fraction of the expected value. */
  readonly relative?: number;
  /** Independent of any value. */
  readonly absolute?: number;
  /** Fraction of the largest finite expected value: for results of sums that cancel, as in gradients. */
  readonly largest?: number;
}

/** The smallest normal float32: WGSL allows anything smaller to become 0. */
const SMALLEST = 2 ** -126;

/** Half of the distance from 1 to the next float32: the error of one correctly rounded operation. */
const UNIT = 2 ** -24;

/** Equal, except for numbers that float32 cannot represent. */
export const exact: Tolerance = {};

/** A result of one function that is accurate to some units in the last place (WGSL specification, section 15.7.4). */
export const ulps = (n: number): Tolerance => ({ relative: n * 2 * UNIT });

/**
 * Tolerance for a sum of k terms of about the size `scale`.
 *
 * Each addition rounds a partial sum by up to UNIT of its size. For terms of either sign the partial sums grow as sqrt(k),
 * and the k independent roundings of them add up to about UNIT * k * scale / sqrt(2): sqrt(k) * UNIT of a typical result,
 * sqrt(k) * scale. For terms of one sign the partial sums grow as k, and the same fraction follows. So both parts are
 * sqrt(k) * UNIT times 8, which leaves room for rounded products and for outliers of one in a thousand. The absolute part allows
 * results near 0, whose terms cancelled, the error of a typical result.
 */
export function tolerance(k: number, scale = 1): Tolerance {
  const relative = 8 * Math.sqrt(Math.max(k, 1)) * UNIT;
  return { relative, absolute: relative * Math.sqrt(k) * scale };
}

/**
 * Tolerance for a gradient whose elements are sums of about k terms. Eight times wider than `tolerance`, for the
 * intermediate results that a backward pass rounds; relative to the largest gradient, because terms cancel freely.
 */
export function gradientTolerance(k: number): Tolerance {
  const part = 64 * Math.sqrt(Math.max(k, 1)) * UNIT;
  return { relative: part, largest: part, absolute: 1e-7 };
}

const numbers = (x: Ref | ArrayLike<number>): ArrayLike<number> => ('data' in x ? x.data : x);

/** The index of a flat position, as text. */
function place(position: number, shape: readonly number[]): string {
  const index = shape.map(() => 0);
  for (let d = shape.length - 1, rest = position; d >= 0; d--) {
    index[d] = rest % shape[d]!;
    rest = Math.floor(rest / shape[d]!);
  }
  return `[${index.join(', ')}] of [${shape.join(', ')}]`;
}

/**
 * Throws unless every element lies within the tolerance of the expected one; the error names the worst. Expected values are
 * rounded to float32 first, so that infinity is expected where float32 overflows. NaN must be matched by NaN.
 */
export function assertClose(
  actual: ArrayLike<number>,
  expected: Ref | ArrayLike<number>,
  options: { readonly tolerance: Tolerance; readonly label: string },
): void {
  const { tolerance, label } = options;
  const { relative = 0, absolute = 0, largest = 0 } = tolerance;
  const want = numbers(expected);
  const shape = 'shape' in expected ? expected.shape : [want.length];
  if (actual.length !== want.length) {
    throw new Error(`${label}: got ${actual.length} elements, expected ${want.length} of [${shape.join(', ')}]`);
  }
  let top = 0;
  for (let i = 0; i < want.length; i++) {
    const size = Math.abs(Math.fround(want[i]!));
    if (size > top && size < Infinity) top = size;
  }
  let [worst, worstRatio, failures] = [-1, 1, 0];
  for (let i = 0; i < want.length; i++) {
    const target = Math.fround(want[i]!);
    const got = actual[i]!;
    if (got === target || got === want[i] || (Number.isNaN(got) && Number.isNaN(target))) continue;
    const limit = absolute + relative * Math.abs(target) + largest * top + SMALLEST;
    const ratio = Math.abs(got - want[i]!) / limit;
    // NaN or infinity if exactly one of the two values is infinite or NaN.
    if (ratio <= 1) continue;
    failures++;
    if (!(ratio <= worstRatio)) [worst, worstRatio] = [i, Number.isNaN(ratio) ? Infinity : ratio];
  }
  if (failures === 0) return;
  throw new Error(
    `${label}: ${failures} of ${want.length} elements are off, worst at ${place(worst, shape)}: got ${actual[worst]}, ` +
      `expected ${want[worst]}, ${worstRatio.toPrecision(3)} times the tolerance ` +
      `(relative ${relative}, absolute ${absolute}, of the largest ${largest})`,
  );
}
