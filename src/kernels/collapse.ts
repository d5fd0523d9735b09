import type { Shape } from '../tensor/shape.ts';

/** Axes that the strided kernels handle. */
const MAX_RANK = 6;

/**
 * Merges neighbouring axes that every operand walks as one. The strided kernels handle six axes, which then suffice for
 * nearly every tensor. Axes of extent 1 are dropped.
 *
 * @param strides one list per operand, as long as `shape`
 */
export function collapse(
  op: string,
  shape: Shape,
  strides: readonly (readonly number[])[],
): { readonly shape: number[]; readonly strides: number[][] } {
  const outShape: number[] = [];
  const outStrides: number[][] = strides.map(() => []);
  shape.forEach((extent, d) => {
    if (extent === 1) return;
    const last = outShape.length - 1;
    // The previous axis continues into this one when a step along it is `extent` steps along this one.
    if (last >= 0 && strides.every((s, t) => outStrides[t]![last] === s[d]! * extent)) {
      outShape[last]! *= extent;
      strides.forEach((s, t) => (outStrides[t]![last] = s[d]!));
    } else {
      outShape.push(extent);
      strides.forEach((s, t) => outStrides[t]!.push(s[d]!));
    }
  });
  if (outShape.length > MAX_RANK) {
    throw new RangeError(
      `${op}: shape [${shape}] needs ${outShape.length} separate axes, at most ${MAX_RANK} are supported`,
    );
  }
  return { shape: outShape, strides: outStrides };
}

/** Fills a list up to six entries, at the front. */
export function padRank(values: readonly number[], filler: number): number[] {
  return [...new Array<number>(MAX_RANK - values.length).fill(filler), ...values];
}

type Axis = 0 | 1 | 2 | 3 | 4 | 5;

/** Extents of six axes as the kernels' parameters s1 to s5. They do not need that of the outermost axis. */
export function extentParams(extents: readonly number[]): Record<`s${Exclude<Axis, 0>}`, number> {
  const [, s1, s2, s3, s4, s5] = extents as [number, number, number, number, number, number];
  return { s1, s2, s3, s4, s5 };
}

/** Strides along six axes as the kernels' parameters `name`0 to `name`5. */
export function strideParams<N extends string>(name: N, strides: readonly number[]): Record<`${N}${Axis}`, number> {
  return Object.fromEntries(strides.map((stride, d) => [`${name}${d}`, stride])) as Record<`${N}${Axis}`, number>;
}
